package inspect

import (
	"fmt"
	"sync"
	"time"
)

// minInterval is over what time a rate is computed, at least.
const minInterval = time.Second

// rates are how many calls a second callers begin, between two snapshots.
type rates struct {
	mu            sync.Mutex
	before, after sample
}

// sample is how many calls the callers had begun at a time.
type sample struct {
	at    time.Time
	calls map[string]uint64
}

// note notes a snapshot.
func (r *rates) note(s *Snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.Taken.Sub(r.after.at) < minInterval {
		return
	}
	now := sample{s.Taken, make(map[string]uint64, len(s.Callers))}
	for _, c := range s.Callers {
		now.calls[c.ID] = c.Counters.Calls
	}
	r.before, r.after = r.after, now
}

// of returns the rate of a caller, "" if it is not known.
func (r *rates) of(c *Caller) string {
	n := r.number(c)
	if n < 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", n)
}

// number returns the rate of a caller, -1 if it is not known.
func (r *rates) number(c *Caller) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	from, known := r.before.calls[c.ID]
	to, knownNow := r.after.calls[c.ID]
	if !known || !knownNow || to < from {
		return -1
	}
	return float64(to-from) / r.after.at.Sub(r.before.at).Seconds()
}
