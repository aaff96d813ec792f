package actors

import (
	"context"
	"runtime"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Call has fn called on a turn of c, and returns what fn returns. If c is idle, fn runs
// on the goroutine that calls, as if c were a mutex. Otherwise fn is queued, and Call
// waits.
//
// Inside a caller's function, Call gives the turn away while it waits, as a wait for a
// pending does. A caller with [props.NonReentrant] keeps its turn. So a call on itself
// returns [pending.ErrDeadlock]. On threads, on hosts and in [Caller.Run], fn is always
// queued.
//
// When ctx ends before fn has begun, fn never runs. When ctx ends later, the context of
// fn ends too, and Call waits for fn to return. A value that fn still returns counts. Use
// [CallSoon] and a wait to return sooner.
//
// Errors are as in [Schedule]. A stop of c that abandons fn makes the error
// [pending.ErrStopped]: a queued call returns then, another one when fn returns. If fn
// ends its goroutine with [runtime.Goexit], the goroutine that calls ends as well.
//
// It may be called from any goroutine.
func Call[T any](
	ctx context.Context, c *Caller, fn func(context.Context) (T, error), opts ...CallOption,
) (T, error) {
	requireCall(ctx, c, fn == nil, "Call")
	if len(opts) == 0 {
		t := newCall(ctx, c, &c.sched, fn, c.observer(instrument.Call, 0))
		ran, err := c.runInPlace(ctx, t)
		if !ran {
			c.enqueue(ctx, t)
		}
		return t.outcome(ctx, err)
	}
	requireOptions(opts, "Call")
	t, o := newCallWith(ctx, c, fn, instrument.Call, opts)
	var ran bool
	var err error
	if o.delay > 0 || o.worker {
		ran = rejectAfterEnd(ctx, t)
	} else {
		ran, err = c.runInPlace(ctx, t)
	}
	if !ran {
		c.dispatch(ctx, t, o)
	}
	return t.outcome(ctx, err)
}

// Do is [Call] for a function without a result.
func Do(ctx context.Context, c *Caller, fn func(context.Context) error, opts ...CallOption) error {
	requireCall(ctx, c, fn == nil, "Do")
	requireOptions(opts, "Do")
	_, err := Call(ctx, c, NoResult(fn), opts...)
	return err
}

// rejectAfterEnd rejects a call whose context has ended, and reports that.
func rejectAfterEnd(ctx context.Context, t work) bool {
	if ctx.Err() == nil {
		return false
	}
	t.Reject(context.Cause(ctx))
	return true
}

// runInPlace runs a call on the goroutine that calls. It reports false if the call has to
// be queued. The error says why the function that calls must not wait.
func (c *Caller) runInPlace(ctx context.Context, t work) (ran bool, err error) {
	if rejectAfterEnd(ctx, t) {
		return true, nil
	}
	if c.admit(ctx) != nil {
		return false, nil
	}
	turn := future.TurnOf(ctx)
	if turn == nil {
		return c.sched.RunInPlace(t.schedulable()), nil
	}
	from, ok := turn.(*sched.Task)
	if !ok {
		return false, nil
	}
	ran, err = t.schedulable().RunInPlace(ctx, from)
	return ran || err != nil, err
}

// outcome waits until the call is done, unless refused says why it must not. When ctx ends
// before that, so does the context of the function, whose value still counts.
func (c *call[T]) outcome(ctx context.Context, refused error) (value T, err error) {
	if refused != nil {
		c.Reject(refused)
		return value, refused
	}
	if ok, value, err := c.Returned(); ok {
		return value, err
	}
	value, err = c.Wait(ctx, pending.Protect())
	if !c.IsDone() && ctx.Err() != nil {
		c.Reject(err) // which says where the call was
		c.Interrupt(context.Cause(ctx))
		value, err = c.Wait(ctx, pending.Shield(), pending.Protect())
	}
	if !c.IsDone() { // the wait could never end, or was one too many
		if c.Reject(err); !c.IsDone() { // the function runs, and may need no turn of this caller
			c.Interrupt(err)
			if late, why := c.WaitSync(ctx, pending.Shield(), pending.Protect()); c.IsDone() {
				value, err = late, why
			}
		}
		c.Cancel(err)
	}
	if c.HasExited() {
		runtime.Goexit()
	}
	return value, err
}
