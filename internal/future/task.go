package future

import (
	"context"
	"errors"

	"github.com/seed-7fcaac1b/protocaller/internal/safeerrors"
)

// Task is the core of a pending as who runs its function sees it. It is the core itself under
// another type, so that the methods are not promoted to the pending. A nil Task stands for no
// function.
type Task Core

// TaskOf returns a pending as a task.
func TaskOf(h Sealed) *Task { return (*Task)(h.sealed()) }

// Running returns the task whose function runs with ctx. Outside of functions it returns nil.
func Running(ctx context.Context) *Task { return (*Task)(running(ctx)) }

// Core returns the core of the task, nil for a nil task.
func (t *Task) Core() *Core { return (*Core)(t) }

// Init makes t the core of handle, a pending whose function r runs. pc is the entry of the
// function. o is the observer of a pending without details, nil for none: those of others are
// in their details. It is called once, before handle is published.
func (t *Task) Init(ctx context.Context, handle Sealed, r Runner, pc uintptr, o Observer, d *Details) {
	t.pc, t.runner = pc, r
	t.Core().init(ctx, handle, o, d)
}

// Runner returns what runs the function.
func (t *Task) Runner() Runner { return t.runner }

// Context returns the context for the function, between Begin and Return.
func (t *Task) Context() context.Context { return (*runContext)(t) }

// Delay notes that a timer will schedule the task, until [Task.Due].
func (t *Task) Delay() { t.Core().set(flagDelayed) }

// Limit notes that a timer will cancel the task: with queued only if its
// function has not started by then. [Task.Unlimit] follows when the timer fires.
func (t *Task) Limit(queued bool) { t.Core().set(limitFlag(queued)) }

// Unlimit takes a Limit back.
func (t *Task) Unlimit(queued bool) { t.Core().unset(limitFlag(queued)) }

func limitFlag(queued bool) uint32 {
	if queued {
		return flagQueueTimed
	}
	return flagTimed
}

// Due notes that the time of a delayed call has come, and notifies the observer.
func (t *Task) Due() {
	t.Core().unset(flagDelayed)
	if o := t.Observed(); o.Observation != nil {
		o.Due()
	}
}

// Begin marks the function as started and reports whether it may run.
func (t *Task) Begin() bool {
	c := t.Core()
	if c.ctx.Err() != nil {
		t.Reject(context.Cause(c.ctx))
	}
	for {
		flags := c.flags.Load()
		if flags&(flagCancelled|flagDone) != 0 {
			c.finishRejected()
			return false
		}
		if c.flags.CompareAndSwap(flags, flags|flagStarted) {
			break
		}
	}
	if c.is(flagObserved) {
		c.observed().Started()
	}
	return true
}

// Return notes that the function has returned. What it has returned is to complete the
// pending: with the error that Return makes of err, which may be a cancellation.
func (t *Task) Return(err error) error {
	if err != nil {
		err = t.Core().outcome(err)
	}
	t.Core().endRun()
	t.runner.Left(nil)
	return err
}

// ReturnPanic notes that the function has panicked. crash is to complete the pending, even if
// the runner ends the goroutine: it logs the panic, and a log handler is user code.
func (t *Task) ReturnPanic(crash error) {
	t.Core().set(flagPanicked)
	t.Core().endRun()
	t.runner.Left(crash)
}

// Exit notes that the function has ended its goroutine with [runtime.Goexit]. It returns the
// error for [Task.Return].
func (t *Task) Exit() error {
	t.Core().set(flagExited)
	return errGoexit
}

// HasExited reports whether the function has ended its goroutine.
func (t *Task) HasExited() bool { return t.Core().is(flagExited) }

// Panicked reports whether the function has panicked. A function that returns the panic of
// another one has not.
func (t *Task) Panicked() bool { return t.Core().is(flagPanicked) }

// HasCalled reports whether the function has scheduled something.
func (t *Task) HasCalled() bool { return t.Core().is(flagCalled) }

// HasReturned reports whether the function has returned.
func (t *Task) HasReturned() bool { return t.Core().is(flagReturned) }

// IsWaiting reports whether the function waits. If it does, the current goroutine does not
// run that function.
func (t *Task) IsWaiting() bool { return t.Core().isWaiting() }

// Awaited says that something waits for what the function holds.
func (t *Task) Awaited() { t.runner.Awaited() }

// IsObserved reports whether there is an observation of the pending.
func (t *Task) IsObserved() bool { return t.Core().is(flagObserved) }

// Observed returns the observation of the pending, or none.
func (t *Task) Observed() Guarded { return t.Core().observed() }

// Reject cancels the pending unless its function has started. The pending is then done, even
// if its canceller ends the goroutine.
func (t *Task) Reject(cause error) {
	defer t.Core().finishRejected()
	t.Core().cancelUnstarted(cause)
}

// finishRejected makes a cancelled pending done if its function has not
// started. It is needed when the canceller has not completed the pending.
func (c *Core) finishRejected() {
	c.mu.Lock()
	if c.is(flagDone | flagStarted) {
		c.mu.Unlock()
		return
	}
	c.markDoneAndNotify()
}

// outcome turns the error of a function into a cancellation if that error is
// the end of the function's context.
func (c *Core) outcome(err error) error {
	ctx := (*runContext)(c)
	ended := ctx.Err()
	cause := context.Cause(ctx)
	switch {
	case safeerrors.Is(err, cause):
		return AsCancellation(err)
	case err == ended: //nolint:errorlint // The bare error adds nothing to the cause.
		return AsCancellation(cause)
	case safeerrors.Is(err, ended):
		return AsCancellation(errors.Join(cause, err))
	default:
		return err
	}
}

// Interrupt cancels the context of the running function, but not its pending. A
// value that the function still returns counts.
func (t *Task) Interrupt(cause error) {
	if c := t.Core(); c.is(flagStarted) && !c.is(flagReturned) {
		c.interrupt(cause)
	}
}
