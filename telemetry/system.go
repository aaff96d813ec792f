package telemetry

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Stats is what the callers of an actor system are like at one moment.
type Stats struct {
	Callers     int
	Queued      int // calls and messages in all their mailboxes
	IdleWorkers int
	BusyWorkers int
}

// Watch has the stats of the actor system with that id reported whenever
// metrics are collected, until stop is called. Package actors calls it with the
// first caller of a system, and stops with the last one. The function must not
// wait for anybody who calls Watch or stop.
func (t *Telemetry) Watch(system string, count func() Stats) (stop func()) {
	ms := t.metrics
	of := func(attributes ...attribute.KeyValue) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(append(attributes, SystemKey.String(system))...))
	}
	all, idle, busy := of(), of(WorkerStateKey.String("idle")), of(WorkerStateKey.String("busy"))
	registration, err := t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		c := count()
		o.ObserveInt64(ms.callers, int64(c.Callers), all)
		o.ObserveInt64(ms.queued, int64(c.Queued), all)
		o.ObserveInt64(ms.workers, int64(c.IdleWorkers), idle)
		o.ObserveInt64(ms.workers, int64(c.BusyWorkers), busy)
		return nil
	}, ms.callers, ms.queued, ms.workers)
	if err != nil {
		otel.Handle(err)
		return func() {}
	}
	return func() {
		if err := registration.Unregister(); err != nil {
			otel.Handle(err)
		}
	}
}
