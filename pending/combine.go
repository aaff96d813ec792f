package pending

import (
	"context"
	"errors"
	"runtime/debug"
)

// All waits for all pendings and returns their values in order, or the first
// error, in which case it cancels the others. The end of ctx cancels them too,
// and is an error. Inside a caller's function it gives the turn away.
func All[T any](ctx context.Context, items ...*Pending[T]) ([]T, error) {
	for _, err := range AsCompletedOf(ctx, items) {
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

// Any waits for the first pending that succeeds, cancels the others, and
// returns its value. If none does, the error joins theirs in the order in which
// they came. Without pendings it returns an error at once. Inside a caller's
// function it gives the turn away.
func Any[T any](ctx context.Context, items ...*Pending[T]) (T, error) {
	errs := []error{errNone}
	for p, err := range AsCompletedOf(ctx, items) {
		if err == nil {
			return p.Result() // leaving the loop cancels the others
		}
		errs = append(errs, err)
	}
	var none T
	return none, errors.Join(errs...)
}

// errNone heads the errors of Any.
var errNone = errors.New("pending: none of the pendings has succeeded")

// Then returns the pending of what fn makes of the value of p. It runs fn on
// the goroutine that completes p, without a turn, so fn should be short and
// must not touch a caller's state. An error or a cancellation of p is passed on,
// and a panic in fn is logged and becomes a [*PanicError]. Cancelling the pending returned
// cancels p; it is done when p is.
func Then[T, U any](p *Pending[T], fn func(T) (U, error)) *Pending[U] {
	next := New[U](context.WithoutCancel(p.Context()), Named("then "+p.Name()))
	next.SetCanceller(func(cause error) { p.Cancel(cause) })
	p.OnDone(func(Handle) {
		defer next.SetError(errGoexit) // too late, unless fn has ended the goroutine
		value, err := p.Result()
		if err != nil {
			next.SetError(err)
			return
		}
		result, crash, err := guard(fn, value)
		if crash == nil {
			next.complete(result, err)
			return
		}
		defer next.SetError(crash) // even if a log handler of the user's ends the goroutine
		p.logPanic("function of Then", crash)
	})
	return next
}

// guard calls fn and returns a panic of it.
func guard[T, U any](fn func(T) (U, error), value T) (result U, crash *PanicError, err error) {
	defer func() {
		if r := recover(); r != nil {
			crash = &PanicError{Value: r, Stack: debug.Stack()}
		}
	}()
	result, err = fn(value)
	return result, nil, err
}
