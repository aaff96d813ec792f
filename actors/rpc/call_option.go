package rpc

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unicode/utf8"

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
	key     string       // of a call that is made again; empty for one that is not
	// attemptTimeout is how long an attempt may take before the target is looked for
	// anew; nil for ever.
	attemptTimeout *time.Duration
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

// PendingOptions gives options to the pending of the call: metadata, trackers, a name.
func PendingOptions(opts ...pending.Option) CallOption {
	return func(o *callOptions) { o.pending = append(o.pending, opts...) }
}

// Window sets how many items of a [Stream] may be under way: sent, and not consumed. With
// [MaxSize] it bounds the memory that the stream needs on either side. The default is
// [DefaultWindow], the most [LargestWindow].
//
// A value that is not between 1 and that ends the stream with an error, and no call is
// made.
func Window(items int) CallOption {
	return func(o *callOptions) { o.window = items }
}

// checkStream returns why a stream cannot be called.
func (o callOptions) checkStream() error {
	if o.keyed() {
		return errors.New("rpc: Stream: not with Idempotent or AttemptTimeout: a stream is not made again")
	}
	if o.window < 1 || o.window > LargestWindow {
		return fmt.Errorf("rpc: Window: %d is not between 1 and %d", o.window, LargestWindow)
	}
	return nil
}

// keyed reports whether the options are for calls with a key.
func (o callOptions) keyed() bool { return o.key != "" || o.attemptTimeout != nil }

// check returns why a call cannot be made.
func (o callOptions) check() error {
	if d := o.attemptTimeout; d != nil {
		switch {
		case o.key == "":
			return errors.New("rpc: AttemptTimeout: only with Idempotent")
		case *d <= 0:
			return fmt.Errorf("rpc: AttemptTimeout: %v is not more than 0", *d)
		}
	}
	if !utf8.ValidString(o.key) {
		return fmt.Errorf("%w: Idempotent: the key is no UTF-8", ErrEncoding)
	}
	return checkKey(o.key)
}
