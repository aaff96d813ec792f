package actors

import (
	"errors"
	"time"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// CallOption configures a call of [Schedule], [Call] or [Do].
type CallOption func(*callOptions)

type callOptions struct {
	pending      []pending.Option
	delay        time.Duration
	worker       bool
	timeout      *time.Duration
	queueTimeout *time.Duration
	retry        *retryPlan
	urgent       bool
}

// Named gives the call a name, for its pending, logs and spans. The default is the name
// of the function. For a pending without a function, use [pending.Named].
func Named(name string) CallOption {
	return func(o *callOptions) { o.pending = append(o.pending, pending.Named(name)) }
}

// With attaches a value to the metadata of the call's pending. For a pending without a
// function, use [pending.With].
func With(key string, value any) CallOption {
	return func(o *callOptions) { o.pending = append(o.pending, pending.With(key, value)) }
}

// TrackedBy limits the trackers of the call, and of what its function calls, to those for
// which keep returns true. A keep that returns false hides the call from all of them. For a
// pending without a function, use [pending.TrackedBy].
func TrackedBy(keep func(pending.Tracker) bool) CallOption {
	if keep == nil {
		panic("actors: TrackedBy with a nil function")
	}
	return func(o *callOptions) { o.pending = append(o.pending, pending.TrackedBy(keep)) }
}

// Protected makes a call that no wait cancels, as [pending.Protected] does for a pending
// without a function.
func Protected() CallOption {
	return func(o *callOptions) { o.pending = append(o.pending, pending.Protected()) }
}

// Delay queues the call after d, or at once if d is zero or less.
func Delay(d time.Duration) CallOption {
	return func(o *callOptions) { o.delay = d }
}

// Timeout cancels the call if it is not done d after it was scheduled. The cause matches
// [context.DeadlineExceeded]. With a d of zero or less the function never runs.
//
// It limits the call, whoever waits for it. To limit one wait, use [pending.Timeout].
func Timeout(d time.Duration) CallOption {
	return func(o *callOptions) { o.timeout = &d }
}

// QueueTimeout cancels the call if its function has not started after d. The cause
// matches [context.DeadlineExceeded]. With a d of zero or less the function never runs.
func QueueTimeout(d time.Duration) CallOption {
	return func(o *callOptions) { o.queueTimeout = &d }
}

// Urgent has the call started before all that is queued, in order with the other urgent
// calls. What is queued is not starved: after at most 16 urgent calls, one item of it is
// next. Functions that want their turn back come before urgent calls too.
//
// [props.MaxQueued] counts urgent calls like the others. With [Delay] the call becomes
// urgent when it is due. Urgent cannot be combined with [OnWorker]: that is an error of
// the pending.
func Urgent() CallOption {
	return func(o *callOptions) { o.urgent = true }
}

// check returns an error for options that make no sense.
func (o *callOptions) check() error {
	switch {
	case o.retry != nil && o.retry.invalid != nil:
		return o.retry.invalid
	case o.urgent && o.worker:
		return errors.New("actors: Urgent: cannot be combined with OnWorker")
	default:
		return nil
	}
}

// OnWorker runs the function on a worker of the caller, as [ToThread] does.
func OnWorker() CallOption {
	return func(o *callOptions) { o.worker = true }
}
