package instrument

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Core is what a Telemetry embeds. It has no exported methods, so that it promotes none.
type Core struct {
	owner       Sealed
	tracer      trace.Tracer
	untraced    bool // the tracer is one that does nothing
	meter       metric.Meter
	propagator  propagation.TextMapPropagator
	foreignName func(error) string
	stackOf     func(error) []byte
	metrics     *metrics
	counters    [methods]*counters
	buffer      buffer
	functions   functions
	messages    messageTypes
	open        *openSpans // nil unless calls that are not done are reported
}

// Sealed is what embeds a [Core].
type Sealed interface{ core() *Core }

func (c *Core) core() *Core { return c }

// Instruments are a [Core] as the library sees it. They are safe for concurrent use.
type Instruments Core

// Of returns the instruments of what embeds a [Core], or nil for nil.
func Of[T any, P interface {
	*T
	Sealed
}](t P) *Instruments {
	if t == nil {
		return nil
	}
	return (*Instruments)(t.core())
}

// Spec says what a [Core] reports to, and how.
type Spec struct {
	Tracer     trace.Tracer
	Meter      metric.Meter
	Propagator propagation.TextMapPropagator
	// Unfinished is after which time calls are reported that are not done; 0 for never.
	Unfinished time.Duration
	// NameOf returns the name of an error that does not know its own, or "".
	NameOf func(error) string
	// StackOf returns the stack of the panic in an error, or nil.
	StackOf func(error) []byte
}

// Init prepares what is embedded in owner. It is called once, before any other function.
func Init(owner Sealed, s Spec) {
	t := (*Instruments)(owner.core())
	t.owner, t.tracer, t.meter, t.propagator = owner, s.Tracer, s.Meter, s.Propagator
	t.foreignName, t.stackOf = s.NameOf, s.StackOf
	_, t.untraced = s.Tracer.(noop.Tracer)
	if s.Unfinished > 0 {
		t.open = &openSpans{instruments: t, after: s.Unfinished}
	}
	t.metrics = newMetrics(t.meter)
	t.buffer.init(&t.counters)
	for m := range t.counters {
		t.counters[m] = newCounters(t.metrics, Method(m)) //nolint:gosec // There are few.
	}
}

// Owner returns what embeds the [Core].
func (t *Instruments) Owner() Sealed { return t.owner }

// NewContext returns ctx with t in it.
func (t *Instruments) NewContext(ctx context.Context) context.Context {
	return context.WithValue(ctx, key{}, t)
}

// FromContext returns the instruments in ctx, or nil.
func FromContext(ctx context.Context) *Instruments {
	t, _ := ctx.Value(key{}).(*Instruments)
	return t
}

type key struct{}
