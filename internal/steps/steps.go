// Package steps lets a test choose the order in which goroutines go on. Elsewhere there is
// no [Chooser], and nothing is chosen.
package steps

import (
	"context"
	"sync/atomic"
)

// enabled is read in each call and each wait. It is not written after the first test has
// begun, so that all processors have a copy of it.
var enabled atomic.Bool

// Enable has choosers and recorders be looked for, from now on in this process. Before, there
// are none.
func Enable() { enabled.Store(true) }

// Enabled reports whether there may be a [Chooser] or a [Recorder].
func Enabled() bool { return enabled.Load() }

// Chooser chooses when goroutines go on. It is safe for concurrent use.
type Chooser interface {
	Recorder
	// Step returns when the goroutine that calls may go on. It is called without a lock.
	// The argument of says what goes on, nil for the goroutine itself, and what says how.
	Step(of any, what string)
	// Touch says that the step that is under way uses what other steps may use.
	Touch(of any)
	// Float64 returns a random number from 0 to 1, without 1, that belongs to the order.
	Float64() float64
	// NextID returns a number that belongs to the order, and that no pending has which does not
	// belong to it.
	NextID() uint64
	// Keep references a value until the test ends.
	Keep(value any)
}

// Source has a [Chooser], or returns nil.
type Source interface {
	// Steps returns the chooser, nil outside of tests that have one.
	Steps() Chooser
}

// SourceOf returns the chooser of a value, or nil.
func SourceOf(v any) Chooser {
	if Enabled() {
		return sourceOf(v)
	}
	return nil
}

//go:noinline
func sourceOf(v any) Chooser {
	if s, ok := v.(Source); ok {
		return s.Steps()
	}
	return nil
}

type chooserKey struct{}

// With returns a context whose goroutines go on when c says so.
func With(ctx context.Context, c Chooser) context.Context {
	return context.WithValue(ctx, chooserKey{}, c)
}

// Of returns the chooser of a context, or nil.
func Of(ctx context.Context) Chooser {
	if Enabled() {
		return of(ctx)
	}
	return nil
}

func of(ctx context.Context) Chooser {
	c, _ := ctx.Value(chooserKey{}).(Chooser)
	return c
}

// At is [Chooser.Step], unless c is nil.
func At(c Chooser, of any, what string) {
	if c != nil {
		c.Step(of, what)
	}
}

// Before returns a function that calls fn, as a step of its own unless c is nil.
func Before(c Chooser, of any, what string, fn func()) func() {
	if c == nil {
		return fn
	}
	return func() {
		c.Step(of, what)
		fn()
	}
}
