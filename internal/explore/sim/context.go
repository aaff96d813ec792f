package sim

import (
	"context"
	"slices"
	"time"
)

// ctx is a context that can be cancelled.
type ctx struct {
	context.Context // the parent
	object

	done       chan struct{}
	err, cause error
	children   []child
	detach     func() // from the parent
}

// child is what ends with a context.
type child interface{ end(err, cause error) }

type ctxKey struct{}

func (c *ctx) Done() <-chan struct{} { return c.done }

func (c *ctx) Err() error {
	step("look at a context")
	c.isNew()
	see(c.value)
	return c.err
}

func (c *ctx) Value(key any) any {
	if key == (ctxKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// end ends the context, in one step that is the caller's. Contexts that were derived of it
// end in steps after that.
func (c *ctx) end(err, cause error) {
	if c.err != nil {
		return
	}
	c.isNew()
	if cause == nil {
		cause = err
	}
	c.err, c.cause = err, cause
	close(c.done)
	c.use()
	if now != nil {
		now.contexts--
		channelOf(c.done).use()
	}
	children := c.children
	c.children = nil
	for _, child := range children {
		if _, ok := child.(*ctx); ok {
			step("the end of a context reaches another one")
		}
		child.end(err, cause)
	}
}

func (c *ctx) cancel(err, cause error) {
	step("cancel a context")
	c.end(err, cause)
	c.detach()
}

// attach has a child end with a context.
func attach(parent context.Context, to child) (detach func()) {
	detach = func() {}
	if parent.Done() == nil {
		return detach
	}
	c, _ := parent.Value(ctxKey{}).(*ctx)
	if c == nil || (<-chan struct{})(c.done) != parent.Done() {
		panic("a context that is not known")
	}
	c.use()
	if c.err != nil {
		to.end(c.err, c.cause)
		return detach
	}
	c.children = append(c.children, to)
	return func() {
		c.use()
		c.children = slices.DeleteFunc(c.children, func(other child) bool { return other == to })
	}
}

func newCtx(parent context.Context) *ctx {
	c := &ctx{Context: parent, done: make(chan struct{})}
	step("derive a context")
	if now != nil {
		now.contexts++
		now.derived++
	}
	c.detach = attach(parent, c)
	return c
}

// WithCancelCause stands for [context.WithCancelCause].
func WithCancelCause(parent context.Context) (context.Context, context.CancelCauseFunc) {
	c := newCtx(parent)
	return c, func(cause error) { c.cancel(context.Canceled, cause) }
}

// WithCancel stands for [context.WithCancel].
func WithCancel(parent context.Context) (context.Context, context.CancelFunc) {
	c := newCtx(parent)
	return c, func() { c.cancel(context.Canceled, nil) }
}

// WithTimeoutCause stands for [context.WithTimeoutCause].
func WithTimeoutCause(parent context.Context, d time.Duration, cause error) (context.Context, context.CancelFunc) {
	c := newCtx(parent)
	timer := AfterFunc(d, func() { c.end(context.DeadlineExceeded, cause) })
	return c, func() {
		timer.Stop()
		c.cancel(context.Canceled, nil)
	}
}

// WithTimeout stands for [context.WithTimeout].
func WithTimeout(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return WithTimeoutCause(parent, d, nil)
}

// Cause stands for [context.Cause].
func Cause(of context.Context) error {
	c, _ := of.Value(ctxKey{}).(*ctx)
	if c == nil {
		return of.Err()
	}
	step("look at the cause of a context")
	c.isNew()
	see(c.value)
	return c.cause
}

// withoutCancel is what [WithoutCancel] returns.
type withoutCancel struct{ context.Context }

func (withoutCancel) Done() <-chan struct{} { return nil }
func (withoutCancel) Err() error            { return nil }
func (c withoutCancel) Value(key any) any {
	if key == (ctxKey{}) {
		return nil
	}
	return c.Context.Value(key)
}

// WithoutCancel stands for [context.WithoutCancel].
func WithoutCancel(parent context.Context) context.Context { return withoutCancel{parent} }

// watch is a function that is called when a context ends.
type watch struct {
	fn    func()
	begun bool
}

func (a *watch) end(_, _ error) {
	if a.begun {
		return
	}
	a.begun = true
	if now == nil {
		go a.fn()
		return
	}
	now.watches--
	now.Go("at the end of a context", a.fn)
}

// AfterEnd stands for [context.AfterFunc].
func AfterEnd(parent context.Context, fn func()) (stop func() bool) {
	step("watch a context")
	a := &watch{fn: fn}
	if now != nil {
		if parent.Done() == nil {
			now.Failf("a context that never ends is watched")
		}
		now.watches++
		now.watched++
	}
	detach := attach(parent, a)
	return func() bool {
		step("stop watching a context")
		detach()
		if a.begun {
			return false
		}
		a.begun = true
		if now != nil {
			now.watches--
		}
		return true
	}
}
