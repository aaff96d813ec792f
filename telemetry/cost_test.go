package telemetry_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// allocs returns how often a call allocates, with that telemetry.
func allocs(t *testing.T, opts ...telemetry.Option) float64 {
	t.Helper()
	var traced *telemetry.Telemetry
	if len(opts) > 0 {
		traced = telemetry.New(append([]telemetry.Option{telemetry.MeterProvider(metricnoop.NewMeterProvider())}, opts...)...)
	}
	c, err := actors.Start(newSystem(), props.Telemetry(traced))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.StopWait(context.Background())) })
	ctx := context.Background()
	return testing.AllocsPerRun(1000, func() { _, _ = actors.CallSoon(ctx, c, nothing).Wait(ctx) })
}

func TestCallThatIsNotSampledCostsLittle(t *testing.T) {
	never := tracetest.NewRecorder(sdk.WithSampler(sdk.NeverSample())).TracerProvider()
	tracer := never.Tracer("bare")
	bare := testing.AllocsPerRun(1000, func() {
		_, span := tracer.Start(context.Background(), "name")
		span.End()
	})
	off := allocs(t)
	assert.LessOrEqual(t, allocs(t, telemetry.TracerProvider(never)), off+bare+0.5, "the span of the SDK")
	assert.LessOrEqual(t, allocs(t, telemetry.TracerProvider(noop.NewTracerProvider())), off+0.5)
}

func TestCallThatIsCountedOrRecordedAllocatesItsObservationAlone(t *testing.T) {
	off := allocs(t)
	m := newMeters()
	untraced := telemetry.TracerProvider(noop.NewTracerProvider())
	assert.LessOrEqual(t, allocs(t, untraced, telemetry.MeterProvider(m)), off+1.5)

	tracer := sdk.NewTracerProvider(sdk.WithSpanProcessor(&hooks{})).Tracer("bare")
	bare := testing.AllocsPerRun(1000, func() {
		_, span := tracer.Start(context.Background(), "name")
		span.SetAttributes(telemetry.MethodKey.String("CallSoon"))
		span.End()
	})
	assert.LessOrEqual(t, allocs(t, telemetry.TracerProvider((&hooks{}).provider())), off+bare+1.5)
}

func TestCallOfACallerWithoutTelemetryCostsNothingMore(t *testing.T) {
	off := allocs(t)
	c, err := actors.Start(newSystem(), props.Telemetry(tracetest.NewRecorder().Telemetry()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.StopWait(context.Background())) })
	child, err := c.Child(props.Telemetry(nil))
	require.NoError(t, err)
	ctx := context.Background()
	refused := testing.AllocsPerRun(1000, func() { _, _ = actors.CallSoon(ctx, child, nothing).Wait(ctx) })
	assert.InDelta(t, off, refused, 0.5)
	assert.LessOrEqual(t, off, 2.5)
}
