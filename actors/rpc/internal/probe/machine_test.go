package probe

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// world is some nodes with functions that need each other. Function f of node n is place{n, f}.
type world struct {
	*rand.Rand
	now         time.Time
	nodes       []*Machine[place]
	needs       map[place][]need
	under       []letter // probes that are under way
	most        int      // how many there were at a time
	ended       []place  // whose wait has ended
	lastDead    map[place]time.Time
	alarms      []place             // of those, who was in no circle
	old         map[int]bool        // nodes of an older version
	lose, twice func(l letter) bool // what probes are lost, or come twice; nil for none
	round       [][]wire.Hop
}

type place struct{ node, function int }

// need is a wait for any of some calls to other nodes.
type need struct {
	on    []place
	wait  uint64 // its number
	began time.Time
}

// letter is a probe from a function of one node to another one. Answers go back.
type letter struct {
	from, to place
	probe    *wire.Probe
}

func newWorld(nodes int, seed uint64) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(0, 0), needs: make(map[place][]need), lastDead: make(map[place]time.Time)}
	for i := range nodes {
		w.nodes = append(w.nodes, New[place](wire.Incarnation{byte(i + 1)}, w.Uint64))
	}
	return w
}

// wait has one function need one of some others from now on.
func (w *world) wait(from place, to ...place) {
	w.needs[from] = append(w.needs[from], need{to, w.Uint64(), w.now})
	slices.SortStableFunc(w.needs[from], func(a, b need) int { return len(a.on) - len(b.on) })
}

// function is a [Root].
type function struct {
	*world
	place
}

func (f function) ID() uint64 { return uint64(f.function) + 1 }

func (f function) Ways() (ways []Way[place]) {
	for _, n := range f.needs[f.place] {
		var exits []Exit[place]
		for _, on := range n.on {
			exits = append(exits, Exit[place]{ID: f.exit(on), Over: on, Asks: !f.old[on.node] && !f.old[f.node]})
		}
		ways = append(ways, Way[place]{
			Exits: exits, Print: n.wait, Age: f.now.Sub(n.began), Where: fmt.Sprint(f.place), Text: fmt.Sprint(f.place, n.on),
			Fail: func(circle []wire.Hop, next [][]int) {
				for p := range f.dead() {
					f.lastDead[p] = f.now
				}
				if next != nil && f.lastDead[f.place] != f.now {
					f.alarms = append(f.alarms, f.place)
				}
				f.ended, f.round = append(f.ended, f.place), append(f.round, circle)
				delete(f.needs, f.place)
			},
		})
	}
	return ways
}

// exit returns the number of a call.
func (f function) exit(on place) uint64 {
	return uint64(on.node)<<32 + uint64(on.function) + f.ID()<<48 //nolint:gosec // They are small.
}

func (w *world) send(from place, sends []Send[place]) {
	for _, s := range sends {
		l := letter{from, s.Over, s.Probe}
		if w.lose != nil && w.lose(l) {
			continue
		}
		w.under = append(w.under, l)
		if w.twice != nil && w.twice(l) {
			w.under = append(w.under, l)
		}
	}
	w.most = max(w.most, len(w.under))
}

// search has each node search for the functions that are needed, when all have waited long enough.
func (w *world) search() {
	w.now = w.now.Add(Patience)
	w.look()
}

// look has each node look at the functions that are needed.
func (w *world) look() {
	for i, m := range w.nodes {
		var roots []Root[place]
		for f := range 10 {
			if slices.ContainsFunc(w.callers(), func(p place) bool { return p == place{i, f} }) {
				roots = append(roots, function{w, place{i, f}})
			}
		}
		w.send(place{i, 0}, m.Search(w.now, roots))
	}
}

// callers returns the functions that others need.
func (w *world) callers() (all []place) {
	for _, needs := range w.needs {
		for _, n := range needs {
			all = append(all, n.on...)
		}
	}
	return all
}

// deliver has all probes arrive, in any order.
func (w *world) deliver() {
	for len(w.under) > 0 {
		w.deliverOne()
	}
}

func (w *world) deliverOne() {
	at := w.IntN(len(w.under))
	l := w.under[at]
	w.under = slices.Delete(w.under, at, at+1)
	w.deliverTo(l)
}

func (w *world) deliverTo(l letter) {
	m := w.nodes[l.to.node]
	if l.probe.Phase == wire.Telling {
		w.send(l.to, m.Told(w.now, l.probe))
		return
	}
	w.send(l.to, m.Receive(w.now, l.probe, function{w, l.to}, l.from))
}

// pass lets time pass, and reports whether a node has something to do later.
func (w *world) pass(d time.Duration) (busy bool) {
	w.now = w.now.Add(d)
	for i, m := range w.nodes {
		sends, next := m.Tick(w.now)
		w.send(place{i, 0}, sends)
		busy = busy || next > 0
	}
	return busy
}

// circle has functions 0 of all nodes need each other in a circle. The wait of the node last
// begins last.
func (w *world) circle(last int) {
	n := len(w.nodes)
	for i := range n {
		from := (last + 1 + i) % n
		w.now = w.now.Add(time.Second)
		w.wait(place{from, 0}, place{(from + 1) % n, 0})
	}
}

