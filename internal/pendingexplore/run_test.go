//go:build explored

package pendingexplore

import (
	"log/slog"
	"testing"

	"github.com/seed-7fcaac1b/protocaller/internal/explore"
	"github.com/seed-7fcaac1b/protocaller/internal/explore/mutate"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

func requireExplored(t *testing.T) {
	if !future.IsExplored() {
		t.Skip("TestExplore runs it, in a program of which each step is explored")
	}
	before := slog.Default()
	slog.SetDefault(discard)
	t.Cleanup(func() { slog.SetDefault(before) })
}

func TestScripts(t *testing.T) {
	requireExplored(t)
	explore.Run(t, exploredScripts(scripts), explore.Effort{States: 5000, Schedules: 200})
}

func TestPairs(t *testing.T) {
	requireExplored(t)
	explore.RunAll(t, exploredScripts(pairs()), explore.Effort{States: 300, Schedules: 10})
}

func TestTriples(t *testing.T) {
	requireExplored(t)
	explore.RunAll(t, exploredScripts(triples()), explore.Effort{Schedules: 4})
}

func TestReplayed(t *testing.T) {
	requireExplored(t)
	explore.RunReplay(t, exploredScripts(allScripts()))
}

func allScripts() []script {
	all := append([]script{}, scripts...)
	return append(append(all, pairs()...), triples()...)
}

func TestMutant(t *testing.T) {
	mutate.Explore(t, exploredScripts(scripts), exploredScripts(allScripts()))
}
