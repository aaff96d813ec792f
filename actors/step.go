package actors

import (
	"context"
	"math/rand/v2"

	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// step returns fn for a goroutine of its own.
func (c *Caller) step(what string, fn func()) func() {
	return steps.Before(c.registry.steps, &c.sched, what, fn)
}

// followSteps has a test choose, or record, what the functions of the caller do.
func (c *Caller) followSteps() {
	if c.registry.steps != nil {
		c.sched.Explore()
	}
	if c.registry.recorder != nil {
		c.sched.Record()
	}
}

// touch says that the present step uses the caller, in a test that chooses the order of steps.
func (c *Caller) touch() {
	if c.registry.steps != nil {
		c.registry.steps.Touch(&c.sched)
	}
}

// background returns the context of what has no other one.
func (r *registry) background() context.Context {
	if r.steps == nil {
		return context.Background()
	}
	return steps.With(context.Background(), r.steps)
}

// random returns a random number from 0 to 1, without 1.
func (r *registry) random() float64 {
	if r.steps == nil {
		return rand.Float64() //nolint:gosec // Nothing is secret about it.
	}
	return r.steps.Float64()
}
