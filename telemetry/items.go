package telemetry

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Items observes the items of a queue. The items share one pending, but each has a span
// of its own, from its Put to the return of the function. The span is the root of a
// trace, with a link to the span that was open at the Put.
//
// It is for package actors: [Caller.Items] makes it. It observes the queue's pending too:
// its events belong to the running item.
type Items struct {
	source source
	queue  pending.Handle

	mu      sync.Mutex
	current *observation // nil for none
}

// Item is an item of a queue. The zero Item is not observed. It is for package actors.
type Item struct {
	span         trace.Span // of the item, recorded or not
	*observation            // nil for an item that is neither recorded nor counted
}

// Items returns the observer of a queue's items.
func (c *Caller) Items() *Items { return &Items{source: c.method(Put).source} }

// Observe observes the pending of the queue. It implements [pending.Observer].
func (i *Items) Observe(ctx context.Context, h pending.Handle) (context.Context, pending.Observation) {
	i.queue = h
	return ctx, i
}

// Put begins the span of an item that was put with ctx. The Item is passed to
// Begin and End, or dropped. On nil it returns the zero Item.
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

// Begin records that the function starts with an item. It returns ctx with the
// span of the item. On nil it returns ctx.
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

// End ends the span of an item. The error is that of the function, or nil. On nil
// it does nothing.
func (i *Items) End(item Item, err error) {
	if i == nil || item.observation == nil {
		return
	}
	i.set(nil)
	item.Done(err)
}

// Drop ends the span of an item that will not run. The error is the reason.
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

// Due does nothing. It implements [pending.Observation].
func (i *Items) Due() {}

// Started implements [pending.Observation]. It is about the queue.
func (i *Items) Started() {}

// Suspended adds an event to the span of the running item. It implements
// [pending.Observation].
func (i *Items) Suspended(on pending.Handle) {
	if o := i.get(); o != nil {
		o.Suspended(on)
	}
}

// Resumed adds an event to the span of the running item. It implements
// [pending.Observation].
func (i *Items) Resumed() {
	if o := i.get(); o != nil {
		o.Resumed()
	}
}

// CancelRequested adds an event to the span of the running item. It implements
// [pending.Observation].
func (i *Items) CancelRequested(cause error) {
	if o := i.get(); o != nil {
		o.CancelRequested(cause)
	}
}

// Done implements [pending.Observation]. It is about the queue.
func (i *Items) Done(error) {}
