package pending

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// stepBefore has a test choose when one goes on that acquires with ctx.
func (s *Semaphore) stepBefore(ctx context.Context, turn future.Turn) {
	c := future.StepsOf(ctx, turn)
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
