package actors

import (
	"context"
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// TelemetryOf returns what traces what is done with ctx: that of the caller
// whose function runs with it, else the one that it carries, as by
// [telemetry.Telemetry.NewContext]. It may be nil.
func TelemetryOf(ctx context.Context) *telemetry.Telemetry {
	if c, ok := Current(ctx); ok && c.config.Telemetry != nil {
		return c.config.Telemetry
	}
	return telemetry.FromContext(ctx)
}

// telemetryBehind returns who traces a pending, or nil.
func telemetryBehind(h pending.Handle) *telemetry.Telemetry {
	if f, ok := pending.RunnerOf(h).(*frame); ok {
		return f.caller().config.Telemetry
	}
	return telemetry.FromContext(h.Context())
}

// observed adds to the options of a call the one that has it observed, if the
// caller has telemetry.
func (c *Caller) observed(m telemetry.Method, delay time.Duration, opts []pending.Option) []pending.Option {
	switch {
	case c.traced == nil:
		return opts
	case delay > 0:
		return append(opts, c.traced.DelayedOptions(m, delay)...)
	case len(opts) == 0:
		return c.traced.Options(m)
	default:
		return append(opts, c.traced.Options(m)...)
	}
}

// watches are what reports the callers of a system to whoever traces some of
// them: one for each, from the first of those callers to the last.
type watches struct {
	mu   sync.Mutex
	open map[*telemetry.Telemetry]*watched
}

type watched struct {
	callers int
	stop    func() // nil until it is registered
}

// watch says that t traces one caller more. Nil traces none.
func (n *node) watch(t *telemetry.Telemetry) {
	if t == nil {
		return
	}
	w := &n.watches
	w.mu.Lock()
	if known := w.open[t]; known != nil {
		known.callers++
		w.mu.Unlock()
		return
	}
	if w.open == nil {
		w.open = make(map[*telemetry.Telemetry]*watched)
	}
	made := &watched{callers: 1}
	w.open[t] = made
	w.mu.Unlock()
	// The provider, and the error handler of OpenTelemetry, may be user code.
	stop := t.Watch(n.system.ID, func() telemetry.Census { return n.census(t) })
	w.mu.Lock()
	made.stop = stop
	over := made.callers == 0 // meanwhile
	w.mu.Unlock()
	if over {
		stop()
	}
}

// unwatch says that one of those callers has ended.
func (n *node) unwatch(t *telemetry.Telemetry) {
	if t == nil {
		return
	}
	w := &n.watches
	w.mu.Lock()
	last := w.open[t]
	last.callers--
	if last.callers > 0 {
		w.mu.Unlock()
		return
	}
	delete(w.open, t)
	stop := last.stop
	w.mu.Unlock()
	if stop != nil { // else watch calls it
		stop()
	}
}

// census counts the callers that t traces. It takes no lock with which anybody
// calls watch or unwatch.
func (n *node) census(t *telemetry.Telemetry) telemetry.Census {
	var c telemetry.Census
	for _, caller := range n.all(func(c *Caller) bool { return c.config.Telemetry == t }) {
		c.Callers++
		c.Queued += caller.box.UserMessageCount()
		switch {
		case caller.employer == nil:
		case caller.box.idle():
			c.IdleWorkers++
		default:
			c.BusyWorkers++
		}
	}
	return c
}

// growStack has the goroutine get at once the stack that the SDK of
// OpenTelemetry needs. Later, from deep within the calls of a function, that
// takes three times as long.
//
//go:noinline
func growStack() {
	var room [3072]byte
	keep(&room)
}

//go:noinline
func keep(*[3072]byte) {}
