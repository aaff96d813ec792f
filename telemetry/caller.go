package telemetry

import (
	"context"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// Caller describes a caller of package actors in its spans. It is for that package:
// [Telemetry.Caller] makes it once for each caller that has a Telemetry. It is safe for
// concurrent use.
type Caller struct {
	*Telemetry
	id, name string
	sources  [methods]atomic.Pointer[source] // made when first used
}

// Caller returns the description of the caller with an id. The name is "" for a caller
// without one. It is for package actors.
func (t *Telemetry) Caller(id, name string) *Caller { return &Caller{Telemetry: t, id: id, name: name} }

// Observer returns the observer of a call, with its delay or 0.
func (c *Caller) Observer(m Method, delay time.Duration) future.Observer {
	if delay > 0 {
		return c.of(m).after(delay)
	}
	return c.of(m)
}

// Serving makes what the calls by other nodes have in common, if that is not there yet. The
// argument returns the code that an error travels with, or "". It is for package actors.
func (c *Caller) Serving(codeOf func(error) string) {
	if c.sources[Handle].Load() == nil {
		s := c.newSource(Handle)
		s.codeOf = codeOf
		c.sources[Handle].CompareAndSwap(nil, s)
	}
}

// of returns what the calls by a method have in common.
func (c *Caller) of(m Method) *source {
	if known := c.sources[m].Load(); known != nil {
		return known
	}
	c.sources[m].CompareAndSwap(nil, c.newSource(m))
	return c.sources[m].Load()
}

func (c *Caller) newSource(m Method) *source {
	attributes := []attribute.KeyValue{MethodKey.String(m.String()), text(CallerIDKey, c.id)}
	if c.name != "" {
		attributes = append(attributes, text(CallerNameKey, c.name))
	}
	s := &source{Telemetry: c.Telemetry, counters: c.counters[m], attributes: attributes}
	if m == Handle {
		s.start, s.rpc, s.served = asServer, true, true
		s.attributes = append(s.attributes, rpcSystem)
	}
	return s
}

// Requests returns the observer of a pending that stands for a request to an actor: a message
// that is sent from that system. It is for package actors.
func (t *Telemetry) Requests(system *actor.ActorSystem, to *actor.PID, message any) future.Observer {
	operation, asked := &t.messages.of(message)[request], destinationOf(to, system)
	return &source{
		Telemetry:  t,
		name:       operation.spanName(asked),
		counters:   t.counters[Request],
		start:      asClient,
		attributes: operation.appendAttributes([]attribute.KeyValue{MethodKey.String(Request.String())}, asked),
	}
}

// rpcSystem is the name of our calls between nodes among those of other systems.
var rpcSystem = semconv.RPCSystemNameKey.String("protocaller")

// RemoteCalls returns the observer of a call of a function that another node runs. The address
// is that of the node, or "" if it is not known yet. The id is that of the caller there. It is
// for package rpc.
func (t *Telemetry) RemoteCalls(function, address, id string) future.Observer {
	attributes := []attribute.KeyValue{
		MethodKey.String(RemoteCall.String()), text(CallerIDKey, id), rpcSystem, text(semconv.RPCMethodKey, function),
	}
	return &source{
		Telemetry:  t,
		counters:   t.counters[RemoteCall],
		start:      asClient,
		rpc:        true,
		attributes: appendServer(attributes, address),
	}
}

// appendServer appends the attributes of the node at an address, if it is not "".
func appendServer(attributes []attribute.KeyValue, address string) []attribute.KeyValue {
	if address == "" {
		return attributes
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return append(attributes, text(semconv.ServerAddressKey, address))
	}
	attributes = append(attributes, text(semconv.ServerAddressKey, host))
	if n, err := strconv.Atoi(port); err == nil {
		attributes = append(attributes, semconv.ServerPort(n))
	}
	return attributes
}

// Attempt adds an event to the span of ctx: the call is sent to that address. A
// call that is sent again may go to another address. The span has the last one.
// It is for package rpc.
func Attempt(ctx context.Context, address string) {
	defer survive()
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		server := appendServer(nil, address)
		span.SetAttributes(server...)
		span.AddEvent(EventAttempt, trace.WithAttributes(server...))
	}
}

// Retried adds an event to the span of ctx: its function is called for the nth time.
// failed is the error of the call before it, nil for the first time. It is for package
// actors.
func Retried(ctx context.Context, n int, failed error) {
	defer survive()
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	attributes := []attribute.KeyValue{AttemptKey.Int(n)}
	if failed != nil {
		attributes = append(attributes, text(CauseKey, printable(failed).Error()))
	}
	span.AddEvent(EventAttempt, trace.WithAttributes(attributes...))
}

// LongTurn adds an event to the span of ctx: its function has held the turn for
// that long. The stack shows where it is. With [Unfinished] the call is reported at once. It
// may be called on nil. It is for package actors.
func (t *Telemetry) LongTurn(ctx context.Context, lasts time.Duration, stack []byte) {
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
// function. The state is how far that is. It is for package actors.
func Abandoned(ctx context.Context, state string) {
	defer survive()
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent(EventAbandoned, trace.WithAttributes(text(StateKey, state)))
	}
}