func TestOfACircleTheWaitEndsThatBeganLast(t *testing.T) {
	for n := 2; n <= 6; n++ {
		for last := range n {
			w := newWorld(n, uint64(n))
			w.circle(last)
			w.search()
			w.deliver()
			assert.True(t, w.pass(Pause-1))
			assert.Empty(t, w.under, "there is a pause before the check")
			assert.False(t, w.pass(1))
			w.deliver()
			require.Equal(t, []place{{last, 0}}, w.ended)
			require.Len(t, w.round[0], n, "the error has all hops")
			assert.Equal(t, fmt.Sprint(place{last, 0}), w.round[0][0].Where, "the first hop is that of the wait")
		}
	}
}

func TestNobodySearchesForAQuickCall(t *testing.T) {
	for _, quick := range []bool{false, true} {
		w := newWorld(2, 1)
		w.wait(place{1, 0}, place{0, 0})
		w.wait(place{0, 0}, place{1, 1})
		w.look()
		w.look()
		assert.True(t, w.pass(Patience-1))
		assert.Empty(t, w.under)
		if quick {
			delete(w.needs, place{0, 0})
		}
		assert.False(t, w.pass(1))
		assert.Equal(t, !quick, len(w.under) == 1)
		assert.Empty(t, w.nodes[0].young)
	}
}

func TestAllNodesSearchAndOneFinds(t *testing.T) {
	const n = 20
	w := newWorld(n, 7)
	w.circle(3)
	w.search()
	require.Len(t, w.under, n)
	w.deliver()
	w.pass(Pause)
	assert.Len(t, w.under, 1, "one node nominates")
}

func TestAWaitThatIsAnotherOneByNowIsNotEnded(t *testing.T) {
	for changed := range 3 {
		for _, late := range []bool{false, true} {
			w := newWorld(3, 1)
			w.circle(1)
			w.search()
			w.deliver()
			if late {
				w.pass(Pause)
				w.deliverOne() // the nomination
			}
			from := place{changed, 0}
			w.needs[from][0].wait++
			w.pass(Pause)
			w.deliver()
			assert.Empty(t, w.ended)

			w.pass(Lifetime)
			w.search()
			w.deliver()
			w.pass(Pause)
			w.deliver()
			assert.Len(t, w.ended, 1, "the new circle is found by another search")
		}
	}
}

func TestAWaitThatIsOverDropsTheProbe(t *testing.T) {
	for gone := range 3 {
		w := newWorld(3, 1)
		w.circle(1)
		w.search()
		delete(w.needs, place{gone, 0})
		w.deliver()
		assert.False(t, w.pass(Pause))
		w.deliver()
		assert.Empty(t, w.ended)
	}
}

func TestAFunctionThatNeedsSeveralCallsIsInSeveralCircles(t *testing.T) {
	w := newWorld(3, 1)
	a, b, c := place{0, 0}, place{1, 0}, place{2, 0}
	w.wait(a, b)
	w.pass(time.Second)
	w.wait(a, c)
	w.pass(time.Second)
	w.wait(c, a)
	w.search()
	w.deliver()
	w.pass(Pause)
	w.deliver()
	assert.Equal(t, []place{c}, w.ended)
}

// A circle behind a chain is found by the nodes of the circle.
func TestWhoOnlyWaitsBehindACircleIsNotTold(t *testing.T) {
	w := newWorld(4, 1)
	w.wait(place{1, 0}, place{2, 0})
	w.wait(place{2, 0}, place{1, 0})
	w.pass(time.Second)
	w.wait(place{0, 0}, place{1, 0})
	w.wait(place{3, 0}, place{0, 0})
	w.search()
	w.deliver()
	w.pass(Pause)
	w.deliver()
	require.Len(t, w.ended, 1)
	assert.Contains(t, []place{{1, 0}, {2, 0}}, w.ended[0])
}

func TestProbesAreBounded(t *testing.T) {
	t.Run("hops", func(t *testing.T) {
		for _, n := range []int{wire.MaxHops, wire.MaxHops + 1} {
			w := newWorld(n, 1)
			w.circle(0)
			w.search()
			w.deliver()
			w.pass(Pause)
			w.deliver()
			assert.Equal(t, n <= wire.MaxHops, len(w.ended) == 1)
		}
	})
	t.Run("forks", func(t *testing.T) {
		w := newWorld(12, 1)
		for from := range 12 {
			for to := range 12 {
				w.wait(place{from, 0}, place{to, 0})
			}
		}
		w.search()
		w.deliver()
		assert.Less(t, w.most, 12*MaxForks*12*MaxForks, "a probe goes over each call once")
	})
	t.Run("age", func(t *testing.T) {
		w := newWorld(2, 1)
		w.circle(0)
		w.search()
		w.now = w.now.Add(Lifetime)
		w.deliver()
		assert.False(t, w.pass(0), "it has come back too late")
		w.pass(Pause)
		w.deliver()
		assert.Empty(t, w.ended)
	})
	t.Run("number", func(t *testing.T) {
		w := newWorld(2, 1)
		var roots []Root[place]
		for f := range 2 * maxSent {
			w.wait(place{0, f}, place{1, f})
			roots = append(roots, function{w, place{0, f}})
		}
		assert.Empty(t, w.nodes[0].Search(w.now, roots))
		assert.Len(t, w.nodes[0].young, maxYoung)
		w.now = w.now.Add(Patience)
		assert.Len(t, w.nodes[0].Search(w.now, roots), maxSent)
		assert.Empty(t, w.nodes[0].Search(w.now, roots))
		w.now = w.now.Add(Lifetime)
		assert.Len(t, w.nodes[0].Search(w.now, roots), maxSent)
	})
}

