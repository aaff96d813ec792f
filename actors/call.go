package actors

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/internal/served"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// Schedule queues fn to run on a turn of c, and returns its pending at once. It never
// blocks, and may be called from any goroutine, also before c is started.
//
// The context of fn has the values of ctx and ends with it. When fn waits with its
// context, the other functions of c run meanwhile.
//
// The error of the pending is what fn returns. A panic in fn is logged and becomes a
// [*pending.PanicError]. If c is stopped the pending is cancelled with
// [pending.ErrStopped]. If c is full the pending fails with [ErrOverloaded]. A nil
// argument panics here.
func Schedule[T any](
	ctx context.Context, c *Caller, fn func(context.Context) (T, error), opts ...CallOption,
) *pending.Pending[T] {
	requireCall(ctx, c, fn == nil, "Schedule")
	requireOptions(opts, "Schedule")
	return schedule(ctx, c, fn, instrument.Schedule, opts)
}

func schedule[T any](
	ctx context.Context, c *Caller, fn func(context.Context) (T, error), m instrument.Method, opts []CallOption,
) *pending.Pending[T] {
	t, o := newCallWith(ctx, c, fn, m, opts)
	c.dispatch(ctx, t, o)
	return &t.Pending
}

// newCallWith makes a call with options, to be dispatched with them.
func newCallWith[T any](
	ctx context.Context, c *Caller, fn func(context.Context) (T, error), m instrument.Method, opts []CallOption,
) (*call[T], *callOptions) {
	o := &callOptions{}
	for _, opt := range opts {
		opt(o)
	}
	if by, ok := ctx.(*served.Context); ok {
		ctx, o.pending = by.Context, append(slices.Clip(by.Options), o.pending...)
		if by.CodeOf != nil {
			m = c.served(by.CodeOf)
		}
	}
	scheduler := &c.sched
	if o.worker {
		scheduler = &c.workers().unassigned
	}
	t := newCall(ctx, c, scheduler, fn, c.observer(m, o.delay), o.pending...)
	if o.worker {
		t.task.Tag = tagPooled
	}
	if err := o.check(); err != nil {
		t.Fail(err)
		return t, o
	}
	if r := o.retry; r != nil {
		t.Wrap(func(fn func(context.Context) (T, error)) func(context.Context) (T, error) {
			return withRetry(c, fn, r)
		})
	}
	if o.timeout != nil {
		cancelAfter(t, *o.timeout, false, func(cause error) { t.Cancel(cause) })
	}
	if o.queueTimeout != nil {
		cancelAfter(t, *o.queueTimeout, true, t.Reject)
	}
	return t, o
}

// dispatch queues a call as its options say.
func (c *Caller) dispatch(ctx context.Context, t work, o *callOptions) {
	submit := c.submit
	switch {
	case o.worker:
		submit = c.workers().submit
	case o.urgent:
		submit = c.submitUrgent
	}
	switch {
	case o.delay > 0:
		c.scheduleLater(ctx, t, o.delay, submit)
	case o.worker:
		c.workers().assign(ctx, t)
		c.noteAccepted()
	case o.urgent:
		c.enqueueUrgent(ctx, t)
	default:
		c.enqueue(ctx, t)
	}
}

// cancelAfter calls cancel after d, unless t is done by then. With queued, cancel has no
// effect on a function that has started.
func cancelAfter(t work, d time.Duration, queued bool, cancel func(cause error)) {
	what := "is not done"
	if queued {
		what = "has not started"
	}
	expire := func() {
		t.Unlimit(queued)
		defer func() {
			if !t.IsDone() { // to end, its function may need a turn that is kept
				t.schedulable().RecheckTurn()
			}
		}()
		cancel(fmt.Errorf("actors: call of %s %s after %v, %s: %w",
			t.Name(), what, d, t.schedulable().Progress(), context.DeadlineExceeded))
	}
	if d <= 0 {
		expire()
		return
	}
	t.Limit(queued)
	task := t.schedulable()
	timer := time.AfterFunc(d, steps.Before(task.Steps(), task, "times out", expire))
	t.OnDone(func(pending.Handle) { timer.Stop() })
}

