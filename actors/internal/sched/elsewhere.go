package sched

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"slices"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

const (
	// elsewhereBudget is how many nodes are looked at for one function.
	elsewhereBudget = 4096
	// mostExits is how many pendings of other systems one function is looked at for.
	mostExits = 64
	// mostWays is how many ways out a function has at most.
	mostWays = 64
	// wayBudget is how often a graph is reduced to find them.
	wayBudget = 256
)

// WayOut is that a function of this system needs one of some pendings which other systems
// complete. Without all of them it is never done, and with fewer of them missing it may be.
type WayOut struct {
	Exits []*future.Core // by their numbers
	Print uint64         // of all waits because of which that is so; others have another one
	Began uint64         // the number of the last wait between the two
	Names []string       // the owners of those that wait between the two
	Steps []string       // what they wait for

	last *Task
}

// WaysOut returns sets of pendings of other systems. If those of one set are never done, root is
// never done, for certain. Sets of one pending come first. There may be more sets than it returns.
// elsewhere names such a pending, and returns false for all others.
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
	defer g.recycle()
	if g.nodes[0].live {
		return nil
	}
	slices.SortFunc(exits, func(a, b exitNode) int { return cmp.Compare(a.pending.ID(), b.pending.ID()) })
	r := reduction{graph: g, all: slices.Clone(g.nodes), budget: wayBudget}
	for _, exit := range exits {
		if i := g.indexOf(exit); i >= 0 {
			r.exits = append(r.exits, i)
		}
	}
	for _, set := range r.sets() {
		r.keepDead(set)
		if way, ok := g.wayOut(set); ok {
			ways = append(ways, way)
		}
	}
	return ways
}

// reduction finds out of which exits a graph needs one.
type reduction struct {
	graph  *waitGraph
	all    []graphNode // of the graph, with all exits dead
	exits  []int32
	budget int // how often the graph may be reduced
	found  [][]int32
}

// keepDead has some exits count as dead and the others as live. It reports whether the first node
// is dead then.
func (r *reduction) keepDead(dead []int32) bool {
	r.budget--
	copy(r.graph.nodes, r.all)
	for _, i := range r.exits {
		if !slices.Contains(dead, i) {
			r.graph.setLive(i)
		}
	}
	return !r.graph.nodes[0].live
}

// sets returns the smallest sets of exits of which the first node needs one: those of one exit,
// and some of the others.
func (r *reduction) sets() [][]int32 {
	if len(r.exits) == 1 {
		return [][]int32{r.exits}
	}
	var others []int32
	for _, i := range r.exits {
		if one := []int32{i}; r.keepDead(one) {
			r.found = append(r.found, one)
		} else {
			others = append(others, i)
		}
	}
	r.find(others)
	return r.found
}

// find finds sets among some exits.
func (r *reduction) find(among []int32) {
	if len(among) < 2 || len(r.found) >= mostWays || r.budget <= len(among) || !r.keepDead(among) {
		return
	}
	set := r.shrink(among)
	if !slices.ContainsFunc(r.found, func(other []int32) bool { return slices.Equal(other, set) }) {
		r.found = append(r.found, set)
	}
	for _, i := range set {
		r.find(without(among, i))
	}
}

// shrink leaves out what a set does not need.
func (r *reduction) shrink(set []int32) []int32 {
	for _, i := range set {
		if smaller := without(set, i); r.keepDead(smaller) {
			set = smaller
		}
	}
	return set
}

func without(set []int32, i int32) []int32 {
	return slices.DeleteFunc(slices.Clone(set), func(j int32) bool { return j == i })
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

// indexOf returns the index of a node, -1 if it is not in the graph.
func (g *waitGraph) indexOf(node future.Node) int32 {
	at := slices.IndexFunc(g.nodes, func(n graphNode) bool { return n.node == node })
	return int32(at) //nolint:gosec // Memory ends before.
}

// wayOut returns the way from the first node to some exits, without which it is dead. There is none
// if the first node is dead for another reason.
func (g *waitGraph) wayOut(exits []int32) (way WayOut, ok bool) {
	needed := g.deadFrom(0, false)
	between := make([]bool, len(g.nodes))
	var ids []uint64
	for _, to := range exits {
		if !needed[to] {
			return way, false
		}
		for i, is := range g.deadFrom(to, true) {
			between[i] = between[i] || is
		}
		pending := g.nodes[to].node.(exitNode).pending
		way.Exits, ids = append(way.Exits, pending), append(ids, pending.ID())
	}
	var waits []uint64
	for i := range g.nodes {
		t, isTask := g.nodes[i].node.(*Task)
		if !isTask || !needed[i] {
			continue
		}
		waits = append(waits, t.work.ID(), g.nodes[i].began)
		if between[i] && g.nodes[i].began > way.Began && g.waitsWithin(int32(i), needed, between) { //nolint:gosec // Memory ends before.
			way.Began, way.last = g.nodes[i].began, t
		}
	}
	way.Print = printOf(ids, waits)
	way.Names, way.Steps = g.describeAll(exits, between)
	return way, way.last != nil
}

// describeAll describes the ways to some exits. The names are those of the first way.
func (g *waitGraph) describeAll(exits []int32, between []bool) (names, steps []string) {
	for _, to := range exits {
		also, more := g.describe(to, between)
		if names == nil {
			names = also
		}
		for _, step := range more {
			if !slices.Contains(steps, step) {
				steps = append(steps, step)
			}
		}
	}
	return names, steps
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

// printOf returns a number for some exits, and for pairs of numbers in any order.
func printOf(exits, pairs []uint64) uint64 {
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
	for _, exit := range exits {
		b = binary.LittleEndian.AppendUint64(b, exit)
	}
	_, _ = h.Write(b)
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
