package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// EveryOption changes when [Every] calls its function.
type EveryOption func(*everyOptions)

type everyOptions struct {
	immediately bool
	stopOnError bool
	jitter      float64
}

// Immediately has [Every] make the first call at once, and not after an interval. With
// [EveryJitter] it is delayed too.
func Immediately() EveryOption { return func(o *everyOptions) { o.immediately = true } }

// StopOnError has [Every] end at the first error that its function returns, or at the
// first panic. That is then the error of the pending.
func StopOnError() EveryOption { return func(o *everyOptions) { o.stopOnError = true } }

// EveryJitter has [Every] delay each call by a random part of the interval, of at most
// share. That includes the first call of [Immediately]. So programs that start together
// do not call together. The default is 0. A share that is not between 0 and 1 is an error
// of the pending.
func EveryJitter(share float64) EveryOption { return func(o *everyOptions) { o.jitter = share } }

// Every has fn called on turns of c, again and again: an interval from now, and then at
// each further interval from that time. It returns at once, and may be called from any
// goroutine.
//
// The calls never overlap. A time that comes while the call before it is still queued or
// runs is left out. Each call has a span of its own and is in order with the other calls
// of c.
//
// An error of fn is logged, and fn is called again at the next time. [StopOnError] ends
// it instead. A panic is logged and goes to the policy of c. A call that
// [props.MaxQueued] rejects is logged, and is no error of fn. With an interval that is not
// positive, or an option that makes no sense, the pending fails. A nil argument panics
// here.
//
// The returned pending stays open. It is done when Every has ended and fn has returned.
// Cancelling the pending ends it, and so does the end of ctx: a running call sees its
// context end. A stop of c ends it with [pending.ErrStopped]. A restart of c cancels the
// call that runs, and the next one comes at its time. [Caller.Drain] waits for a call
// that is queued or runs, and for no further one. Groups around the call of Every do not
// wait for it.
func Every(
	ctx context.Context, c *Caller, interval time.Duration, fn func(context.Context) error, opts ...EveryOption,
) *pending.Pending[struct{}] {
	requireCall(ctx, c, fn == nil, "Every")
	requireOptions(opts, "Every")
	e := &periodic{caller: c, fn: fn, interval: interval}
	for _, opt := range opts {
		opt(&e.everyOptions)
	}
	name := runtime.FuncForPC(reflect.ValueOf(fn).Pointer()).Name()
	e.end = pending.New[struct{}](ctx, pending.Named(name), pending.TrackedBy(isManager))
	if err := e.check(ctx); err != nil {
		e.end.SetError(err)
		return e.end
	}
	e.end.SetCanceller(e.cancel)
	if err := c.addQueue(e.end); err != nil {
		e.complete(err)
		return e.end
	}
	e.due = time.Now()
	if !e.immediately {
		e.due = e.due.Add(interval)
	}
	e.plan()
	return e.end
}

// periodic is what a call of Every makes.
type periodic struct {
	everyOptions
	caller   *Caller
	fn       func(context.Context) error
	interval time.Duration
	end      *pending.Pending[struct{}]

	due time.Time // of the last tick, without jitter; used by one goroutine after the other

	mu   sync.Mutex
	tick *tick // the last one; nil before the first
}

// tick is one call of a periodic function. It is made before its time comes, because
// making it calls user code, and the timers must not.
type tick struct {
	call[struct{}]
	failed atomic.Bool // the function has returned an error of its own, or has not returned
}

// check returns why nothing is to be called.
func (e *periodic) check(ctx context.Context) error {
	switch {
	case e.interval <= 0:
		return fmt.Errorf("actors: Every(%v): the interval must be positive", e.interval)
	case !(e.jitter >= 0 && e.jitter <= 1): // also if it is not a number
		return fmt.Errorf("actors: EveryJitter(%v): must be between 0 and 1", e.jitter)
	default:
		return e.caller.admit(ctx)
	}
}

