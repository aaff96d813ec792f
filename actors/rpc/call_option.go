package rpc

import (
	"sync/atomic"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// CallOption changes how a function is called.
type CallOption func(*callOptions)

type callOptions struct {
	pending []pending.Option
	ran     *atomic.Bool // set when the function runs, on this node
	repetition
}

func callOptionsOf(opts []CallOption) (o callOptions) {
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// PendingOptions gives options to the pending of the call: metadata, trackers, a
// name.
func PendingOptions(opts ...pending.Option) CallOption {
	return func(o *callOptions) { o.pending = append(o.pending, opts...) }
}
