package pending

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
)

// Runner runs the function of a [Task]; package actors implements it. It is
// the turn of that function as well.
type Runner interface {
	Turn
	// Logger returns where to report failures that have no other place.
	Logger() *slog.Logger
	// Describe adds to the metadata what the runner knows of the task.
	Describe(Metadata)
	// Left says that the function has returned, or has panicked if crash is not
	// nil, just before the pending is done.
	Left(crash *PanicError)
	// Dropped says that the pending is done although its function was not called, and
	// never will be.
	Dropped()
}

// RunnerOf returns the runner of the function behind h, or nil if h has none.
func RunnerOf(h Handle) Runner { return h.core().runner }

// KeeperOf returns what [KeptBy] was given for h, or nil.
func KeeperOf(h Handle) Handle {
	b := h.core()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lazy == nil {
		return nil
	}
	return b.lazy.completer
}

// Origin returns the name that was given to h, or "", and the entry of the
// function behind it, or 0 if there is none.
func Origin(h Handle) (given string, pc uintptr) {
	b := h.core()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lazy != nil {
		given = b.lazy.name
	}
	return given, b.pc
}

// Task is a pending together with the function that completes it. It is for
// those who schedule functions, which is package actors; a user sees its
// Pending alone.
type Task[T any] struct {
	Pending[T]
	fn func(context.Context) (T, error)
}

// Init makes t ready to be run by r. It is called once, before any other
// method.
func (t *Task[T]) Init(ctx context.Context, fn func(context.Context) (T, error), r Runner, opts ...Option) {
	t.fn = fn
	t.pc = programCounter(fn)
	t.runner = r
	t.init(ctx, &t.Pending, opts)
}

// Run calls the function and completes the pending with what it returns. It
// does nothing if the pending is done, and cancels it if its context has
// ended. A panic becomes a [*PanicError], which is returned too. If the
// function ends its goroutine with [runtime.Goexit] the pending is cancelled
// and Run does not return.
func (t *Task[T]) Run() *PanicError {
	if !t.Begin() {
		return nil
	}
	value, crash, err := t.call()
	if crash != nil {
		t.endCrashed(crash)
	} else {
		t.end(value, err)
	}
	return crash
}

// call calls the function. It is not left before the pending is done if the
// function ends the goroutine.
func (t *Task[T]) call() (value T, crash *PanicError, err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if r := recover(); r != nil {
			crash = &PanicError{Value: r, Stack: debug.Stack()}
			return
		}
		t.end(value, errGoexit)
	}()
	value, err = t.fn(t.FunctionContext())
	returned = true
	return value, nil, err
}

// Release lets go of the function of a task that was dropped, with what it holds.
func (t *Task[T]) Release() { t.fn = nil }

// FunctionContext returns the context that Run gives to the function, for those
// who run it in another way, between Begin and End.
func (t *Task[T]) FunctionContext() context.Context { return (*runContext)(&t.base) }

// End completes the pending with what its function has returned.
func (t *Task[T]) End(value T, err error) { t.end(value, err) }

func (t *Task[T]) end(value T, err error) {
	if err != nil {
		err = t.outcome(err)
	}
	t.fn = nil
	t.endRun()
	t.runner.Left(nil)
	t.complete(value, err)
}

// endCrashed completes the pending with a panic. The runner logs that, and a log
// handler of the user's may end the goroutine.
func (t *Task[T]) endCrashed(crash *PanicError) {
	t.fn = nil
	t.endRun()
	var none T
	defer t.complete(none, crash)
	t.runner.Left(crash)
}

// Due says that the time of a delayed call has come.
func (t *Task[T]) Due() {
	if o := t.observed(); o != nil {
		o.Due()
	}
}

// Begin reports whether the function may run, and says that it does.
func (t *Task[T]) Begin() bool { return t.start() }

func (b *base) start() bool {
	if b.ctx.Err() != nil {
		b.reject(context.Cause(b.ctx))
	}
	for {
		flags := b.flags.Load()
		if flags&(flagCancelled|flagDone) != 0 {
			b.finishRejected()
			return false
		}
		if b.flags.CompareAndSwap(flags, flags|flagStarted) {
			break
		}
	}
	if b.is(flagObserved) {
		b.observed().Started()
	}
	return true
}

// reject cancels the pending unless its function has started. It is done then,
// even if its canceller ends the goroutine.
func (b *base) reject(cause error) {
	defer b.finishRejected()
	b.cancelUnstarted(cause)
}

// finishRejected makes a cancelled pending done whose function will not run, in case
// that whoever was asked to end it has not done so.
func (b *base) finishRejected() {
	b.mu.Lock()
	if b.is(flagDone | flagStarted) {
		b.mu.Unlock()
		return
	}
	b.markDoneAndNotify()
}

// outcome makes the error a function returned into a cancellation, if it is
// the end of the function's context that it returned.
func (b *base) outcome(err error) error {
	ctx := (*runContext)(b)
	ended := ctx.Err()
	if ended == nil {
		return err
	}
	cause := context.Cause(ctx)
	switch {
	case matches(err, cause):
		return asCancellation(err)
	case err == ended: //nolint:errorlint // The bare error adds nothing to the cause.
		return asCancellation(cause)
	case matches(err, ended):
		return asCancellation(errors.Join(cause, err))
	default:
		return err
	}
}

// Reject cancels the pending unless its function has started. It is done then,
// whatever its canceller does.
func (t *Task[T]) Reject(cause error) { t.reject(cause) }

// Interrupt cancels the context of the running function, not its pending: a
// function that returns a value nevertheless keeps it.
func (t *Task[T]) Interrupt(cause error) {
	if t.is(flagStarted) && !t.is(flagReturned) {
		t.interrupt(cause)
	}
}

// Abandon cancels the pending and makes it done although its function has not
// returned; what that returns later is dropped.
func (t *Task[T]) Abandon(cause error) {
	defer t.Fail(cause) // even if its canceller ends the goroutine
	t.CancelFor(cause)
}

// CancelFor is Cancel that changes nothing if the pending is cancelled for that
// reason: several may hear of it, and the error is to say it once.
func (t *Task[T]) CancelFor(reason error) bool { return t.cancelUnless(flagDone, reason, true) }

// Fail completes the pending of a task whose function will not run with err. It
// returns false when the pending was done or marked cancelled before.
func (t *Task[T]) Fail(err error) bool {
	var none T
	return t.complete(none, err)
}
