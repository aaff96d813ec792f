package sched

import (
	"cmp"
	"math"
	"path"
	"runtime"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

var (
	_ future.Node = (*Task)(nil)
	_ future.Node = (*turnNode)(nil)
)

// turnNode is the turn of a scheduler, as a node of the wait graph. It needs the task that
// keeps the turn while it waits. After a failure that the parent decides on it needs the
// turn of the parent as well. If the parent is to restart, it also needs the tasks that the
// restart waits for.
type turnNode Scheduler

// Turn returns the node of the scheduler's turn.
func (s *Scheduler) Turn() future.Node { return (*turnNode)(s) }

// Needs implements [future.Node].
func (n *turnNode) Needs(needs *future.Needs) {
	s := (*Scheduler)(n)
	s.mu.Lock()
	t := s.state.blockingTask()
	awaits := s.state.awaitsDecision()
	s.mu.Unlock()
	if t != nil {
		needs.Add(t)
	}
	if parent := s.owner.Parent(); awaits && parent != nil {
		if needs.Add(parent.Turn()) && parent.hasDeferred() {
			parent.AddActive(needs)
		}
	}
}

// hasDeferred reports whether a message waits until the scheduler is quiesced.
func (s *Scheduler) hasDeferred() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.deferred != nil
}

// AddActive adds the tasks that have started and not returned. It reports false if no more
// are worth adding.
func (s *Scheduler) AddActive(n *future.Needs) bool {
	most := math.MaxInt
	if n.Limit > 0 {
		most = n.Limit + 1
	}
	s.mu.Lock()
	active := s.state.active(most)
	s.mu.Unlock()
	for _, t := range active {
		if !n.Add(t) {
			return false
		}
	}
	return true
}

// What implements [future.Node].
func (n *turnNode) What() string { return "the turn of " + n.owner.Name() }

// Needs implements [future.Node]. A task that waits needs what it waits for. A task
// without the turn needs that too, but nobody wants to know that of every wait.
func (t *Task) Needs(n *future.Needs) {
	if n.Every {
		w := t.waitsFor()
		n.Began = w.Began
		n.AddWait(w)
		return
	}
	if !future.IsOpen(future.Of(t.work)) {
		n.Live = true
		return
	}
	q, recurs := t.work.(Recurring)
	idle := recurs && !q.HasWork() // without mu: it takes a lock
	for {
		s := t.sched.Load()
		if s.dispatcher == nil {
			s.owner.NeedsWorker(n)
			return
		}
		s.mu.Lock()
		if t.sched.Load() != s { // it was moved to a worker just now
			s.mu.Unlock()
			continue
		}
		w, began, turn, live := s.state.needs(t, idle)
		gate, loop := s.state.needsGate(t), s.state.hostLoopOf(t)
		s.mu.Unlock()
		n.Live, n.Began = live, began
		if gate != nil {
			n.Add(gate)
		}
		n.AddWait(w)
		if turn {
			n.Add(s.Turn())
		}
		if loop.isKeptFrom(t) {
			n.Live = false
			n.Add((*loopNode)(loop))
		}
		return
	}
}

// What implements [future.Node].
func (t *Task) What() string {
	name, pc := future.Origin(future.Of(t.work))
	if fn := runtime.FuncForPC(pc); name == "" && fn != nil {
		name = path.Base(fn.Name()) // without the path of its package
	}
	return cmp.Or(name, "a function") + " of " + t.Owner().Name()
}

// loopNode is a host's loop, as a node of the wait graph.
type loopNode hostLoop

// Needs implements [future.Node].
func (n *loopNode) Needs(needs *future.Needs) {
	if t := n.blocking.Load(); t != nil {
		needs.Add(t)
	}
}

// What implements [future.Node].
func (*loopNode) What() string { return "the loop of the host" }

// goesOn reports whether a task, which is waited for, needs nothing. It may report false
// although that is so.
func (t *Task) goesOn() bool {
	s := t.sched.Load()
	if s.dispatcher == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return !t.isWaiting() && s.state.needsGate(t) == nil && !s.state.hostLoopOf(t).isKeptFrom(t) &&
		(s.state.current.Load() == t || s.state.blockingTask() == nil && !s.state.awaitingParent)
}

// goesOn reports whether what is waited for needs nothing. It may report false although
// that is so. It is what most waits cost.
func goesOn(w future.Wait) bool {
	switch {
	case w.Bounded:
		return true
	case w.For != nil:
		return false
	case w.On == nil || !future.IsOpen(w.On):
		return true
	}
	if t, ok := future.RunnerOf(w.On).(*Task); ok {
		return t.goesOn()
	}
	return future.NodeOf(w.On) == nil
}

// nodeGoesOn is goesOn for a node.
func nodeGoesOn(node future.Node) bool {
	t, ok := node.(*Task)
	return ok && t.goesOn()
}
