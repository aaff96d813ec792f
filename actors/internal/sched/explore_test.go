package sched

import (
	"testing"

	"github.com/seed-7fcaac1b/protocaller/internal/explore"
)

// The efforts of a test run.
var (
	ofScripts = effort(8000, 300)
	ofPairs   = effort(300, 20)
	ofTriples = effort(0, 6)
)

func effort(states, schedules int) explore.Effort {
	if raceEnabled {
		return explore.Effort{States: states / 20, Schedules: max(1, schedules/20)}
	}
	return explore.Effort{States: states, Schedules: schedules}
}

func TestExplore(t *testing.T) { explore.Run(t, explored(scripts), ofScripts) }

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

func exploreBackends(t *testing.T, scripts func(backend int) []script, f explore.Effort) {
	for i, backend := range backends {
		t.Run(backend.name, func(t *testing.T) { explore.RunAll(t, explored(scripts(i)), f) })
	}
}

func TestReplay(t *testing.T) { explore.RunReplay(t, explored(allScripts())) }
