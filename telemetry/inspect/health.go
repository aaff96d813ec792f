package inspect

import (
	"fmt"
	"strings"
	"time"
)

const (
	// longTurn is how long a turn is held before that is a matter of health.
	longTurn = Seconds(10 * time.Second)
	// nearLimit is which part of a limit, in percent, is near it.
	nearLimit = 80

	nothingUnusual = "nothing unusual"
)

// Health returns on one line what may be wrong: circles of waits, turns that are held for
// 10 seconds or more, callers near a limit, and failures of the last minute. It is "nothing
// unusual" if there is none of these. With [Nodes] it counts circles across nodes too, but
// nothing else of other nodes.
func (s *Snapshot) Health() string {
	var parts []string
	add := func(n int, one, many string) {
		switch {
		case n == 1:
			parts = append(parts, "1 "+one)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", n, many))
		}
	}
	add(len(s.Circles), "circle", "circles")
	add(len(s.Across), "circle across nodes", "circles across nodes")
	held, longest := s.heldTurns()
	add(held, "turn held", "turns held")
	if held > 0 {
		parts[len(parts)-1] += " for " + longest.String()
	}
	near := 0
	for _, c := range s.Callers {
		if c.isNearLimit() {
			near++
		}
	}
	add(near, "caller near a limit", "callers near a limit")
	add(len(s.Failures), "failure in the last minute", "failures in the last minute")
	if len(parts) == 0 {
		return nothingUnusual
	}
	return strings.Join(parts, ", ")
}

// heldTurns returns how many turns are held for long, and the longest time.
func (s *Snapshot) heldTurns() (n int, longest Seconds) {
	for _, c := range s.Callers {
		if c.holdsLong() {
			n++
			longest = max(longest, *c.Running.Age)
		}
	}
	return n, longest
}

func (c *Caller) holdsLong() bool {
	return c.Running != nil && c.Running.Age != nil && *c.Running.Age >= longTurn
}

func (c *Caller) isNearLimit() bool {
	near := func(n, limit int) bool { return limit > 0 && 100*n >= nearLimit*limit }
	return near(c.Queued, c.Limits.Queued) || near(c.SuspendedN, c.Limits.Suspended) ||
		near(c.DelayedN, c.Limits.Queued) || c.Workers.Queued > 0
}
