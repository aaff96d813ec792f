package instrument

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// Items observes the items of a queue. The items share one pending, but each has a
// span of its own, from its Put to the return of the function. The span is the
// root of a trace, with a link to the span that was open at the Put. The item has the
// baggage of that Put. If that span is not sampled, the item is not either.
//
// [Caller.Items] makes it. It observes the queue's pending too: its events belong to the
// running item.
type Items struct {
	source source
	queue  *future.Core

	mu      sync.Mutex
	current *observation // nil for none
}

// Item is an item of a queue. The zero Item is not observed.
type Item struct {
	span         trace.Span // of the item, recorded or not
	baggage      baggage.Baggage
	*observation // nil for an item that is neither recorded nor counted
}

// Items returns the observer of a queue's items. Their function is the one with that entry.
func (c *Caller) Items(entry uintptr) *Items {
	i := &Items{source: *c.of(Put)}
	i.source.function = c.functions.at(entry)
	return i
}

// Observe observes the pending of the queue. It implements [future.Observer].
func (i *Items) Observe(ctx context.Context, c *future.Core) (context.Context, future.Observation) {
	i.queue = c
	return ctx, i
}

// Put begins the span of an item that was put with ctx. The Item is passed to
// Begin and End, or dropped. On nil it returns the zero Item.
func (i *Items) Put(ctx context.Context) Item {
	if i == nil {
		return Item{}
	}
	base := i.queue.Context()
	carried := baggage.FromContext(ctx)
	if carried.Len() > 0 {
		base = baggage.ContextWithBaggage(base, carried)
	}
	start := []trace.SpanStartOption{trace.WithNewRoot()}
	switch span := trace.SpanFromContext(ctx); {
	case !span.SpanContext().IsValid():
	case !span.SpanContext().IsSampled(): // nor is what is below
		base, start = trace.ContextWithSpan(base, span), nil
	default:
		start = append(start, trace.WithLinks(trace.Link{SpanContext: span.SpanContext()}))
	}
	ctx, o := i.source.begin(base, i.queue, start...)
	return Item{trace.SpanFromContext(ctx), carried, o}
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
	if item.baggage.Len() > 0 {
		ctx = baggage.ContextWithBaggage(ctx, item.baggage)
	}
	return trace.ContextWithSpan(ctx, item.span)
}

// Running returns the context of the running item, or nil. On nil it returns nil.
func (i *Items) Running() context.Context {
	if i == nil {
		return nil
	}
	if o := i.get(); o != nil {
		return &o.ctx
	}
	return nil
}

// End ends the span of an item. The error is that of the function, or nil. With crashed it
// is a panic of that function. On nil it does nothing.
func (i *Items) End(item Item, err error, crashed bool) {
	if i == nil || item.observation == nil {
		return
	}
	i.set(nil)
	item.done(err, crashed)
}

// Drop ends the span of an item that will not run. The error is the reason.
func (i Item) Drop(why error) {
	if i.observation != nil {
		i.done(why, false)
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

// Due does nothing. It implements [future.Observation].
func (i *Items) Due() {}

// Started implements [future.Observation]. It is about the queue.
func (i *Items) Started() {}

// Suspended adds an event to the span of the running item. It implements
// [future.Observation].
func (i *Items) Suspended(on *future.Core) {
	if o := i.get(); o != nil {
		o.Suspended(on)
	}
}

// Resumed adds an event to the span of the running item. It implements
// [future.Observation].
func (i *Items) Resumed() {
	if o := i.get(); o != nil {
		o.Resumed()
	}
}

// WaitFailed is that of an [observation].
func (i *Items) WaitFailed(err error) {
	if o := i.get(); o != nil {
		o.WaitFailed(err)
	}
}

// CancelRequested adds an event to the span of the running item. It implements
// [future.Observation].
func (i *Items) CancelRequested(cause error) {
	if o := i.get(); o != nil {
		o.CancelRequested(cause)
	}
}

// Done implements [future.Observation]. It is about the queue. The queue is done while an
// item runs if a stop has abandoned the function.
func (i *Items) Done(err error) {
	if o := i.get(); o != nil {
		i.set(nil)
		o.done(err, false)
	}
}
