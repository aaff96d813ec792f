package main

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/metric/noop"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// dropped is a processor that has no use for the spans, so that only what it
// takes to make them is measured.
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
	t := telemetry.New(telemetry.TracerProvider(tracers), telemetry.MeterProvider(noop.NewMeterProvider()))
	c, ctx := must(actors.Start(newSystem(), props.Telemetry(t))), context.Background()
	b.Cleanup(func() { stop(c) })
	for b.Loop() {
		must(actors.CallSoon(ctx, c, one).Wait(ctx))
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
