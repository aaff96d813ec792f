package instrument

import (
	"context"
	"net"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// rpcSystem is the name of our calls between nodes among those of other systems.
var rpcSystem = semconv.RPCSystemNameKey.String("protocaller")

// RemoteCalls returns the observer of a call of a function that another node runs. The address
// is that of the node, or "" if it is not known yet. The id is that of the caller there.
func (t *Instruments) RemoteCalls(function, address, id string) future.Observer {
	attributes := []attribute.KeyValue{
		MethodKey.String(RemoteCall.String()), text(CallerIDKey, id), rpcSystem, text(semconv.RPCMethodKey, function),
	}
	return &source{
		Instruments: t,
		counters:    t.counters[RemoteCall],
		values:      t.buffer.shard(),
		start:       asClient,
		rpc:         true,
		attributes:  appendServer(attributes, address),
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
func Attempt(ctx context.Context, address string) {
	defer survive()
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		server := appendServer(nil, address)
		span.SetAttributes(server...)
		span.AddEvent(EventAttempt, trace.WithAttributes(server...))
	}
}
