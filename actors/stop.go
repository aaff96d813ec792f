package actors

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// StopOption changes how a caller is stopped.
type StopOption func(*stopOptions)

type stopOptions struct{ force bool }

// Force stops a protected caller too.
func Force() StopOption { return func(o *stopOptions) { o.force = true } }

// Stop stops the caller and returns the state it is in then. It does not wait
// for the end, see [Caller.Stopped].
//
// From now on calls are rejected. Those that are queued are cancelled at once.
// The contexts of running functions are cancelled, with [pending.ErrStopped] as
// the cause, and they get their turns until they have returned: one that
// returns a value keeps it. Children are stopped in the same way at the same
// time, and the caller ends after the last of them. A stopped caller cannot be
// started again.
//
// A protected caller ignores it, unless [Force] is given. Further calls have no
// effect. The seed's stop.
func (c *Caller) Stop(opts ...StopOption) State {
	requireOptions(opts, "Stop")
	var o stopOptions
	for _, opt := range opts {
		opt(&o)
	}
	if c.Protected() && !o.force {
		return c.State()
	}
	c.stop(nil)
	return c.State()
}

// StopWait stops the caller and returns nil when it has stopped. The error is
// that of ctx if ctx ends first, and the stop goes on. In a function that the
// caller would wait for, which is one of its own or of a descendant, it returns
// [pending.ErrDeadlock] and stops nothing. A protected caller is not stopped
// without [Force]: that is an error too.
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
	if pending.TurnOf(ctx) != nil && c.isAncestorOf(ctx) {
		return fmt.Errorf("%w: a function of %s waits for its end", pending.ErrDeadlock, c.path())
	}
	return nil
}

func (c *Caller) waitStopped(ctx context.Context) error {
	_, err := c.end().Wait(ctx, pending.Protect())
	return err
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

// stopApart is stop for a goroutine that has something left to do, which callbacks that
// the stop calls may not end.
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
	// Callbacks of the user's are called on the way, and may end the goroutine.
	// Everything is done all the same, the deferred from the last to the first.
	defer func() {
		if len(active) > 0 {
			c.startGrace()
		}
		c.sched.StopNotified()
		then(was)
	}()
	defer forEachDespiteGoexit(children, func(child *Caller) { child.beginStop(nil, func(State) {}) })
	defer func() {
		if c.worker != nil {
			c.worker.pool.stopWorker(c.worker)
		}
	}()
	defer c.closePool(err)
	defer c.reject(rejected, err)
	defer forEachDespiteGoexit(c.openQueues(), func(q work) { q.Cancel(err) })
	defer forEachDespiteGoexit(delayed, func(t work) { t.Reject(err) })
	forEachDespiteGoexit(active, func(t *sched.Task) {
		w := workOf(t)
		w.Reject(err) // it may be about to start
		w.Interrupt(err)
	})
}

// clearRunning undoes what only a running caller has, and returns the calls
// whose time had not come. The caller holds mu.
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

// refuse deals with what was queued when the caller was stopped.
func (c *Caller) reject(items []any, err error) {
	dropped := 0
	defer func() { c.logDropped(dropped) }()
	forEachDespiteGoexit(items, func(item any) {
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

// forEachDespiteGoexit does something for all items, even if user code that is called on
// the way ends the goroutine.
func forEachDespiteGoexit[E any](items []E, do func(E)) {
	n := 0
	defer func() {
		if n < len(items) {
			forEachDespiteGoexit(items[n:], do)
		}
	}()
	for n < len(items) {
		n++
		do(items[n-1])
	}
}

func (c *Caller) logDropped(n int) {
	if n > 0 {
		c.log().Warn("actors: direct calls were dropped by a stop",
			slog.String("caller", c.path()), slog.Int("count", n))
	}
}

// deadLetterUnlessPoison passes a user message that came too late on to the dead letters.
func (c *Caller) deadLetterUnlessPoison(message any) {
	if _, ok := message.(*actor.PoisonPill); !ok {
		c.deadLetter(message)
	}
}

// stopError is the error of what a stop has cancelled.
func (c *Caller) stopError() error {
	if cause := c.stopCause(); cause != nil {
		return &stoppedError{cause}
	}
	return pending.ErrStopped
}

// stoppedError is the error of what a stop for a reason has cancelled. It is made
// while mutexes are held, and the methods of the cause are user code: they are called
// by those who read the error.
type stoppedError struct{ cause error }

func (e *stoppedError) Error() string   { return fmt.Sprintf("%v: %v", pending.ErrStopped, e.cause) }
func (e *stoppedError) Unwrap() []error { return []error{pending.ErrStopped, e.cause} }

// stopCause returns the failure that stopped the caller, nil if it was none.
func (c *Caller) stopCause() error {
	if cause := c.cause.Load(); cause != nil {
		return *cause
	}
	return nil
}

// grace is the time that running functions have to return.
type grace struct{ timer *time.Timer }

// startGrace gives the functions that have not returned the time that the options allow.
func (c *Caller) startGrace() {
	limit := c.config.StopTimeout
	if limit == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if cold := c.cold(); cold.grace == nil {
		g := &grace{}
		g.timer = time.AfterFunc(limit, func() { c.graceExpired(g) })
		cold.grace = g
	}
}

// endGrace is called on the turn when all functions have returned that a stop or a
// restart was waiting for.
func (c *Caller) endGrace() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.coldState != nil && c.coldState.grace != nil {
		c.coldState.grace.timer.Stop()
		c.coldState.grace = nil
	}
}

// graceExpired goes on without the functions that have not returned in time, unless they
// have at the last moment.
func (c *Caller) graceExpired(g *grace) {
	c.mu.Lock()
	var late []*sched.Task
	if c.coldState.grace == g {
		late = c.sched.Active()
	}
	c.mu.Unlock()
	c.abandonTasks(late, "it has not returned in time", slog.Duration("limit", c.config.StopTimeout))
}

// abandonTasks goes on without functions that have not returned.
func (c *Caller) abandonTasks(tasks []*sched.Task, why string, detail slog.Attr) {
	var cause error // a restart has given it to them before
	abandoned := errRestarted
	if c.State() >= StateStopping {
		cause = c.stopError()
		abandoned = cause
	}
	defer func() {
		c.sched.Abandon(tasks, abandoned)
		for _, t := range tasks {
			c.releaseAbandoned(t)
		}
	}()
	forEachDespiteGoexit(tasks, func(t *sched.Task) {
		w := workOf(t)
		defer w.Abandon(cause) // even if the log handler ends the goroutine
		c.log().ErrorContext(w.Context(), "actors: function abandoned, "+why,
			slog.String("caller", c.path()), slog.String("function", w.Name()), detail)
	})
}
