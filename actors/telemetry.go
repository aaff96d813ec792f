package actors

import (
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/tracing"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

var _ tracing.Source = (*mailbox)(nil)

// Instruments implements [tracing.Source].
func (m *mailbox) Instruments() *instrument.Instruments { return m.caller().instruments() }

// instruments returns those of the caller's telemetry, or nil.
func (c *Caller) instruments() *instrument.Instruments { return instrument.Of(c.config.Telemetry) }

// instrumentsBehind returns the instruments of a pending, or nil.
func instrumentsBehind(h pending.Handle) *instrument.Instruments {
	if f, ok := future.RunnerOf(h).(*sched.Task); ok {
		return callerOf(f).instruments()
	}
	return instrument.FromContext(h.Context())
}

// observer returns the observer of a call, or nil if the caller has no telemetry.
func (c *Caller) observer(m instrument.Method, delay time.Duration) future.Observer {
	if c.traced == nil {
		return nil
	}
	return c.traced.Observer(m, delay)
}

// served returns the method of calls by other nodes, whose errors have codes.
func (c *Caller) served(codeOf func(error) string) instrument.Method {
	if c.traced != nil {
		c.traced.Serving(codeOf)
	}
	return instrument.Handle
}

// gauges report the callers of a system to their telemetries. There is one for
// each telemetry, from its first caller to the last.
type gauges struct {
	mu   sync.Mutex
	open map[*telemetry.Telemetry]*gauge
}

type gauge struct {
	callers int
	stop    func() // nil until it is registered
}

// addCaller counts one caller more for t. It does nothing for nil.
func (r *registry) addCaller(t *telemetry.Telemetry) {
	if t == nil {
		return
	}
	g := &r.gauges
	g.mu.Lock()
	if known := g.open[t]; known != nil {
		known.callers++
		g.mu.Unlock()
		return
	}
	if g.open == nil {
		g.open = make(map[*telemetry.Telemetry]*gauge)
	}
	made := &gauge{callers: 1}
	g.open[t] = made
	g.mu.Unlock()
	// The provider, and the error handler of OpenTelemetry, may be user code.
	stop := instrument.Of(t).Watch(r.system.ID, func() instrument.Stats { return r.stats(t) })
	g.mu.Lock()
	made.stop = stop
	over := made.callers == 0 // meanwhile
	g.mu.Unlock()
	if over {
		stop()
	}
}

// removeCaller counts one caller less for t.
func (r *registry) removeCaller(t *telemetry.Telemetry) {
	if t == nil {
		return
	}
	g := &r.gauges
	g.mu.Lock()
	last := g.open[t]
	last.callers--
	if last.callers > 0 {
		g.mu.Unlock()
		return
	}
	delete(g.open, t)
	stop := last.stop
	g.mu.Unlock()
	if stop != nil { // else addCaller calls it
		stop()
	}
}

// stats counts the callers with telemetry t. It takes no lock that is held during
// a call of addCaller or removeCaller.
func (r *registry) stats(t *telemetry.Telemetry) instrument.Stats {
	var c instrument.Stats
	for _, caller := range r.all(func(c *Caller) bool { return c.config.Telemetry == t }) {
		c.Queued += caller.waiting()
		if caller.Idle() {
			c.IdleCallers++
		} else {
			c.BusyCallers++
		}
		switch {
		case caller.worker == nil:
		case caller.sched.Idle():
			c.IdleWorkers++
		default:
			c.BusyWorkers++
		}
	}
	return c
}
