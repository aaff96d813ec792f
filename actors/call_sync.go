package actors

import (
	"context"
	"runtime"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// Call has fn called on a turn of c, and returns what fn returns. If c is idle, fn runs on
// the goroutine that calls, as if c were a mutex. Else fn is queued, and Call waits. It
// may be called from any goroutine.
//
// Inside a caller's function, Call gives the turn away while it waits, as a wait for a
// pending does. A caller with [props.NonReentrant] keeps its turn. So a call on itself
// returns [pending.ErrDeadlock]. On threads, on hosts and in [Caller.Run], fn is always
// queued.
//
// When ctx ends before fn has begun, fn never runs. When ctx ends later, the context of fn
// ends too, and Call waits for fn to return. Use [CallSoon] and a wait to return sooner.
// Errors are as in [Schedule]. If fn ends its goroutine with [runtime.Goexit], the
// goroutine that calls ends as well. A stop of c that abandons fn makes the error
// [pending.ErrStopped]: a queued call returns then, another one when fn returns.
func Call[T any](
	ctx context.Context, c *Caller, fn func(context.Context) (T, error), opts ...CallOption,
) (T, error) {
	requireCall(ctx, c, fn == nil, "Call")
	if len(opts) == 0 {
		t := newCall(ctx, &c.sched, fn, c.observed(telemetry.Call, 0, nil))
		if !c.runInPlace(ctx, t) {
			c.enqueue(ctx, t)
		}
		return t.outcome(ctx)
	}
	requireOptions(opts, "Call")
	t, o := newCallWith(ctx, c, fn, telemetry.Call, opts)
	if o.delay > 0 || o.worker || !c.runInPlace(ctx, t) {
		c.dispatch(ctx, t, o)
	}
	return t.outcome(ctx)
}

// Do is [Call] for a function without a result.
func Do(ctx context.Context, c *Caller, fn func(context.Context) error, opts ...CallOption) error {
	requireCall(ctx, c, fn == nil, "Do")
	requireOptions(opts, "Do")
	_, err := Call(ctx, c, NoResult(fn), opts...)
	return err
}

// runInPlace runs a call on the goroutine that calls. It reports false if the call has to
// be queued.
func (c *Caller) runInPlace(ctx context.Context, t work) bool {
	if ctx.Err() != nil {
		t.Reject(context.Cause(ctx))
		return true
	}
	if c.admit(ctx) != nil {
		return false
	}
	turn := pending.TurnOf(ctx)
	if turn == nil {
		return c.sched.RunInPlace(t.schedulable())
	}
	from, ok := turn.(*sched.Task)
	if !ok {
		return false
	}
	ran, err := t.schedulable().RunInPlace(from)
	if err != nil {
		t.Fail(err)
	}
	return ran || err != nil
}

// outcome waits until the call is done. When ctx ends before that, the call is cancelled.
func (c *call[T]) outcome(ctx context.Context) (T, error) {
	if c.IsDone() && !c.HasExited() {
		return c.Result()
	}
	value, err := c.Wait(ctx)
	if !c.IsDone() && ctx.Err() != nil {
		value, err = c.Wait(ctx, pending.Shield())
	}
	switch {
	case !c.IsDone(): // the wait could never end, or was one too many
		c.Cancel(err)
	case c.HasExited():
		runtime.Goexit()
	}
	return value, err
}
