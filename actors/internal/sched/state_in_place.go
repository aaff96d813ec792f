package sched

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// isFree reports whether t would be next, and may run on any goroutine.
func (s *state) isFree(t *Task) bool {
	return !s.notStarted && !s.closed.Load() && !s.paused && s.deferred == nil && !s.hasWork() && s.gate() == nil &&
		s.borrowed == nil && s.executorVarOf(t).isGoroutines()
}

// takeLoop gives the loop to a goroutine that is to run t. Nobody may have the loop, and
// t must be free to run. It is left again by leaveLoop.
func (s *state) takeLoop(t *Task) bool {
	if s.looping || !s.isFree(t) {
		return false
	}
	s.looping = true
	s.count(1)
	if s.loopOn.Load() != nil {
		s.loopOn.Store(nil)
	}
	return true
}

// leaveLoop ends the loop where it is, and starts it elsewhere if there is work.
func (s *state) leaveLoop() (start executor) {
	s.looping = false
	s.updateSlowPath()
	return s.ensureLoop()
}

// beginLend publishes that t waits with w, on a goroutine that runs another task.
func (s *state) beginLend(t *Task, w *waitState, on future.Wait) error {
	switch limit := int(s.options.maxSuspended); {
	case t.abandoned:
		return s.cold.abandonErr
	case s.current.Load() != t, t.state != running:
		return errNotCurrent
	case !s.options.nonReentrant && limit > 0 && s.parked.n+s.runnable.n >= limit:
		return errSuspended
	}
	w.on = on
	t.wait = w
	t.state = lent
	return nil
}

// lendTo gives the turn of t away, and keeps the loop for a task that is free to run.
func (s *state) lendTo(t *Task) {
	s.count(1)
	s.leaveTurn(t)
	s.parked.push(t)
}

// endLend has a task that has lent its goroutine ask for its turn. It reports false if the
// task has kept the turn, or was abandoned.
func (s *state) endLend(t *Task) (asked bool) {
	if t.abandoned || s.current.Load() == t {
		return false
	}
	t.state = parked
	s.resume(t) // whoever gives t the turn wakes this goroutine, if it sleeps by then
	return true
}

// inPlace returns what runs on the goroutine that the task has lent, and the context
// of that call. The scheduler's mu must be held.
func (t *Task) inPlace() (context.Context, Work) {
	if t.state != lent {
		return nil, nil
	}
	return t.wait.ctx, t.wait.lentTo
}
