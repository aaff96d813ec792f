package actors

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/internal/goexit"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// grace is the time that running functions have to return.
type grace struct{ timer *time.Timer }

// startGrace starts the grace period of the functions that have not returned.
func (c *Caller) startGrace() {
	limit := c.config.StopTimeout
	if limit == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if cold := c.cold(); cold.grace == nil {
		g := &grace{}
		g.timer = time.AfterFunc(limit, c.step("gives up waiting for functions", func() { c.graceExpired(g) }))
		cold.grace = g
	}
}

// endGrace ends the grace period. It is called on the turn when all functions have
// returned that a stop or a restart waits for.
func (c *Caller) endGrace() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.coldState != nil && c.coldState.grace != nil {
		c.coldState.grace.timer.Stop()
		c.coldState.grace = nil
	}
}

// graceExpired abandons the functions that have not returned in time. They may
// have returned at the last moment: then it does nothing.
func (c *Caller) graceExpired(g *grace) {
	c.mu.Lock()
	var late []*sched.Task
	if c.coldState.grace == g {
		late = c.sched.Active()
	}
	c.mu.Unlock()
	c.abandonTasks(late, "it has not returned in time", slog.Duration("limit", c.config.StopTimeout))
	if c.config.OnStop != nil {
		c.recallStopHook(fmt.Errorf("actors: OnStop of %s has not begun after %v: %w", c.path(), c.config.StopTimeout, c.stopError()))
	}
}

// abandonTasks abandons the functions that have not returned.
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
	goexit.ForEach(tasks, func(t *sched.Task) {
		w := workOf(t)
		defer w.Abandon(cause) // even if the log handler ends the goroutine
		instrument.Abandoned(w.spanContext(), t.Progress())
		c.log().ErrorContext(w.Context(), "actors: function abandoned, "+why,
			slog.String("caller", c.path()), slog.String("function", w.Name()), detail)
	})
}

// errRestarted is the cause when a restart cancels a function, unless a panic of
// its own caller caused the restart.
var errRestarted = fmt.Errorf("%w: caller restarted", pending.ErrCancelled)
