package telemetry

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// delayed observes a delayed call. The span begins when the delay is over, or when
// the call is cancelled before. The span of the code that scheduled the call may
// have ended by then. Such a span becomes the link of a new trace, not the parent.
type delayed struct{ source }

// Observe implements [pending.Observer].
func (d *delayed) Observe(ctx context.Context, h pending.Handle) (context.Context, pending.Observation) {
	o := &delayedObservation{source: &d.source, handle: h}
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

// delayedObservation begins its observation at the first event.
type delayedObservation struct {
	source *source
	handle pending.Handle
	ctx    delayedContext
	parent parentContext // of the span, if that is observed too
	once   sync.Once
	inner  *observation // nil for a call that is neither recorded nor counted
}

var _ pending.Observation = (*delayedObservation)(nil)

func (o *delayedObservation) begin() *observation {
	o.once.Do(func() {
		var ctx context.Context
		ctx, o.inner = o.source.begin(o.ctx.Context, o.handle, linkedIfOver(o.ctx.Context)...)
		o.ctx.due.Store(&ctx)
	})
	return o.inner
}

// linkedIfOver returns the options that begin a new trace if the span of ctx has
// ended. The end of a remote or unrecorded span is unknown: it stays the parent.
func linkedIfOver(ctx context.Context) []trace.SpanStartOption {
	span := trace.SpanFromContext(ctx)
	sc := span.SpanContext()
	if !sc.IsSampled() || sc.IsRemote() || span.IsRecording() {
		return nil
	}
	return []trace.SpanStartOption{trace.WithNewRoot(), trace.WithLinks(trace.Link{SpanContext: sc})}
}

// Due implements [pending.Observation].
func (o *delayedObservation) Due() { o.begin() }

// Started implements [pending.Observation].
func (o *delayedObservation) Started() {
	if inner := o.begin(); inner != nil {
		inner.Started()
	}
}

// Suspended implements [pending.Observation].
func (o *delayedObservation) Suspended(on pending.Handle) {
	if inner := o.begin(); inner != nil {
		inner.Suspended(on)
	}
}

// Resumed implements [pending.Observation].
func (o *delayedObservation) Resumed() {
	if inner := o.begin(); inner != nil {
		inner.Resumed()
	}
}

// CancelRequested implements [pending.Observation].
func (o *delayedObservation) CancelRequested(cause error) {
	if inner := o.begin(); inner != nil {
		inner.CancelRequested(cause)
	}
}

// Done implements [pending.Observation].
func (o *delayedObservation) Done(err error) {
	if inner := o.begin(); inner != nil {
		inner.Done(err)
	}
}
