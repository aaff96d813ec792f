package telemetry

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// The attributes that a [LogHandler] adds to a record. The names are those of
// OpenTelemetry for logs in other formats.
const (
	// TraceIDLog is the attribute of the trace.
	TraceIDLog = "trace_id"
	// SpanIDLog is the attribute of the span.
	SpanIDLog = "span_id"
)

// LogHandler returns a handler that adds the ids of trace and span to a record, if its
// context has a span. The logger of a caller with a [Telemetry] does that already.
func LogHandler(h slog.Handler) slog.Handler { return logHandler{h} }

type logHandler struct{ slog.Handler }

// Handle implements [slog.Handler].
func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() && !hasTraceID(&r) {
		r = r.Clone()
		r.AddAttrs(slog.String(TraceIDLog, sc.TraceID().String()), slog.String(SpanIDLog, sc.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

// hasTraceID reports whether a record has the id of its trace: another handler of ours is
// around this one.
func hasTraceID(r *slog.Record) (has bool) {
	r.Attrs(func(a slog.Attr) bool {
		has = a.Key == TraceIDLog
		return !has
	})
	return has
}

// WithAttrs implements [slog.Handler].
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler]. The ids become part of the group.
func (h logHandler) WithGroup(name string) slog.Handler { return logHandler{h.Handler.WithGroup(name)} }
