package instrument

import (
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// Caller describes a caller of package actors in its spans. [Instruments.Caller] makes it
// once for each caller with telemetry. It is safe for concurrent use.
type Caller struct {
	*Instruments
	id, name string
	values   *shard
	sources  [methods]atomic.Pointer[source] // made when first used
}

// Caller returns the description of the caller with an id. The name is "" for a caller
// without one.
func (t *Instruments) Caller(id, name string) *Caller {
	return &Caller{Instruments: t, id: id, name: name, values: t.buffer.shard()}
}

// Observer returns the observer of a call, with its delay or 0.
func (c *Caller) Observer(m Method, delay time.Duration) future.Observer {
	if delay > 0 {
		return c.of(m).after(delay)
	}
	return c.of(m)
}

// Serving makes what the calls by other nodes have in common, if that is not there yet. The
// argument returns the code that an error travels with, or "".
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
	s := &source{Instruments: c.Instruments, counters: c.counters[m], values: c.values, attributes: attributes}
	if m == Handle {
		s.start, s.rpc, s.served = asServer, true, true
		s.attributes = append(s.attributes, rpcSystem)
	}
	return s
}
