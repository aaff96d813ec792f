package instrument

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// source makes the observations of pendings of one kind.
type source struct {
	*Instruments
	name       string // of the spans, "" for that of the pending
	start      []trace.SpanStartOption
	attributes []attribute.KeyValue // those that all the spans have
	counters   *counters            // nil for pendings that are not counted
	values     *shard               // for what is counted
	function   *function            // nil for that of the pending
	rpc        bool                 // between nodes
	served     bool                 // for other nodes: the name is that of the function which they call
	codeOf     func(error) string   // the code that an error travels with, "" for none; nil unless served
}

// Named returns an observer of pendings whose spans have that name, or that of their pendings
// if it is "". It counts nothing.
func (t *Instruments) Named(name string) future.Observer { return &source{Instruments: t, name: name} }

// Observe implements [future.Observer].
func (s *source) Observe(ctx context.Context, c *future.Core) (context.Context, future.Observation) {
	ctx, o := s.begin(ctx, c)
	if o == nil { // which is no nil Observation
		return ctx, nil
	}
	return ctx, o
}

// begin returns nil for a pending that is neither recorded nor counted.
func (s *source) begin(ctx context.Context, c *future.Core, more ...trace.SpanStartOption) (context.Context, *observation) {
	name, fn := s.describe(c)
	var o *observation
	if ctx = begun(ctx); isObserved(ctx) {
		o = newObservation(c)
		ctx = o.parent.set(ctx)
	}
	start := s.start
	if len(more) > 0 {
		start = append(more, start...)
	}
	with, span := s.startSpan(ctx, name, start...)
	recording, counted := span.IsRecording(), s.counters.enabled(with)
	if !recording && !counted {
		return unrecorded(ctx, with, span), nil
	}
	if o == nil {
		o = newObservation(c)
	}
	o.source, o.pending, o.function = s, c, fn
	o.ctx = spanContext{with, ctx}
	if o.parent.span != nil {
		o.ctx.base = o.parent.Context
	}
	o.counted, o.sampled, o.began = counted, span.SpanContext().IsSampled(), beginning(span)
	if recording {
		o.span = span
		if s.open != nil {
			o.open = s.open.add(o, name, parentOf(ctx, span))
		}
	}
	if counted {
		s.counters.started(with, o.values())
	}
	return &o.ctx, o
}

// describe returns the name of a pending's span, and its function or nil.
func (s *source) describe(c *future.Core) (name string, fn *function) {
	name, pc := future.Origin(c)
	fn = s.function
	if fn == nil {
		fn = s.functions.at(pc)
	}
	switch {
	case s.name != "":
		return s.name, fn
	case s.function != nil && name == fn.attribute.Value.AsString():
		return fn.name, fn
	case name == "" && fn != nil:
		return fn.name, fn
	default:
		return name, fn
	}
}

// unrecorded returns the context of a pending that is not recorded: that of its parent if
// the whole trace is not, so that a chain of them does not grow.
func unrecorded(parent, with context.Context, span trace.Span) context.Context {
	above, own := trace.SpanContextFromContext(parent), span.SpanContext()
	if !above.IsSampled() && above.TraceID() == own.TraceID() {
		return parent
	}
	return with
}

// beginning returns when a span began. It reads the clock only if the span does
// not say.
func beginning(span trace.Span) time.Time {
	if s, ok := span.(interface{ StartTime() time.Time }); ok {
		return s.StartTime()
	}
	return time.Now()
}

// parentOf returns the parent of a span that was begun with ctx.
func parentOf(ctx context.Context, span trace.Span) (parent trace.SpanContext) {
	parent = trace.SpanContextFromContext(ctx)
	if parent.TraceID() != span.SpanContext().TraceID() { // it was begun as a root
		return trace.SpanContext{}
	}
	return parent
}
