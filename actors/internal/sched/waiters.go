package sched

import (
	"iter"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// Waiters says which tasks wait for which, and for which hosts. It is the wait graph the
// other way round. It is not that of one moment: each node is looked at in its turn.
type Waiters struct {
	nodes []waitedNode
	index map[future.Node]int32
	loops map[*hostLoop]int // how many schedulers have something to do there
}

// waitedNode is a node, and what needs it.
type waitedNode struct {
	node  future.Node
	needy []int32 // the nodes that wait for this one
	held  bool    // it is waited for, and what it needs holds it
}

// FindWaiters looks at all tasks of the schedulers that have started and not returned.
func FindWaiters(schedulers iter.Seq[*Scheduler]) *Waiters {
	w := &Waiters{index: make(map[future.Node]int32), loops: make(map[*hostLoop]int)}
	for s := range schedulers {
		for _, t := range s.Active() {
			w.add(t)
		}
		if loop := s.awaitedLoop(); loop != nil {
			w.loops[loop]++
		}
	}
	needs := future.Needs{Every: true}
	for i := 0; i < len(w.nodes); i++ {
		needs.Reset()
		w.nodes[i].node.Needs(&needs)
		w.nodes[i].held = needs.Held
		for _, node := range needs.Nodes {
			needed := w.add(node)
			w.nodes[needed].needy = append(w.nodes[needed].needy, int32(i)) //nolint:gosec // Memory ends before.
		}
	}
	return w
}

// add returns the index of a node.
func (w *Waiters) add(node future.Node) int32 {
	i, ok := w.index[node]
	if !ok {
		i = int32(len(w.nodes)) //nolint:gosec // Memory ends before.
		w.index[node] = i
		w.nodes = append(w.nodes, waitedNode{node: node})
	}
	return i
}

// of returns what SlowTurn.Elsewhere says of a task; nothing for nil.
func (w *Waiters) of(t *Task) (itself, held []Waiter) {
	first, ok := w.index[t]
	if !ok {
		return nil, nil
	}
	type step struct {
		node int32
		held bool
		what string
	}
	type seenStep struct {
		node int32
		held bool
	}
	seen := make(map[seenStep]bool)
	for next := []step{{node: first}}; len(next) > 0; next = next[1:] {
		for _, i := range w.nodes[next[0].node].needy {
			n := &w.nodes[i]
			at := step{i, next[0].held || n.held, next[0].what}
			if n.held {
				at.what = n.node.What()
			}
			other, isTask := n.node.(*Task)
			switch {
			case !isTask && !seen[seenStep{i, at.held}]:
				seen[seenStep{i, at.held}] = true
				next = append(next, at)
			case !isTask, other == t:
			case at.held:
				held = append(held, Waiter{other, at.what})
			default:
				itself = append(itself, Waiter{other, ""})
			}
		}
	}
	return itself, held
}

// awaitedLoop returns the loop of a host that s has something to do on, and that has not
// begun. It is nil if there is none.
func (s *Scheduler) awaitedLoop() *hostLoop {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.awaitedLoop()
}

func (s *state) awaitedLoop() *hostLoop {
	if s.starting != nil {
		return s.starting.loop
	}
	if t := s.current.Load(); t != nil && t.isToTakeTurn() {
		return s.hostLoopOf(t)
	}
	return nil
}

// isToTakeTurn reports whether a task that is current was handed the turn, and has not taken
// it yet.
func (t *Task) isToTakeTurn() bool { return t.state == parked || t.state == runnable }

// waitsFor returns the wait that a task is in, or the zero value.
func (t *Task) waitsFor() future.Wait {
	s := t.sched.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !t.isWaiting() {
		return future.Wait{}
	}
	return t.wait.on
}
