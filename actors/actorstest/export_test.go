package actorstest

import "testing"

// Found is what an exploration has found.
type Found struct {
	Report    string // "" if no schedule fails
	Schedules int    // that were tried
	Seed      uint64 // of the one that fails
	Differs   string // how another run of it differs
	Summary   string
}

// Find is [Explore] for tests of Explore: the test does not fail.
func Find(t *testing.T, body func(t testing.TB, w *World), opts ...ExploreOption) Found {
	e, err := newExploration(t, body, opts)
	if err != nil {
		t.Fatal(err)
	}
	f := e.explore()
	found := Found{Schedules: e.played, Summary: e.summary()}
	if f != nil {
		found.Report, found.Seed, found.Differs = f.String(), f.seed, f.differs
	}
	return found
}

// Order returns the steps of the schedule of a seed.
func Order(t *testing.T, seed uint64, body func(t testing.TB, w *World), opts ...ExploreOption) []string {
	e, err := newExploration(t, body, opts)
	if err != nil {
		t.Fatal(err)
	}
	return e.play(plan{chooser: newChooser(seed), seed: seed}).order
}
