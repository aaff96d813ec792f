package instrument

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// survive recovers a panic of a provider: of a sampler, a span processor, an exemplar
// filter. It must be deferred by what calls them. Most of that runs on goroutines of the
// library, where a panic would end the process.
func survive() {
	if r := recover(); r != nil {
		report(fmt.Errorf("telemetry: a provider has panicked: %v", r))
	}
}

// report gives an error to the error handler of OpenTelemetry, which may be user code.
func report(err error) {
	defer func() { _ = recover() }()
	otel.Handle(err)
}

// startSpan starts a span. If the provider panics it returns ctx, and a span that is not
// recorded.
func (t *Instruments) startSpan(
	ctx context.Context, name string, opts ...trace.SpanStartOption,
) (with context.Context, span trace.Span) {
	with, span = ctx, noop.Span{}
	if t.untraced && !hasSpan(ctx) { // the tracer would return no more than that
		return with, span
	}
	defer survive()
	return t.tracer.Start(ctx, clean(name), opts...)
}

// hasSpan reports whether there is a span in ctx, recorded or not.
func hasSpan(ctx context.Context) bool { return trace.SpanFromContext(ctx) != noSpan }

var noSpan = trace.SpanFromContext(context.Background())

// endSpan ends a span.
func endSpan(span trace.Span) {
	defer survive()
	span.End()
}

// clean returns s as valid UTF-8. One string that is not makes an exporter lose all that it
// sends together.
func clean(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, string(utf8.RuneError))
}

// text returns an attribute with the clean text s.
func text(key attribute.Key, s string) attribute.KeyValue { return key.String(clean(s)) }
