package pending

import (
	"context"
	"errors"
	"runtime/debug"
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
	next := New[U](withoutEnd(p.Context()), derivedFrom(&p.base))
	next.set(flagDerived)
	p.watch()
	w := &waiter{then: func() *follower { return follow(p, next, fn) }}
	if !p.addWaiter(w) {
		p.notify(w, nil)
	}
	return next
}

// withoutEnd is [context.WithoutCancel] that does not nest the contexts of a
// chain.
func withoutEnd(ctx context.Context) context.Context {
	if ctx.Done() == nil {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// derivedFrom makes the new pending a derived one of b and names it after b. In
// a chain it takes the name of the first.
func derivedFrom(b *base) Option {
	name := b.Name()
	b.mu.Lock()
	chained, origin := b.lazy != nil && b.lazy.derived, b.runner
	if chained {
		origin = b.lazy.origin
	}
	b.mu.Unlock()
	if !chained {
		name = "then " + name
	}
	return func(x *lazyState) {
		x.name, x.derived, x.source, x.needs = name, true, b, (*sourceNode)(b)
		x.protected, x.origin = b.is(flagProtected), origin
	}
}

// follow completes next with what fn makes of the value of p, which is done.
func follow[T, U any](p *Pending[T], next *Pending[U], fn func(T) (U, error)) *follower {
	ended := errGoexit // user code ended the goroutine: fn or a log handler
	returned := false
	defer func() {
		if !returned {
			next.complete(*new(U), ended)
		}
	}()
	var result U
	err := p.err // who looks at that of next has looked at this one
	origin := next.passError(&p.base, err)
	if err == nil {
		var crash *PanicError
		result, crash, err = guard(fn, p.value)
		if crash != nil {
			err, ended = crash, crash
			p.logPanic("function of Then", crash)
		}
	}
	returned = true
	_, waiters := next.end(result, err)
	if waiters != nil {
		return &follower{of: &next.base, waiters: waiters}
	}
	if err != nil {
		next.watchEnd(err, origin)
	}
	return nil
}

// guard calls fn and returns a panic in it as crash.
func guard[T, U any](fn func(T) (U, error), value T) (result U, crash *PanicError, err error) {
	defer func() {
		if r := recover(); r != nil {
			crash = &PanicError{Value: r, Stack: debug.Stack()}
		}
	}()
	result, err = fn(value)
	return result, nil, err
}
