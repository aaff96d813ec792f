package future

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// step has a test choose when the goroutine goes on, which has waited with ctx.
func (b *Core) step(ctx context.Context) {
	if c := b.steps(ctx); c != nil {
		c.Step(nil, "has waited")
	}
}

// touch says that the step of a function that has a turn uses the pending.
func (b *Core) touch(turn Turn) {
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
func (b *Core) touchRunner() {
	if b.runner == nil {
		return
	}
	if c := steps.SourceOf(b.runner); c != nil {
		c.Touch(b.runner)
	}
}

// steps returns who chooses the order of steps; nil outside of tests that do.
func (b *Core) steps(ctx context.Context) steps.Chooser {
	if b.runner != nil {
		return steps.SourceOf(b.runner)
	}
	if c := steps.Of(ctx); c != nil {
		return c
	}
	return steps.Of(b.ctx)
}
