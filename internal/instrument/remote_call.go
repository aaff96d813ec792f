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

// RemoteStream is RemoteCalls for a call whose results are ranged over. The argument before is
// the span of the range over the same sequence before this one, if there was one: the span has a
// link to it. A range may come long after the sequence was made. If the span in its context has
// ended by then, it becomes a link of a new trace.
func (t *Instruments) RemoteStream(function, address, id string, before trace.SpanContext) future.Observer {
	return &stream{*t.RemoteCalls(function, address, id).(*source), before}
}

type stream struct {
	source
	before trace.SpanContext
}

// Observe implements [future.Observer].
func (s *stream) Observe(ctx context.Context, c *future.Core) (context.Context, future.Observation) {
	more := linkedIfOver(ctx)
	if s.before.IsSampled() {
		more = append(more, trace.WithLinks(trace.Link{SpanContext: s.before}))
	}
	ctx, o := s.begin(ctx, c, more...)
	if o == nil { // which is no nil Observation
		return ctx, nil
	}
	return ctx, o
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
