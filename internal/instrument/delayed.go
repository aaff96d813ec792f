package instrument

import (
	"context"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// delayed observes a delayed call. The span begins when the delay is over, or when
// the call is cancelled before. The span of the code that scheduled the call may
// have ended by then. Such a span becomes the link of a new trace, not the parent.
type delayed struct{ source }

// Observe implements [future.Observer].
func (d *delayed) Observe(ctx context.Context, c *future.Core) (context.Context, future.Observation) {
	o := &delayedObservation{source: &d.source, pending: c}
	o.ctx.Context = o.parent.set(begun(ctx))
	return &o.ctx, o
}

func (s *source) after(delay time.Duration) *delayed {
	d := &delayed{*s}
	d.attributes = append([]attribute.KeyValue{DelayKey.Float64(delay.Seconds())}, s.attributes...)
	return d
}

// delayedContext has the values of a context to which a span is added later.
type delayedContext struct {
	context.Context
	due atomic.Pointer[context.Context]
}

// Value implements [context.Context].
func (c *delayedContext) Value(key any) any {
	if due := c.due.Load(); due != nil {
		return (*due).Value(key)
	}
	return c.Context.Value(key)
}

// begun returns the context that a delayed call has since it is due. It returns ctx if
// that is another one.
func begun(ctx context.Context) context.Context {
	if c, ok := ctx.(*delayedContext); ok {
		if due := c.due.Load(); due != nil {
			return *due
		}
	}
	return ctx
}

// delayedObservation begins its observation at the first event. Events that come while it
// begins are kept until then. They may come from other goroutines, and from a sampler.
type delayedObservation struct {
	source  *source
	pending *future.Core
	ctx     delayedContext
	parent  parentContext // of the span, if that is observed too
	inner   *observation  // nil for a call that is neither recorded nor counted

	begun atomic.Bool // inner is set, and no event is kept
	mu    sync.Mutex
	busy  bool // a goroutine begins
	kept  []func(o *observation)
}

var _ future.Observation = (*delayedObservation)(nil)

// event hands an event to the inner observation, and begins that before.
func (o *delayedObservation) event(event func(inner *observation)) {
	if o.begun.Load() {
		if o.inner != nil {
			event(o.inner)
		}
		return
	}
	o.mu.Lock()
	o.kept = append(o.kept, event)
	first := !o.busy
	o.busy = true
	o.mu.Unlock()
	if first {
		o.begin()
	}
}

func (o *delayedObservation) begin() {
	ctx, inner := o.source.begin(o.ctx.Context, o.pending, linkedIfOver(o.ctx.Context)...)
	o.inner = inner
	o.ctx.due.Store(&ctx)
	for {
		o.mu.Lock()
		kept := o.kept
		o.kept = nil
		if len(kept) == 0 {
			o.begun.Store(true)
			o.busy = false
			o.mu.Unlock()
			return
		}
		o.mu.Unlock()
		for _, event := range kept {
			if inner != nil {
				event(inner)
			}
		}
	}
}

// linkedIfOver returns the options that begin a new trace if the span of ctx has
// ended. The end of a remote or unrecorded span is unknown, and so is that of a span context
// which was put into ctx without its span: it stays the parent.
func linkedIfOver(ctx context.Context) []trace.SpanStartOption {
	span := trace.SpanFromContext(ctx)
	sc := span.SpanContext()
	if !sc.IsSampled() || sc.IsRemote() || span.IsRecording() || reflect.TypeOf(span) == bareSpan {
		return nil
	}
	return []trace.SpanStartOption{trace.WithNewRoot(), trace.WithLinks(trace.Link{SpanContext: sc})}
}

// bareSpan is the type of the spans of [trace.ContextWithSpanContext].
var bareSpan = reflect.TypeOf(trace.SpanFromContext(trace.ContextWithSpanContext(context.Background(), trace.SpanContext{})))

// Due implements [future.Observation].
func (o *delayedObservation) Due() { o.event((*observation).Due) }

// Started implements [future.Observation].
func (o *delayedObservation) Started() { o.event((*observation).Started) }

// Suspended implements [future.Observation].
func (o *delayedObservation) Suspended(on *future.Core) {
	o.event(func(inner *observation) { inner.Suspended(on) })
}

// Resumed implements [future.Observation].
func (o *delayedObservation) Resumed() { o.event((*observation).Resumed) }

// WaitFailed is that of an [observation].
func (o *delayedObservation) WaitFailed(err error) {
	o.event(func(inner *observation) { inner.WaitFailed(err) })
}

// CancelRequested implements [future.Observation].
func (o *delayedObservation) CancelRequested(cause error) {
	o.event(func(inner *observation) { inner.CancelRequested(cause) })
}

// Done implements [future.Observation].
func (o *delayedObservation) Done(err error) {
	o.event(func(inner *observation) { inner.Done(err) })
}
