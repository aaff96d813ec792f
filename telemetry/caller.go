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

// Caller describes a caller of package actors in its spans. It is for that package:
// [Telemetry.Caller] makes it once for each caller that has a Telemetry. It is safe for
// concurrent use.
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

// Caller returns the description of the caller with an id. The name is "" for a caller
// without one. It is for package actors.
func (t *Telemetry) Caller(id, name string) *Caller { return &Caller{Telemetry: t, id: id, name: name} }

// Options returns the options of a call that is observed. The slice must not be
// changed.
func (c *Caller) Options(m Method) []pending.Option { return c.method(m).options }

// DelayedOptions is [Caller.Options] for a delayed call.
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
	s := source{Telemetry: c.Telemetry, counters: c.counters[m], attributes: attributes}
	if m == Handle {
		s.start = asServer
	}
	return s
}

// Requests returns the option of a pending that stands for a request. It is for package
// actors.
func (t *Telemetry) Requests() pending.Option { return pending.ObservedBy(&t.requests) }

// RemoteCalls returns the option of a call that another node runs. The address is that of
// the node, and id that of the caller there. It is for package rpc.
func (t *Telemetry) RemoteCalls(address, id string) pending.Option {
	return pending.ObservedBy(&source{
		Telemetry: t,
		counters:  t.counters[RemoteCall],
		start:     asClient,
		attributes: []attribute.KeyValue{
			MethodKey.String(RemoteCall.String()), CallerIDKey.String(id), semconv.ServerAddress(address),
		},
	})
}

// Attempt adds an event to the span of ctx: the call is sent to that address. A call that
// is sent again may go to another address. It is for package rpc.
func Attempt(ctx context.Context, address string) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent(EventAttempt, trace.WithAttributes(semconv.ServerAddress(address)))
	}
}

// Retried adds an event to the span of ctx: its function is called for the nth time.
// failed is the error of the call before it, nil for the first time. It is for package
// actors.
func Retried(ctx context.Context, n int, failed error) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	attributes := []attribute.KeyValue{AttemptKey.Int(n)}
	if failed != nil {
		attributes = append(attributes, CauseKey.String(printable(failed).Error()))
	}
	span.AddEvent(EventAttempt, trace.WithAttributes(attributes...))
}

// LongTurn adds an event to the span of ctx: its function has held the turn for that
// long. The stack shows where it is. It is for package actors.
func LongTurn(ctx context.Context, lasts time.Duration, stack []byte) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent(EventLongTurn, trace.WithAttributes(
			RunDurationKey.Float64(lasts.Seconds()), semconv.CodeStacktrace(string(stack))))
	}
}
