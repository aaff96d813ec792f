package otlp

import (
	"context"
	"slices"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/trace"
)

type spanExporter struct {
	trace.SpanExporter
	pipeline *pipeline
}

// ExportSpans implements [trace.SpanExporter].
func (e *spanExporter) ExportSpans(ctx context.Context, spans []trace.ReadOnlySpan) error {
	spans = cleanSpans(spans)
	err := e.pipeline.deliver(ctx, func(ctx context.Context) error {
		return e.SpanExporter.ExportSpans(ctx, spans)
	})
	e.pipeline.count(len(spans), err)
	return err
}

// cleanSpans returns the spans with all text as valid UTF-8. One that the program has made with
// other text would make the exporter lose all that it sends together.
func cleanSpans(spans []trace.ReadOnlySpan) []trace.ReadOnlySpan {
	copied := false
	for i, span := range spans {
		if isCleanSpan(span) {
			continue
		}
		if !copied {
			spans, copied = slices.Clone(spans), true // the SDK keeps its own
		}
		spans[i] = cleanSpan{span}
	}
	return spans
}

func isCleanSpan(span trace.ReadOnlySpan) bool {
	scope := span.InstrumentationScope()
	ok := utf8.ValidString(scope.Name+scope.Version) && utf8.ValidString(span.Name()) && utf8.ValidString(span.Status().Description) && areClean(span.Attributes())
	for _, event := range span.Events() {
		ok = ok && utf8.ValidString(event.Name) && areClean(event.Attributes)
	}
	for _, link := range span.Links() {
		ok = ok && areClean(link.Attributes)
	}
	return ok
}

func areClean(all []attribute.KeyValue) bool {
	return !slices.ContainsFunc(all, func(a attribute.KeyValue) bool {
		return !utf8.ValidString(string(a.Key)) || !isCleanValue(a.Value)
	})
}

func isCleanValue(v attribute.Value) bool {
	switch v.Type() {
	case attribute.STRING:
		return utf8.ValidString(v.AsString())
	case attribute.BOOL, attribute.INT64, attribute.FLOAT64:
		return true
	default:
		return v == cleanValue(v)
	}
}

// cleanSpan is a span with all text as valid UTF-8.
type cleanSpan struct{ trace.ReadOnlySpan }

// Name implements [trace.ReadOnlySpan].
func (s cleanSpan) Name() string { return clean(s.ReadOnlySpan.Name()) }

// InstrumentationScope implements [trace.ReadOnlySpan].
func (s cleanSpan) InstrumentationScope() instrumentation.Scope {
	scope := s.ReadOnlySpan.InstrumentationScope()
	scope.Name, scope.Version = clean(scope.Name), clean(scope.Version)
	return scope
}

// Status implements [trace.ReadOnlySpan].
func (s cleanSpan) Status() trace.Status {
	status := s.ReadOnlySpan.Status()
	status.Description = clean(status.Description)
	return status
}

// Attributes implements [trace.ReadOnlySpan].
func (s cleanSpan) Attributes() []attribute.KeyValue {
	return cleanAttributes(s.ReadOnlySpan.Attributes())
}

// Events implements [trace.ReadOnlySpan].
func (s cleanSpan) Events() []trace.Event {
	events := slices.Clone(s.ReadOnlySpan.Events())
	for i := range events {
		events[i].Name, events[i].Attributes = clean(events[i].Name), cleanAttributes(events[i].Attributes)
	}
	return events
}

// Links implements [trace.ReadOnlySpan].
func (s cleanSpan) Links() []trace.Link {
	links := slices.Clone(s.ReadOnlySpan.Links())
	for i := range links {
		links[i].Attributes = cleanAttributes(links[i].Attributes)
	}
	return links
}

func cleanAttributes(all []attribute.KeyValue) []attribute.KeyValue {
	all = slices.Clone(all)
	for i, a := range all {
		all[i] = cleanAttribute(a)
	}
	return all
}
