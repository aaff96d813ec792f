package future

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// step has a test choose when the goroutine goes on, which has waited with ctx.
func (c *Core) step(ctx context.Context) {
	if steps.Enabled() {
		c.awaitStep(ctx)
	}
}

func (c *Core) awaitStep(ctx context.Context) { steps.At(c.steps(ctx), nil, "has waited") }

// touch says that the step of a function that has a turn uses the pending.
func (c *Core) touch(turn Turn) {
	if steps.Enabled() {
		c.noteTouch(turn)
	}
}

func (c *Core) noteTouch(turn Turn) {
	chooser := steps.SourceOf(turn)
	switch {
	case chooser == nil:
	case c.runner != nil:
		chooser.Touch(c.runner)
	default:
		chooser.Touch(nil) // who completes the pending does not say so
	}
}

// touchRunner says that the present step uses the function of the pending.
func (c *Core) touchRunner() {
	if !steps.Enabled() {
		return
	}
	if c.runner == nil {
		if steps.Exploring() {
			c.touchPromise()
		}
		return
	}
	if chooser := steps.SourceOf(c.runner); chooser != nil {
		chooser.Touch(c.runner)
	}
}

// touchPromise says that the present step uses a pending without a function. What has a node,
// as a lock has, says so itself.
func (c *Core) touchPromise() {
	c.mu.Lock()
	known := c.details != nil && c.details.Needs != nil
	c.mu.Unlock()
	if !known {
		steps.TouchAll(nil)
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
