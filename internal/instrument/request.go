package instrument

import (
	"go.opentelemetry.io/otel/attribute"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// Requests returns the observer of a pending that stands for a request to an actor.
func (t *Instruments) Requests(to Destination, message any) future.Observer {
	operation := &t.messages.of(message)[request]
	return &source{
		Instruments: t,
		name:        operation.spanName(to),
		counters:    t.counters[Request],
		values:      t.buffer.shard(),
		start:       asClient,
		attributes:  operation.appendAttributes([]attribute.KeyValue{MethodKey.String(Request.String())}, to),
	}
}
