package telemetry

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// source makes the observations of pendings that are of one kind.
type source struct {
	*Telemetry
	name       string // of the spans, "" for that of the pending
	start      []trace.SpanStartOption
	attributes []attribute.KeyValue // those that all the spans have
	figures    *figures             // nil for pendings that are not counted
}

// Observe implements [pending.Observer]: it makes a span for h, which ends when
// h is done, and counts nothing. So groups, loops and pendings of one's own
// have spans, with pending.WithObserver, pending.LoopObservedBy and
// pending.ObservedBy.
func (t *Telemetry) Observe(ctx context.Context, h pending.Handle) (context.Context, pending.Observation) {
	return t.Named("").Observe(ctx, h)
}

// Named is t as an observer whose spans have that name.
func (t *Telemetry) Named(name string) pending.Observer { return &source{Telemetry: t, name: name} }

// Observe implements [pending.Observer].
func (s *source) Observe(ctx context.Context, h pending.Handle) (context.Context, pending.Observation) {
	ctx, o := s.begin(ctx, h)
	if o == nil { // which is no nil Observation
		return ctx, nil
	}
	return ctx, o
}

// begin returns nil for a pending that is neither recorded nor counted.
func (s *source) begin(ctx context.Context, h pending.Handle, more ...trace.SpanStartOption) (context.Context, *observation) {
	start := s.start
	if len(more) > 0 {
		start = append(more, start...)
	}
	ctx, span := s.tracer.Start(ctx, s.spanName(h), start...)
	return ctx, s.follow(ctx, span, h)
}

func (s *source) follow(ctx context.Context, span trace.Span, h pending.Handle) *observation {
	recording, counted := span.IsRecording(), s.figures.enabled(ctx)
	if !recording && !counted {
		return nil
	}
	o := &observation{source: s, ctx: ctx, handle: h}
	if recording {
		o.span = span
	}
	if counted {
		o.counted = true
		s.figures.started(ctx)
	}
	o.began = beginning(span)
	return o
}

// spanName returns the name of a pending, of a function's without the folders
// of its package.
func (s *source) spanName(h pending.Handle) string {
	if s.name != "" {
		return s.name
	}
	name := h.Name()
	return name[strings.LastIndexByte(name, '/')+1:]
}

// beginning returns when a span began, without another look at the clock where
// the span tells.
func beginning(span trace.Span) time.Time {
	if s, ok := span.(interface{ StartTime() time.Time }); ok {
		return s.StartTime()
	}
	return time.Now()
}
