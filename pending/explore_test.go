package pending

import (
	"log/slog"
	"testing"

	"github.com/seed-7fcaac1b/protocaller/internal/explore"
	"github.com/seed-7fcaac1b/protocaller/internal/explore/instrument"
)

// isExplored reports whether this program is the one that TestExplore builds.
var isExplored = func() bool {
	_, ok := any(&(&base{}).mu).(interface{ IsHeld() bool })
	return ok
}()

// TestExplore explores the code of this package, in a program that is built for that. With
// -v it lists the scripts, with their states and orders.
func TestExplore(t *testing.T) {
	instrument.Explore(t, instrument.Files(t, "."), "^(TestScripts|TestPairs|TestTriples)$")
}

// TestReplay plays the order of -explore.order in the script of -explore.script.
func TestReplay(t *testing.T) {
	instrument.Explore(t, instrument.Files(t, "."), "^TestReplayed$")
}

func requireExplored(t *testing.T) {
	if !isExplored {
		t.Skip("TestExplore runs it, in a program of which each step is explored")
	}
	before := slog.Default()
	slog.SetDefault(discard)
	t.Cleanup(func() { slog.SetDefault(before) })
}

func TestScripts(t *testing.T) {
	requireExplored(t)
	explore.Run(t, explored(scripts), explore.Effort{States: 5000, Schedules: 200})
}

func TestPairs(t *testing.T) {
	requireExplored(t)
	explore.RunAll(t, explored(pairs()), explore.Effort{States: 300, Schedules: 10})
}

func TestTriples(t *testing.T) {
	requireExplored(t)
	explore.RunAll(t, explored(triples()), explore.Effort{Schedules: 4})
}

func TestReplayed(t *testing.T) {
	requireExplored(t)
	explore.RunReplay(t, explored(allScripts()))
}

func allScripts() []script {
	all := append([]script{}, scripts...)
	return append(append(all, pairs()...), triples()...)
}
