package instrument

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Repeat is a call by another node which has the outcome of another call with the same key. It
// runs no function. Its span has a link to the span of the function that has run.
type Repeat struct {
	instruments *Instruments
	ctx         context.Context
	span        trace.Span
	function    string
	began       time.Time
}

// Repeat begins the span of a call by another node of the function of that name, on the caller
// with that id. On nil it returns nil.
func (t *Instruments) Repeat(ctx context.Context, function, id string) *Repeat {
	if t == nil {
		return nil
	}
	r := &Repeat{instruments: t, function: function}
	opts := append([]trace.SpanStartOption{trace.WithAttributes(
		MethodKey.String(Handle.String()), text(CallerIDKey, id), rpcSystem, text(semconv.RPCMethodKey, function),
	)}, asServer...)
	r.ctx, r.span = t.startSpan(ctx, function, opts...)
	r.began = beginning(r.span)
	return r
}

// End ends the span with the outcome of the function whose span that is. On nil it does
// nothing.
func (r *Repeat) End(ran trace.SpanContext, err error) {
	if r == nil {
		return
	}
	defer endSpan(r.span)
	defer survive()
	if ran.IsValid() {
		r.span.AddLink(trace.Link{SpanContext: ran})
	}
	r.instruments.endCall(r.span, err)
	c := r.instruments.counters[Handle]
	if !c.rpc.Enabled(r.ctx) {
		return
	}
	status := r.instruments.rpcStatus(printable(err))
	attributes := []attribute.KeyValue{rpcSystem, text(semconv.RPCMethodKey, r.function), text(semconv.RPCResponseStatusCodeKey, status)}
	if status != statusOK {
		attributes = append(attributes, text(semconv.ErrorTypeKey, status))
	}
	c.called(r.ctx, max(1, int64(time.Since(r.began))), attributes)
}

// endCall sets the outcome of a call between nodes, whose span is not that of a pending.
func (t *Instruments) endCall(span trace.Span, err error) {
	err = printable(err)
	end, status := outcomeOf(err, false), t.rpcStatus(err)
	span.SetAttributes(text(semconv.RPCResponseStatusCodeKey, status))
	if end == ok {
		return
	}
	span.SetAttributes(OutcomeKey.String(end.String()))
	if end == cancelled {
		span.SetAttributes(text(CauseKey, textOf(err)))
		return
	}
	t.recordError(span, err, status)
}
