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

// steps returns who chooses the order of steps for one that acquires.
func (s *Semaphore) steps(ctx context.Context, turn Turn) steps.Chooser {
	if turn != nil {
		return steps.SourceOf(turn)
	}
	return steps.Of(ctx)
}
