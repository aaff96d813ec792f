package sched

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// waitGraph is the part of the wait graph that some roots need. A node is live if it goes
// on: if it needs nothing, all that it needs is live or, where one is enough, one of that
// is. What is left over is dead.
type waitGraph struct {
	nodes []graphNode
	edges []graphEdge
	index map[future.Node]int32 // nil for few nodes
	needs future.Needs
	open  []int32 // not looked at yet
	next  []int32 // of setLive
	cut   bool    // not all was looked at

	// Of components.
	stack   []int32
	visited int32
}

// graphNode is a node as it was when it was looked at.
type graphNode struct {
	node    future.Node
	began   uint64 // the number of the wait; 0 for none
	out, in int32  // the first edges, plus 1
	lacks   int32  // how many edges lead to nodes that are not live
	any     bool   // one of them is enough
	live    bool

	// Of components.
	order, low int32 // 0 before the visit
	component  int32 // 0 for none yet
}

// graphEdge leads from a node to what it needs.
type graphEdge struct {
	from, to        int32
	nextOut, nextIn int32 // the next edges of the two nodes, plus 1
}

// smallGraph is up to how many nodes a list is faster than a map.
const smallGraph = 8

// reset makes g empty.
func (g *waitGraph) reset() {
	clear(g.nodes)
	g.nodes, g.edges, g.open = g.nodes[:0], g.edges[:0], g.open[:0]
	clear(g.index)
	g.needs.Reset()
	g.cut = false
}

// add returns the index of a node, which is to be looked at if it is new.
func (g *waitGraph) add(node future.Node) int32 {
	if len(g.nodes) <= smallGraph {
		for i := range g.nodes {
			if g.nodes[i].node == node {
				return int32(i)
			}
		}
	} else if i, ok := g.index[node]; ok {
		return i
	}
	i := int32(len(g.nodes)) //nolint:gosec // Memory ends before.
	g.nodes = append(g.nodes, graphNode{node: node})
	g.open = append(g.open, i)
	switch {
	case i < smallGraph:
	case i == smallGraph:
		if g.index == nil {
			g.index = make(map[future.Node]int32)
		}
		for j := range g.nodes {
			g.index[g.nodes[j].node] = int32(j)
		}
	default:
		g.index[node] = i
	}
	return i
}

// explore looks at what the nodes in the graph need, and at what that needs in turn. It ends
// when the node until is known to be live, or budget nodes were looked at. What was not
// looked at counts as live, so that what is dead is so for certain. A budget of 0 has no
// limit. If until is negative, no node ends it.
func (g *waitGraph) explore(until int32, budget int) {
	g.needs.Limit, g.needs.GoesOn = budget, nodeGoesOn
	for n := 0; len(g.open) > 0; n++ {
		if until >= 0 && g.nodes[until].live {
			return
		}
		if budget > 0 && n == budget {
			break
		}
		last := len(g.open) - 1
		i := g.open[last]
		g.open = g.open[:last]
		g.look(i)
	}
	g.cut = g.cut || len(g.open) > 0
	for _, i := range g.open {
		g.setLive(i)
	}
	g.open = g.open[:0]
}

// look adds what a node needs.
func (g *waitGraph) look(i int32) {
	g.needs.Reset()
	g.nodes[i].node.Needs(&g.needs)
	n := &g.needs
	g.nodes[i].began, g.nodes[i].any = n.Began, n.Any
	g.cut = g.cut || n.Cut
	live := n.Live || n.Any && n.Cut
	for _, node := range n.Nodes {
		if live {
			break
		}
		j := g.add(node)
		if g.nodes[j].live {
			live = n.Any
			continue
		}
		g.edges = append(g.edges, graphEdge{i, j, g.nodes[i].out, g.nodes[j].in})
		e := int32(len(g.edges)) //nolint:gosec // Memory ends before.
		g.nodes[i].out, g.nodes[j].in = e, e
		g.nodes[i].lacks++
	}
	if live || g.nodes[i].lacks == 0 {
		g.setLive(i)
	}
}

// setLive notes that a node is live, and what is live because of that.
func (g *waitGraph) setLive(i int32) {
	if g.nodes[i].live {
		return
	}
	g.nodes[i].live = true
	g.next = append(g.next[:0], i)
	for len(g.next) > 0 {
		i, g.next = g.next[len(g.next)-1], g.next[:len(g.next)-1]
		for e := g.nodes[i].in; e > 0; e = g.edges[e-1].nextIn {
			from := g.edges[e-1].from
			n := &g.nodes[from]
			n.lacks--
			if !n.live && (n.any || n.lacks == 0) {
				n.live = true
				g.next = append(g.next, from)
			}
		}
	}
}

// circle is a set of dead nodes that need each other, and the wait among them that began
// last.
type circle struct {
	nodes []int32
	last  int32
}

// circles calls yield with the circles of the graph until it returns false. A circle comes
// before those that need something of it. A circle of which yield has made something live is
// none.
func (g *waitGraph) circles(yield func(circle) bool) {
	for i := range g.nodes {
		g.nodes[i].order, g.nodes[i].component = 0, 0
	}
	g.stack, g.visited = g.stack[:0], 0
	for i := range g.nodes {
		if !g.nodes[i].live && g.nodes[i].order == 0 && !g.components(int32(i), yield) { //nolint:gosec // Memory ends before.
			return
		}
	}
}

