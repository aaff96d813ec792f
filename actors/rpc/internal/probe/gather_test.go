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

// dead returns the functions that never go on, by the definition.
func (w *world) dead() map[place]bool {
	dead := make(map[place]bool)
	for p := range w.needs {
		dead[p] = true
	}
	for changed := true; changed; {
		changed = false
		for p := range dead {
			if !w.isDead(p, dead) {
				delete(dead, p)
				changed = true
			}
		}
	}
	return dead
}

// isDead reports whether all calls of a need lead to some functions.
func (w *world) isDead(p place, dead map[place]bool) bool {
	for _, n := range w.needs[p] {
		all := true
		for _, on := range n.on {
			all = all && dead[on]
		}
		if all {
			return true
		}
	}
	return false
}

// rounds lets time pass until nodes have searched so often.
func (w *world) rounds(n int) {
	for range n {
		w.search()
		w.deliver()
		for range 2 {
			w.pass(Pause)
			w.deliver()
		}
	}
}

// choice has three functions of which the first needs one of the others, and those need the first.
func choice(seed uint64) (w *world, a, b, c place) {
	w = newWorld(4, seed)
	a, b, c = place{0, 0}, place{1, 0}, place{2, 0}
	for _, one := range []struct {
		from place
		to   []place
	}{{a, []place{b, c}}, {b, []place{a}}, {c, []place{a}}} {
		w.now = w.now.Add(100 * time.Millisecond)
		w.wait(one.from, one.to...)
	}
	return w, a, b, c
}

func TestOfACircleOfWaitsForOneTheLastEnds(t *testing.T) {
	w, a, _, c := choice(1)
	w.rounds(1)
	assert.Equal(t, []place{c}, w.ended)
	require.Len(t, w.round[0], 3)
	assert.Equal(t, fmt.Sprint(c), w.round[0][0].Where, "the first is that of the wait")
	w.rounds(3)
	assert.Equal(t, []place{c}, w.ended, "one of several is enough")
	assert.Empty(t, w.dead()[a])

	w, a, b, c := choice(1)
	delete(w.needs, a)
	w.now = w.now.Add(time.Second)
	w.wait(a, b, c)
	w.rounds(1)
	assert.Equal(t, []place{a}, w.ended, "the wait for one is the last")
}

func TestWhereOneOfSeveralGoesOnNothingEnds(t *testing.T) {
	for name, change := range map[string]func(w *world, a, b, c, d place){
		"it runs":          func(w *world, _, _, c, _ place) { delete(w.needs, c) },
		"it needs another": func(w *world, _, _, c, d place) { delete(w.needs, c); w.wait(c, d) },
		"or it":            func(w *world, a, _, c, d place) { delete(w.needs, c); w.wait(c, a, d) },
		"a third one":      func(w *world, a, b, c, d place) { delete(w.needs, a); w.wait(a, b, c, d) },
		"an old node":      func(w *world, _, _, c, _ place) { w.old = map[int]bool{c.node: true} },
	} {
		t.Run(name, func(t *testing.T) {
			w, a, b, c := choice(1)
			change(w, a, b, c, place{3, 0})
			w.rounds(5)
			assert.Empty(t, w.ended)
		})
	}
}

// Between the two questions one of the waits becomes another one, or ends.
func TestAWaitThatChangesBetweenTheQuestionsSavesAll(t *testing.T) {
	for changed := range 3 {
		for _, ends := range []bool{false, true} {
			w, a, b, c := choice(1)
			w.search()
			w.deliver()
			require.Empty(t, w.ended)
			from := []place{a, b, c}[changed]
			if ends {
				delete(w.needs, from)
			} else {
				w.needs[from][0].wait++
			}
			w.pass(Pause)
			w.deliver()
			assert.Empty(t, w.ended)
			w.rounds(3)
			assert.Equal(t, !ends, len(w.ended) == 1, "the new circle is found by another search")
		}
	}
}

func TestWaitsForOneAndForAllAreMixed(t *testing.T) {
	w, a, b, c := choice(1)
	d := place{3, 0}
	w.wait(c, d) // it needs both
	w.wait(b, d, a)
	w.rounds(1)
	assert.Len(t, w.ended, 1)
	assert.Empty(t, w.alarms)

	w, a, b, c = choice(1)
	w.needs = make(map[place][]need)
	w.wait(a, b, d)
	w.wait(b, c)
	w.wait(b, d)
	w.wait(c, a, b)
	w.rounds(3)
	assert.Empty(t, w.ended, "d goes on")
	w.wait(d, c)
	w.rounds(3)
	assert.Equal(t, []place{d}, w.ended)
}

