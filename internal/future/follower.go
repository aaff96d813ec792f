package future

import (
	"context"
	"runtime/debug"
)

// Follower is a pending made by [Follow] that has just become done. Its waiters
// must still be notified. A list of followers is a ring, known by its last
// element.
type Follower struct {
	of      *Core
	waiters *waiter
	next    *Follower
}

// add appends f to the list, unless f is nil, and returns the list.
func (last *Follower) add(f *Follower) *Follower {
	switch {
	case f == nil:
		return last
	case last == nil:
		f.next = f
	default:
		f.next, last.next = last.next, f
	}
	return f
}

// take returns the first follower and the list without it.
func (last *Follower) take() (first, rest *Follower) {
	first = last.next
	if first == last {
		return first, nil
	}
	last.next = first.next
	return first, last
}

// DerivedFrom is an option. It makes the new pending a derived one of c: cancelling it cancels
// c, and it has the name of c. In a chain it takes the name of the first.
func DerivedFrom(c *Core) func(*Details) {
	name := c.Name()
	c.mu.Lock()
	chained, origin := c.details != nil && c.details.derived, c.runner
	if chained {
		origin = c.details.origin
	}
	c.mu.Unlock()
	if !chained {
		name = "then " + name
	}
	return func(d *Details) {
		d.Name, d.derived, d.source, d.Needs = name, true, c, (*sourceNode)(c)
		d.Protected, d.origin = c.is(flagProtected), origin
	}
}

// WithoutEnd is [context.WithoutCancel] that does not nest the contexts of a
// chain.
func WithoutEnd(ctx context.Context) context.Context {
	if ctx.Done() == nil {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// Then has follow called when c is done, or now if it is. follow calls [Follow] for a pending
// that [DerivedFrom] has made.
func Then(c *Core, follow func() *Follower) {
	c.watch()
	w := &waiter{then: follow}
	if !c.addWaiter(w) {
		c.notify(w, nil)
	}
}

// Follow completes next, which [DerivedFrom] has made, with what fn makes of the value of p,
// which is done. asError makes the error of a panic in fn, and of the stack.
func Follow[T, U any](p *Result[T], next *Result[U], fn func(T) (U, error), asError func(value any, stack []byte) error) *Follower {
	ended := errGoexit // user code ended the goroutine: fn or a log handler
	returned := false
	defer func() {
		if !returned {
			next.complete(*new(U), ended)
		}
	}()
	var result U
	err := p.err // who looks at that of next has looked at this one
	origin := next.passError(&p.inner, err)
	if err == nil {
		var crash *panicked
		result, crash, err = try(fn, p.value)
		if crash != nil {
			err = asError(crash.value, crash.stack)
			ended = err
			p.logPanic("function of Then", crash)
		}
	}
	returned = true
	_, waiters := next.end(result, err)
	if waiters != nil {
		return &Follower{of: &next.inner, waiters: waiters}
	}
	if err != nil {
		next.watchEnd(err, origin)
	}
	return nil
}

// panicked is a panic of user code.
type panicked struct {
	value any
	stack []byte
}

// try calls fn and returns a panic in it as crash.
func try[T, U any](fn func(T) (U, error), value T) (result U, crash *panicked, err error) {
	defer func() {
		if r := recover(); r != nil {
			crash = &panicked{r, debug.Stack()}
		}
	}()
	result, err = fn(value)
	return result, nil, err
}
