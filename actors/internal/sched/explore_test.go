package sched

import (
	"flag"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	exploreSchedules = flag.Int("explore.schedules", 0, "how many orders of each script to look at, chosen by the seed")
	exploreStates    = flag.Int("explore.states", 0, "how many states of each script to look at, at most; 0 is few")
	exploreSeed      = flag.Uint64("explore.seed", 1, "the seed of these orders")
	exploreScript    = flag.String("explore.script", "", "the script that TestReplay runs")
	exploreOrder     = flag.String("explore.order", "", "the order of steps in which it does")
)

// effort is how much of a script a test run looks at: so many states, and in so many orders
// what is beyond that.
type effort struct{ states, schedules int }

// The efforts of a test run.
var (
	ofScripts = effort{8000, 300}
	ofPairs   = effort{300, 20}
	ofTriples = effort{0, 6}
)

// explore looks at a script, and shortens what it finds.
func (f effort) explore(s script) exploration {
	if raceEnabled {
		f = effort{f.states / 20, max(1, f.schedules/20)}
	}
	e := exploreAll(s, max(f.states, *exploreStates))
	if e.found == nil && !e.complete {
		e.found = exploreSome(s, f.schedules, *exploreSeed).found
	}
	if e.found == nil && *exploreSchedules > 0 {
		e.found = exploreSome(s, *exploreSchedules, *exploreSeed).found
	}
	if e.found != nil {
		e.found.shorten()
	}
	return e
}

func TestExplore(t *testing.T) {
	for _, s := range scripts {
		t.Run(strings.ReplaceAll(s.name, " ", "_"), func(t *testing.T) {
			e := ofScripts.explore(s)
			switch {
			case e.found != nil:
				require.Fail(t, e.found.String())
			case e.complete:
				t.Logf("%d states, %.3g orders", e.states, e.orders)
			default:
				t.Logf("%d states, and more", e.states)
			}
		})
	}
}

// allScripts are the scripts, with the pairs and the triples.
func allScripts() []script {
	all := append([]script{}, scripts...)
	for backend := range backends {
		all = append(all, pairs(backend)...)
		all = append(all, triples(backend)...)
	}
	return all
}

func TestExplorePairs(t *testing.T) { exploreBackends(t, pairs, ofPairs) }

func TestExploreTriples(t *testing.T) { exploreBackends(t, triples, ofTriples) }

func exploreBackends(t *testing.T, scripts func(backend int) []script, f effort) {
	for i, backend := range backends {
		t.Run(backend.name, func(t *testing.T) {
			states, complete := 0, 0
			for _, s := range scripts(i) {
				e := f.explore(s)
				if e.found != nil {
					assert.Fail(t, e.found.String())
				}
				states += e.states
				if e.complete {
					complete++
				}
			}
			t.Logf("%d scripts, %d states, all states of %d", len(scripts(i)), states, complete)
		})
	}
}

// TestReplay plays the order of -explore.order. Without one it checks that orders replay.
func TestReplay(t *testing.T) {
	if *exploreScript == "" {
		trace := func(w *world) { w.tracing = true }
		for _, s := range scripts {
			first, order := play(s, randomly{rand.New(rand.NewPCG(*exploreSeed, 1))}, 0, trace) //nolint:gosec // Chance is enough.
			again, _ := play(s, &replay{order: order}, 0, trace)
			require.Equal(t, first.steps, again.steps, s.name)
		}
		return
	}
	for _, s := range allScripts() {
		if s.name != *exploreScript {
			continue
		}
		r := &replay{}
		for _, id := range strings.Split(*exploreOrder, ",") {
			n, err := strconv.Atoi(id)
			require.NoError(t, err)
			r.order = append(r.order, n)
		}
		w, order := play(s, r, 0, func(w *world) { w.tracing = true })
		f := finding{script: s, failure: w.failure, order: order, steps: w.steps}
		t.Log(f.String())
		require.Empty(t, w.failure)
	}
}
