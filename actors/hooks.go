package actors

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/seed-7fcaac1b/protocaller/internal/goexit"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// hooks are the calls of the functions of [props.OnStart] and [props.OnStop].
type hooks struct {
	start *startHook      // the last one; nil for none
	stop  *call[struct{}] // nil before the end
	ready bool            // the caller has started, so that it has something to stop
}

// startHook is a call of OnStart.
type startHook struct {
	*call[struct{}]
	handled chan struct{} // closed when the caller goes on, after the call is done
}

// hooks returns those of the caller. mu must be held.
func (c *Caller) hooks() *hooks {
	cold := c.cold()
	if cold.hooks == nil {
		cold.hooks = &hooks{}
	}
	return cold.hooks
}

// newHook makes the call of a hook.
func (c *Caller) newHook(fn func(context.Context) error) *call[struct{}] {
	return newCall(context.Background(), c, &c.sched, NoResult(fn), c.observer(instrument.Schedule, 0))
}

// beginOnStart has OnStart called before all that is queued. It returns nil if there is
// none. An error stops the caller.
func (c *Caller) beginOnStart() *startHook {
	if c.config.OnStart == nil {
		if c.config.OnStop != nil {
			c.mu.Lock()
			c.hooks().ready = true
			c.mu.Unlock()
		}
		return nil
	}
	t := c.newHook(c.config.OnStart)
	return c.submitHook(t, func(err error) {
		if err != nil {
			c.stopApart(fmt.Errorf("actors: OnStart of %s: %w", c.path(), err))
		}
	})
}

// restartHook is beginOnStart after a restart, on the turn. An error counts as a failure.
func (c *Caller) restartHook() {
	c.mu.Lock()
	last := c.hooks().start
	c.mu.Unlock()
	if last != nil && !last.IsDone() {
		return // the restart was before the start
	}
	err := attempt(func() { // observers of calls are user code
		t := c.newHook(c.config.OnStart)
		t.task.Tag = tagRestartHook
		c.submitHook(t, func(error) {})
	})
	if err != nil {
		c.stopApart(fmt.Errorf("actors: OnStart of %s: %w", c.path(), err))
	}
}

// submitHook schedules a call of OnStart. done is called before anything else begins.
func (c *Caller) submitHook(t *call[struct{}], done func(err error)) *startHook {
	h := &startHook{t, make(chan struct{})}
	c.mu.Lock()
	c.hooks().start = h
	c.mu.Unlock()
	t.OnDone(func(pending.Handle) {
		defer close(h.handled)
		err := t.Err()
		done(err)
		if err == nil {
			c.mu.Lock()
			c.hooks().ready = true
			c.mu.Unlock()
		}
		c.transition(StateStarting, StateRunning)
		c.sched.OpenGate(&t.task)
	})
	if err := c.sched.SubmitHook(&t.task); err != nil {
		t.Fail(c.withStopCause(err))
	}
	return h
}

// hookFinished is called on the turn when an OnStart after a restart has returned. A panic
// is reported apart, and a restart that cancels it makes another one.
func (c *Caller) hookFinished(h pending.Handle) {
	err := h.Err()
	_, panicked := err.(*pending.PanicError) //nolint:errorlint // That of another pending counts as any error.
	if err == nil || panicked || h.Cancelled() {
		return
	}
	err = fmt.Errorf("actors: OnStart of %s: %w", c.path(), err)
	defer c.failed(h, err) // even if a log handler ends the goroutine
	c.logError(h.Context(), "OnStart failed after a restart", slog.Any("error", err))
}

// waitHook returns the error of a start when OnStart has returned. A nil h is that of none.
func (c *Caller) waitHook(h *startHook) error {
	if h == nil {
		return nil
	}
	<-h.handled
	if err := h.Err(); err != nil {
		return fmt.Errorf("actors: OnStart of %s: %w", c.path(), err)
	}
	return nil
}

// stopHook has OnStop called, on the turn, before the actor handles its Stop. It reports
// false if there is none, or if it was called.
func (c *Caller) stopHook(message any) bool {
	if c.config.OnStop == nil {
		return false
	}
	c.mu.Lock()
	due := c.hooks().ready && c.hooks().stop == nil
	c.mu.Unlock()
	if !due {
		return false
	}
	var t *call[struct{}]
	if err := attempt(func() { t = c.newHook(c.config.OnStop) }); err != nil { // observers of calls are user code
		c.logError(context.Background(), "OnStop not called", slog.Any("error", err))
		return false
	}
	c.mu.Lock()
	c.hooks().stop = t
	c.mu.Unlock()
	t.task.Final = true
	t.OnDone(func(pending.Handle) {
		defer c.sched.OpenGate(&t.task) // even if a log handler ends the goroutine
		err := t.Err()
		if _, panicked := err.(*pending.PanicError); err != nil && !panicked { //nolint:errorlint // As above.
			c.logError(t.Context(), "OnStop failed", slog.Any("error", err))
		}
	})
	c.sched.Defer(message, true)
	_ = c.sched.SubmitHook(&t.task) // a final one is not rejected
	c.startGrace()
	return true
}

// recallStopHook gives up an OnStop that has not begun in time: its thread or host is busy.
func (c *Caller) recallStopHook(err error) {
	if t := c.sched.RecallFinal(); t != nil {
		t.Work().Reject(err)
	}
}

// stopBefore stops the children of a caller whose OnStop comes after their end.
func (c *Caller) stopBefore(children []*Caller) {
	c.sched.Hold(len(children))
	goexit.ForEach(children, func(child *Caller) {
		end := child.end()
		defer func() { end.OnDone(func(pending.Handle) { c.sched.Hold(-1) }) }() // even if the stop ends the goroutine
		child.stop(nil)
	})
}