// A plain circle is found by a plain search alone.
func TestAPlainCircleBesideAChoiceEndsOneWait(t *testing.T) {
	for seed := range uint64(50) {
		w, a, b, _ := choice(seed)
		w.wait(a, b)
		w.rounds(1)
		assert.Len(t, w.ended, 1)
		assert.Nil(t, w.alarms)
	}
}

// In any graph what is ended never goes on otherwise, and in the end all do.
func TestRandomGraphsOfWaitsForOne(t *testing.T) {
	const dense = 4
	for seed := range uint64(1000) {
		w := newWorld(2+int(seed%4), seed) //nolint:gosec // It is small.
		r := rand.New(rand.NewPCG(seed, 2))
		places := func() place { return place{r.IntN(len(w.nodes)), r.IntN(3)} }
		for range dense * len(w.nodes) {
			from := places()
			var to []place
			for range 1 + r.IntN(3) {
				if p := places(); p.node != from.node {
					to = append(to, p)
				}
			}
			w.now = w.now.Add(time.Duration(r.IntN(100)) * time.Millisecond)
			if len(to) > 0 && len(w.needs[from]) < 2 {
				w.wait(from, to...)
			}
		}
		for n := 0; len(w.dead()) > 0 && n < 40; n++ {
			w.rounds(1)
		}
		require.Empty(t, w.dead(), "seed %d", seed)
		require.Empty(t, w.alarms, "seed %d", seed)
	}
}

// Probes that are lost or come twice end nothing wrongly. The next search has its own.
func TestQuestionsThatAreLostOrComeTwice(t *testing.T) {
	for seed := range uint64(300) {
		w, _, _, _ := choice(seed)
		r := rand.New(rand.NewPCG(seed, 3))
		w.lose = func(letter) bool { return r.IntN(40) == 0 }
		w.twice = func(letter) bool { return r.IntN(5) == 0 }
		for n := 0; len(w.ended) == 0 && n < 40; n++ {
			w.rounds(1)
		}
		require.Len(t, w.ended, 1, "seed %d", seed)
		assert.Empty(t, w.alarms)
		w.lose = nil
		w.rounds(3)
		assert.Len(t, w.ended, 1)
	}
	w, _, _, _ := choice(1)
	w.twice = func(letter) bool { return true } // sessions do not: the first answer is not all then
	w.rounds(3)
	assert.LessOrEqual(t, len(w.ended), 1)
	assert.Empty(t, w.alarms)
}

// A call about which a node has asked may be over before there is an answer.
func TestACallThatIsOverIsNoneToWaitFor(t *testing.T) {
	w, a, b, c := choice(1)
	d := place{3, 0}
	w.wait(b, d)
	w.lose = func(l letter) bool { return l.to == d && l.probe.Phase == wire.Asking }
	w.search()
	w.deliver()
	assert.Positive(t, w.nodes[b.node].answers)
	gone := function{w, b}.exit(d)
	assert.True(t, w.pass(0))
	for range 2 {
		w.send(b, w.nodes[b.node].Lost(w.now, func(exit uint64) bool { return exit != gone }))
		w.deliver()
	}
	w.pass(Pause)
	w.lose = nil
	w.deliver()
	w.pass(Pause)
	w.deliver()
	assert.Len(t, w.ended, 1)
	assert.Contains(t, []place{a, b, c}, w.ended[0])
	for _, m := range w.nodes {
		assert.Zero(t, m.answers)
		assert.Zero(t, m.held)
	}
}

