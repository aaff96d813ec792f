package pendingexplore

import (
	"testing"

	"github.com/seed-7fcaac1b/protocaller/internal/explore/instrument"
)

// explored are the folders of the packages that are explored.
var explored = []string{"../future", "../scheduled", "../../pending"}

// TestExplore explores pendings, in a program that is built for that. With -v it lists the
// scripts, with their states and orders.
func TestExplore(t *testing.T) {
	instrument.Explore(t, instrument.InPlace(t, explored...), "^(TestScripts|TestPairs|TestTriples)$")
}

// TestReplay plays the order of -explore.order in the script of -explore.script.
func TestReplay(t *testing.T) {
	instrument.Explore(t, instrument.InPlace(t, explored...), "^TestReplayed$")
}