// CallSoon is [Schedule] without options. A function that has no result is given as
// [NoResult](fn).
func CallSoon[T any](ctx context.Context, c *Caller, fn func(context.Context) (T, error)) *pending.Pending[T] {
	requireCall(ctx, c, fn == nil, "CallSoon")
	return callSoon(ctx, c, fn, instrument.CallSoon)
}

func callSoon[T any](
	ctx context.Context, c *Caller, fn func(context.Context) (T, error), m instrument.Method,
) *pending.Pending[T] {
	t := newCall(ctx, c, &c.sched, fn, c.observer(m, 0))
	c.enqueue(ctx, t)
	return &t.Pending
}

// CallUsing is [CallSoon] on a backend that need not be the caller's own. The turn and
// the place in the run queue are those of any function of c.
//
// With [props.Thread] fn runs on a thread that c keeps for such calls, from the first one
// until c stops. With [props.Goroutine] it runs on a goroutine, even if c is on a thread.
//
// Any other backend is an error of the pending. Other errors are as in [Schedule].
func CallUsing[T any](
	ctx context.Context, c *Caller, backend props.BackendKind, fn func(context.Context) (T, error),
) *pending.Pending[T] {
	requireCall(ctx, c, fn == nil, "CallUsing")
	t := newCall(ctx, c, &c.sched, fn, c.observer(instrument.CallUsing, 0))
	if backend != props.Goroutine && backend != props.Thread {
		t.Fail(fmt.Errorf("actors: call using %v: there is no such backend", backend))
		return &t.Pending
	}
	t.task.Alternate = backend != c.Backend()
	c.enqueue(ctx, t)
	return &t.Pending
}

// CallLater queues fn to run on a turn of c after the delay. It returns the pending at
// once. Contexts and errors are as in [Schedule].
func CallLater[T any](
	ctx context.Context, c *Caller, delay time.Duration, fn func(context.Context) (T, error),
) *pending.Pending[T] {
	requireCall(ctx, c, fn == nil, "CallLater")
	return schedule(ctx, c, fn, instrument.CallLater, []CallOption{Delay(delay)})
}

// CallDirect queues fn to run on a turn of c, in order with the calls. There is no
// pending and no context: it is for short functions that do not wait. A panic in
// fn is logged.
//
// It returns [pending.ErrStopped] or [ErrOverloaded] if fn is rejected. A drain of c
// rejects it in any function. A stop of c drops the functions that have not run, and logs
// their number. It may be called from any goroutine.
func (c *Caller) CallDirect(fn func()) error {
	requireFunction(c, fn == nil, "CallDirect")
	if c.isDrained() {
		return c.stopError()
	}
	return c.sched.SubmitUnless(&c.draining, sched.Func(fn), c.config.MaxQueued)
}

// enqueue queues a call that was made with ctx.
func (c *Caller) enqueue(ctx context.Context, t work) {
	if err := c.admit(ctx); err != nil {
		t.Fail(err)
		return
	}
	if err := c.submit(t); err != nil {
		t.Fail(c.withStopCause(err))
	}
	c.noteAccepted()
}

// submit adds a call to the run queue.
func (c *Caller) submit(t work) error { return c.sched.Submit(t.schedulable(), c.config.MaxQueued) }

// enqueueUrgent is enqueue for the urgent lane.
func (c *Caller) enqueueUrgent(ctx context.Context, t work) {
	if err := c.admit(ctx); err != nil {
		t.Fail(err)
		return
	}
	if err := c.submitUrgent(t); err != nil {
		t.Fail(c.withStopCause(err))
	}
	c.noteAccepted()
}

// submitUrgent is submit for the urgent lane.
func (c *Caller) submitUrgent(t work) error {
	return c.sched.SubmitUrgent(t.schedulable(), c.config.MaxQueued)
}