// What a node makes up ends nothing: only a probe of the node's own does.
func TestAProbeThatLiesEndsNothing(t *testing.T) {
	w := newWorld(3, 1)
	victim, honest := place{0, 0}, place{1, 0}
	w.wait(victim, honest)
	way := function{w, victim}.Ways()[0]
	own := wire.Hop{Node: w.nodes[0].own, Root: 1, Exit: way.Exits[0].ID, Print: way.Print}
	lie := wire.Hop{Node: wire.Incarnation{9}, Root: 1, Exit: 1, Age: 1 << 40}
	for _, p := range []wire.Probe{
		{Phase: wire.Searching, Nonce: 1, Hops: []wire.Hop{own, lie}},
		{Phase: wire.Nominating, At: 1, Last: 1, Hops: []wire.Hop{lie, own}},
		{Phase: wire.Nominating, At: 2, Last: 1, Hops: []wire.Hop{lie, own}},
		{Phase: wire.Checking, Nonce: 1, At: 1, Hops: []wire.Hop{lie, own}},
		{Phase: wire.Checking, Nonce: 1, At: 2, Hops: []wire.Hop{own, lie}},
	} {
		w.send(victim, w.nodes[0].Receive(w.now, &p, function{w, victim}, place{}))
		w.deliver()
		w.pass(Pause)
		w.deliver()
	}
	assert.Empty(t, w.ended)
}

func TestLongTextsAreCut(t *testing.T) {
	assert.Equal(t, "abc", cut("abc", 3))
	assert.Equal(t, "a...", cut("abcde", 4))
}

// In any graph in which each function needs at most one other one exactly the circles are broken,
// each once.
func TestRandomGraphs(t *testing.T) {
	for seed := range uint64(300) {
		w := newWorld(2+int(seed%5), seed)
		places := func() place { return place{w.IntN(len(w.nodes)), w.IntN(3)} }
		for range 3 * len(w.nodes) {
			from, to := places(), places()
			w.now = w.now.Add(time.Duration(w.IntN(100)) * time.Millisecond)
			if len(w.needs[from]) == 0 && from != to {
				w.wait(from, to)
			}
		}
		circles := w.circles()
		for range 4 {
			w.search()
			w.deliver()
			w.pass(Pause)
			w.deliver()
			w.pass(time.Second)
		}
		require.Len(t, w.ended, len(circles), "seed %d", seed)
		for _, circle := range circles {
			ended := 0
			for _, p := range w.ended {
				if slices.Contains(circle, p) {
					ended++
				}
			}
			assert.Equal(t, 1, ended, "seed %d", seed)
		}
		assert.Empty(t, w.circles())
	}
}

// circles returns those of the graph.
func (w *world) circles() (all [][]place) {
	for start := range w.needs {
		circle := []place{start}
		for at := w.needs[start]; len(at) > 0 && len(circle) < 100; at = w.needs[at[0].on[0]] {
			if at[0].on[0] == start {
				if start == slices.MinFunc(circle, func(a, b place) int { return (a.node-b.node)*100 + a.function - b.function }) {
					all = append(all, circle)
				}
				break
			}
			circle = append(circle, at[0].on[0])
		}
	}
	return all
}

// The search began before there was a circle.
func TestASearchBeginsAgain(t *testing.T) {
	w := newWorld(2, 1)
	w.wait(place{0, 0}, place{1, 0})
	w.wait(place{1, 1}, place{0, 0})
	w.search()
	w.deliver()
	w.wait(place{1, 0}, place{0, 0})
	for range 2 {
		w.look()
		w.deliver()
		w.pass(again)
	}
	w.deliver()
	assert.Len(t, w.ended, 1)
}

// The ages in a probe depend on how long it was under way.
func TestOfACircleThatIsFoundTwiceOneWaitEnds(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(2, seed)
		w.wait(place{0, 0}, place{1, 0})
		w.wait(place{1, 0}, place{0, 0})
		for range 3 {
			w.search()
			for len(w.under) > 0 {
				w.now = w.now.Add(time.Duration(w.IntN(300)) * time.Millisecond)
				w.deliverOne()
			}
		}
		w.pass(Pause)
		require.NotEmpty(t, w.under)
		for _, l := range w.under {
			assert.Equal(t, w.under[0].probe.Phase, l.probe.Phase, "the same wait is nominated, or checked, each time")
		}
	}
}
