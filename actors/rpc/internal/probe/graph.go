package probe

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"slices"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// call is a call between nodes: who makes it, and its number there. The zero value stands for all
// calls of the function that a search is for.
type call struct {
	node   wire.Incarnation
	number uint64
}

// graph is what a search was told: the functions of some calls, and what they need. A function is
// dead if all calls of one of its needs are. What nothing is told of is live.
type graph struct {
	own   wire.Waiter // whose search it is
	needs map[call][]*wire.Need
}

func (g *graph) add(needs []wire.Need) {
	for i := range needs {
		c := callOf(&needs[i])
		if w := waiterOf(&needs[i].Hop); w.Node == g.own.Node && w.Root == g.own.Root {
			g.needs[c] = nil // this node knows better
			continue
		}
		g.needs[c] = append(g.needs[c], &needs[i])
	}
}

// at returns the call that stands for one.
func (g *graph) at(c call) call {
	if needs, known := g.needs[c]; known && len(needs) == 0 {
		return call{}
	}
	return c
}

// next returns the calls of a need.
func (g *graph) next(n *wire.Need) []call {
	calls := make([]call, len(n.Exits))
	for i, exit := range n.Exits {
		calls[i] = g.at(call{n.Node, exit})
	}
	return calls
}

// dead returns the calls whose functions never go on, and a need of each because of which that is so.
func (g *graph) dead() map[call]*wire.Need {
	dead := make(map[call]*wire.Need, len(g.needs))
	for c := range g.needs {
		dead[c] = nil
	}
	for changed := true; changed; {
		changed = false
		for c := range dead {
			dead[c] = g.deadNeed(c, dead)
			if dead[c] == nil {
				delete(dead, c)
				changed = true
			}
		}
	}
	return dead
}

// deadNeed returns the first need of a call all of whose calls are dead, or nil.
func (g *graph) deadNeed(c call, dead map[call]*wire.Need) *wire.Need {
	for _, n := range g.needs[c] {
		live := slices.ContainsFunc(g.next(n), func(next call) bool {
			_, is := dead[next]
			return !is
		})
		if !live {
			return n
		}
	}
	return nil
}

// circle returns the functions that the own one needs, which is the first, and which of them each
// needs. It is nil if one goes on, if one does not need the own function, or if each needs one
// call alone: that is a plain circle, which is found otherwise.
func (g *graph) circle() (hops []wire.Hop, next [][]int) {
	dead := g.dead()
	if dead[call{}] == nil {
		return nil, nil
	}
	first := dead[call{}]
	order, index := []*wire.Need{first}, map[wire.Waiter]int{waiterOf(&first.Hop): 0}
	several := false
	for i := 0; i < len(order); i++ {
		calls := g.next(order[i])
		several = several || len(calls) > 1
		var to []int
		for _, c := range calls {
			waiter := waiterOf(&dead[c].Hop)
			at, known := index[waiter]
			if !known {
				at = len(order)
				index[waiter] = at
				order = append(order, dead[c])
			}
			to = append(to, at)
		}
		hops, next = append(hops, order[i].Hop), append(next, to)
	}
	if !several || !allReach(next) {
		return nil, nil
	}
	return hops, next
}

// allReach reports whether one comes from each to the first.
func allReach(next [][]int) bool {
	reach := make([]bool, len(next))
	reach[0] = true
	for changed := true; changed; {
		changed = false
		for i := range next {
			if !reach[i] && slices.ContainsFunc(next[i], func(to int) bool { return reach[to] }) {
				reach[i], changed = true, true
			}
		}
	}
	return !slices.Contains(reach, false)
}

// printOf returns a number for the waits of a circle, in any order.
func printOf(hops []wire.Hop) uint64 {
	waiters := make([]wire.Waiter, len(hops))
	for i := range hops {
		waiters[i] = waiterOf(&hops[i])
	}
	slices.SortFunc(waiters, compareWaiters)
	h := fnv.New64a()
	for _, w := range waiters {
		b := binary.LittleEndian.AppendUint64(w.Node[:], w.Root)
		_, _ = h.Write(binary.LittleEndian.AppendUint64(b, w.Print))
	}
	return h.Sum64()
}

func callOf(n *wire.Need) call { return call{n.Caller, n.Call} }

func waiterOf(h *wire.Hop) wire.Waiter {
	return wire.Waiter{Node: h.Node, Root: h.Root, Print: h.Print}
}

func compareWaiters(a, b wire.Waiter) int {
	return cmp.Or(bytes.Compare(a.Node[:], b.Node[:]), cmp.Compare(a.Root, b.Root), cmp.Compare(a.Print, b.Print))
}
