package actors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// ErrOverloaded is matched by the error of a call, or of a wait, that a limit
// of its caller has refused.
var ErrOverloaded = errors.New("actors: overloaded")

// task is the function of a call, as the scheduler sees it.
type task interface {
	pending.Handle
	Run() *pending.PanicError
	Reject(cause error)
	Interrupt(cause error)
	Abandon(cause error)
	Due()
	Fail(err error) bool
	frame() *frame
}

// call is a pending, its function and its turn in one piece of memory.
type call[T any] struct {
	pending.Task[T]
	turn frame
}

func (c *call[T]) frame() *frame { return &c.turn }

// newCall makes a call of fn that is to be scheduled on the caller of a mailbox:
// its own, or the lobby of its workers.
func newCall[T any](
	ctx context.Context, box *mailbox, fn func(context.Context) (T, error), opts []pending.Option,
) *call[T] {
	c := box.caller
	t := &call[T]{}
	t.turn.task = t
	t.turn.forWorker = box != &c.box
	t.turn.box.Store(box)
	t.Init(ctx, fn, &t.turn, opts...)
	return t
}

// CallOption changes how a function is scheduled.
type CallOption func(*callOptions)

type callOptions struct {
	pending      []pending.Option
	delay        time.Duration
	served       bool
	worker       bool
	timeout      *time.Duration
	queueTimeout *time.Duration
}

// PendingOptions gives options to the pending of the call, for those who take
// such options themselves.
func PendingOptions(opts ...pending.Option) CallOption {
	requireOptions(opts, "PendingOptions")
	opts = slices.Clip(opts)
	return func(o *callOptions) {
		if o.pending == nil {
			o.pending = opts
			return
		}
		o.pending = append(o.pending, opts...)
	}
}

// Named gives the call a name, for its pending, logs and spans. The default is
// the name of the function.
func Named(name string) CallOption {
	return func(o *callOptions) { o.pending = append(o.pending, pending.Named(name)) }
}

// With attaches a value to the metadata of the call's pending.
func With(key string, value any) CallOption {
	return func(o *callOptions) { o.pending = append(o.pending, pending.With(key, value)) }
}

// TrackedBy has only those trackers of the context told of the call, and of what
// its function calls, for which keep returns true. The seed's trackers.
func TrackedBy(keep func(pending.Tracker) bool) CallOption {
	if keep == nil {
		panic("actors: TrackedBy with a nil function")
	}
	return func(o *callOptions) { o.pending = append(o.pending, pending.TrackedBy(keep)) }
}

// Untracked has no tracker told of the call, nor of what its function calls.
func Untracked() CallOption {
	return func(o *callOptions) { o.pending = append(o.pending, pending.Untracked()) }
}

// Delay has the call queued after d, at once if that is zero or less.
func Delay(d time.Duration) CallOption {
	return func(o *callOptions) { o.delay = d }
}

// Timeout cancels the call if it is not done d after it was scheduled, with a
// cause that matches [context.DeadlineExceeded]. With a d of zero or less the
// function never runs.
func Timeout(d time.Duration) CallOption {
	return func(o *callOptions) { o.timeout = &d }
}

// QueueTimeout cancels the call if its function has not started d after it was
// scheduled, with a cause that matches [context.DeadlineExceeded]. With a d of
// zero or less the function never runs.
func QueueTimeout(d time.Duration) CallOption {
	return func(o *callOptions) { o.queueTimeout = &d }
}

// Served says that another node has made the call, whose trace ctx carries: its
// span is the SERVER side of that node's. It is for package rpc.
func Served() CallOption {
	return func(o *callOptions) { o.served = true }
}

// OnWorker has the function called on a worker of the caller, as by [ToThread].
func OnWorker() CallOption {
	return func(o *callOptions) { o.worker = true }
}

// Schedule has fn called on a turn of c and returns its pending, at once. It
// may be called from any goroutine, and before c is started.
//
// The context that fn is given has the values of ctx and ends with it; with it
// fn can wait without being in the way of the other functions of c. A panic in
// fn becomes a [*pending.PanicError]; a nil argument panics here.
//
// If c is stopped the pending is cancelled with [pending.ErrStopped]; if it is
// full the pending fails with [ErrOverloaded]. The seed's schedule_call.
func Schedule[T any](
	ctx context.Context, c *Caller, fn func(context.Context) (T, error), opts ...CallOption,
) *pending.Pending[T] {
	requireCall(ctx, c, fn == nil, "Schedule")
	requireOptions(opts, "Schedule")
	return schedule(ctx, c, fn, telemetry.Schedule, opts)
}

func schedule[T any](
	ctx context.Context, c *Caller, fn func(context.Context) (T, error), m telemetry.Method, opts []CallOption,
) *pending.Pending[T] {
	var o callOptions
	for _, opt := range opts {
		opt(&o)
	}
	if o.served {
		m = telemetry.Handle
	}
	box, put := &c.box, c.put
	var workers *pool
	if o.worker {
		workers = c.pooled()
		box, put = &workers.lobby, workers.submit
	}
	t := newCall(ctx, box, fn, c.observed(m, o.delay, o.pending))
	if o.timeout != nil {
		cancelAfter(t, *o.timeout, "is not done", func(cause error) { t.Cancel(cause) })
	}
	if o.queueTimeout != nil {
		cancelAfter(t, *o.queueTimeout, "has not started", t.Reject)
	}
	switch {
	case o.delay > 0:
		c.delay(ctx, t, o.delay, put)
	case o.worker:
		workers.assign(ctx, t)
	default:
		c.enqueue(ctx, t)
	}
	return &t.Pending
}

