package telemetry

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"
	"go.opentelemetry.io/otel/propagation"
)

// NewContext returns ctx with t in it. Package actors looks for it there where
// no caller tells it who traces: in a request that is made outside of a
// caller's function.
func (t *Telemetry) NewContext(ctx context.Context) context.Context {
	return context.WithValue(ctx, key{}, t)
}

// FromContext returns the Telemetry that [Telemetry.NewContext] or
// [ContextOf] has put into ctx, or nil.
func FromContext(ctx context.Context) *Telemetry {
	t, _ := ctx.Value(key{}).(*Telemetry)
	return t
}

type key struct{}

// Envelope puts a message into an envelope whose headers carry the trace of
// ctx. It is for messages that no sender middleware sees. It may be called on
// a nil Telemetry, and leaves the headers out then.
func (t *Telemetry) Envelope(ctx context.Context, message any, sender *actor.PID) *actor.MessageEnvelope {
	envelope := &actor.MessageEnvelope{Message: message, Sender: sender}
	if t != nil {
		envelope.Header = t.inject(ctx, nil)
	}
	return envelope
}

// Extract returns ctx with the trace that the headers of a message carry, if
// they carry one. It may be called on a nil Telemetry.
func (t *Telemetry) Extract(ctx context.Context, header actor.ReadonlyMessageHeader) context.Context {
	if t == nil || header == nil || header.Length() == 0 {
		return ctx
	}
	return t.propagator.Extract(ctx, carrier{header})
}

// inject returns a copy of the headers that carries the trace of ctx, or the
// headers themselves if there is nothing to carry.
func (t *Telemetry) inject(ctx context.Context, header actor.ReadonlyMessageHeader) map[string]string {
	injected := propagation.MapCarrier{}
	t.propagator.Inject(ctx, injected)
	if header == nil || header.Length() == 0 {
		return injected
	}
	headers := header.ToMap()
	for _, field := range t.propagator.Fields() {
		delete(headers, field) // of the trace the message has come with
	}
	for key, value := range injected {
		headers[key] = value
	}
	return headers
}

// carrier reads the headers of a message.
type carrier struct{ actor.ReadonlyMessageHeader }

// Set implements [propagation.TextMapCarrier]. Nobody writes to a message that
// was sent.
func (carrier) Set(string, string) {}