func TestQuestionsAreBounded(t *testing.T) {
	t.Run("answers", func(t *testing.T) {
		w, a, b, _ := choice(1)
		m := w.nodes[b.node]
		for nonce := range uint64(2 * maxGathers) {
			w.send(b, m.Receive(w.now, &wire.Probe{Phase: wire.Asking, Nonce: nonce, Left: 9}, function{w, b}, a))
		}
		assert.Len(t, m.gathers, maxGathers)
		assert.LessOrEqual(t, m.answers, maxAnswers)
		m.expire(w.now.Add(Lifetime))
		assert.Empty(t, m.gathers)
		assert.Zero(t, m.answers)
		assert.Zero(t, m.held)
	})
	t.Run("depth", func(t *testing.T) {
		w, a, b, _ := choice(1)
		for _, left := range []uint32{0, 1} {
			sends := w.nodes[b.node].Receive(w.now, &wire.Probe{Phase: wire.Confirming, Nonce: uint64(left), Left: left}, function{w, b}, a)
			require.Len(t, sends, 1)
			assert.Equal(t, left == 0, sends[0].Probe.Phase == wire.Telling)
		}
	})
	t.Run("size", func(t *testing.T) {
		w, a, b, _ := choice(1)
		m := w.nodes[b.node]
		sends := m.Receive(w.now, &wire.Probe{Phase: wire.Asking, Nonce: 1, Left: 9}, function{w, b}, a)
		require.Len(t, sends, 1)
		many := make([]wire.Need, wire.MaxNeeds)
		for i := range many {
			many[i] = wire.Need{Caller: wire.Incarnation{9}, Call: uint64(i), Exits: make([]uint64, wire.MaxExits)}
		}
		sends = m.Told(w.now, &wire.Probe{Phase: wire.Telling, Nonce: 1, Call: sends[0].Probe.Call, Needs: many})
		require.Len(t, sends, 1)
		assert.LessOrEqual(t, sends[0].Probe.Size(), wire.MaxTold+100)
		assert.Zero(t, m.held)
	})
	t.Run("searches", func(t *testing.T) {
		w, _, _, c := choice(1)
		m := w.nodes[c.node]
		of := wire.Waiter{Node: m.own, Root: function{w, c}.ID(), Print: w.needs[c][0].wait}
		for nonce := range uint64(100) {
			m.Receive(w.now, &wire.Probe{Phase: wire.Naming, Nonce: nonce, Left: 9, Of: of}, function{w, c}, place{})
		}
		assert.Len(t, m.searches, 1)
		of.Print++
		m.Receive(w.now, &wire.Probe{Phase: wire.Naming, Nonce: 101, Left: 9, Of: of}, function{w, c}, place{})
		assert.Len(t, m.searches, 1, "there is no such wait")
	})
}

// Node 3 lies, although nobody calls it.
func TestANodeThatLiesEndsNoWaitThatDoesNotNeedIt(t *testing.T) {
	w, a, _, c := choice(1)
	delete(w.needs, c) // c goes on, and so do all
	liar := place{3, 0}
	w.search()
	for _, l := range w.under {
		if l.probe.Phase != wire.Asking {
			continue
		}
		lie := wire.Need{Hop: wire.Hop{Node: w.nodes[2].own, Root: 1, Print: 1}, Exits: []uint64{1}}
		w.send(liar, w.nodes[a.node].Told(w.now, &wire.Probe{Phase: wire.Telling, Nonce: l.probe.Nonce + 1, Call: l.probe.Call, Needs: []wire.Need{lie}}))
		w.send(liar, w.nodes[a.node].Told(w.now, &wire.Probe{Phase: wire.Telling, Nonce: l.probe.Nonce, Call: l.probe.Call + 99, Needs: []wire.Need{lie}}))
	}
	w.deliver()
	w.rounds(3)
	assert.Empty(t, w.ended)
}

// It is one of those that the wait is for. What it says of another call is said twice.
func TestWhatIsToldTwiceIsALie(t *testing.T) {
	w, a, b, c := choice(1)
	liar := place{3, 0}
	w.needs = make(map[place][]need)
	w.wait(b, c)
	w.wait(place{2, 1}, a)              // which has a searched for
	w.wait(c, place{2, 1}, place{1, 1}) // the latter goes on
	w.now = w.now.Add(time.Second)
	w.wait(a, b, liar)
	forged := 0
	w.lose = func(l letter) bool {
		if l.to != liar {
			return false
		}
		forged++
		around := function{w, a}.exit(b)
		own := wire.Need{Hop: wire.Hop{Node: w.nodes[3].own, Root: 1, Print: 1, Age: 1 << 40}, Exits: []uint64{7}}
		round := wire.Need{Caller: w.nodes[3].own, Call: 7, Hop: wire.Hop{Node: w.nodes[0].own, Root: 1, Print: 2}, Exits: []uint64{around}}
		other := wire.Need{
			Caller: w.nodes[1].own, Call: function{w, b}.exit(c),
			Hop: wire.Hop{Node: w.nodes[3].own, Root: 2, Print: 3, Age: 1 << 40}, Exits: []uint64{7},
		}
		w.under = append(w.under, letter{liar, l.from, &wire.Probe{
			Phase: wire.Telling, Nonce: l.probe.Nonce, Call: l.probe.Call, Needs: []wire.Need{own, round, other},
		}})
		return true
	}
	w.rounds(3)
	assert.Positive(t, forged)
	assert.Empty(t, w.ended)
}

// Nodes that are slow answer when the next search has begun.
func TestAnswersThatTakeLong(t *testing.T) {
	w, _, _, c := choice(1)
	w.search()
	for n := 0; len(w.ended) == 0 && n < 200; n++ {
		w.now = w.now.Add(150 * time.Millisecond)
		for range len(w.under) {
			l := w.under[0]
			w.under = slices.Delete(w.under, 0, 1)
			w.deliverTo(l)
		}
		w.look()
		w.pass(0)
	}
	assert.Equal(t, []place{c}, w.ended)
}
