package sched

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// fakeNode is a node that says what a test wants.
type fakeNode struct {
	needs     []future.Node
	any, live bool
	began     uint64
}

func (f *fakeNode) Needs(n *future.Needs) {
	n.Any, n.Live, n.Began = f.any, f.live, f.began
	for _, node := range f.needs {
		if !n.Add(node) {
			return
		}
	}
}

func (*fakeNode) What() string { return "" }

// randomGraph returns nodes that need each other at random.
func randomGraph(r *rand.Rand, n int) []*fakeNode {
	nodes := make([]*fakeNode, n)
	for i, began := range r.Perm(n) {
		nodes[i] = &fakeNode{any: r.IntN(3) == 0, live: r.IntN(8) == 0, began: uint64(began) + 1} //nolint:gosec // Not negative.
	}
	for _, node := range nodes {
		for range r.IntN(4) {
			var needs future.Node = nodes[r.IntN(n)]
			if r.IntN(10) == 0 {
				needs = nil
			}
			node.needs = append(node.needs, needs)
		}
	}
	return nodes
}

// liveOf returns the nodes that are live, by the definition.
func liveOf(nodes []*fakeNode) map[future.Node]bool {
	live := map[future.Node]bool{nil: true}
	for changed := true; changed; {
		changed = false
		for _, node := range nodes {
			n := 0
			for _, other := range node.needs {
				if live[other] {
					n++
				}
			}
			if !live[node] && (node.live || len(node.needs) == n || node.any && n > 0) {
				live[node], changed = true, true
			}
		}
	}
	return live
}

// reach returns the dead nodes that a node needs, directly or not.
func reach(from *fakeNode, live map[future.Node]bool) map[future.Node]bool {
	reached := make(map[future.Node]bool)
	for next := []*fakeNode{from}; len(next) > 0; next = next[1:] {
		for _, node := range next[0].needs {
			if !live[node] && !reached[node] {
				reached[node] = true
				next = append(next, node.(*fakeNode))
			}
		}
	}
	return reached
}

func TestWhatIsDeadIsWhatNothingLiveLeadsTo(t *testing.T) {
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // Any number will do.
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range 10_000 {
		nodes := randomGraph(r, 1+r.IntN(24))
		live := liveOf(nodes)
		var g waitGraph
		for _, node := range nodes {
			g.add(node)
		}
		g.explore(-1, 0)
		for _, n := range g.nodes {
			require.Equal(t, live[n.node], n.live, "seed %d, graph %d", seed, i)
		}
		require.False(t, g.cut)

		var small waitGraph
		small.add(nodes[0])
		small.explore(0, 1+r.IntN(12))
		if !small.nodes[0].live || !small.cut {
			require.Equal(t, live[nodes[0]], small.nodes[0].live, "seed %d, graph %d: a part of it is enough", seed, i)
		}
	}
}

func TestCirclesAreBrokenUntilNoneIsLeft(t *testing.T) {
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // Any number will do.
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range 10_000 {
		where := fmt.Sprintf("seed %d, graph %d", seed, i)
		nodes := randomGraph(r, 1+r.IntN(24))
		var g waitGraph
		for _, node := range nodes {
			g.add(node)
		}
		g.explore(-1, 0)
		for again := true; again; {
			again = false
			g.circles(func(c circle) bool {
				again = true
				live := liveOf(nodes)
				last := g.nodes[c.last].node.(*fakeNode)
				circle := reach(last, live)
				require.True(t, circle[last], "%s: it is on a circle", where)
				require.Len(t, c.nodes, len(circle), "%s: that needs no other", where)
				for node := range circle {
					require.True(t, reach(node.(*fakeNode), live)[last], where)
					require.LessOrEqual(t, node.(*fakeNode).began, last.began, where)
				}
				round := g.round(c)
				require.Equal(t, c.last, round[0])
				for j, at := range round {
					next := g.nodes[round[(j+1)%len(round)]].node
					require.True(t, slices.Contains(g.nodes[at].node.(*fakeNode).needs, next), "%s: a step of the way round", where)
				}
				last.live = true
				g.setLive(c.last)
				return true
			})
		}
		live := liveOf(nodes)
		for _, node := range nodes {
			assert.True(t, live[node], where)
		}
	}
}

func TestSearchOnATurnIsBounded(t *testing.T) {
	chain := make([]*fakeNode, 100_000)
	for i := range chain {
		chain[i] = &fakeNode{}
		if i > 0 {
			chain[i-1].needs = []future.Node{chain[i]}
		}
	}
	var g waitGraph
	assert.False(t, g.begin(chain[0]))
	assert.Len(t, g.nodes, searchBudget+1)
	g.reset()
	g.add(chain[0])
	g.explore(-1, 0)
	assert.True(t, g.nodes[0].live)
}
