package main

import (
	"context"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	api "go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/sdk/metric"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	notrace "go.opentelemetry.io/otel/trace/noop"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// dropped is a processor that has no use for the spans. So only the
// making of them is measured.
type dropped struct{}

func (dropped) OnStart(context.Context, sdk.ReadWriteSpan) {}
func (dropped) OnEnd(sdk.ReadOnlySpan)                     {}
func (dropped) Shutdown(context.Context) error             { return nil }
func (dropped) ForceFlush(context.Context) error           { return nil }

func newTracers(opts ...sdk.TracerProviderOption) trace.TracerProvider {
	return sdk.NewTracerProvider(append(opts, sdk.WithSpanProcessor(dropped{}))...)
}

// callSoonRecorded is callSoon with a span for each call.
func callSoonRecorded(b *testing.B) { callSoonTraced(b, newTracers()) }

// callSoonSampledOut is callSoon with a tracer that records nothing.
func callSoonSampledOut(b *testing.B) {
	callSoonTraced(b, newTracers(sdk.WithSampler(sdk.NeverSample())))
}

func callSoonTraced(b *testing.B, tracers trace.TracerProvider) {
	callSoonObserved(b, telemetry.New(telemetry.TracerProvider(tracers), telemetry.MeterProvider(noop.NewMeterProvider())))
}

func callSoonObserved(b *testing.B, t *telemetry.Telemetry) {
	c, ctx := must(actors.Start(newSystem(), props.Telemetry(t))), context.Background()
	b.Cleanup(func() { stop(c) })
	for b.Loop() {
		must(actors.CallSoon(ctx, c, one).Wait(ctx))
	}
}

// callSoonCounted is callSoon with metrics, and no spans.
func callSoonCounted(b *testing.B) {
	meters := metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))
	callSoonObserved(b, telemetry.New(telemetry.TracerProvider(notrace.NewTracerProvider()), telemetry.MeterProvider(meters)))
}

// callSoonAndValues makes a call without telemetry, and records two values as metrics do.
func callSoonAndValues(b *testing.B) {
	c, ctx := startCaller(b), context.Background()
	meters := metric.NewMeterProvider(metric.WithReader(metric.NewManualReader())).Meter("by hand")
	buckets := api.WithExplicitBucketBoundaries(
		1e-6, 5e-6, 1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60)
	queue, run := must(meters.Float64Histogram("queue", buckets)), must(meters.Float64Histogram("run", buckets))
	method := telemetry.MethodKey.String("CallSoon")
	queued := []api.RecordOption{api.WithAttributeSet(attribute.NewSet(method))}
	ran := []api.RecordOption{api.WithAttributeSet(attribute.NewSet(method, telemetry.OutcomeKey.String("ok")))}
	for b.Loop() {
		must(actors.CallSoon(ctx, c, one).Wait(ctx))
		queue.Record(ctx, 1e-6, queued...)
		run.Record(ctx, 1e-7, ran...)
	}
}

// callSoonAndSpan makes a call without a span, and a span that says nothing.
func callSoonAndSpan(b *testing.B) { callSoonBeside(b, newTracers()) }

// callSoonAndUnsampledSpan is callSoonAndSpan with a span that is not recorded.
func callSoonAndUnsampledSpan(b *testing.B) {
	callSoonBeside(b, newTracers(sdk.WithSampler(sdk.NeverSample())))
}

func callSoonBeside(b *testing.B, tracers trace.TracerProvider) {
	c, ctx, tracer := startCaller(b), context.Background(), tracers.Tracer("bare")
	for b.Loop() {
		_, span := tracer.Start(ctx, "call")
		must(actors.CallSoon(ctx, c, one).Wait(ctx))
		span.End()
	}
}

// callSoonAndSpanByHand is callSoonAndSpan with the attributes that the spans of calls have.
func callSoonAndSpanByHand(b *testing.B) {
	c, ctx, tracer := startCaller(b), context.Background(), newTracers().Tracer("by hand")
	for b.Loop() {
		_, span := tracer.Start(ctx, "call")
		began := time.Now()
		var started time.Time
		must(actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) {
			started = time.Now()
			return one(ctx)
		}).Wait(ctx))
		span.SetAttributes(
			telemetry.MethodKey.String("CallSoon"), telemetry.CallerIDKey.String(c.ID()), semconv.CodeFunctionName("main.one"),
			telemetry.QueueDurationKey.Float64(started.Sub(began).Seconds()), telemetry.RunDurationKey.Float64(time.Since(started).Seconds()),
		)
		span.End()
	}
}
