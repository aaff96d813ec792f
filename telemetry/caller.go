package telemetry

import (
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Caller is a caller as its spans describe it. It is made by
// [Telemetry.Caller]; package actors keeps one for each caller that has a
// Telemetry.
type Caller struct {
	*Telemetry
	id, name string
	methods  [methods]atomic.Pointer[method] // made when first used
}

// method is what the calls of a caller by one method have in common.
type method struct {
	source
	options []pending.Option
}

// Caller returns the description of a caller with that id, and that name if it
// was given one.
func (t *Telemetry) Caller(id, name string) *Caller { return &Caller{Telemetry: t, id: id, name: name} }

// Options returns the option that has a call observed. It must not be changed.
func (c *Caller) Options(m Method) []pending.Option { return c.method(m).options }

// DelayedOptions is [Caller.Options] for a call that is held back.
func (c *Caller) DelayedOptions(m Method, delay time.Duration) []pending.Option {
	return []pending.Option{pending.ObservedBy(c.method(m).after(delay))}
}

func (c *Caller) method(m Method) *method {
	if known := c.methods[m].Load(); known != nil {
		return known
	}
	made := &method{source: c.source(m)}
	made.options = []pending.Option{pending.ObservedBy(&made.source)}
	c.methods[m].CompareAndSwap(nil, made)
	return c.methods[m].Load()
}

func (c *Caller) source(m Method) source {
	attributes := []attribute.KeyValue{MethodKey.String(m.String()), CallerIDKey.String(c.id)}
	if c.name != "" {
		attributes = append(attributes, CallerNameKey.String(c.name))
	}
	s := source{Telemetry: c.Telemetry, figures: c.figures[m], attributes: attributes}
	if m == Handle {
		s.start = asServer
	}
	return s
}

// Requests returns the option that has the request observed which the pending
// is for.
func (t *Telemetry) Requests() pending.Option { return pending.ObservedBy(&t.requests) }

// RemoteCalls returns the option that has a call observed which a caller of
// another node is to run: the one with that id, of the node at that address.
func (t *Telemetry) RemoteCalls(address, id string) pending.Option {
	return pending.ObservedBy(&source{
		Telemetry: t,
		figures:   t.figures[RemoteCall],
		start:     asClient,
		attributes: []attribute.KeyValue{
			MethodKey.String(RemoteCall.String()), CallerIDKey.String(id), semconv.ServerAddress(address),
		},
	})
}

// Attempt marks the span of ctx: its call, which goes to where its target is at the
// time, is made at that address.
func Attempt(ctx context.Context, address string) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent(EventAttempt, trace.WithAttributes(semconv.ServerAddress(address)))
	}
}

// Retried marks the span of ctx: its function is called for the nth time, after it has
// failed with that error, nil for the first time.
func Retried(ctx context.Context, n int, failed error) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	attributes := []attribute.KeyValue{AttemptKey.Int(n)}
	if failed != nil {
		attributes = append(attributes, CauseKey.String(speakable(failed).Error()))
	}
	span.AddEvent(EventAttempt, trace.WithAttributes(attributes...))
}

// LongTurn marks the span of ctx: its function holds the turn for so long, at
// this place.
func LongTurn(ctx context.Context, lasts time.Duration, stack []byte) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent(EventLongTurn, trace.WithAttributes(
			RunDurationKey.Float64(lasts.Seconds()), semconv.CodeStacktrace(string(stack))))
	}
}
