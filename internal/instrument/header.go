package instrument

import (
	"context"
	"maps"
	"slices"
)

// Header is the header of a message between actors.
type Header interface {
	// Get returns the value of a key, or "".
	Get(key string) string
	// Keys returns all keys.
	Keys() []string
	// Length returns how many there are.
	Length() int
	// ToMap returns a copy as a map.
	ToMap() map[string]string
}

// Headers returns the headers that carry the trace of ctx, or nil. On nil it returns nil.
func (t *Instruments) Headers(ctx context.Context) map[string]string {
	if t == nil {
		return nil
	}
	return t.headers(ctx)
}

// Extract returns ctx with the trace of a message's headers, if they carry one. On nil it
// returns ctx.
func (t *Instruments) Extract(ctx context.Context, header Header) (with context.Context) {
	with = ctx
	defer survive()
	if t == nil || header == nil || header.Length() == 0 {
		return ctx
	}
	return t.propagator.Extract(ctx, carrier{header})
}

// Inject returns a copy of the headers. The trace of ctx replaces the one that
// they carry.
func (t *Instruments) Inject(ctx context.Context, header Header) map[string]string {
	own := t.headers(ctx)
	if header == nil || header.Length() == 0 {
		return own
	}
	all := header.ToMap()
	for _, field := range t.fields() {
		delete(all, field)
	}
	maps.Copy(all, own)
	return all
}

// fields returns the headers that carry traces.
func (t *Instruments) fields() []string {
	defer survive()
	return t.propagator.Fields()
}

// headers returns the headers that carry the trace of ctx.
func (t *Instruments) headers(ctx context.Context) (own headers) {
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
type carrier struct{ Header }

// Set implements [propagation.TextMapCarrier]. A message that was sent is not
// written to.
func (carrier) Set(string, string) {}
