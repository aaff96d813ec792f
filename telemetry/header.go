package telemetry

import (
	"context"
	"maps"
	"slices"

	"github.com/asynkron/protoactor-go/actor"
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

// inject returns a copy of the headers with the trace of ctx in place of the one
// that they carry.
func (t *Telemetry) inject(ctx context.Context, header actor.ReadonlyMessageHeader) map[string]string {
	var own headers
	t.propagator.Inject(ctx, &own)
	if header == nil || header.Length() == 0 {
		return own
	}
	all := header.ToMap()
	for _, field := range t.propagator.Fields() {
		delete(all, field)
	}
	maps.Copy(all, own)
	return all
}

// headers are written to a message. The map is made when the first one is.
type headers map[string]string

// Get implements [propagation.TextMapCarrier].
func (h *headers) Get(key string) string { return (*h)[key] }

// Keys implements [propagation.TextMapCarrier].
func (h *headers) Keys() []string { return slices.Collect(maps.Keys(*h)) }

// Set implements [propagation.TextMapCarrier].
func (h *headers) Set(key, value string) {
	if *h == nil {
		*h = make(headers)
	}
	(*h)[key] = value
}

// carrier reads the headers of a message.
type carrier struct{ actor.ReadonlyMessageHeader }

// Set implements [propagation.TextMapCarrier]. Nobody writes to a message that
// was sent.
func (carrier) Set(string, string) {}
