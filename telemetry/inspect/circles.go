package inspect

import (
	"maps"
	"slices"
)

// waitGraph is which calls need which. A call needs what it waits for. One that wants the
// turn of its caller, or is queued there, needs the call that keeps that turn.
type waitGraph struct {
	calls   map[uint64]*Call
	needs   map[uint64][]uint64
	keepers map[string]uint64 // the calls that wait and keep their turns, by the ids of their callers
}

// mostBehind bounds the calls that only wait for a circle, of all circles.
const mostBehind = 100_000

func (s *Snapshot) waitGraph() *waitGraph {
	keepers := make(map[string]uint64)
	g := &waitGraph{calls: make(map[uint64]*Call), needs: make(map[uint64][]uint64), keepers: keepers}
	for _, c := range s.Callers {
		for _, call := range c.started() {
			g.calls[call.ID] = call
		}
		if c.Running != nil && c.Running.State == "keeping" {
			keepers[c.ID] = c.Running.ID
		}
	}
	for id, call := range g.calls {
		switch w := call.WaitsFor; {
		case w != nil && len(w.Needs) > 0:
			g.needs[id] = w.Needs
			if keeper := keepers[w.Caller]; g.calls[w.Call] == nil && keeper != 0 { // it is queued there
				g.needs[w.Call] = []uint64{keeper}
			}
		case call.State == "runnable" && keepers[call.Caller] != 0:
			g.needs[id] = []uint64{keepers[call.Caller]}
		}
	}
	return g
}

// started returns the calls of a caller that have started.
func (c *Caller) started() []*Call {
	if c.Running == nil {
		return c.Suspended
	}
	return append([]*Call{c.Running}, c.Suspended...)
}

// findCircles sets the circles, and the calls that wait for nothing but one of them.
func (s *Snapshot) findCircles() {
	g := s.waitGraph()
	s.Circles, s.Tails = g.circles(), [][]uint64{}
	if len(s.Circles) == 0 {
		return
	}
	waiters, left := g.waiters(), mostBehind
	for _, circle := range s.Circles {
		tail := tailOf(circle, waiters, left)
		left -= len(tail)
		s.Tails = append(s.Tails, tail)
	}
}

// waiters returns which calls need each call.
func (g *waitGraph) waiters() map[uint64][]uint64 {
	waiters := make(map[uint64][]uint64)
	for id, needs := range g.needs {
		for _, need := range needs {
			waiters[need] = append(waiters[need], id)
		}
	}
	return waiters
}

// circles returns the strongly connected components that are circles, each in the order of
// its waits, by the algorithm of Tarjan without recursion.
func (g *waitGraph) circles() [][]uint64 {
	type visit struct {
		id   uint64
		next int
	}
	circles := [][]uint64{}
	order, low := make(map[uint64]int), make(map[uint64]int)
	on := make(map[uint64]bool)
	var stack []uint64
	for _, root := range slices.Sorted(maps.Keys(g.needs)) {
		if order[root] > 0 {
			continue
		}
		var visits []visit
		enter := func(id uint64) {
			order[id] = len(order) + 1
			low[id] = order[id]
			stack = append(stack, id)
			on[id] = true
			visits = append(visits, visit{id: id})
		}
		for enter(root); len(visits) > 0; {
			v := &visits[len(visits)-1]
			if needs := g.needs[v.id]; v.next < len(needs) {
				to := needs[v.next]
				v.next++
				if order[to] == 0 {
					enter(to)
				} else if on[to] {
					low[v.id] = min(low[v.id], order[to])
				}
				continue
			}
			id := v.id
			visits = visits[:len(visits)-1]
			if len(visits) > 0 {
				above := visits[len(visits)-1].id
				low[above] = min(low[above], low[id])
			}
			if low[id] < order[id] {
				continue
			}
			at := len(stack) - 1
			for stack[at] != id {
				at--
			}
			component := slices.Clone(stack[at:])
			stack = stack[:at]
			for _, member := range component {
				on[member] = false
			}
			if len(component) > 1 || slices.Contains(g.needs[id], id) {
				circles = append(circles, component)
			}
		}
	}
	return circles
}

// tailOf returns the calls that wait for a call of a circle, directly or not, up to most.
func tailOf(circle []uint64, waiters map[uint64][]uint64, most int) []uint64 {
	behind := make(map[uint64]bool)
	for _, id := range circle {
		behind[id] = true
	}
	tail := []uint64{}
	for open := slices.Clone(circle); len(open) > 0 && len(tail) < most; open = open[1:] {
		for _, id := range waiters[open[0]] {
			if !behind[id] && len(tail) < most {
				behind[id] = true
				tail = append(tail, id)
				open = append(open, id)
			}
		}
	}
	slices.Sort(tail)
	return tail
}