// cancelAfter has cancel called d from now unless t is done by then.
func cancelAfter(t task, d time.Duration, what string, cancel func(cause error)) {
	expire := func() {
		cancel(fmt.Errorf("actors: call of %s %s after %v: %w", t.Name(), what, d, context.DeadlineExceeded))
	}
	if d <= 0 {
		expire()
		return
	}
	timer := time.AfterFunc(d, expire)
	t.OnDone(func(pending.Handle) { timer.Stop() })
}

// CallSoon is [Schedule] without options. The seed's call_soon.
func CallSoon[T any](ctx context.Context, c *Caller, fn func(context.Context) (T, error)) *pending.Pending[T] {
	requireCall(ctx, c, fn == nil, "CallSoon")
	return soon(ctx, c, fn, telemetry.CallSoon)
}

func soon[T any](
	ctx context.Context, c *Caller, fn func(context.Context) (T, error), m telemetry.Method,
) *pending.Pending[T] {
	t := newCall(ctx, &c.box, fn, c.observed(m, 0, nil))
	c.enqueue(ctx, t)
	return &t.Pending
}

// CallUsing is [CallSoon] on a backend that need not be the caller's own: fn
// has its turn, and its place in the queue, as any function of c, but it runs
// on a thread that c has for such calls, made for the first one and ended with
// c, or, if c is on a thread itself, on a goroutine. Any other backend is an
// error of the pending. It may be called from any goroutine. The seed's
// call_using_backend.
func CallUsing[T any](
	ctx context.Context, c *Caller, backend props.BackendKind, fn func(context.Context) (T, error),
) *pending.Pending[T] {
	requireCall(ctx, c, fn == nil, "CallUsing")
	t := newCall(ctx, &c.box, fn, c.observed(telemetry.CallUsing, 0, nil))
	if backend != props.Goroutine && backend != props.Thread {
		t.Fail(fmt.Errorf("actors: call using %v: there is no such backend", backend))
		return &t.Pending
	}
	t.turn.guest = backend != c.Backend()
	c.enqueue(ctx, t)
	return &t.Pending
}

// CallLater has fn called on a turn of c, not before delay is over. The seed's
// call_later.
func CallLater[T any](
	ctx context.Context, c *Caller, delay time.Duration, fn func(context.Context) (T, error),
) *pending.Pending[T] {
	requireCall(ctx, c, fn == nil, "CallLater")
	return schedule(ctx, c, fn, telemetry.CallLater, []CallOption{Delay(delay)})
}

// CallDirect has fn called on a turn of c, in order with the calls, with no
// pending and no context: for short functions that do not wait. A panic in fn
// is logged. It returns [pending.ErrStopped] or [ErrOverloaded] if fn is
// refused; what was accepted and has not run when c is stopped is counted in
// its log. It may be called from any goroutine. The seed's call_direct.
func (c *Caller) CallDirect(fn func()) error {
	requireFunction(c, fn == nil, "CallDirect")
	if c.draining.Load() {
		return c.stopError()
	}
	return c.box.call(direct(fn))
}

// enqueue queues a call that was made with ctx.
func (c *Caller) enqueue(ctx context.Context, t task) {
	if err := c.admit(ctx); err != nil {
		t.Fail(err)
		return
	}
	if err := c.put(t); err != nil {
		t.Fail(c.explain(err))
	}
}

// put adds a call to the mailbox.
func (c *Caller) put(t task) error { return c.box.call(t.frame()) }

// admit returns why a call made with ctx is refused. While the caller drains
// that is any call which is not part of the work that is to be finished.
func (c *Caller) admit(ctx context.Context) error {
	if c.draining.Load() && !c.above(ctx) {
		return c.stopError()
	}
	return nil
}

// explain adds the reason why the caller was stopped.
func (c *Caller) explain(err error) error {
	if errors.Is(err, pending.ErrStopped) {
		return c.stopError()
	}
	return err
}

// delay queues a call after d.
func (c *Caller) delay(ctx context.Context, t task, d time.Duration, put func(task) error) {
	if err := c.admit(ctx); err != nil {
		t.Fail(err)
		return
	}
	c.mu.Lock()
	if c.State() >= StateStopping {
		c.mu.Unlock()
		t.Fail(c.stopError())
		return
	}
	r := c.rarely()
	if r.delayed == nil {
		r.delayed = make(map[task]*time.Timer)
	}
	r.delayed[t] = time.AfterFunc(d, func() {
		t.Due()
		if err := put(t); err != nil {
			t.Fail(c.explain(err))
		}
		c.undelay(t)
	})
	c.mu.Unlock()
	t.OnDone(func(pending.Handle) { c.undelay(t) })
}

// undelay forgets a delayed call, which is queued or done.
func (c *Caller) undelay(t task) {
	c.mu.Lock()
	timer, ok := c.rare.delayed[t]
	delete(c.rare.delayed, t)
	c.mu.Unlock()
	if ok {
		timer.Stop()
		c.box.noteIdle()
	}
}
