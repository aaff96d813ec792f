package rpc

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

const (
	// DefaultWindow is that of [Window].
	DefaultWindow = 16
	// LargestWindow is the largest that [Window] may be.
	LargestWindow = 1 << 16
)

// CallOption changes how a function is called.
type CallOption func(*callOptions)

type callOptions struct {
	pending []pending.Option
	window  int
	ran     *atomic.Bool // set when the function runs, on this node
	repetition
}

func callOptionsOf(opts []CallOption) callOptions {
	if len(opts) == 0 {
		return callOptions{window: DefaultWindow} // in no memory of its own, which options could keep
	}
	o := callOptions{window: DefaultWindow}
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

// Window is how many items of a [Stream] may be under way: sent, and not consumed.
// With [MaxSize] it bounds the memory that the stream needs on either side. The
// default is [DefaultWindow], the most [LargestWindow]; with a value that is not
// between 1 and that the stream ends with an error, and makes no call.
func Window(items int) CallOption {
	return func(o *callOptions) { o.window = items }
}

// checkStream returns why a stream cannot be called.
func (o callOptions) checkStream() error {
	if o.repeats() {
		return errors.New("rpc: Stream: not with Idempotent or AttemptTimeout: a stream is not repeated")
	}
	if o.window < 1 || o.window > LargestWindow {
		return fmt.Errorf("rpc: Window: %d is not between 1 and %d", o.window, LargestWindow)
	}
	return nil
}
