package pending

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// step has a test choose when the goroutine goes on, which has waited with ctx.
func (b *base) step(ctx context.Context) {
	if c := b.steps(ctx); c != nil {
		c.Step(nil, "has waited")
	}
}

// touch says that the step of a function that has a turn uses the pending.
func (b *base) touch(turn Turn) {
	c := steps.SourceOf(turn)
	switch {
	case c == nil:
	case b.runner != nil:
		c.Touch(b.runner)
	default:
		c.Touch(nil) // who completes the pending does not say so
	}
}

// touchRunner says that the present step uses the function of the pending.
func (b *base) touchRunner() {
	if b.runner == nil {
		return
	}
	if c := steps.SourceOf(b.runner); c != nil {
		c.Touch(b.runner)
	}
}

// steps returns who chooses the order of steps; nil outside of tests that do.
func (b *base) steps(ctx context.Context) steps.Chooser {
	if b.runner != nil {
		return steps.SourceOf(b.runner)
	}
	if c := steps.Of(ctx); c != nil {
		return c
	}
	return steps.Of(b.ctx)
}

// step returns fn for a goroutine of its own.
func (g *Group) step(what string, fn func()) func() {
	return steps.Before(g.steps, g.drained, what, fn)
}

// stepBefore has a test choose when one goes on that acquires with ctx.
func (s *Semaphore) stepBefore(ctx context.Context, turn Turn) {
	c := steps.SourceOf(turn)
	if turn == nil {
		c = steps.Of(ctx)
	}
	if c == nil {
		return
	}
	c.Step(turn, "takes a lock")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps = c
	s.touch()
}

// touch says that the present step uses the semaphore. mu must be held.
func (s *Semaphore) touch() {
	if s.steps != nil {
		s.steps.Touch((*semaphoreNode)(s))
	}
}

// StepName names the semaphore in a list of steps.
func (s *semaphoreNode) StepName() string { return s.what }
