package future

import (
	"context"
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// runContext is the context of a running function. It adds the turn and a
// cancellation of its own to the pending's context. It is the pending itself
// under another type, so that a call needs no memory for it.
type runContext Core

// cancelContext is made when the function, or a Cancel, first needs a real
// cancellation.
type cancelContext struct {
	context.Context
	cancel   context.CancelCauseFunc
	stopWake func() bool // stops wakeOnDone; guarded by the pending's mu
}

type taskKey struct{}

func (c *runContext) core() *Core { return (*Core)(c) }

func (c *runContext) Deadline() (time.Time, bool) { return c.ctx.Deadline() }

func (c *runContext) Done() <-chan struct{} { return c.core().cancelContext().Done() }

func (c *runContext) Err() error {
	own := c.core().cancellation.Load()
	if own != nil {
		if err := own.Err(); err != nil {
			return err
		}
	}
	if c.core().is(flagReturned) { // whoever makes own is about to end it
		return context.Canceled
	}
	if own != nil {
		return nil
	}
	return c.ctx.Err()
}

// Value passes on the real cancellation, once there is one, to package context.
func (c *runContext) Value(key any) any {
	switch key.(type) {
	case taskKey:
		return c.core()
	case turnKey:
		if c.core().is(flagReturned) {
			return nil
		}
		return c.runner
	}
	if own := c.core().cancellation.Load(); own != nil {
		return own.Value(key)
	}
	return c.ctx.Value(key)
}

func (c *Core) cancelContext() *cancelContext {
	if own := c.cancellation.Load(); own != nil {
		return own
	}
	ctx, cancel := context.WithCancelCause(c.ctx)
	if !c.cancellation.CompareAndSwap(nil, &cancelContext{Context: ctx, cancel: cancel}) {
		cancel(nil)
	}
	own := c.cancellation.Load()
	if c.is(flagReturned) {
		own.cancel(nil)
	}
	return own
}

// wakeOnDone wakes the running function when its context ends. The function
// calls it before it first waits. A context that only Cancel ends needs no
// watch, because Cancel wakes the function itself.
func (c *Core) wakeOnDone() {
	if c.ctx.Done() == nil {
		return
	}
	own := c.cancelContext()
	wake := steps.Before(c.steps(c.ctx), c.runner, "sees its context end", c.wakeAtEnd)
	c.mu.Lock() // the function may wait on a second goroutine without Detach
	defer c.mu.Unlock()
	if own.stopWake == nil {
		own.stopWake = context.AfterFunc(own, wake)
	}
}

// endRun ends the context of the function after the function has returned.
func (c *Core) endRun() {
	c.set(flagReturned)
	own := c.cancellation.Load()
	if own == nil {
		return
	}
	c.mu.Lock()
	stopWake := own.stopWake
	c.mu.Unlock()
	if stopWake != nil {
		stopWake()
	}
	own.cancel(nil)
}

// running returns the pending whose function runs with ctx, or nil.
func running(ctx context.Context) *Core {
	if c, ok := ctx.(*runContext); ok {
		return c.core()
	}
	b, _ := ctx.Value(taskKey{}).(*Core)
	return b
}

// scheduleContext returns the context for something that is scheduled with ctx.
// The context of a function ends with the function. What the function schedules
// must outlive it. So the result has the values of ctx, and the end of the
// context that the function was given.
//
// A function that schedules itself again makes a chain of contexts. The result
// references nothing of ctx that it does not need, so that the chain does not
// grow.
func scheduleContext(ctx context.Context) context.Context {
	switch c := ctx.(type) {
	case *runContext:
		c.core().noteCall()
		return c.ctx
	case *turnContext:
		return scheduleContext(c.Context)
	case *trackersContext:
		if own := runContextBehind(c); own != nil {
			own.core().noteCall()
			return WithTrackers(own.ctx, c.trackers)
		}
	case Layer:
		if own, ok := c.Below().(*runContext); ok {
			own.core().noteCall()
			return c.Above(own.ctx)
		}
	}
	b := running(ctx)
	if b == nil {
		return ctx
	}
	b.noteCall()
	parent := b.ctx
	done := ctx.Done() // makes the function's cancellation, if ctx uses it
	if own := b.cancellation.Load(); own == nil || own.Done() != done {
		parent = ctx // ctx ends by itself before the function does, or never
	}
	return &detachedContext{Context: parent, values: ctx, task: b}
}

// Layer is a context that adds something to the context of a function. What the function
// schedules has that too. A chain of calls does not nest its layers.
type Layer interface {
	// Below returns the context that something is added to.
	Below() context.Context
	// Above returns a context that adds the same to ctx.
	Above(ctx context.Context) context.Context
}

// noteCall notes that the function has scheduled something, or has given its values to another
// goroutine.
func (c *Core) noteCall() {
	if !c.is(flagCalled) {
		c.set(flagCalled)
	}
}

// runContextBehind returns the context of a function if c adds only trackers
// and a turn to it, else nil.
func runContextBehind(c *trackersContext) *runContext {
	inner := c.Context
	if t, ok := inner.(*turnContext); ok {
		inner = t.Context
	}
	own, _ := inner.(*runContext)
	return own
}

// detachedContext has the values of a context derived from a function's
// context, without the function and its turn. Its end is that of the embedded
// Context.
type detachedContext struct {
	context.Context
	values context.Context
	task   *Core
}

func (o *detachedContext) Value(key any) any {
	switch key.(type) {
	case taskKey, turnKey:
		return nil
	}
	v := o.values.Value(key)
	if own := o.task.cancellation.Load(); own != nil && v == any(own.Context) {
		// Package context looks for its cancellation, and found that of the
		// function.
		return o.Context.Value(key)
	}
	return v
}

// endsWith reports whether a wait with ctx ends when the context of c does. own
// is the waiting function, or nil.
func (c *Core) endsWith(ctx context.Context, own *Core) bool {
	if run, ok := ctx.(*runContext); ok && run.core() == own {
		return own.ctx.Done() == c.ctx.Done()
	}
	return ctx.Done() == c.ctx.Done()
}
