package telemetry

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// metrics are the instruments. They are made once, however many callers there
// are.
type metrics struct {
	begun, ended metric.Int64Counter
	queue, run   metric.Float64Histogram
	denied       metric.Int64Counter

	callers, queued, workers metric.Int64ObservableUpDownCounter
}

// boundaries are those of the histograms' buckets, in seconds: calls take from
// a microsecond up.
var boundaries = []float64{
	1e-6, 5e-6, 1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60,
}

func newMetrics(m metric.Meter) *metrics {
	var errs [8]error
	var ms metrics
	ms.begun, errs[0] = m.Int64Counter("protocaller.pending.started",
		metric.WithUnit("{pending}"), metric.WithDescription("Pendings that were made."))
	ms.ended, errs[1] = m.Int64Counter("protocaller.pending.done",
		metric.WithUnit("{pending}"), metric.WithDescription("Pendings that are done, by their outcome."))
	ms.queue, errs[2] = m.Float64Histogram("protocaller.queue.duration",
		metric.WithUnit("s"), metric.WithDescription("How long calls were queued before their functions were called."),
		metric.WithExplicitBucketBoundaries(boundaries...))
	ms.run, errs[3] = m.Float64Histogram("protocaller.run.duration",
		metric.WithUnit("s"), metric.WithDescription("How long functions ran, waits included."),
		metric.WithExplicitBucketBoundaries(boundaries...))
	ms.callers, errs[4] = m.Int64ObservableUpDownCounter("protocaller.caller.count",
		metric.WithUnit("{caller}"), metric.WithDescription("Callers that have not stopped."))
	ms.queued, errs[5] = m.Int64ObservableUpDownCounter("protocaller.mailbox.length",
		metric.WithUnit("{call}"), metric.WithDescription("Calls and messages that wait in the mailboxes of callers."))
	ms.workers, errs[6] = m.Int64ObservableUpDownCounter("protocaller.worker.count",
		metric.WithUnit("{worker}"), metric.WithDescription("Workers of callers, by what they do."))
	ms.denied, errs[7] = m.Int64Counter("protocaller.rpc.denied",
		metric.WithUnit("{denial}"), metric.WithDescription("What other nodes were denied, by reason."))
	if err := errors.Join(errs[:]...); err != nil {
		otel.Handle(err)
	}
	return &ms
}

// figures counts the pendings of one method.
type figures struct {
	*metrics
	add    []metric.AddOption
	record []metric.RecordOption
	ends   [outcomes]struct {
		add    []metric.AddOption
		record []metric.RecordOption
	}
}

func newFigures(ms *metrics, m Method) *figures {
	method := MethodKey.String(m.String())
	of := func(attributes ...attribute.KeyValue) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(attributes...))
	}
	f := &figures{metrics: ms, add: []metric.AddOption{of(method)}, record: []metric.RecordOption{of(method)}}
	for end := range f.ends {
		with := of(method, OutcomeKey.String(outcome(end).String())) //nolint:gosec // There are four.
		f.ends[end].add = []metric.AddOption{with}
		f.ends[end].record = []metric.RecordOption{with}
	}
	return f
}

// enabled reports whether anybody reads the figures. Nil counts nothing.
func (f *figures) enabled(ctx context.Context) bool { return f != nil && f.begun.Enabled(ctx) }

func (f *figures) started(ctx context.Context) { f.begun.Add(ctx, 1, f.add...) }

func (f *figures) queuedFor(ctx context.Context, nanoseconds int64) {
	f.queue.Record(ctx, seconds(nanoseconds), f.record...)
}

// done counts a pending that was there for total nanoseconds, the function of
// which was called after started ones, or never if that is 0.
func (f *figures) done(ctx context.Context, end outcome, total, started int64) {
	f.ended.Add(ctx, 1, f.ends[end].add...)
	if started > 0 {
		f.run.Record(ctx, seconds(total-started), f.ends[end].record...)
	}
}
