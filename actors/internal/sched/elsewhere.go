package sched

import (
	"encoding/binary"
	"hash/fnv"
	"slices"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

const (
	// elsewhereBudget is how many nodes are looked at for one function.
	elsewhereBudget = 4096
	// mostExits is how many pendings of other systems one function is looked at for.
	mostExits = 16
)

// WayOut is that a function of this system needs a pending which another system completes.
type WayOut struct {
	Exit  *future.Core
	Print uint64   // of all waits because of which that is so; others have another one
	Began uint64   // the number of the last wait between the two
	Names []string // the owners of those that wait between the two
	Steps []string // what they wait for

	last *Task
}

// WaysOut returns the pendings of other systems without which root is never done, for certain. If
// one of several is enough there is none. elsewhere names such a pending, and returns false for
// all others.
func WaysOut(root *future.Core, elsewhere func(*future.Core) (what string, ok bool)) (ways []WayOut) {
	node := future.NodeOf(root)
	if node == nil {
		return nil
	}
	var exits []exitNode
	g := outside(node, func(c *future.Core) future.Node {
		what, ok := elsewhere(c)
		exit := exitNode{c, what}
		known := slices.Contains(exits, exit)
		if !ok || !known && len(exits) == mostExits {
			return nil
		}
		if !known {
			exits = append(exits, exit)
		}
		return exit
	})
	defer func() { g.recycle() }()
	if g.nodes[0].live {
		return nil
	}
	for _, exit := range exits {
		if len(exits) > 1 {
			g.recycle()
			g = outside(node, func(c *future.Core) future.Node {
				if c != exit.pending {
					return nil
				}
				return exit
			})
		}
		if way, ok := g.wayOut(exit); ok {
			ways = append(ways, way)
		}
	}
	return ways
}

// exitNode is a pending of another system. It counts as dead: it needs itself.
type exitNode struct {
	pending *future.Core
	what    string
}

// Needs implements [future.Node].
func (e exitNode) Needs(n *future.Needs) { n.Add(e) }

// What implements [future.Node].
func (e exitNode) What() string { return e.what }

// outside returns the graph of what a node needs, with pendings of other systems.
func outside(node future.Node, elsewhere func(*future.Core) future.Node) *waitGraph {
	g := graphs.Get().(*waitGraph)
	g.needs.Elsewhere = elsewhere
	g.add(node)
	g.explore(-1, elsewhereBudget)
	g.needs.Elsewhere = nil
	return g
}

// wayOut returns the way from the first node to an exit. There is none if the first node is
// live, or is dead for another reason.
func (g *waitGraph) wayOut(exit exitNode) (way WayOut, ok bool) {
	to := slices.IndexFunc(g.nodes, func(n graphNode) bool { return n.node == future.Node(exit) })
	if to < 0 || g.nodes[0].live {
		return way, false
	}
	needed := g.deadFrom(0, false)
	between := g.deadFrom(int32(to), true) //nolint:gosec // Memory ends before.
	if !needed[to] {
		return way, false
	}
	way.Exit = exit.pending
	var waits []uint64
	for i := range g.nodes {
		t, isTask := g.nodes[i].node.(*Task)
		if !isTask || !needed[i] {
			continue
		}
		waits = append(waits, t.work.ID(), g.nodes[i].began)
		if between[i] && g.nodes[i].began > way.Began && g.waitsWithin(int32(i), needed, between) { //nolint:gosec // As above.
			way.Began, way.last = g.nodes[i].began, t
		}
	}
	way.Print = printOf(exit.pending.ID(), waits)
	way.Names, way.Steps = g.describe(int32(to), between) //nolint:gosec // As above.
	return way, way.last != nil
}

// deadFrom returns the dead nodes that a dead one needs or, with back, that need it, itself
// included.
func (g *waitGraph) deadFrom(i int32, back bool) []bool {
	found := make([]bool, len(g.nodes))
	found[i] = true
	for next := []int32{i}; len(next) > 0; {
		i, next = next[len(next)-1], next[:len(next)-1]
		g.eachEdge(i, back, func(to int32) {
			if !found[to] && !g.nodes[to].live {
				found[to] = true
				next = append(next, to)
			}
		})
	}
	return found
}

// eachEdge calls f with the nodes that a node needs or, with back, that need it.
func (g *waitGraph) eachEdge(i int32, back bool, f func(int32)) {
	if back {
		for e := g.nodes[i].in; e > 0; e = g.edges[e-1].nextIn {
			f(g.edges[e-1].from)
		}
		return
	}
	for e := g.nodes[i].out; e > 0; e = g.edges[e-1].nextOut {
		f(g.edges[e-1].to)
	}
}

// waitsWithin reports whether a task waits for something between the first node and an exit. One
// that only lacks its turn has a wait that may have nothing to do with that.
func (g *waitGraph) waitsWithin(i int32, needed, between []bool) (within bool) {
	g.eachEdge(i, false, func(to int32) {
		within = within || needed[to] && between[to] && !isPlace(g.nodes[to].node)
	})
	return within
}

// printOf returns a number for some pairs of numbers, in any order.
func printOf(exit uint64, pairs []uint64) uint64 {
	sorted := make([][2]uint64, 0, len(pairs)/2)
	for p := range slices.Chunk(pairs, 2) {
		sorted = append(sorted, [2]uint64{p[0], p[1]})
	}
	slices.SortFunc(sorted, func(a, b [2]uint64) int { return slices.Compare(a[:], b[:]) })
	h := fnv.New64a()
	var b []byte
	for _, p := range sorted {
		b = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, p[0]), p[1])
	}
	_, _ = h.Write(binary.LittleEndian.AppendUint64(b, exit))
	return h.Sum64()
}

// describe names the owners of the tasks on the shortest way from the first node to another one.
// It says what they wait for.
func (g *waitGraph) describe(to int32, between []bool) (names, steps []string) {
	before := map[int32]int32{0: -1}
	for next := []int32{0}; len(next) > 0 && next[0] != to; next = next[1:] {
		g.eachEdge(next[0], false, func(i int32) {
			if _, seen := before[i]; !seen && between[i] && !g.nodes[i].live {
				before[i] = next[0]
				next = append(next, i)
			}
		})
	}
	var way []int32
	for i := to; i >= 0; i = before[i] {
		way = append(way, i)
	}
	slices.Reverse(way)
	for at, i := range way {
		if t, ok := g.nodes[i].node.(*Task); ok {
			names = append(names, t.Owner().Name())
			steps = append(steps, t.What()+" waits for "+g.what(way, at))
		}
	}
	return slices.Compact(names), steps
}

// Fail ends the last wait, if it goes on.
func (w WayOut) Fail(err error) { w.last.fail(w.Began, err) }