// components is the algorithm of Tarjan for strongly connected components, from one
// node. It has no recursion, because graphs may be deep.
func (g *waitGraph) components(root int32, yield func(circle) bool) (more bool) {
	type visit struct{ node, edge int32 }
	enter := func(i int32) visit {
		g.visited++
		g.nodes[i].order, g.nodes[i].low = g.visited, g.visited
		g.stack = append(g.stack, i)
		return visit{i, g.nodes[i].out}
	}
	visits := []visit{enter(root)}
	for len(visits) > 0 {
		v := &visits[len(visits)-1]
		n := &g.nodes[v.node]
		if v.edge > 0 {
			to := g.edges[v.edge-1].to
			v.edge = g.edges[v.edge-1].nextOut
			switch t := &g.nodes[to]; {
			case t.live && t.order == 0:
			case t.order == 0:
				visits = append(visits, enter(to))
			case t.component == 0:
				n.low = min(n.low, t.order)
			}
			continue
		}
		i := v.node
		visits = visits[:len(visits)-1]
		if len(visits) > 0 {
			above := &g.nodes[visits[len(visits)-1].node]
			above.low = min(above.low, n.low)
		}
		if n.low == n.order {
			at := slices.Index(g.stack, i)
			nodes := slices.Clone(g.stack[at:])
			g.stack = g.stack[:at]
			for _, j := range nodes {
				g.nodes[j].component = n.order
			}
			if c, ok := g.circle(nodes); ok && !yield(c) {
				return false
			}
		}
	}
	return true
}

// circle returns the circle that the nodes of a component are. A single node is one if it
// needs itself. A component that needs another one is none yet.
func (g *waitGraph) circle(nodes []int32) (c circle, ok bool) {
	c.nodes = nodes
	for _, i := range nodes {
		n := &g.nodes[i]
		if n.live || g.needsOthers(i) {
			return c, false
		}
		if n.began > 0 && (!ok || n.began > g.nodes[c.last].began) && g.waitIn(i) >= 0 {
			c.last, ok = i, true
		}
	}
	return c, ok
}

// needsOthers reports whether a node needs dead ones outside of its component.
func (g *waitGraph) needsOthers(i int32) bool {
	for e := g.nodes[i].out; e > 0; e = g.edges[e-1].nextOut {
		if to := &g.nodes[g.edges[e-1].to]; !to.live && to.component != g.nodes[i].component {
			return true
		}
	}
	return false
}

// waitIn returns the node of its own component that a task waits for, or -1. A task that
// only lacks its turn has a wait that may have nothing to do with the circle.
func (g *waitGraph) waitIn(i int32) int32 {
	for e := g.nodes[i].out; e > 0; e = g.edges[e-1].nextOut {
		to := g.edges[e-1].to
		if !isPlace(g.nodes[to].node) && g.nodes[to].component == g.nodes[i].component {
			return to
		}
	}
	return -1
}

// isPlace reports whether a node is where tasks run, and nothing that they wait for.
func isPlace(node future.Node) bool {
	switch node.(type) {
	case *turnNode, *loopNode:
		return true
	default:
		return false
	}
}

// isSame reports whether the waits of a circle were all there in an earlier graph. Then
// there was a moment at which all of them were under way.
func (g *waitGraph) isSame(c circle, earlier *waitGraph) bool {
	began := make(map[future.Node]uint64, len(earlier.nodes))
	for i := range earlier.nodes {
		began[earlier.nodes[i].node] = earlier.nodes[i].began
	}
	for _, i := range c.nodes {
		if was, ok := began[g.nodes[i].node]; !ok || was != g.nodes[i].began {
			return false
		}
	}
	return true
}

// round returns the shortest way round a circle, from its last wait.
func (g *waitGraph) round(c circle) []int32 {
	first := g.waitIn(c.last)
	before := map[int32]int32{first: c.last}
	for next := []int32{first}; len(next) > 0; next = next[1:] {
		if next[0] == c.last {
			break
		}
		for e := g.nodes[next[0]].out; e > 0; e = g.edges[e-1].nextOut {
			to := g.edges[e-1].to
			if _, seen := before[to]; !seen && g.nodes[to].component == g.nodes[c.last].component {
				before[to] = next[0]
				next = append(next, to)
			}
		}
	}
	round := []int32{c.last}
	for i := before[c.last]; i != c.last; i = before[i] {
		round = append(round, i)
	}
	slices.Reverse(round[1:])
	return round
}

// mostDescribed is how many steps of a circle an error describes.
const mostDescribed = 32

// explain returns the error of the last wait of a circle. It names the owners round the
// circle, and what each call waits for.
func (g *waitGraph) explain(c circle) error {
	round := g.round(c)
	left := max(0, len(round)-mostDescribed)
	round = round[:len(round)-left]
	var owners, steps []string
	for at, i := range round {
		t, ok := g.nodes[i].node.(*Task)
		if !ok {
			continue
		}
		owners = append(owners, t.Owner().Name())
		steps = append(steps, t.What()+" waits for "+g.what(round, at))
	}
	if left == 0 {
		owners = append(owners, owners[0])
	} else {
		steps = append(steps, fmt.Sprintf("and %d more", left))
	}
	names := slices.Compact(owners)
	if len(names) == 1 {
		names = append(names, names[0])
	}
	return fmt.Errorf("%w: %s (%s)", future.ErrDeadlock, strings.Join(names, " waits for "), strings.Join(steps, "; "))
}

// what names what the node before it in the round waits for.
func (g *waitGraph) what(round []int32, at int) string {
	for step := 1; step <= len(round); step++ {
		if what := g.nodes[round[(at+step)%len(round)]].node.What(); what != "" {
			return what
		}
	}
	return ""
}

// isDead reports whether any of the first n nodes is dead.
func (g *waitGraph) isDead(n int) bool {
	for i := range g.nodes[:min(n, len(g.nodes))] {
		if !g.nodes[i].live {
			return true
		}
	}
	return false
}
