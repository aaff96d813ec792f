package sched

import (
	"slices"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/watchdog"
)

var _ watchdog.Subject = (*Scheduler)(nil)

// Mark implements [watchdog.Subject].
func (s *Scheduler) Mark() *watchdog.Mark { return &s.turns }

// Watchdog implements [watchdog.Subject].
func (s *Scheduler) Watchdog() *watchdog.Watchdog { return s.owner.Watchdog() }

// Limit implements [watchdog.Subject].
func (s *Scheduler) Limit() time.Duration { return s.owner.TurnLimit() }

// Look implements [watchdog.Subject]. It has the loop take mu for the next item, so that
// the turn is noted. While nobody runs the loop, only an operation that takes mu can begin
// a turn.
func (s *Scheduler) Look() (busy bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.slowPath.Store(true)
	if !s.state.looping {
		s.turns.Reset()
	}
	return s.state.looping
}

// watchTurn is called when the loop takes an item with mu held, and when a task has its
// turn back. After a look of the watchdog the loop takes mu for the next item. That
// notes the items that it takes without mu later.
func (s *Scheduler) watchTurn() { watchdog.Begin(&s.turns, s) }

// ForgetTurns is called when no user code is left that could run.
func (s *Scheduler) ForgetTurns() { watchdog.Forget(s) }

// Overdue implements [watchdog.Subject].
func (s *Scheduler) Overdue(turn watchdog.Turn) (report func()) {
	s.mu.Lock()
	t, has := s.state.slowTurn()
	if !has || !s.turns.Unchanged() {
		s.mu.Unlock()
		return nil
	}
	slow := SlowTurn{
		Turn: turn, Task: t, Queued: s.state.waiting(), Runnable: s.state.runnable.n,
		Control: slices.Clone(s.state.control), Deferred: s.state.deferred, Closed: s.state.closed.Load(),
	}
	loop := s.state.loopHeldBy(t)
	s.mu.Unlock()
	slow.Elsewhere = func() (itself, held []Waiter, onLoop int) {
		w := turn.Survey().(*Waiters)
		itself, held = w.of(t)
		return itself, held, w.loops[loop]
	}
	slow.Lasts = func() bool { return s.lasts(t) }
	return s.owner.SlowTurn(slow)
}

// lasts reports whether t still has the turn that it had at the last look. A nil t stands
// for a handler.
func (s *Scheduler) lasts(t *Task) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, has := s.state.slowTurn()
	return has && now == t && s.turns.Unchanged()
}

// loopHeldBy returns the loop of the host that a turn is on, or nil: that of t or, if that is
// nil, of a handler.
func (s *state) loopHeldBy(t *Task) *hostLoop {
	if t != nil {
		return s.hostLoopOf(t)
	}
	if p, ok := s.main.load().(*pinned); ok {
		return p.loop
	}
	return nil
}

// IsWaiting implements [future.Runner].
func (t *Task) IsWaiting() bool {
	s := t.sched.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.wait != nil
}

// slowTurn returns the task that has the turn, or nil for the handler of another item. It
// reports false if there is neither. A task that was handed the turn may not have taken it.
func (s *state) slowTurn() (t *Task, has bool) {
	t = s.current.Load()
	if t == nil {
		return nil, s.looping && s.starting == nil
	}
	return t, !t.isToTakeTurn()
}
