package explore

import (
	"flag"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The flags of a test that explores.
var (
	schedules = flag.Int("explore.schedules", 0, "how many orders of each script to look at, chosen by the seed")
	states    = flag.Int("explore.states", 0, "how many states of each script of its own to look at, at most; 0 is few")
	seed      = flag.Uint64("explore.seed", 1, "the seed of these orders")
	script    = flag.String("explore.script", "", "the script that TestReplay runs")
	order     = flag.String("explore.order", "", "the order of steps in which it does")
)

// Seed returns the seed of the orders, of -explore.seed.
func Seed() uint64 { return *seed }

// look looks at a script, and at as many orders as the flags ask for.
func (f Effort) look(s Script) Exploration {
	e := f.Explore(s, *seed)
	if e.Found == nil && *schedules > 0 {
		if e.Found = Some(s, *schedules, *seed).Found; e.Found != nil {
			e.Found.Shorten()
		}
	}
	return e
}

// Run explores each script in a test of its own, which logs how many states and orders there
// are.
func Run(t *testing.T, scripts []Script, f Effort) {
	f.States = max(f.States, *states)
	for _, s := range scripts {
		t.Run(strings.ReplaceAll(s.Name, " ", "_"), func(t *testing.T) {
			e := f.look(s)
			switch {
			case e.Found != nil:
				require.Fail(t, e.Found.String())
			case e.Complete:
				t.Logf("%d states, %.3g orders", e.States, e.Orders)
			default:
				t.Logf("%d states, and more", e.States)
			}
		})
	}
}

// RunAll explores many scripts, and logs how many states there are in all.
func RunAll(t *testing.T, scripts []Script, f Effort) {
	states, complete := 0, 0
	for _, s := range scripts {
		e := f.look(s)
		if e.Found != nil {
			assert.Fail(t, e.Found.String())
		}
		states += e.States
		if e.Complete {
			complete++
		}
	}
	t.Logf("%d scripts, %d states, all states of %d", len(scripts), states, complete)
}

// RunReplay plays the order of -explore.order. Without one it checks that orders replay.
func RunReplay(t *testing.T, scripts []Script) {
	if *script == "" {
		for _, s := range scripts {
			first, again := Replays(s, *seed)
			require.Equal(t, first, again, s.Name)
		}
		return
	}
	for _, s := range scripts {
		if s.Name != *script {
			continue
		}
		steps, found, err := Replay(s, *order)
		require.NoError(t, err)
		t.Log(strings.Join(steps, "\n"))
		if found != nil {
			t.Fatal(found)
		}
	}
}
