package pending

import (
	"context"
	"time"
)

// runContext is the context of a running function: that of its pending, plus
// the turn and a cancellation of its own. It is the pending itself under
// another type, so that a call needs no memory for it.
type runContext base

// cancelContext is made when the function, or whoever cancels it, first needs
// a real cancellation.
type cancelContext struct {
	context.Context
	cancel   context.CancelCauseFunc
	stopWake func() bool // takes back the wake-up of the function at its end
}

type taskKey struct{}

func (c *runContext) base() *base { return (*base)(c) }

func (c *runContext) Deadline() (time.Time, bool) { return c.ctx.Deadline() }

func (c *runContext) Done() <-chan struct{} { return c.base().cancelContext().Done() }

func (c *runContext) Err() error {
	if own := c.base().cancellation.Load(); own != nil {
		return own.Err()
	}
	if c.base().is(flagReturned) {
		return context.Canceled
	}
	return c.ctx.Err()
}

// Value hands out the real cancellation, once there is one, to those parts of
// package context that look for it.
func (c *runContext) Value(key any) any {
	switch key.(type) {
	case taskKey:
		return c.base()
	case turnKey:
		if c.base().is(flagReturned) {
			return nil
		}
		return c.runner
	}
	if own := c.base().cancellation.Load(); own != nil {
		return own.Value(key)
	}
	return c.ctx.Value(key)
}

func (b *base) cancelContext() *cancelContext {
	if own := b.cancellation.Load(); own != nil {
		return own
	}
	ctx, cancel := context.WithCancelCause(b.ctx)
	if !b.cancellation.CompareAndSwap(nil, &cancelContext{Context: ctx, cancel: cancel}) {
		cancel(nil)
	}
	own := b.cancellation.Load()
	if b.is(flagReturned) {
		own.cancel(nil)
	}
	return own
}

// wakeOnDone has the running function, which calls it before it first waits,
// woken when its context ends. If that can end by Cancel alone there is
// nothing to do, because Cancel does it.
func (b *base) wakeOnDone(turn Turn) {
	if b.ctx.Done() == nil {
		return
	}
	own := b.cancelContext()
	b.mu.Lock() // against a goroutine of the function's that is not detached
	defer b.mu.Unlock()
	if own.stopWake == nil {
		own.stopWake = context.AfterFunc(own, turn.Resume)
	}
}

// endRun ends the context of the function, which has returned.
func (b *base) endRun() {
	b.set(flagReturned)
	own := b.cancellation.Load()
	if own == nil {
		return
	}
	b.mu.Lock()
	stopWake := own.stopWake
	b.mu.Unlock()
	if stopWake != nil {
		stopWake()
	}
	own.cancel(nil)
}

// taskOf returns the pending whose function runs with ctx, or nil.
func taskOf(ctx context.Context) *base {
	if c, ok := ctx.(*runContext); ok {
		return c.base()
	}
	b, _ := ctx.Value(taskKey{}).(*base)
	return b
}

// Current returns the pending whose function runs with ctx, or nil and false
// outside of a function. The seed's current_pending.
func Current(ctx context.Context) (Handle, bool) {
	requireContext(ctx, "Current")
	if b := taskOf(ctx); b != nil {
		return b.handle, true
	}
	return nil, false
}

// scheduleContext returns the context under which something scheduled with ctx lives.
// The context of a function ends with the function. What the function
// schedules outlives it, so that lives under the context the function was
// given, with the values of ctx.
//
// A function that schedules itself again makes a chain of contexts. The result
// holds nothing of ctx that it does not need, so that the chain does not grow.
func scheduleContext(ctx context.Context) context.Context {
	switch c := ctx.(type) {
	case *runContext:
		return c.ctx
	case *turnContext:
		return scheduleContext(c.Context)
	case *trackersContext:
		if own := runContextBehind(c); own != nil {
			return withTrackers(own.ctx, c.trackers)
		}
	}
	b := taskOf(ctx)
	if b == nil {
		return ctx
	}
	parent := b.ctx
	done := ctx.Done() // makes the function's cancellation, if that is the one of ctx
	if own := b.cancellation.Load(); own == nil || own.Done() != done {
		parent = ctx // has an end of its own, closer than the function's, or none
	}
	return &detachedContext{Context: parent, values: ctx, task: b}
}

// runContextBehind returns the context of a function if c differs from it by its
// trackers and its turn alone, else nil.
func runContextBehind(c *trackersContext) *runContext {
	inner := c.Context
	if t, ok := inner.(*turnContext); ok {
		inner = t.Context
	}
	own, _ := inner.(*runContext)
	return own
}

// detachedContext has the values of a context that is derived from a function's,
// without the function and its turn, and the end under which lives what is
// scheduled with it.
type detachedContext struct {
	context.Context
	values context.Context
	task   *base
}

func (o *detachedContext) Value(key any) any {
	switch key.(type) {
	case taskKey, turnKey:
		return nil
	}
	v := o.values.Value(key)
	if own := o.task.cancellation.Load(); own != nil && v == any(own.Context) {
		// Package context looks for the cancellation, and found the function's.
		return o.Context.Value(key)
	}
	return v
}

// endsWith reports whether a wait with ctx, by the function of own if that is
// not nil, ends when the context of b does.
func (b *base) endsWith(ctx context.Context, own *base) bool {
	if c, ok := ctx.(*runContext); ok && c.base() == own {
		return own.ctx.Done() == b.ctx.Done()
	}
	return ctx.Done() == b.ctx.Done()
}
