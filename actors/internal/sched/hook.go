package sched

import "github.com/seed-7fcaac1b/protocaller/internal/future"

// SubmitHook adds a task that comes before the run queue. The items there wait until
// [Scheduler.OpenGate]. There is one such task at a time. It returns [future.ErrStopped]
// after [Scheduler.Close], unless the task is final. The deferred message waits for a final
// one, which is submitted on the turn.
func (s *Scheduler) SubmitHook(t *Task) error {
	s.touch()
	s.mu.Lock()
	start, err := s.state.submitHook(t)
	s.mu.Unlock()
	s.start(start)
	if err != nil {
		return future.ErrStopped
	}
	return nil
}

// OpenGate lets the items of the run queue come that wait for a hook. It is called when
// the hook is done, on its turn if it has begun.
func (s *Scheduler) OpenGate(t *Task) {
	s.mu.Lock()
	start := s.state.openGate(t)
	s.mu.Unlock()
	s.start(start)
}

// RecallFinal returns a final hook that has not begun, and never will, or nil.
func (s *Scheduler) RecallFinal() *Task {
	s.mu.Lock()
	t, start := s.state.recallFinal()
	s.mu.Unlock()
	s.start(start)
	return t
}
