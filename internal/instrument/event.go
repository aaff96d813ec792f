package instrument

import (
	"context"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// LongTurn adds an event to the span of ctx: its function has held the turn for
// that long. The stack shows where it is. The call is reported at once, if calls that are not
// done are. It may be called on nil.
func (t *Instruments) LongTurn(ctx context.Context, lasts time.Duration, stack []byte) {
	defer survive()
	if t != nil && t.metrics.longTurns.Enabled(ctx) {
		t.metrics.longTurns.Add(ctx, 1)
	}
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	where := text(semconv.CodeStacktraceKey, string(stack))
	span.AddEvent(EventLongTurn, trace.WithAttributes(RunDurationKey.Float64(lasts.Seconds()), where))
	if t != nil && t.open != nil {
		t.open.reportNow(span, where)
	}
}

// Abandoned adds an event to the span of ctx: a stop or a restart waits no longer for its
// function. The state is how far that is.
func Abandoned(ctx context.Context, state string) {
	defer survive()
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent(EventAbandoned, trace.WithAttributes(text(StateKey, state)))
	}
}

// Progress sets attributes of the span of ctx: how far its function is.
func Progress(ctx context.Context, done, total int64, how string) {
	defer survive()
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.SetAttributes(ProgressDoneKey.Int64(done), ProgressTotalKey.Int64(total), text(ProgressTextKey, how))
	}
}
