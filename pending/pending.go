package pending

import "context"

// Pending is the future result of a function that was scheduled on a caller. It may also
// stand for anything else that ends exactly once: with a value, an error, or cancelled.
//
// A Pending is made by the calls of package actors or by [New]. It must not be copied. It
// is safe for concurrent use.
type Pending[T any] struct {
	base
	value T // constant once the pending is done
}

// New returns a pending with no function behind it. SetResult or SetError completes it,
// from any goroutine.
//
// If ctx ends before that, a wait, Done or OnDone finds the pending cancelled, with the
// context's cause.
func New[T any](ctx context.Context, opts ...Option) *Pending[T] {
	requireContext(ctx, "New")
	requireOptions(opts, "New")
	p := &Pending[T]{}
	p.init(ctx, p, opts)
	return p
}

// Result returns the value or the error of the pending. It never blocks.
//
// Before the pending is done, the error is [ErrNotDone]. As soon as it is marked
// cancelled, the error matches [ErrCancelled].
func (p *Pending[T]) Result() (T, error) {
	if err := p.Err(); err != nil {
		var none T
		return none, err
	}
	return p.value, nil
}

// SetResult completes the pending with a value, and reports whether it did. The first
// completion wins: it returns false, and discards the value, when the pending was done or
// marked cancelled before. A pending marked cancelled is done after it.
//
// A pending with a function behind it, as of a call or a queue, is completed by that
// function alone. SetResult then returns false and changes nothing. Cancel ends such a
// pending early.
//
// It runs the callbacks of [Handle.OnDone] before it returns.
func (p *Pending[T]) SetResult(v T) bool {
	return p.runner == nil && p.complete(v, nil)
}

// SetError completes the pending with an error, under the rules of [Pending.SetResult].
// An error that matches [context.Canceled] makes it a cancelled pending. A nil error
// completes it with the zero value.
func (p *Pending[T]) SetError(err error) bool {
	var none T
	return p.runner == nil && p.complete(none, err)
}

func (p *Pending[T]) complete(v T, err error) bool {
	won, waiters := p.end(v, err)
	unseen := err != nil && won && p.runner != nil && (waiters == nil || waiters.callback != nil)
	p.notify(waiters, nil)
	if unseen {
		p.watchError(err, p.runner)
	}
	return won
}

// end is complete without the notification: it returns the waiters, which must
// still be notified.
func (p *Pending[T]) end(v T, err error) (won bool, waiters *waiter) {
	cancelled := err != nil && isCancellation(err) // mu is not held: err may have methods of user code
	if cancelled {
		err = asCancellation(err)
	}
	p.mu.Lock()
	if p.is(flagDone) {
		p.mu.Unlock()
		return false, nil
	}
	won = p.setOutcome(err, cancelled)
	if won {
		p.value = v
	}
	return won, p.markDone()
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
		if err := p.wait(ctx, joinOptions(opts), keep); err != nil {
			var none T
			return none, err
		}
	}
	return p.Result()
}
