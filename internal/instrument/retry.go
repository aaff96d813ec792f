package instrument

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// Retries are the attempts at one call. The first one is in the span of the call, and each
// further one in a span of its own, which links to the one before. A call that goes well at
// once has one span. The zero Retries make no spans.
type Retries struct {
	instruments *Instruments
	remote      bool // between nodes

	mu     sync.Mutex
	made   int
	before trace.SpanContext // of the last attempt
	open   retry
}

// retry is the span of an attempt, nil for none.
type retry struct{ span trace.Span }

// Retries returns those of a call on a caller. On nil they make no spans.
func (t *Instruments) Retries() *Retries { return &Retries{instruments: t} }

// RemoteRetries returns those of a call between nodes. On nil they make no spans.
func (t *Instruments) RemoteRetries() *Retries { return &Retries{instruments: t, remote: true} }

// Call begins an attempt at the call whose function runs with ctx. The argument failed is the
// error of the attempt before, nil for the first. The context is the one to call with.
func (r *Retries) Call(ctx context.Context, failed error) context.Context {
	var cause []attribute.KeyValue
	if failed != nil {
		cause = append(cause, text(CauseKey, textOf(failed)))
	}
	n := r.count(ctx)
	note(ctx, append([]attribute.KeyValue{AttemptKey.Int(n)}, cause...)...)
	running := future.Running(ctx)
	if n == 1 || r.instruments == nil || running == nil {
		return ctx
	}
	name, pc := future.Origin((*future.Core)(running))
	attributes := []attribute.KeyValue{AttemptKey.Int(n)}
	if fn := r.instruments.functions.at(pc); fn != nil {
		attributes = append(attributes, fn.attribute)
		if name == "" {
			name = fn.name
		}
	}
	return r.begin(ctx, name, attributes, nil)
}

// Send begins an attempt at a call of a function of the node with that address. The context is
// that of the call's pending. The one returned is that of the attempt.
func (r *Retries) Send(ctx context.Context, function, address string) (with context.Context, again bool) {
	server := appendServer(nil, address)
	n := r.count(ctx)
	noteServer(ctx, server)
	if n == 1 || r.instruments == nil {
		return ctx, false
	}
	attributes := append([]attribute.KeyValue{AttemptKey.Int(n), rpcSystem, text(semconv.RPCMethodKey, function)}, server...)
	return r.begin(ctx, function, attributes, asClient), true
}

// Headers returns the headers that carry the trace of an attempt.
func (r *Retries) Headers(ctx context.Context) map[string]string { return r.instruments.Headers(ctx) }

// count counts an attempt.
func (r *Retries) count(ctx context.Context) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.made++; r.made == 1 {
		r.before = trace.SpanContextFromContext(ctx)
	}
	return r.made
}

// note adds an event to the span of ctx.
func note(ctx context.Context, attributes ...attribute.KeyValue) {
	defer survive()
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent(EventAttempt, trace.WithAttributes(attributes...))
	}
}

// noteServer is note for a call that goes to a server. A call that is sent again may go to
// another one. The span has the last one.
func noteServer(ctx context.Context, server []attribute.KeyValue) {
	defer survive()
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.SetAttributes(server...)
	}
	note(ctx, server...)
}

// begin begins the span of an attempt below the one in ctx, if that is recorded.
func (r *Retries) begin(
	ctx context.Context, name string, attributes []attribute.KeyValue, kind []trace.SpanStartOption,
) context.Context {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx
	}
	r.mu.Lock()
	before := r.before
	r.mu.Unlock()
	opts := append([]trace.SpanStartOption{
		trace.WithLinks(trace.Link{SpanContext: before}), trace.WithAttributes(attributes...),
	}, kind...)
	_, span := r.instruments.startSpan(ctx, name+" (retry)", opts...)
	r.mu.Lock()
	r.before, r.open = span.SpanContext(), retry{span}
	r.mu.Unlock()
	return withSpan(ctx, span)
}

// End ends the attempt that is under way, with its error or nil. With crashed its function has
// panicked.
func (r *Retries) End(err error, crashed bool) {
	r.mu.Lock()
	span := r.open.span
	r.open = retry{}
	r.mu.Unlock()
	if span == nil {
		return
	}
	defer endSpan(span)
	defer survive()
	if r.remote {
		r.instruments.endCall(span, err)
		return
	}
	err = printable(err)
	switch end := outcomeOf(err, crashed); end {
	case ok:
	case cancelled:
		span.SetAttributes(OutcomeKey.String(end.String()), text(CauseKey, textOf(err)))
	default:
		span.SetAttributes(OutcomeKey.String(end.String()))
		r.instruments.recordError(span, err, r.instruments.nameOf(err))
	}
}

// withSpan returns ctx with a span. It is ctx of a function, or that of a pending.
func withSpan(ctx context.Context, span trace.Span) context.Context {
	made := &parentContext{}
	if made.set(begun(ctx)) != context.Context(made) {
		return &spanLayer{trace.ContextWithSpan(ctx, span), ctx, span}
	}
	made.span = span
	return made
}

// spanLayer adds a span to the context of a function.
type spanLayer struct {
	context.Context
	below context.Context
	span  trace.Span
}

var _ future.Layer = (*spanLayer)(nil)

// Below implements [future.Layer].
func (l *spanLayer) Below() context.Context { return l.below }

// Above implements [future.Layer].
func (l *spanLayer) Above(ctx context.Context) context.Context { return withSpan(ctx, l.span) }
