package sched

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// detectDeadlock returns an error that matches [pending.ErrDeadlock] if the pending that
// t is about to wait for needs t itself.
//
// A task needs what it waits for. A task without the turn needs that too, and so the task
// that keeps the turn while it waits. If the owner has escalated a failure, it needs the
// turn of the parent, which decides, in the same way. Other dependencies are invisible: a
// pending made by [pending.New] has no task behind it unless [pending.KeptBy] names one.
func (t *Task) detectDeadlock(on pending.Handle) error {
	g := waitGraph{from: t}
	if !g.visit(on) {
		return nil
	}
	return fmt.Errorf("%w: %s", pending.ErrDeadlock, g.describe())
}

// RecheckDeadlock looks at the task that waits and keeps the turn. A child needs that turn
// now, for a decision on its failure. If the wait can never end, it fails.
func (s *Scheduler) RecheckDeadlock() {
	s.mu.Lock()
	t := s.state.blockingTask()
	if t == nil {
		s.mu.Unlock()
		return
	}
	on := t.wait.on
	s.mu.Unlock()

	err := t.detectDeadlock(on)
	if err == nil {
		return
	}
	var woken waker
	s.mu.Lock()
	if s.state.blockingTask() == t && t.wait.on == on {
		t.wait.err = err
		woken = t.unpark()
	}
	s.mu.Unlock()
	wake(woken)
}

// waitGraph is a depth-first search along what tasks need.
type waitGraph struct {
	from *Task
	path []*Task
	seen map[*Task]bool
}

// visit reports whether the task behind h needs the one that the search is from. Then
// path leads there.
func (g *waitGraph) visit(h pending.Handle) bool {
	if h == nil || h.IsDone() {
		return false
	}
	if t, ok := pending.RunnerOf(h).(*Task); ok {
		return g.enter(t)
	}
	return g.visit(pending.KeeperOf(h))
}

func (g *waitGraph) enter(t *Task) bool {
	if t == g.from {
		return true
	}
	on, turns := t.needs()
	if on == nil && turns == nil || g.seen[t] {
		return false
	}
	if g.seen == nil {
		g.seen = make(map[*Task]bool)
	}
	g.seen[t] = true
	g.path = append(g.path, t)
	if g.visit(on) || slices.ContainsFunc(turns, g.enter) {
		return true
	}
	g.path = g.path[:len(g.path)-1]
	return false
}

// needs returns what a task that has not returned waits for, and the tasks that keep the
// turns it lacks while they wait.
func (t *Task) needs() (on pending.Handle, turns []*Task) {
	s := t.sched.Load()
	if s.dispatcher == nil {
		return nil, nil // unassigned, which may change at any moment
	}
	s.mu.Lock()
	if t.wait != nil && t.state != runnable && !t.woken && !t.wait.over { // else it looks again itself
		on = t.wait.on
	}
	if g := s.state.needsGate(t); g != nil {
		turns = append(turns, g)
	}
	lacking := s.state.current.Load() != t
	for lacking {
		if b := s.state.blockingTask(); b != nil {
			turns = append(turns, b)
		}
		lacking = s.state.awaitingParent && s.state.deferred == nil
		s.mu.Unlock()
		parent := s.owner.Parent()
		if !lacking || parent == nil {
			return on, turns
		}
		s = parent
		s.mu.Lock()
	}
	s.mu.Unlock()
	return on, turns
}

// blockingTask returns the task that keeps the turn while it waits, or nil.
func (s *state) blockingTask() *Task {
	if t := s.current.Load(); t != nil && t.state == blocking {
		return t
	}
	return nil
}

// describe names the owners round the circle. Tasks of one owner that wait for each other
// count once.
func (g *waitGraph) describe() string {
	names := []string{g.from.Owner().Name()}
	for _, t := range append(g.path, g.from) {
		names = append(names, t.Owner().Name())
	}
	if round := slices.Compact(names); len(round) > 1 {
		return strings.Join(round, " waits for ")
	}
	return names[0] + " waits for " + names[0]
}
