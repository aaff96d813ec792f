package sched

import (
	"fmt"
	"runtime/debug"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/goroutine"
)

const mustDetach = "a goroutine that its function has started must use actors.Detach"

// CheckTurns panics from now on where a goroutine waits with the turn of another one. It
// is called before the start.
func (s *Scheduler) CheckTurns() { s.state.options.checkTurns = true }

// beginTurn is called on the goroutine that has the turn of t from now on.
func (s *Scheduler) beginTurn(t *Task) {
	if s.checksGoroutine(t) {
		s.goroutine.Store(goroutine.ID())
	}
}

// checksGoroutine reports whether a wait of t has to be on the goroutine of its function.
// A coroutine must be left by its own goroutine, or the runtime ends the process.
func (s *Scheduler) checksGoroutine(t *Task) bool {
	if s.state.options.checkTurns {
		return true
	}
	_, isPinned := s.state.executorOf(t).(*pinned)
	return isPinned
}

// checkGoroutine returns an error if a goroutine other than the function's waits with
// the turn of t: two functions would run at once. With CheckTurns it panics instead.
func (s *Scheduler) checkGoroutine(t *Task) error {
	if !s.checksGoroutine(t) || s.state.current.Load() != t {
		return nil
	}
	owner := s.goroutine.Load()
	if owner == goroutine.ID() {
		return nil
	}
	if s.state.options.checkTurns {
		panic(fmt.Sprintf("actors: another goroutine waits with the turn of %s on %s: %s\n\nthe one that waits:\n%s\nthe one that has the turn:\n%s",
			t.work.Name(), s.owner.Name(), mustDetach, debug.Stack(), goroutine.Stack(owner)))
	}
	return fmt.Errorf("actors: another goroutine waits with the turn of %s: %s", t.work.Name(), mustDetach)
}
