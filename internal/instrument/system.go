package instrument

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Stats counts the callers of an actor system at one moment.
type Stats struct {
	// IdleCallers is how many have nothing to do, and have not stopped.
	IdleCallers int
	// BusyCallers is how many have calls that are not done.
	BusyCallers int
	// Queued is how many calls and messages are in all their mailboxes.
	Queued int
	// IdleWorkers is how many workers wait for a call.
	IdleWorkers int
	// BusyWorkers is how many workers run one.
	BusyWorkers int
}

// Watch reports the stats of the actor system with that id whenever metrics are
// collected. The reports end with stop. Watch is called with the first caller of a system, and
// stop after the last.
//
// The function count must not wait for a goroutine that calls Watch or stop.
func (t *Instruments) Watch(system string, count func() Stats) (stop func()) {
	stop = func() {}
	defer survive()
	ms := t.metrics
	of := func(attributes ...attribute.KeyValue) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(append(attributes, text(SystemKey, system))...))
	}
	all, idle, busy := of(), of(WorkerStateKey.String("idle")), of(WorkerStateKey.String("busy"))
	idleCaller, busyCaller := of(CallerStateKey.String("idle")), of(CallerStateKey.String("busy"))
	registration, err := t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		t.buffer.flush() // into what is collected next
		c := count()
		o.ObserveInt64(ms.callers, int64(c.IdleCallers), idleCaller)
		o.ObserveInt64(ms.callers, int64(c.BusyCallers), busyCaller)
		o.ObserveInt64(ms.queued, int64(c.Queued), all)
		o.ObserveInt64(ms.workers, int64(c.IdleWorkers), idle)
		o.ObserveInt64(ms.workers, int64(c.BusyWorkers), busy)
		return nil
	}, ms.callers, ms.queued, ms.workers)
	if err != nil {
		report(err)
		return stop
	}
	closeBuffer := t.buffer.watch()
	return func() {
		defer closeBuffer()
		defer survive()
		if err := registration.Unregister(); err != nil {
			report(err)
		}
	}
}
