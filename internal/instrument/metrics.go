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
	method      Method
	add         []metric.AddOption
	queue, wait series
	rpc         metric.Float64Histogram // nil for what is no call between nodes
	ends        [outcomes]struct {
		add []metric.AddOption
		run series
	}
}

func newCounters(ms *metrics, m Method) *counters {
	method := MethodKey.String(m.String())
	of := func(attributes ...attribute.KeyValue) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(attributes...))
	}
	with := []metric.RecordOption{of(method)}
	c := &counters{
		metrics: ms, method: m, add: []metric.AddOption{of(method)},
		queue: series{ms.queue, with}, wait: series{ms.wait, with},
	}
	switch m {
	case RemoteCall:
		c.rpc = ms.client
	case Handle:
		c.rpc = ms.server
	}
	for end := range c.ends {
		with := of(method, OutcomeKey.String(outcome(end).String())) //nolint:gosec // There are four.
		c.ends[end].add = []metric.AddOption{with}
		c.ends[end].run = series{ms.run, []metric.RecordOption{with}}
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
	return c.rpc != nil && c.rpc.Enabled(ctx) || c.begun.Enabled(ctx) || c.ended.Enabled(ctx) || c.metrics.queue.Enabled(ctx) ||
		c.run.Enabled(ctx) || c.metrics.wait.Enabled(ctx) || c.circles.Enabled(ctx)
}

// addBegun counts pendings that were made.
func (c *counters) addBegun(ctx context.Context, n int64) {
	defer survive()
	c.begun.Add(ctx, n, c.add...)
}

// addEnded counts pendings that have ended.
func (c *counters) addEnded(ctx context.Context, end outcome, n int64) {
	defer survive()
	c.ended.Add(ctx, n, c.ends[end].add...)
}

// started counts a pending that was made. Its values go to the shard, if that is not nil.
func (c *counters) started(ctx context.Context, s *shard) {
	if s == nil || !s.begun(c.method) {
		c.addBegun(ctx, 1)
	}
}

// queuedFor records how long a call was queued.
func (c *counters) queuedFor(ctx context.Context, s *shard, nanoseconds int64) {
	if s == nil || !s.queuedFor(c, nanoseconds) {
		c.queue.record(ctx, nanoseconds)
	}
}

// done counts a pending that is done. Its function ran for so many nanoseconds, fewer than 0
// if it was never called. It waited for some of them.
func (c *counters) done(ctx context.Context, s *shard, end outcome, ran, waited int64) {
	if s != nil && s.done(c, end, ran, waited) {
		return
	}
	c.addEnded(ctx, end, 1)
	if waited > 0 {
		c.wait.record(ctx, waited)
	}
	if ran >= 0 {
		c.ends[end].run.record(ctx, ran)
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
