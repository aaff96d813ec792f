// Package scheduled has the pending of a function together with the function. It is what
// schedulers of functions schedule.
package scheduled

import (
	"context"
	"runtime/debug"

	"github.com/seed-7fcaac1b/protocaller/internal/entry"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Call is a pending together with the function that completes it.
type Call[T any] struct {
	pending.Pending[T]
	fn func(context.Context) (T, error)
}

// Init prepares c to be run by r. It must be called once, before any other method.
func (c *Call[T]) Init(ctx context.Context, fn func(context.Context) (T, error), r future.Runner, opts ...pending.Option) {
	c.InitObserved(ctx, fn, r, nil, opts...)
}

// InitObserved is Init with an observer before those of the options, which find its span. A nil
// o is none.
func (c *Call[T]) InitObserved(
	ctx context.Context, fn func(context.Context) (T, error), r future.Runner, o future.Observer, opts ...pending.Option,
) {
	c.fn = fn
	var details *future.Details
	if len(opts) > 0 {
		details, o = future.ApplyObserved(o, opts), nil
	}
	c.task().Init(ctx, &c.Pending, r, entry.Of(fn), o, details)
}

// result returns what the pending is inside. That needs a call through an interface, and is
// done once for several things.
func (c *Call[T]) result() *future.Result[T] { return future.ResultOf[T](&c.Pending) }

func taskOf[T any](r *future.Result[T]) *future.Task { return (*future.Task)(future.CoreOf(r)) }

func (c *Call[T]) task() *future.Task { return future.TaskOf(&c.Pending) }

// Wrap replaces the function by one that calls it. The names of the call stay those of the
// function. It must be called before the call is scheduled.
func (c *Call[T]) Wrap(wrap func(fn func(context.Context) (T, error)) func(context.Context) (T, error)) {
	c.fn = wrap(c.fn)
}

// Run calls the function and completes the pending with what it returns. It
// does nothing if the pending is done, and cancels it if its context has ended.
// A panic becomes a [*pending.PanicError], which is returned too. If the function ends
// its goroutine with [runtime.Goexit], the pending is cancelled and Run does
// not return.
func (c *Call[T]) Run() (crash error) {
	r := c.result()
	returned := false
	defer func() {
		if !returned {
			recovered := recover()
			crash = c.left(r, recovered)
		}
	}()
	if !taskOf(r).Begin() {
		returned = true
		return nil
	}
	value, err := c.fn(taskOf(r).Context())
	returned = true
	c.end(r, value, err)
	return nil
}

// left completes the pending of a function that has not returned. It has panicked, unless
// what was recovered is nil. It may have ended its goroutine, also before the panic.
func (c *Call[T]) left(r *future.Result[T], recovered any) (crash error) {
	if recovered == nil {
		var none T
		err := taskOf(r).Exit()
		defer future.Complete(r, none, err) // even if a context of user code ends the goroutine again
		c.end(r, none, err)
		return nil
	}
	crash = &pending.PanicError{Value: recovered, Stack: debug.Stack()}
	c.endCrashed(r, crash)
	return crash
}

// Begin marks the function as started and reports whether it may run.
func (c *Call[T]) Begin() bool { return c.task().Begin() }

// FunctionContext returns the context that Run gives to the function. It is for
// schedulers that call the function themselves, between Begin and End.
func (c *Call[T]) FunctionContext() context.Context { return c.task().Context() }

// End completes the pending with what its function has returned.
func (c *Call[T]) End(value T, err error) { c.end(c.result(), value, err) }

func (c *Call[T]) end(r *future.Result[T], value T, err error) {
	c.fn = nil
	future.Complete(r, value, taskOf(r).Return(err))
}

// endCrashed completes the pending with a panic. The runner logs the panic, and
// a log handler of user code may end the goroutine.
func (c *Call[T]) endCrashed(r *future.Result[T], crash error) {
	c.fn = nil
	var none T
	defer future.Complete(r, none, crash)
	taskOf(r).ReturnPanic(crash)
}

// Returned returns the result of a call that is done. It reports false for one that is not,
// and for one whose function has ended its goroutine.
func (c *Call[T]) Returned() (ok bool, value T, err error) { return future.Returned(c.result()) }

// HasExited reports whether the function has ended its goroutine with [runtime.Goexit].
func (c *Call[T]) HasExited() bool { return c.task().HasExited() }

// Release drops the reference to the function of a call that was dropped.
func (c *Call[T]) Release() { c.fn = nil }

// Delay notes that a timer will schedule the call, until Due.
func (c *Call[T]) Delay() { c.task().Delay() }

// Limit notes that a timer will cancel the call: with queued only if its function has not
// started by then. Unlimit follows when the timer fires.
func (c *Call[T]) Limit(queued bool) { c.task().Limit(queued) }

// Unlimit takes a Limit back.
func (c *Call[T]) Unlimit(queued bool) { c.task().Unlimit(queued) }

// Due notes that the time of a delayed call has come, and notifies the observer.
func (c *Call[T]) Due() { c.task().Due() }

// Reject cancels the pending unless its function has started. The pending is
// then done, whatever its canceller does.
func (c *Call[T]) Reject(cause error) { c.task().Reject(cause) }

// Interrupt cancels the context of the running function, but not its pending. A
// value that the function still returns counts.
func (c *Call[T]) Interrupt(cause error) { c.task().Interrupt(cause) }

// Abandon cancels the pending and makes it done although its function has not
// returned. What the function returns later is discarded.
func (c *Call[T]) Abandon(cause error) {
	defer c.Fail(cause) // even if its canceller ends the goroutine
	c.CancelFor(cause)
}

// CancelFor is Cancel that changes nothing if the pending is cancelled for that
// reason already.
func (c *Call[T]) CancelFor(reason error) bool { return future.CancelFor(c.task().Core(), reason) }

// Fail completes the pending of a call with err when its function will not run.
// It returns false when the pending was done or marked cancelled before.
func (c *Call[T]) Fail(err error) bool {
	var none T
	return future.Complete(c.result(), none, err)
}
