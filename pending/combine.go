package pending

import (
	"context"
	"errors"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// All waits for all pendings and returns their values in order.
//
// In a caller's function it gives the turn away. Elsewhere it blocks the goroutine.
//
// On the first error it cancels the other pendings and returns that error. The end of ctx
// is an error too. A wait that could never end returns an error that matches
// [ErrDeadlock].
func All[T any](ctx context.Context, items ...*Pending[T]) ([]T, error) {
	for _, err := range asCompletedOf(ctx, items, []CompletedOption{allOfThem}, "All") {
		if err != nil {
			return nil, err // leaving the loop cancels the others
		}
	}
	values := make([]T, len(items))
	for i, p := range items {
		values[i], _ = p.Result()
	}
	return values, nil
}

// allOfThem is the option of a loop that needs all pendings.
func allOfThem(o *completedOptions) { o.all = true }

// Any waits for the first pending that succeeds, cancels the others, and returns its
// value.
//
// In a caller's function it gives the turn away. Elsewhere it blocks the goroutine.
//
// If none succeeds, the error joins their errors in the order in which they came. Without
// pendings it returns an error at once. A wait that could never end returns an error that
// matches [ErrDeadlock].
func Any[T any](ctx context.Context, items ...*Pending[T]) (T, error) {
	errs := []error{errNone}
	for p, err := range asCompletedOf(ctx, items, nil, "Any") {
		if err == nil {
			return p.Result() // leaving the loop cancels the others
		}
		errs = append(errs, err)
	}
	var none T
	return none, errors.Join(errs...)
}

// errNone is the first of the joined errors of Any.
var errNone = errors.New("pending: none of the pendings has succeeded")

// Then returns a pending for what fn makes of the value of p. Cancelling the returned
// pending cancels p, and it is done when p is done. All links of a chain have the name of
// the first.
//
// An error or a cancellation of p is passed on. A panic in fn is logged and becomes a
// [*PanicError].
//
// fn runs on the goroutine that completes p, without a turn. So fn should be short and
// must not use a caller's state.
func Then[T, U any](p *Pending[T], fn func(T) (U, error)) *Pending[U] {
	if p == nil {
		panic("pending: Then of a nil pending")
	}
	if fn == nil {
		panic("pending: Then with a nil function")
	}
	next := New[U](future.WithoutEnd(p.Context()), future.DerivedFrom(p.core()))
	future.Then(p.core(), func() *future.Follower { return future.Follow(&p.result, &next.result, fn, newPanicError) })
	return next
}
