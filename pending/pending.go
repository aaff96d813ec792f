package pending

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// Pending is the future result of a function that was scheduled on a caller. It may also
// stand for anything else that ends exactly once: with a value, an error, or cancelled.
//
// A Pending is made by the calls of package actors or by [New]. It must not be copied. It
// is safe for concurrent use.
type Pending[T any] struct{ result[T] }

// result is all that a pending is.
type result[T any] = future.Result[T]

// New returns a pending with no function behind it. SetResult or SetError completes it,
// from any goroutine.
//
// If ctx ends before that, a wait, Done or OnDone finds the pending cancelled, with the
// context's cause.
func New[T any](ctx context.Context, opts ...Option) *Pending[T] {
	requireContext(ctx, "New")
	requireOptions(opts, "New")
	p := &Pending[T]{}
	future.Init(ctx, p.core(), p, future.Apply(opts))
	return p
}

func (p *Pending[T]) core() *core { return future.CoreOf(&p.result) }

// Result returns the value or the error of the pending. It never blocks.
//
// Before the pending is done, the error is [ErrNotDone]. As soon as it is marked
// cancelled, the error matches [ErrCancelled].
func (p *Pending[T]) Result() (T, error) { return future.Value(&p.result) }

// SetResult completes the pending with a value, and reports whether it did. The first
// completion wins: it returns false, and discards the value, when the pending was done or
// marked cancelled before. A pending marked cancelled is done after it.
//
// A pending with a function behind it, as of a call or a queue, is completed by that
// function alone. SetResult then returns false and changes nothing. Cancel ends such a
// pending early.
//
// It runs the callbacks of [Pending.OnDone] before it returns.
func (p *Pending[T]) SetResult(v T) bool { return future.Settle(&p.result, v, nil) }

// SetError completes the pending with an error, under the rules of [Pending.SetResult].
// An error that matches [context.Canceled] makes it a cancelled pending. A nil error
// completes it with the zero value.
func (p *Pending[T]) SetError(err error) bool {
	var none T
	return future.Settle(&p.result, none, err)
}

// Wait returns the value or the error once the pending is done, or at once if it is.
//
// With the context of a caller's function, Wait gives the turn away and takes it back
// before it returns. With any other context it blocks the goroutine.
//
// When ctx or the time of [Timeout] ends first, Wait cancels the pending. It does not
// wait for the function to return. The error matches the context's error and its cause,
// and says how far the call is. With [Protect], or if the pending is [Protected], Wait
// does not cancel it.
//
// A wait that could never end returns an error that matches [ErrDeadlock], and does not
// change the pending. It does so at once or, if the circle is large, soon. Of the waits
// in a circle one fails: the one that began last.
func (p *Pending[T]) Wait(ctx context.Context, opts ...WaitOption) (T, error) {
	return p.await(ctx, opts, false)
}

// WaitSync is [Pending.Wait] that keeps the turn: no other function of the caller runs
// while it waits.
//
// What it waits for may need that same turn, directly or through a circle of callers.
// WaitSync then returns an error that matches [ErrDeadlock] and names the circle.
func (p *Pending[T]) WaitSync(ctx context.Context, opts ...WaitOption) (T, error) {
	return p.await(ctx, opts, true)
}

func (p *Pending[T]) await(ctx context.Context, opts []WaitOption, keep bool) (T, error) {
	if ctx == nil { // checked here, so that Wait is inlined
		requireContext(ctx, waitName(keep))
	}
	if !p.IsDone() {
		if err := future.Await(ctx, p.core(), joinOptions(opts).wait, keep); err != nil {
			var none T
			return none, err
		}
	}
	return p.Result()
}

func waitName(keep bool) string {
	if keep {
		return "WaitSync"
	}
	return "Wait"
}

// What follows is what a [Handle] has. The methods say it themselves, because those of the core
// are not in the documentation.

// ID returns a number that is unique in this process. It is assigned by the first call of ID.
func (p *Pending[T]) ID() uint64 { return p.result.ID() }

// Name returns the name given at creation. Without one it returns the name of the function
// behind the pending, or "".
func (p *Pending[T]) Name() string { return p.result.Name() }

// Done returns a channel that is closed when the pending is done.
func (p *Pending[T]) Done() <-chan struct{} { return p.result.Done() }

// IsDone reports whether the pending is done: it has a result, has an error, or is
// cancelled. A cancelled pending is done when its function, if any, has returned.
func (p *Pending[T]) IsDone() bool { return p.result.IsDone() }

// Err returns nil when the pending is done with a result, and the error it failed with. As
// soon as the pending is marked cancelled, the error matches [ErrCancelled]. Otherwise it is
// [ErrNotDone].
func (p *Pending[T]) Err() error { return p.result.Err() }

// Cancel marks the pending cancelled and requests the end of its work. It reports whether
// the pending is cancelled: false means that it was done otherwise before.
//
// The error of the pending then matches cause, which may be nil. Cancel cancels the context
// of a running function, and calls a canceller. Cancel itself never waits.
//
// The pending is done when the function has returned. Without a function, but with a
// canceller, it is done when SetResult or SetError is called. In all other cases it is done
// at once. Later causes are joined to the first one and reach the canceller too.
func (p *Pending[T]) Cancel(cause error) bool { return p.result.Cancel(cause) }

// CancelWait cancels the pending and waits until it is done. It gives the turn away like
// [Pending.Wait].
//
// It returns the error of ctx if ctx ended first. In the pending's own function it returns
// an error that matches [ErrDeadlock]. It never returns the error of the pending.
func (p *Pending[T]) CancelWait(ctx context.Context, cause error) error {
	requireContext(ctx, "CancelWait")
	return p.result.CancelWait(ctx, cause)
}

// Cancelled reports whether the pending is marked cancelled, done or not.
func (p *Pending[T]) Cancelled() bool { return p.result.Cancelled() }

// OnDone makes the goroutine that completes the pending call fn, after the callbacks
// registered earlier. If the pending is done already, OnDone calls fn at once, on this
// goroutine. The returned function removes fn and reports whether it was in time.
//
// A panic in fn is logged and goes no further. fn should be short, and must not wait for
// what needs this goroutine or its turn: see [Handle].
func (p *Pending[T]) OnDone(fn func(Handle)) (remove func() bool) {
	if fn == nil {
		panic("pending: OnDone of a nil function")
	}
	return future.OnDone(p.core(), callback(fn))
}

// callback is a function of OnDone.
type callback func(Handle)

// Done implements [future.Callback].
func (fn callback) Done(c *core) { fn(handleOf(c)) }

// SetCanceller makes every later Cancel call fn, with the joined causes. A nil fn removes
// the canceller. It has no effect once the pending is done.
//
// A pending without a function is then done only when SetResult or SetError is called. A
// pending whose function has not started is then done only when its turn comes. A panic in
// fn is logged and goes no further.
func (p *Pending[T]) SetCanceller(fn func(cause error)) { p.result.SetCanceller(fn) }

// Metadata returns the map of values attached to the pending. The map is not a copy: code
// may add to it. Like any map it is not safe for concurrent use.
func (p *Pending[T]) Metadata() Metadata { return p.result.Metadata() }

// Context returns the context the pending was made with. It carries the values, and its end
// cancels the pending.
func (p *Pending[T]) Context() context.Context { return p.result.Context() }

// String describes the pending on one line, for logs. The signs mean: 🏃 not done, 🏁 done,
// ❗ failed, ⛔ marked cancelled. Line ends, as between joined causes, are shown as
// semicolons.
func (p *Pending[T]) String() string { return p.result.String() }
