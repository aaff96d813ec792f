// Package served marks the calls that package rpc makes for other nodes.
package served

import "context"

// Context is the context of a call that another node has made. Package actors takes it away
// when the call is scheduled, so that the function does not pass it on to its own calls.
type Context struct {
	context.Context
	// CodeOf returns the code of an error for the span of the call, or "" for none. All calls
	// of a caller have the same one.
	CodeOf func(error) string
}