// plan makes the next call, for its time. Nothing else is left to do for e then.
func (e *periodic) plan() {
	planned := false
	defer func() { // an observer, or a tracker, may panic or end the goroutine
		if !planned {
			e.complete(errors.New("actors: Every: the next call could not be made"))
		}
	}()
	c, wait := e.caller, time.Until(e.due)
	if e.jitter > 0 {
		late := c.registry.random() * e.jitter * float64(e.interval)
		wait += min(time.Duration(late), math.MaxInt64-max(0, wait))
	}
	t := &tick{}
	t.task.Init(t, &c.sched)
	t.InitObserved(e.end.Context(), NoResult(e.fn), &t.task, c.observer(instrument.Every, wait))
	t.Wrap(func(fn func(context.Context) (struct{}, error)) func(context.Context) (struct{}, error) {
		return func(ctx context.Context) (none struct{}, err error) {
			t.failed.Store(true)
			_, err = fn(ctx)
			t.failed.Store(err != nil && ctx.Err() == nil)
			return none, err
		}
	})
	future.SetCompleter(future.Of(e.end), future.Of(t))
	e.mu.Lock()
	e.tick = t
	e.mu.Unlock()
	t.OnDone(func(pending.Handle) { e.ticked(t) })
	planned = true
	switch {
	case e.end.Cancelled(): // before it could find the tick
		t.CancelFor(e.end.Err())
	case wait > 0:
		ts, entry := c.timers(), &timer{fire: func() { e.fire(t) }}
		t.Delay()
		_ = ts.add(entry, wait, 0) // not as a call, which a drain would wait for
		t.OnDone(func(pending.Handle) { ts.remove(entry) })
	case !c.isDrained():
		if err := c.submit(t); err != nil {
			t.Fail(c.withStopCause(err))
		}
	}
}

// fire queues a tick whose time has come. It runs no user code.
func (e *periodic) fire(t *tick) {
	if e.caller.isDrained() {
		return // the stop that follows cancels it
	}
	defer func() { // even if the observer ends the goroutine
		if err := e.caller.submit(t); err != nil {
			go e.caller.step("rejects a call", func() { t.Fail(e.caller.withStopCause(err)) })() // callbacks of the call may block
			return
		}
		e.caller.sched.RecheckDeadlock() // the turn that the call needs may be kept by who waits for it
	}()
	t.Due()
}

// cancel is the canceller of the pending.
func (e *periodic) cancel(cause error) {
	e.mu.Lock()
	t := e.tick
	e.mu.Unlock()
	if t == nil || t.IsDone() {
		e.complete(cause)
		return
	}
	t.CancelFor(cause)
}

// complete makes the pending done. If it was cancelled it keeps its error.
func (e *periodic) complete(err error) { e.end.SetError(err) }

// ticked is called when a tick is done.
func (e *periodic) ticked(t *tick) {
	err := t.Err()
	switch {
	case e.end.Cancelled():
		e.complete(err)
		return
	case e.caller.State() >= StateStopping, e.end.Context().Err() != nil:
		return // what cancels the pending for that reason finds that the tick is done
	}
	next := e.planNext
	if e.stopOnError && t.failed.Load() {
		next = func() { e.complete(err) }
	}
	defer next()                             // even if a log handler ends the goroutine
	_, panicked := err.(*pending.PanicError) //nolint:errorlint // That of another pending counts as any error.
	if err != nil && !panicked && (t.failed.Load() || !t.Cancelled()) {
		e.caller.logError(t.Context(), "periodic call failed", slog.String("function", e.end.Name()), slog.Any("error", err))
	}
}

// planNext plans the next tick, without those whose time has passed.
func (e *periodic) planNext() {
	e.due = e.due.Add(e.interval)
	if late := time.Since(e.due); late > 0 {
		missed := (late-1)/e.interval + 1
		e.due = e.due.Add(missed * e.interval)
	}
	e.plan()
}
