package actors

import (
	"context"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// scheduleLater queues a call after d.
func (c *Caller) scheduleLater(ctx context.Context, t work, d time.Duration, submit func(work) error) {
	if err := c.admit(ctx); err != nil {
		t.Fail(err)
		return
	}
	ts := c.timers()
	entry := &timer{call: t, fire: func() {
		defer func() { // even if the observer ends the goroutine
			if err := submit(t); err != nil {
				go c.step("rejects a call", func() { t.Fail(c.withStopCause(err)) })() // callbacks of the call may block
				return
			}
			c.sched.RecheckDeadlock() // the turn that the call needs may be kept by who waits for it
		}()
		t.Due()
	}}
	t.Delay()
	switch err := ts.add(entry, d, c.config.MaxQueued); {
	case err == errTimersClosed: //nolint:errorlint // It is never wrapped.
		t.Fail(c.stopError())
	case err != nil:
		t.Fail(err)
	default:
		c.noteAccepted()
		t.OnDone(func(pending.Handle) { ts.remove(entry) })
	}
}

// Sleep waits for d. Inside a caller's function it gives the turn away. Functions
// of one caller wake in the order of their due times. Where these are equal, they
// wake in the order of their calls of Sleep. The error is that of ctx if ctx ends
// first. A d of zero or less lets the other functions of the caller have their
// turn.
func Sleep(ctx context.Context, d time.Duration) error {
	requireContext(ctx, "Sleep")
	task, inFunction := future.TurnOf(ctx).(*sched.Task)
	if inFunction && d <= 0 && ctx.Err() == nil {
		if err := task.Yield(); err != nil || ctx.Err() == nil {
			return err
		}
	}
	p := pending.New[struct{}](context.Background(), pending.Named("actors.Sleep")) // ctx would count it as a call
	wake := func() { p.SetResult(struct{}{}) }
	switch {
	case ctx.Err() != nil:
	case inFunction:
		ts, t := callerOf(task).timers(), &timer{fire: wake}
		_ = ts.add(t, d, 0)
		defer ts.remove(t)
	default:
		defer time.AfterFunc(d, wake).Stop()
	}
	_, err := p.Wait(ctx)
	return err
}
