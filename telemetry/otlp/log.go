package otlp

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/attribute"
	api "go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/log/embedded"
	"go.opentelemetry.io/otel/log/global"
	"go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// LogHandler returns a handler that gives each record to h, and sends it to the collector as
// well, since [Setup] and until its shutdown. The record there has the ids of the trace and
// the span in its context. What h is not enabled for is not sent.
//
//	slog.SetDefault(slog.New(otlp.LogHandler(slog.NewTextHandler(os.Stderr, nil))))
//
// The handler of [slog.Default] as it is when a program begins must not be h: slog waits for
// itself then. Actor systems have a logger of their own, the LoggerFactory of their
// configuration.
func LogHandler(h slog.Handler) slog.Handler {
	if h == nil {
		panic("otlp: LogHandler with a nil handler")
	}
	return logHandler{shown: h, sent: otelslog.NewHandler(scope, otelslog.WithLoggerProvider(current{}))}
}

// scope names the instrumentation in logs.
const scope = "github.com/seed-7fcaac1b/protocaller/telemetry/otlp"

// current is the provider that the program has at the moment, also after another [Setup].
type current struct{ embedded.LoggerProvider }

// Logger implements [api.LoggerProvider].
func (current) Logger(name string, opts ...api.LoggerOption) api.Logger {
	return currentLogger{name: name, opts: opts}
}

type currentLogger struct {
	embedded.Logger
	name string
	opts []api.LoggerOption
}

func (l currentLogger) now() api.Logger { return global.GetLoggerProvider().Logger(l.name, l.opts...) }

// Emit implements [api.Logger].
func (l currentLogger) Emit(ctx context.Context, r api.Record) { l.now().Emit(ctx, r) }

// Enabled implements [api.Logger].
func (l currentLogger) Enabled(ctx context.Context, p api.EnabledParameters) bool {
	return l.now().Enabled(ctx, p)
}

type logHandler struct{ shown, sent slog.Handler }

// Enabled implements [slog.Handler].
func (h logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.shown.Enabled(ctx, level)
}

// Handle implements [slog.Handler].
func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	err := h.shown.Handle(ctx, r.Clone())
	if !h.sent.Enabled(ctx, r.Level) {
		return err
	}
	return errors.Join(err, h.sent.Handle(ctx, withoutIDs(ctx, r)))
}

// withoutIDs returns a record without the ids that [telemetry.LogHandler] has added: those of
// the context have a place of their own.
func withoutIDs(ctx context.Context, r slog.Record) slog.Record {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return r
	}
	bare := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != telemetry.TraceIDLog && a.Key != telemetry.SpanIDLog {
			bare.AddAttrs(a)
		}
		return true
	})
	return bare
}

// WithAttrs implements [slog.Handler].
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.shown.WithAttrs(attrs), h.sent.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler].
func (h logHandler) WithGroup(name string) slog.Handler {
	return logHandler{h.shown.WithGroup(name), h.sent.WithGroup(name)}
}

type logExporter struct {
	log.Exporter
	pipeline *pipeline
}

// Export implements [log.Exporter].
func (e *logExporter) Export(ctx context.Context, records []log.Record) error {
	for i := range records {
		cleanRecord(&records[i])
	}
	err := e.pipeline.deliver(ctx, func(ctx context.Context) error { return e.Exporter.Export(ctx, records) })
	e.pipeline.count(len(records), err)
	return err
}

// cleanRecord makes all text of a record valid UTF-8. A record that has other text would make
// the exporter lose all that it sends together.
func cleanRecord(r *log.Record) {
	r.SetBody(cleanValue(r.Body()))
	r.SetSeverityText(clean(r.SeverityText()))
	r.SetEventName(clean(r.EventName()))
	var all []attribute.KeyValue
	r.WalkAttributes(func(a attribute.KeyValue) bool {
		all = append(all, cleanAttribute(a))
		return true
	})
	r.SetAttributes(all...)
}

func cleanAttribute(a attribute.KeyValue) attribute.KeyValue {
	return attribute.KeyValue{Key: attribute.Key(clean(string(a.Key))), Value: cleanValue(a.Value)}
}

func cleanValue(v attribute.Value) attribute.Value {
	switch v.Type() {
	case attribute.STRING:
		return attribute.StringValue(clean(v.AsString()))
	case attribute.STRINGSLICE:
		all := v.AsStringSlice() // which is a copy
		for i, of := range all {
			all[i] = clean(of)
		}
		return attribute.StringSliceValue(all)
	case attribute.SLICE:
		var all []attribute.Value
		for _, of := range v.AsSlice() {
			all = append(all, cleanValue(of))
		}
		return attribute.SliceValue(all...)
	case attribute.MAP:
		var all []attribute.KeyValue
		for _, of := range v.AsMap() {
			all = append(all, cleanAttribute(of))
		}
		return attribute.MapValue(all...)
	default:
		return v
	}
}

func clean(s string) string { return strings.ToValidUTF8(s, string(utf8.RuneError)) }
