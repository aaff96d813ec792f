package telemetry

import (
	"context"
	"maps"
	"slices"

	"github.com/asynkron/protoactor-go/actor"
)

// NewContext returns ctx with t in it. Package actors uses the Telemetry of a
// context for requests outside of callers.
func (t *Telemetry) NewContext(ctx context.Context) context.Context {
	return context.WithValue(ctx, key{}, t)
}

// FromContext returns the Telemetry of ctx, or nil. [Telemetry.NewContext] and
// [ContextOf] put it there.
func FromContext(ctx context.Context) *Telemetry {
	t, _ := ctx.Value(key{}).(*Telemetry)
	return t
}

type key struct{}

// Envelope returns an envelope of a message whose headers carry the trace of ctx. It is
// for messages that pass no sender middleware, those of package actors. On a nil
// Telemetry it adds no headers.
func (t *Telemetry) Envelope(ctx context.Context, message any, sender *actor.PID) *actor.MessageEnvelope {
	envelope := &actor.MessageEnvelope{Message: message, Sender: sender}
	if t != nil {
		envelope.Header = t.inject(ctx, nil)
	}
	return envelope
}

// Extract returns ctx with the trace of a message's headers, if they carry one. It
// is for package actors. On a nil Telemetry it returns ctx.
func (t *Telemetry) Extract(ctx context.Context, header actor.ReadonlyMessageHeader) (with context.Context) {
	with = ctx
	defer survive()
	if t == nil || header == nil || header.Length() == 0 {
		return ctx
	}
	return t.propagator.Extract(ctx, carrier{header})
}

// inject returns a copy of the headers. The trace of ctx replaces the one that
// they carry.
func (t *Telemetry) inject(ctx context.Context, header actor.ReadonlyMessageHeader) map[string]string {
	own := t.headers(ctx)
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

// headers returns the headers that carry the trace of ctx.
func (t *Telemetry) headers(ctx context.Context) (own headers) {
	defer survive()
	t.propagator.Inject(ctx, &own)
	return own
}

// headers are those to be written to a message. The map is made for the first one.
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

// Set implements [propagation.TextMapCarrier]. A message that was sent is not
// written to.
func (carrier) Set(string, string) {}
