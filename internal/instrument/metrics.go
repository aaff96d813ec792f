package instrument

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// metrics are the instruments. One set serves all callers of a [Core].
type metrics struct {
	begun, ended metric.Int64Counter
	queue, run   metric.Float64Histogram
	wait         metric.Float64Histogram
	circles      metric.Int64Counter // waits that could never end
	longTurns    metric.Int64Counter
	denied       metric.Int64Counter
	expelled     metric.Int64Counter
	client       metric.Float64Histogram // of calls of other nodes
	server       metric.Float64Histogram // of calls by other nodes

	callers, queued, workers metric.Int64ObservableUpDownCounter
}

// boundaries are those of the histograms' buckets, in seconds. Calls take a
// microsecond and more.
var boundaries = []float64{
	1e-6, 5e-6, 1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60,
}

// rpcBoundaries are those of the semantic conventions for RPC.
var rpcBoundaries = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}

func newMetrics(m metric.Meter) *metrics {
	var errs [14]error
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
	ms.client, errs[8] = m.Float64Histogram("rpc.client.call.duration",
		metric.WithUnit("s"), metric.WithDescription("How long calls of functions of other nodes took."),
		metric.WithExplicitBucketBoundaries(rpcBoundaries...))
	ms.server, errs[9] = m.Float64Histogram("rpc.server.call.duration",
		metric.WithUnit("s"), metric.WithDescription("How long calls by other nodes took."),
		metric.WithExplicitBucketBoundaries(rpcBoundaries...))
	ms.wait, errs[10] = m.Float64Histogram("protocaller.wait.duration",
		metric.WithUnit("s"), metric.WithDescription("How long functions waited, of those that did."),
		metric.WithExplicitBucketBoundaries(boundaries...))
	ms.circles, errs[11] = m.Int64Counter("protocaller.deadlocks",
		metric.WithUnit("{wait}"), metric.WithDescription("Waits that have failed because they could never end."))
	ms.longTurns, errs[12] = m.Int64Counter("protocaller.turns.long",
		metric.WithUnit("{turn}"), metric.WithDescription("Turns that the watchdog has reported."))
	ms.expelled, errs[13] = m.Int64Counter("protocaller.rpc.expelled",
		metric.WithUnit("{expulsion}"), metric.WithDescription("How often members were expelled from their clusters."))
	if err := errors.Join(errs[:]...); err != nil {
		report(err)
	}
	return &ms
}

// counters count the pendings of one method.
type counters struct {
	*metrics
	add    []metric.AddOption
	record []metric.RecordOption
	rpc    metric.Float64Histogram // nil for what is no call between nodes
	ends   [outcomes]struct {
		add    []metric.AddOption
		record []metric.RecordOption
	}
}

func newCounters(ms *metrics, m Method) *counters {
	method := MethodKey.String(m.String())
	of := func(attributes ...attribute.KeyValue) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(attributes...))
	}
	c := &counters{metrics: ms, add: []metric.AddOption{of(method)}, record: []metric.RecordOption{of(method)}}
	switch m {
	case RemoteCall:
		c.rpc = ms.client
	case Handle:
		c.rpc = ms.server
	}
	for end := range c.ends {
		with := of(method, OutcomeKey.String(outcome(end).String())) //nolint:gosec // There are four.
		c.ends[end].add = []metric.AddOption{with}
		c.ends[end].record = []metric.RecordOption{with}
	}
	return c
}

// enabled reports whether the counters are read. Nil counters count nothing.
// A view may drop any of the instruments.
func (c *counters) enabled(ctx context.Context) (enabled bool) {
	if c == nil {
		return false
	}
	defer survive()
	return c.rpc != nil && c.rpc.Enabled(ctx) || c.begun.Enabled(ctx) || c.ended.Enabled(ctx) || c.queue.Enabled(ctx) ||
		c.run.Enabled(ctx) || c.wait.Enabled(ctx) || c.circles.Enabled(ctx)
}

func (c *counters) started(ctx context.Context) {
	defer survive()
	c.begun.Add(ctx, 1, c.add...)
}

func (c *counters) queuedFor(ctx context.Context, nanoseconds int64) {
	defer survive()
	c.queue.Record(ctx, seconds(nanoseconds), c.record...)
}

// done counts a pending that is done total nanoseconds after it was made. Its
// function was called after started nanoseconds, or never if started is 0, and has waited so
// many of them.
func (c *counters) done(ctx context.Context, end outcome, total, started, waited int64) {
	defer survive()
	if waited > 0 {
		c.wait.Record(ctx, seconds(waited), c.record...)
	}
	c.ended.Add(ctx, 1, c.ends[end].add...)
	if started > 0 {
		c.run.Record(ctx, seconds(total-started), c.ends[end].record...)
	}
}

// deadlocked counts a wait that could never end.
func (c *counters) deadlocked(ctx context.Context) {
	defer survive()
	c.circles.Add(ctx, 1, c.add...)
}

// called records a call between nodes, which took total nanoseconds.
func (c *counters) called(ctx context.Context, total int64, attributes []attribute.KeyValue) {
	defer survive()
	c.rpc.Record(ctx, seconds(total), metric.WithAttributeSet(attribute.NewSet(attributes...)))
}
