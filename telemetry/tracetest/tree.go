package tracetest

import (
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// Detail is something more that a tree shows of each span.
type Detail func(sdk.ReadOnlySpan) string

// Events shows the names of the events and what they are about. That is the
// pending of a wait, the cause of a cancellation, or the message of an exception.
func Events() Detail {
	return func(span sdk.ReadOnlySpan) string {
		var events []string
		for _, e := range span.Events() {
			events = append(events, eventLabel(e))
		}
		if events == nil {
			return ""
		}
		return "[" + strings.Join(events, ", ") + "]"
	}
}

func eventLabel(e sdk.Event) string {
	for _, a := range e.Attributes {
		switch a.Key {
		case telemetry.OnKey, telemetry.CauseKey, semconv.ExceptionMessageKey:
			return e.Name + ": " + a.Value.String()
		}
	}
	return e.Name
}

// Attributes shows those of the attributes that a span has, without the prefix
// "protocaller.".
func Attributes(keys ...attribute.Key) Detail {
	return func(span sdk.ReadOnlySpan) string {
		var shown []string
		for _, key := range keys {
			if v, ok := valueOf(span, key); ok {
				shown = append(shown, strings.TrimPrefix(string(key), "protocaller.")+"="+v.String())
			}
		}
		return strings.Join(shown, " ")
	}
}

func valueOf(span sdk.ReadOnlySpan, key attribute.Key) (attribute.Value, bool) {
	for _, a := range span.Attributes() {
		if a.Key == key {
			return a.Value, true
		}
	}
	return attribute.Value{}, false
}

// Tree draws spans, one on a line. A line has the name of the span, its kind
// unless it is internal, and its outcome unless it is ok. The names of linked
// spans and the details follow.
//
// Children are indented by two spaces below their parents. Siblings are in the
// order of their text, so that the order in which they ran does not matter. A span
// whose parent is missing is a root.
func Tree(spans []sdk.ReadOnlySpan, details ...Detail) string {
	f := newForest(spans)
	return strings.Join(f.draw(f.roots, details), "")
}

// forest is spans by their parents.
type forest struct {
	roots    []sdk.ReadOnlySpan
	children map[spanKey][]sdk.ReadOnlySpan
	names    map[spanKey]string
}

// spanKey is unique among all traces.
type spanKey struct {
	trace trace.TraceID
	span  trace.SpanID
}

func keyOf(sc trace.SpanContext) spanKey { return spanKey{sc.TraceID(), sc.SpanID()} }

func newForest(spans []sdk.ReadOnlySpan) *forest {
	f := &forest{children: make(map[spanKey][]sdk.ReadOnlySpan), names: make(map[spanKey]string)}
	for _, span := range spans {
		f.names[keyOf(span.SpanContext())] = span.Name()
	}
	for _, span := range spans {
		parent := keyOf(span.Parent())
		if _, known := f.names[parent]; known {
			f.children[parent] = append(f.children[parent], span)
		} else {
			f.roots = append(f.roots, span)
		}
	}
	return f
}

func (f *forest) childrenOf(span sdk.ReadOnlySpan) []sdk.ReadOnlySpan {
	return f.children[keyOf(span.SpanContext())]
}

// draw returns the text of each span with its descendants.
func (f *forest) draw(spans []sdk.ReadOnlySpan, details []Detail) []string {
	var texts []string
	for _, span := range spans {
		text := f.line(span, details) + "\n"
		for _, below := range f.draw(f.childrenOf(span), details) {
			for line := range strings.Lines(below) {
				text += "  " + line
			}
		}
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}

func (f *forest) line(span sdk.ReadOnlySpan, details []Detail) string {
	parts := []string{span.Name()}
	if kind := span.SpanKind(); kind != trace.SpanKindInternal {
		parts = append(parts, kind.String())
	}
	parts = append(parts, fate(span))
	for _, link := range span.Links() {
		name, known := f.names[keyOf(link.SpanContext)]
		if !known {
			name = "elsewhere"
		}
		parts = append(parts, "linked to "+name)
	}
	for _, detail := range details {
		parts = append(parts, detail(span))
	}
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	return strings.ReplaceAll(strings.Join(parts, " "), "\n", "; ")
}

// fate returns the outcome of a span, or "" if it is ok.
func fate(span sdk.ReadOnlySpan) string {
	outcome, _ := valueOf(span, telemetry.OutcomeKey)
	switch status := span.Status(); {
	case status.Code == codes.Error && outcome.AsString() == "panic":
		return fmt.Sprintf("panic %q", status.Description)
	case status.Code == codes.Error:
		return fmt.Sprintf("error %q", status.Description)
	case outcome.AsString() == "cancelled":
		return "cancelled"
	default:
		return ""
	}
}

// dedent removes the empty lines around a text, and the common indentation.
func dedent(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, " \t\r\n"); line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return ""
	}
	common := lines[0][:len(lines[0])-len(strings.TrimLeft(lines[0], " \t"))]
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, common)
	}
	return strings.Join(lines, "\n") + "\n"
}
