package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// scope names the instrumentation in traces and metrics.
const scope = "github.com/seed-7fcaac1b/protocaller"

// Telemetry makes the spans and the metrics of callers. It is made by [New] and
// given to callers with props.Telemetry. It is safe for concurrent use.
type Telemetry struct {
	tracer     trace.Tracer
	meter      metric.Meter
	propagator propagation.TextMapPropagator
	metrics    *metrics
	counters   [methods]*counters
	functions  functions
	messages   messageTypes
	open       *openSpans      // nil without Unfinished
	background context.Context // that of a message without a trace
}

// Option configures a [Telemetry].
type Option func(*options)

type options struct {
	tracers    trace.TracerProvider
	meters     metric.MeterProvider
	propagator propagation.TextMapPropagator
	unfinished time.Duration
}

// TracerProvider sets where spans are made. The default is the provider of
// [otel.GetTracerProvider], even if that is set later.
func TracerProvider(p trace.TracerProvider) Option {
	return func(o *options) { o.tracers = p }
}

// MeterProvider sets where metrics are made. The default is the provider of
// [otel.GetMeterProvider], even if that is set later.
func MeterProvider(p metric.MeterProvider) Option {
	return func(o *options) { o.meters = p }
}

// Propagator sets how messages carry traces. The default is the W3C trace context
// with the W3C baggage.
func Propagator(p propagation.TextMapPropagator) Option {
	return func(o *options) { o.propagator = p }
}

// New returns a Telemetry. Without options it reports to the providers of the
// whole program, those of package otel.
func New(opts ...Option) *Telemetry {
	o := options{
		tracers: otel.GetTracerProvider(),
		meters:  otel.GetMeterProvider(),
		propagator: propagation.NewCompositeTextMapPropagator(
			propagation.TraceContext{}, propagation.Baggage{}),
	}
	for _, opt := range opts {
		opt(&o)
	}
	t := &Telemetry{
		tracer:     o.tracers.Tracer(scope),
		meter:      o.meters.Meter(scope),
		propagator: o.propagator,
	}
	if o.unfinished > 0 {
		t.open = &openSpans{telemetry: t, after: o.unfinished}
	}
	t.background = t.NewContext(context.Background())
	t.metrics = newMetrics(t.meter)
	for m := range t.counters {
		t.counters[m] = newCounters(t.metrics, Method(m)) //nolint:gosec // There are few.
	}
	return t
}
