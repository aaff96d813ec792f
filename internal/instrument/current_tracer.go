package instrument

import (
	"context"
	"reflect"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
)

// CurrentTracer returns a tracer that begins its spans with the provider which package otel
// has at that moment. A tracer of package otel itself stays with the first one.
func CurrentTracer(scope string) trace.Tracer { return &currentTracer{scope: scope} }

type currentTracer struct {
	embedded.Tracer
	scope string
	last  atomic.Pointer[tracerOf]
}

type tracerOf struct {
	provider trace.TracerProvider
	trace.Tracer
}

// Start implements [trace.Tracer].
func (c *currentTracer) Start(
	ctx context.Context, name string, opts ...trace.SpanStartOption,
) (context.Context, trace.Span) {
	return c.now().Start(ctx, name, opts...)
}

func (c *currentTracer) now() trace.Tracer {
	p := otel.GetTracerProvider()
	if last := c.last.Load(); last != nil && last.provider == p {
		return last.Tracer
	}
	made := &tracerOf{p, p.Tracer(c.scope)}
	if reflect.ValueOf(p).Comparable() { // else == panics
		c.last.Store(made)
	}
	return made.Tracer
}

// CurrentPropagator is what [SetPropagator] was given last. It is the W3C trace context with
// the W3C baggage before that.
type CurrentPropagator struct{}

var propagator atomic.Pointer[propagation.TextMapPropagator]

var w3c = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})

// SetPropagator sets how messages and calls carry traces where nothing else is said.
func SetPropagator(p propagation.TextMapPropagator) { propagator.Store(&p) }

func (CurrentPropagator) now() propagation.TextMapPropagator {
	if set := propagator.Load(); set != nil {
		return *set
	}
	return w3c
}

// Inject implements [propagation.TextMapPropagator].
func (c CurrentPropagator) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	c.now().Inject(ctx, carrier)
}

// Extract implements [propagation.TextMapPropagator].
func (c CurrentPropagator) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	return c.now().Extract(ctx, carrier)
}

// Fields implements [propagation.TextMapPropagator].
func (c CurrentPropagator) Fields() []string { return c.now().Fields() }
