package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
)

// scope names the instrumentation in traces and metrics.
const scope = "github.com/seed-7fcaac1b/protocaller"

// Telemetry makes the spans and the metrics of callers. It is made by [New] and
// given to callers with props.Telemetry. It is safe for concurrent use.
type Telemetry struct {
	core                       //nolint:unused // Package instrument looks for its method.
	background context.Context // that of a message without a trace
}

// core has no exported methods, so that a [Telemetry] has its own alone.
type core = instrument.Core //nolint:unused // It is embedded.

// Option configures a [Telemetry].
type Option func(*options)

type options struct {
	tracers    trace.TracerProvider
	meters     metric.MeterProvider
	propagator propagation.TextMapPropagator
	unfinished time.Duration
}

// TracerProvider sets where spans are made. The default is the provider that
// [go.opentelemetry.io/otel.GetTracerProvider] returns when a span begins, also if another
// one is set later.
func TracerProvider(p trace.TracerProvider) Option {
	return func(o *options) { o.tracers = p }
}

// MeterProvider sets where metrics are made. The default is the provider that
// [go.opentelemetry.io/otel.GetMeterProvider] returns when something is measured, also if
// another one is set later.
func MeterProvider(p metric.MeterProvider) Option {
	return func(o *options) { o.meters = p }
}

// Propagator sets how messages and calls carry traces. The default is the W3C trace context
// with the W3C baggage. A program that calls otlp.Setup may leave either out with the variable
// OTEL_PROPAGATORS.
func Propagator(p propagation.TextMapPropagator) Option {
	return func(o *options) { o.propagator = p }
}

// Unfinished has calls seen that are not done after that time. A span is exported when it
// ends, so that a call that hangs is in no trace without it. The default, and any time that
// is not positive, is off.
//
// Such a call makes a span of the name "NAME (unfinished)" beside its own one: after the
// given time, and then at doubling intervals. That span lasts from the beginning of the call
// until then. It has the state of the call in the attribute [StateKey], and a link to the
// span of the call. A call without a parent has it below itself. The span of the call itself
// has the number of them, as [UnfinishedKey]. A turn that lasts long makes one at once, with
// its stack.
//
// It costs a recorded call an entry in a list.
func Unfinished(after time.Duration) Option {
	return func(o *options) { o.unfinished = after }
}

// New returns a Telemetry. Without options it reports to the providers of the
// whole program, those of package otel.
func New(opts ...Option) *Telemetry {
	o := options{propagator: instrument.CurrentPropagator{}}
	for _, opt := range opts {
		opt(&o)
	}
	spec := instrument.Spec{Propagator: o.propagator, Unfinished: o.unfinished, NameOf: foreignName, StackOf: stackOf}
	if o.tracers == nil {
		spec.Tracer = instrument.CurrentTracer(scope)
	} else {
		spec.Tracer = o.tracers.Tracer(scope)
	}
	if o.meters == nil {
		spec.Meter = instrument.CurrentMeter(scope)
	} else {
		spec.Meter = o.meters.Meter(scope)
	}
	t := &Telemetry{}
	instrument.Init(t, spec)
	t.background = t.NewContext(context.Background())
	return t
}

// Observe makes a span for a pending that ends when that is done, and counts nothing. It implements
// [future.Observer]: give t to [pending.WithObserver], [pending.LoopObservedBy] or
// [pending.ObservedBy] for spans of groups, loops and other pendings.
func (t *Telemetry) Observe(ctx context.Context, c *future.Core) (context.Context, future.Observation) {
	return t.Named("").Observe(ctx, c)
}

// Named returns t as an observer whose spans have that name.
func (t *Telemetry) Named(name string) future.Observer { return instrument.Of(t).Named(name) }

// NewContext returns ctx with t in it. Package actors uses the Telemetry of a
// context for requests outside of callers.
func (t *Telemetry) NewContext(ctx context.Context) context.Context {
	return instrument.Of(t).NewContext(ctx)
}

// FromContext returns the Telemetry of ctx, or nil. [Telemetry.NewContext] and
// [ContextOf] put it there.
func FromContext(ctx context.Context) *Telemetry {
	known := instrument.FromContext(ctx)
	if known == nil {
		return nil
	}
	t, _ := known.Owner().(*Telemetry)
	return t
}
