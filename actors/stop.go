package actors

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/stopping"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/goexit"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// StopOption configures a stop.
type StopOption func(*stopOptions)

type stopOptions = stopping.Options

// Force stops a protected caller too.
func Force() StopOption { return func(o *stopOptions) { o.Force = true } }

// Stop stops the caller and returns its state. It does not wait for the end: see
// [Caller.StopWait] and [Caller.Stopped].
//
// From now on calls are rejected. Queued calls are cancelled at once. The contexts of
// running functions are cancelled, with [pending.ErrStopped] as the cause. The functions
// get their turns until they have returned. A value that one of them returns counts.
// Children are stopped in the same way at the same time, and the caller ends after the
// last of them. A stopped caller cannot be started again.
//
// A protected caller ignores it, unless [Force] is given. Further calls have no effect.
func (c *Caller) Stop(opts ...StopOption) State {
	requireOptions(opts, "Stop")
	var o stopOptions
	for _, opt := range opts {
		opt(&o)
	}
	if c.Protected() && !o.Force {
		return c.State()
	}
	c.stop(o.Cause)
	return c.State()
}

// StopWait stops the caller and returns nil when it has stopped. In a caller's function
// it gives the turn away while it waits. Elsewhere it blocks the goroutine.
//
// If ctx ends first it returns the error of ctx, with the functions that have not
// returned. The stop goes on then. In a function of the caller or of a descendant it
// returns [pending.ErrDeadlock] and stops nothing: the stop would wait for that function.
// If the wait becomes part of a circle, the error matches [pending.ErrDeadlock] too, and
// the stop goes on. A protected caller is not stopped without [Force]: that is an error
// too.
func (c *Caller) StopWait(ctx context.Context, opts ...StopOption) error {
	requireContext(ctx, "StopWait")
	requireOptions(opts, "StopWait")
	if err := c.checkSelfWait(ctx); err != nil {
		return err
	}
	if c.Stop(opts...) < StateStopping {
		return fmt.Errorf("actors: stop %s: it is protected", c.path())
	}
	return c.waitStopped(ctx)
}

// checkSelfWait returns an error if a function with ctx must not wait for the end of
// the caller.
func (c *Caller) checkSelfWait(ctx context.Context) error {
	if future.TurnOf(ctx) != nil && c.isAncestorOf(ctx) {
		return fmt.Errorf("%w: a function of %s waits for its end", pending.ErrDeadlock, c.path())
	}
	return nil
}

func (c *Caller) waitStopped(ctx context.Context) error {
	if _, err := c.end().Wait(ctx, pending.Protect()); err != nil {
		return fmt.Errorf("actors: stop %s: %w%s", c.path(), err, c.unfinished())
	}
	return nil
}

// stop stops the caller for a reason, nil for none.
func (c *Caller) stop(cause error) {
	c.beginStop(cause, func(was State) {
		if was < StateStopping {
			c.mailbox().submitControl(&actor.Stop{}) // not to the PID, which another one may have by now
		}
		if was == StateInitial {
			c.sched.Open()
		}
	})
}

// stopApart is stop on another goroutine. Callbacks that the stop calls may end
// that one, and not the current one.
func (c *Caller) stopApart(cause error) { _ = attempt(func() { c.stop(cause) }) }

// beginStop does the part of a stop that needs no turn, unless it was done
// before. Then it calls a function with the state that the caller was in.
func (c *Caller) beginStop(cause error, then func(was State)) {
	c.mu.Lock()
	was := c.State()
	if was >= StateStopping {
		c.mu.Unlock()
		then(was)
		return
	}
	c.state.Store(int32(StateStopping))
	delayed := c.clearRunning(cause)
	children := make([]*Caller, 0, len(c.children))
	for _, child := range c.children {
		children = append(children, child)
	}
	rejected, active := c.sched.Close() // before anybody else can see that the caller stops
	c.mu.Unlock()

	err := c.stopError()
	// Callbacks of user code are called on the way, and may end the goroutine.
	// Everything is done all the same, the deferred from the last to the first.
	defer func() {
		if len(active) > 0 {
			c.startGrace()
		}
		c.sched.StopNotified()
		then(was)
	}()
	if c.config.OnStop != nil {
		defer c.stopBefore(children)
	} else {
		defer goexit.ForEach(children, func(child *Caller) { child.beginStop(nil, func(State) {}) })
	}
	defer func() {
		if c.worker != nil {
			c.worker.pool.stopWorker(c.worker)
		}
	}()
	defer c.closePool(err)
	defer c.reject(rejected, err)
	defer goexit.ForEach(c.openQueues(), func(q pending.Handle) { q.Cancel(err) })
	defer goexit.ForEach(delayed, func(t work) { t.Reject(err) })
	goexit.ForEach(active, func(t *sched.Task) {
		w := workOf(t)
		w.Reject(err) // it may be about to start
		w.Interrupt(err)
	})
}

// clearRunning undoes what only a running caller has, and returns the calls
// whose time had not come. mu must be held.
func (c *Caller) clearRunning(cause error) (delayed []work) {
	if cause != nil {
		c.cause.Store(&cause)
	}
	if c.coldState == nil {
		return nil
	}
	if c.coldState.restart != nil {
		c.coldState.restart.begin() // no more
	}
	if c.coldState.timers == nil {
		return nil
	}
	return c.coldState.timers.close()
}

// reject rejects the calls, functions and messages that were queued when the
// caller was stopped.
func (c *Caller) reject(items []any, err error) {
	dropped := 0
	defer func() { c.logDropped(dropped) }()
	goexit.ForEach(items, func(item any) {
		switch item := item.(type) {
		case *sched.Task:
			item.Work().Reject(err)
			c.releaseWorker(item)
		case *sched.Source: // its queue was closed, or its worker stopped
		case sched.Func:
			dropped++
		default:
			c.deadLetterUnlessPoison(item)
		}
	})
}

func (c *Caller) logDropped(n int) {
	if n > 0 {
		c.log().Warn("actors: direct calls were dropped by a stop",
			slog.String("caller", c.path()), slog.Int("count", n))
	}
}

// deadLetterUnlessPoison sends a user message that came too late to the dead
// letters.
func (c *Caller) deadLetterUnlessPoison(message any) {
	if _, ok := message.(*actor.PoisonPill); !ok {
		c.deadLetter(message)
	}
}
