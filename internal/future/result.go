package future

import "github.com/seed-7fcaac1b/protocaller/internal/steps"

// Result is a Core with a value.
type Result[T any] struct {
	inner
	value T // constant once the pending is done
}

type inner = Core

// Typed is a pending whose value is a T: what embeds a [Result].
type Typed[T any] interface {
	Sealed
	typed() *Result[T]
}

func (r *Result[T]) typed() *Result[T] { return r }

// ResultOf returns the result that is embedded in a pending.
func ResultOf[T any](p Typed[T]) *Result[T] { return p.typed() }

// CoreOf returns the core of a result.
func CoreOf[T any](r *Result[T]) *Core { return &r.inner }

// Value returns the value or the error of the pending. It never blocks.
func Value[T any](r *Result[T]) (T, error) {
	if err := r.Err(); err != nil {
		var none T
		return none, err
	}
	return r.value, nil
}

// Returned is [Value] of a pending that is done. It reports false for one that is not, and for
// one whose function has ended its goroutine.
func Returned[T any](r *Result[T]) (ok bool, value T, err error) {
	if flags := r.flags.Load(); flags&flagDone == 0 || flags&flagExited != 0 {
		return false, value, nil
	}
	value, err = Value(r)
	return true, value, err
}

// Settle completes a pending without a function, and reports whether it did.
func Settle[T any](r *Result[T], v T, err error) bool {
	if steps.Exploring() {
		r.touchPromise()
	}
	return r.runner == nil && r.complete(v, err)
}

// Complete completes a pending, also one with a function.
func Complete[T any](r *Result[T], v T, err error) bool { return r.complete(v, err) }

func (r *Result[T]) complete(v T, err error) bool {
	won, waiters := r.end(v, err)
	unseen := err != nil && won && r.runner != nil && (waiters == nil || waiters.callback != nil)
	r.notify(waiters, nil)
	if unseen {
		r.watchError(err, r.runner)
	}
	return won
}

// end is complete without the notification: it returns the waiters, which must
// still be notified.
func (r *Result[T]) end(v T, err error) (won bool, waiters *waiter) {
	cancelled := err != nil && isCancellation(err) // mu is not held: err may have methods of user code
	if cancelled {
		err = AsCancellation(err)
	}
	r.mu.Lock()
	if r.is(flagDone) {
		r.noteEnder()
		r.mu.Unlock()
		return false, nil
	}
	won = r.setOutcome(err, cancelled)
	if won {
		r.value = v
	}
	return won, r.markDone()
}
