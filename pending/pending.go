package pending

import "context"

// Pending is the future result of a function that was scheduled on a caller,
// or of anything else that ends exactly once: with a result, an error, or
// cancelled. Any number of goroutines may wait for it. All methods may be
// called from any goroutine.
//
// A Pending is made by the calls of package actors or by [New], and must not
// be copied.
type Pending[T any] struct {
	base
	value T // constant once the pending is done
}

// New returns a pending with no function behind it, that somebody completes
// with SetResult or SetError. It is cancelled, with the context's cause, when
// ctx ends before that and somebody looks at the pending.
func New[T any](ctx context.Context, opts ...Option) *Pending[T] {
	requireContext(ctx, "New")
	requireOptions(opts, "New")
	p := &Pending[T]{}
	p.init(ctx, p, opts)
	return p
}

// Result returns the value or the error of the pending: [ErrNotDone] before it
// is done, and an error matching [ErrCancelled] as soon as it is marked
// cancelled. It never blocks.
func (p *Pending[T]) Result() (T, error) {
	if err := p.Err(); err != nil {
		var none T
		return none, err
	}
	return p.value, nil
}

// SetResult completes the pending with a value. The first completion wins: it
// returns false when the pending was done or marked cancelled before, and the
// value is dropped. A pending marked cancelled is done after it.
//
// A pending with a function behind it, as of a call or a queue, is completed by
// that function alone: SetResult then returns false and changes nothing. Cancel
// ends such a pending early.
func (p *Pending[T]) SetResult(v T) bool {
	return p.runner == nil && p.complete(v, nil)
}

// SetError completes the pending with an error, under the rules of SetResult.
// An error that matches [context.Canceled] makes it a cancelled one; nil
// completes it with the zero value. With a function behind the pending it
// returns false and changes nothing.
func (p *Pending[T]) SetError(err error) bool {
	var none T
	return p.runner == nil && p.complete(none, err)
}

func (p *Pending[T]) complete(v T, err error) bool {
	won, waiters := p.end(v, err)
	p.notify(waiters, nil)
	return won
}

// end is complete that returns the waiters, who are still to be notified.
func (p *Pending[T]) end(v T, err error) (won bool, waiters *waiter) {
	cancelled := err != nil && isCancellation(err) // without mu: err may have methods of user code
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

// Wait returns the result once the pending is done, or at once if it is.
//
// Inside a caller's function, with that function's context, it gives the turn
// away while it waits and has it back when it returns. Everywhere else it
// blocks the goroutine.
//
// When ctx or the time of [Timeout] ends first, Wait cancels the pending
// (unless [Protect] is given, or it is [Protected]) and returns an error that matches the context's
// error and its cause, without waiting for the function behind the pending to
// return. A wait that could never end returns [ErrDeadlock] at once and leaves
// the pending as it is. The seed's wait.
func (p *Pending[T]) Wait(ctx context.Context, opts ...WaitOption) (T, error) {
	requireContext(ctx, "Wait")
	return p.await(ctx, opts, false)
}

// WaitSync is Wait that keeps the turn: no other function of the caller runs
// while it waits. If what it waits for needs that same turn, directly or round
// a circle of callers, it returns an error that matches [ErrDeadlock] and
// names the circle. The seed's wait_sync.
func (p *Pending[T]) WaitSync(ctx context.Context, opts ...WaitOption) (T, error) {
	requireContext(ctx, "WaitSync")
	return p.await(ctx, opts, true)
}

func (p *Pending[T]) await(ctx context.Context, opts []WaitOption, keep bool) (T, error) {
	if !p.IsDone() {
		if err := p.wait(ctx, joinOptions(opts), keep); err != nil {
			var none T
			return none, err
		}
	}
	return p.Result()
}
