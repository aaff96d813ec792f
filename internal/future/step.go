package future

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// step has a test choose when the goroutine goes on, which has waited with ctx.
func (c *Core) step(ctx context.Context) {
	if chooser := c.steps(ctx); chooser != nil {
		chooser.Step(nil, "has waited")
	}
}

// steps returns who chooses the order of steps; nil outside of tests that do.
func (c *Core) steps(ctx context.Context) steps.Chooser {
	if c.runner != nil {
		return steps.SourceOf(c.runner)
	}
	if chooser := steps.Of(ctx); chooser != nil {
		return chooser
	}
	return steps.Of(c.ctx)
}

// StepsOf returns who chooses the order of steps for one that waits with ctx, and gives away
// turn. It is nil outside of tests that do.
func StepsOf(ctx context.Context, turn Turn) steps.Chooser {
	if turn != nil {
		return steps.SourceOf(turn)
	}
	return steps.Of(ctx)
}
