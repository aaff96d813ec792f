package telemetry

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Items observes the items of a queue, which have one pending together: each
// has a span of its own, from its Put to the return of the function. It is the
// root of a trace, with a link to the span that was open at the Put. It is made
// by [Caller.Items] and observes the queue's pending for what happens to the
// item that is being dealt with.
type Items struct {
	source source
	queue  pending.Handle

	mu      sync.Mutex
	current *observation // nil for none
}

// Item is one that was put. The zero Item is not observed.
type Item struct {
	span         trace.Span // of the item, recorded or not
	*observation            // nil for an item that is neither recorded nor counted
}

// Items returns what observes the items of a queue.
func (c *Caller) Items() *Items { return &Items{source: c.method(Put).source} }

// Observe implements [pending.Observer].
func (i *Items) Observe(ctx context.Context, h pending.Handle) (context.Context, pending.Observation) {
	i.queue = h
	return ctx, i
}

// Put says that an item has come, with ctx. It returns what is to be given to
// Begin or Drop. It may be called on nil.
func (i *Items) Put(ctx context.Context) Item {
	if i == nil {
		return Item{}
	}
	start := []trace.SpanStartOption{trace.WithNewRoot()}
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		start = append(start, trace.WithLinks(trace.Link{SpanContext: sc}))
	}
	ctx, o := i.source.begin(i.queue.Context(), i.queue, start...)
	return Item{trace.SpanFromContext(ctx), o}
}

// Begin says that the function is called for an item, and returns ctx with the
// item's span. It may be called on nil.
func (i *Items) Begin(ctx context.Context, item Item) context.Context {
	if i == nil || item.span == nil {
		return ctx
	}
	if item.observation != nil {
		i.set(item.observation)
		item.Started()
	}
	return trace.ContextWithSpan(ctx, item.span)
}

// End says that the function has returned, or why it has not. It may be called
// on nil.
func (i *Items) End(item Item, err error) {
	if i == nil || item.observation == nil {
		return
	}
	i.set(nil)
	item.Done(err)
}

// Drop says that the function will not be called for an item.
func (i Item) Drop(why error) {
	if i.observation != nil {
		i.Done(why)
	}
}

func (i *Items) set(o *observation) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.current = o
}

func (i *Items) get() *observation {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.current
}

// Due implements [pending.Observation].
func (i *Items) Due() {}

// Started implements [pending.Observation]. It is about the queue.
func (i *Items) Started() {}

// Suspended implements [pending.Observation].
func (i *Items) Suspended(on pending.Handle) {
	if o := i.get(); o != nil {
		o.Suspended(on)
	}
}

// Resumed implements [pending.Observation].
func (i *Items) Resumed() {
	if o := i.get(); o != nil {
		o.Resumed()
	}
}

// CancelRequested implements [pending.Observation].
func (i *Items) CancelRequested(cause error) {
	if o := i.get(); o != nil {
		o.CancelRequested(cause)
	}
}

// Done implements [pending.Observation]. It is about the queue.
func (i *Items) Done(error) {}
