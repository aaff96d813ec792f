package session

import (
	"slices"
	"testing"

	"github.com/seed-7fcaac1b/protocaller/internal/explore"
)

func effort(states, schedules int) explore.Effort {
	if raceEnabled {
		return explore.Effort{States: states / 10, Schedules: max(1, schedules/10)}
	}
	return explore.Effort{States: states, Schedules: schedules}
}

// TestExplore has the nodes and their link do what they may, in all orders and at random.
func TestExplore(t *testing.T) { explore.RunAll(t, explored(scripts()), effort(200, 20)) }

func TestExplorePointed(t *testing.T) { explore.RunAll(t, explored(pointed()), effort(200, 20)) }

// TestExploreHostile has a node send what it likes.
func TestExploreHostile(t *testing.T) { explore.RunAll(t, explored(hostiles()), effort(50, 10)) }

func TestReplay(t *testing.T) {
	explore.RunReplay(t, explored(slices.Concat(scripts(), pointed(), hostiles())))
}
