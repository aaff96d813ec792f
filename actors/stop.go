package actors

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// StopOption changes how a caller is stopped.
type StopOption func(*stopOptions)

type stopOptions struct{ force bool }

// Force stops a protected caller too.
func Force() StopOption { return func(o *stopOptions) { o.force = true } }

// Stop stops the caller and returns the state it is in then. It does not wait
// for the end, see [Caller.Stopped].
//
// From now on calls are refused. Those that are queued are cancelled at once.
// The contexts of running functions are cancelled, with [pending.ErrStopped] as
// the cause, and they get their turns until they have returned: one that
// returns a value keeps it. Children are stopped in the same way at the same
// time, and the caller ends after the last of them. A stopped caller cannot be
// started again.
//
// A protected caller ignores it, unless [Force] is given. Further calls have no
// effect. The seed's stop.
func (c *Caller) Stop(opts ...StopOption) State {
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
	if err := c.mayEnd(ctx); err != nil {
		return err
	}
	if c.Stop(opts...) < StateStopping {
		return fmt.Errorf("actors: stop %s: it is protected", c.path())
	}
	return c.waitEnd(ctx)
}

// mayEnd returns an error if a function with ctx must not wait for the end of
// the caller.
func (c *Caller) mayEnd(ctx context.Context) error {
	if pending.TurnOf(ctx) != nil && c.above(ctx) {
		return fmt.Errorf("%w: a function of %s waits for its end", pending.ErrDeadlock, c.path())
	}
	return nil
}

func (c *Caller) waitEnd(ctx context.Context) error {
	_, err := c.end().Wait(ctx, pending.Protect())
	return err
}

// stop stops the caller for a reason, nil for none.
func (c *Caller) stop(cause error) {
	c.beginStop(cause, func(was State) {
		if was < StateStopping {
			c.box.postSystem(&actor.Stop{}) // not to the PID, which another one may have by now
		}
		if was == StateInitial {
			c.box.open()
		}
	})
}

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
	delayed := c.leaveRunning(cause)
	children := make([]*Caller, 0, len(c.children))
	for _, child := range c.children {
		children = append(children, child)
	}
	refused, active := c.box.close() // before anybody else can see that the caller stops
	c.mu.Unlock()

	err := c.stopError()
	// Callbacks of the user's are called on the way, and may end the goroutine.
	// Everything is done all the same, the deferred from the last to the first.
	defer func() {
		if len(active) > 0 {
			c.limitQuiesce()
		}
		c.box.closedDown()
		then(was)
	}()
	defer each(children, func(child *Caller) { child.beginStop(nil, func(State) {}) })
	defer c.leaveEmployer()
	defer c.closePool(err)
	defer c.refuse(refused, err)
	defer each(c.queues(), func(q task) { q.Cancel(err) })
	defer each(delayed, func(t task) { t.Reject(err) })
	each(active, func(f *frame) {
		f.task.Reject(err) // it may be about to start
		f.task.Interrupt(err)
	})
}

// leaveRunning undoes what only a running caller has, and returns the calls
// whose time had not come. The caller holds mu.
func (c *Caller) leaveRunning(cause error) (delayed []task) {
	if cause != nil {
		c.cause.Store(&cause)
	}
	if c.rare == nil {
		return nil
	}
	if c.rare.restart != nil {
		c.rare.restart.stop()
	}
	for t := range c.rare.delayed {
		delayed = append(delayed, t)
	}
	return delayed
}

// refuse deals with what was queued when the caller was stopped.
func (c *Caller) refuse(items []any, err error) {
	dropped := 0
	defer func() { c.logDropped(dropped) }()
	each(items, func(item any) {
		switch item := item.(type) {
		case *frame:
			item.task.Reject(err)
		case step: // its queue has been closed
		case direct:
			dropped++
		default:
			c.undeliverable(item)
		}
	})
}

// each does something for all items, even if a callback of the user's that is
// called on the way ends the goroutine.
func each[E any](items []E, do func(E)) {
	n := 0
	defer func() {
		if n < len(items) {
			each(items[n:], do)
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

// undeliverable passes a user message that came too late on to the dead letters.
func (c *Caller) undeliverable(message any) {
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

// quiesce is the time that running functions have to return.
type quiesce struct{ timer *time.Timer }

// limitQuiesce gives the functions that have not returned the time that the
// options allow.
func (c *Caller) limitQuiesce() {
	limit := c.config.StopTimeout
	if limit == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.rarely(); r.quiesce == nil {
		q := &quiesce{}
		q.timer = time.AfterFunc(limit, func() { c.abandon(q) })
		r.quiesce = q
	}
}

// quiesced is called on the turn when all functions have returned that a stop
// or a restart was waiting for.
func (c *Caller) quiesced() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rare != nil && c.rare.quiesce != nil {
		c.rare.quiesce.timer.Stop()
		c.rare.quiesce = nil
	}
}

// abandon goes on without the functions that have not returned in time, unless
// they have at the last moment.
func (c *Caller) abandon(q *quiesce) {
	c.mu.Lock()
	var late []*frame
	if c.rare.quiesce == q {
		late = c.box.active()
	}
	c.mu.Unlock()
	c.forsake(late, "it has not returned in time", slog.Duration("limit", c.config.StopTimeout))
}

// forsake goes on without functions that have not returned.
func (c *Caller) forsake(functions []*frame, why string, detail slog.Attr) {
	var cause error // a restart has given it to them before
	if c.State() >= StateStopping {
		cause = c.stopError()
	}
	defer c.box.abandon(functions)
	each(functions, func(f *frame) {
		defer f.task.Abandon(cause) // even if the log handler ends the goroutine
		c.log().ErrorContext(f.task.Context(), "actors: function abandoned, "+why,
			slog.String("caller", c.path()), slog.String("function", f.task.Name()), detail)
	})
}

// finalize is called, by whoever hears of it first, when the caller's actor has
// ended. Nobody who waits for that end knows before it is done.
func (c *Caller) finalize() {
	c.ended.Do(func() {
		c.node.remove(c)
		if p := c.parent; p != nil {
			p.mu.Lock()
			if p.children[c.name] == c {
				delete(p.children, c.name)
			}
			p.mu.Unlock()
		}
		// Code of the user's is called on the way, and may end the goroutine.
		defer c.announceEnd()
		defer c.publish(supervision.Stopped{Who: c.pid, Name: c.name, Err: c.stopCause()})
		defer c.box.finishStages()
		defer c.node.unwatch(c.config.Telemetry)
		c.closePublication()
	})
}

// announceEnd tells those who wait for the end.
func (c *Caller) announceEnd() {
	c.mu.Lock()
	c.state.Store(int32(StateStopped))
	var end *pending.Pending[struct{}]
	if c.rare != nil {
		end = c.rare.end
	}
	c.mu.Unlock()
	if end != nil {
		end.SetResult(struct{}{})
	}
}
