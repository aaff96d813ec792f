// Package served marks the calls that package rpc makes, for this node and for others.
package served

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Context is the context of a call that package rpc makes. Package actors takes it away when
// the call is scheduled. So the function does not pass it on to its own calls.
type Context struct {
	context.Context
	// CodeOf is nil unless another node has made the call. It returns the code of an error for
	// the span of the call, or "" for none. All calls of a caller have the same one.
	CodeOf func(error) string
	// Options are those of the pending. Those of the call come after them.
	Options []pending.Option
}
