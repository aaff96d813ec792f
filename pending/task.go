package pending

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"

	"github.com/seed-7fcaac1b/protocaller/internal/entry"
)

// Runner runs the function of a [Task]; package actors implements it. It is the
// turn of that function as well.
type Runner interface {
	Turn
	// Logger returns where to report failures that no wait returns.
	Logger() *slog.Logger
	// Describe adds what the runner knows of the task to the metadata.
	Describe(Metadata)
	// IsWaiting reports whether the function waits, with its turn or without.
	IsWaiting() bool
	// Awaited is called when something begins to wait for what the function holds. It
	// never blocks. It may be called from any goroutine.
	Awaited()
	// Left is called when the function has returned, just before the pending is
	// done. crash is not nil if the function panicked.
	Left(crash *PanicError)
	// Failed is called when the pending is done and has an error. started says whether
	// its function was called.
	Failed(started, cancelled bool)
	// Dropped is called when the pending is done and its function was never
	// called, and never will be.
	Dropped()
}

// RunnerOf returns the runner of the function behind h, or nil if h has none.
func RunnerOf(h Handle) Runner { return h.core().runner }

// CompleterOf returns the argument of [CompletedBy] for h, or nil.
func CompleterOf(h Handle) Handle {
	b := h.core()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lazy == nil {
		return nil
	}
	return b.lazy.completer
}

// SetCompleter replaces the argument of [CompletedBy] for h. It is for pendings that one
// function after the other may complete.
func SetCompleter(h, completer Handle) {
	b := h.core()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ensureLazy().completer = completer
}

// Origin returns the name that was given to h, or "". It also returns the entry
// of the function behind h, or 0 if there is none.
func Origin(h Handle) (given string, pc uintptr) {
	b := h.core()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lazy != nil {
		given = b.lazy.name
	}
	return given, b.pc
}

// Panicked reports whether the function behind h has panicked. A function that returns the
// [*PanicError] of another one has not. It is for observers.
func Panicked(h Handle) bool { return h.core().is(flagPanicked) }

// Task is a pending together with the function that completes it. It is for
// schedulers of functions, which is package actors. Programs see only its
// Pending.
type Task[T any] struct {
	Pending[T]
	fn func(context.Context) (T, error)
}

// Init prepares t to be run by r. It must be called once, before any other method.
func (t *Task[T]) Init(ctx context.Context, fn func(context.Context) (T, error), r Runner, opts ...Option) {
	t.fn = fn
	t.pc = entry.Of(fn)
	t.runner = r
	t.init(ctx, &t.Pending, opts)
}

// Wrap replaces the function by one that calls it. The names of the task stay those of the
// function. It must be called before the task is scheduled.
func (t *Task[T]) Wrap(wrap func(fn func(context.Context) (T, error)) func(context.Context) (T, error)) {
	t.fn = wrap(t.fn)
}

// Run calls the function and completes the pending with what it returns. It
// does nothing if the pending is done, and cancels it if its context has ended.
// A panic becomes a [*PanicError], which is returned too. If the function ends
// its goroutine with [runtime.Goexit], the pending is cancelled and Run does
// not return.
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

// call calls the function. If the function ends the goroutine, call completes
// the pending before the goroutine exits.
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
		t.set(flagExited)
		t.end(value, errGoexit)
	}()
	value, err = t.fn(t.FunctionContext())
	returned = true
	return value, nil, err
}

// HasExited reports whether the function has ended its goroutine with [runtime.Goexit].
func (t *Task[T]) HasExited() bool { return t.is(flagExited) }

// Observed reports whether there is an observation of the pending.
func (t *Task[T]) Observed() bool { return t.is(flagObserved) }

// Release drops the reference to the function of a task that was dropped.
func (t *Task[T]) Release() { t.fn = nil }

// FunctionContext returns the context that Run gives to the function. It is for
// schedulers that call the function themselves, between Begin and End.
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

// endCrashed completes the pending with a panic. The runner logs the panic, and
// a log handler of user code may end the goroutine.
func (t *Task[T]) endCrashed(crash *PanicError) {
	t.fn = nil
	t.set(flagPanicked)
	t.endRun()
	var none T
	defer t.complete(none, crash)
	t.runner.Left(crash)
}

// Delay notes that a timer will schedule the task, until [Task.Due].
func (t *Task[T]) Delay() { t.set(flagDelayed) }

// Limit notes that a timer will cancel the task: with queued only if its
// function has not started by then. [Task.Unlimit] follows when the timer fires.
func (t *Task[T]) Limit(queued bool) {
	if queued {
		t.set(flagQueueTimed)
	} else {
		t.set(flagTimed)
	}
}

// Unlimit takes a Limit back.
func (t *Task[T]) Unlimit(queued bool) {
	if queued {
		t.unset(flagQueueTimed)
	} else {
		t.unset(flagTimed)
	}
}

// Due notes that the time of a delayed call has come, and notifies the observer.
func (t *Task[T]) Due() {
	t.unset(flagDelayed)
	if o := t.observed(); o.Observation != nil {
		o.Due()
	}
}

// Begin marks the function as started and reports whether it may run.
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

// reject cancels the pending unless its function has started. The pending is
// then done, even if its canceller ends the goroutine.
func (b *base) reject(cause error) {
	defer b.finishRejected()
	b.cancelUnstarted(cause)
}

// finishRejected makes a cancelled pending done if its function has not
// started. It is needed when the canceller has not completed the pending.
func (b *base) finishRejected() {
	b.mu.Lock()
	if b.is(flagDone | flagStarted) {
		b.mu.Unlock()
		return
	}
	b.markDoneAndNotify()
}

// outcome turns the error of a function into a cancellation if that error is
// the end of the function's context.
func (b *base) outcome(err error) error {
	ctx := (*runContext)(b)
	ended := ctx.Err()
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

// Reject cancels the pending unless its function has started. The pending is
// then done, whatever its canceller does.
func (t *Task[T]) Reject(cause error) { t.reject(cause) }

// Interrupt cancels the context of the running function, but not its pending. A
// value that the function still returns counts.
func (t *Task[T]) Interrupt(cause error) {
	if t.is(flagStarted) && !t.is(flagReturned) {
		t.interrupt(cause)
	}
}

// Abandon cancels the pending and makes it done although its function has not
// returned. What the function returns later is discarded.
func (t *Task[T]) Abandon(cause error) {
	defer t.Fail(cause) // even if its canceller ends the goroutine
	t.CancelFor(cause)
}

// CancelFor is Cancel that changes nothing if the pending is cancelled for that
// reason already. So the error names a reason once, even if several goroutines
// cancel.
func (t *Task[T]) CancelFor(reason error) bool { return t.cancelUnless(flagDone, reason, true) }

// Fail completes the pending of a task with err when its function will not run.
// It returns false when the pending was done or marked cancelled before.
func (t *Task[T]) Fail(err error) bool {
	var none T
	return t.complete(none, err)
}
