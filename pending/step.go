package pending

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// step returns fn for a goroutine of its own.
func (g *Group) step(what string, fn func()) func() {
	return steps.Before(g.steps, g.drained, what, fn)
}

// stepBefore has a test choose when one goes on that acquires with ctx.
func (s *Semaphore) stepBefore(ctx context.Context, turn future.Turn) {
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
