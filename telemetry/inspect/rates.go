package inspect

import (
	"fmt"
	"sync"
	"time"
)

const (
	// minInterval is over what time a rate is computed, at least.
	minInterval = time.Second
	// rateAge is for how long a caller that is not seen any more is remembered.
	rateAge = time.Minute
)

// rates are how many calls a second callers begin. Each caller has its own times, since the
// snapshots of pages with filters show different callers.
type rates struct {
	mu      sync.Mutex
	callers map[rateKey]*rate
	pruned  time.Time
}

// rateKey is a caller of a node, whose address is "" for this one.
type rateKey struct{ node, id string }

// rate is that of one caller.
type rate struct {
	at        time.Time
	calls     uint64 // that it had begun then
	perSecond float64
	known     bool
}

// note notes a snapshot of a node.
func (r *rates) note(node string, s *Snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.callers == nil {
		r.callers = make(map[rateKey]*rate)
	}
	for _, c := range s.Callers {
		key := rateKey{node, c.ID}
		last := r.callers[key]
		if last == nil || c.Counters.Calls < last.calls { // another one of that name
			r.callers[key] = &rate{at: s.Taken, calls: c.Counters.Calls}
			continue
		}
		if passed := s.Taken.Sub(last.at); passed >= minInterval {
			perSecond := float64(c.Counters.Calls-last.calls) / passed.Seconds()
			*last = rate{s.Taken, c.Counters.Calls, perSecond, true}
		}
	}
	if s.Taken.Sub(r.pruned) >= rateAge {
		r.pruned = s.Taken
		for key, one := range r.callers {
			if s.Taken.Sub(one.at) >= rateAge {
				delete(r.callers, key)
			}
		}
	}
}

// of returns the rate of a caller, "" if it is not known.
func (r *rates) of(node string, c *Caller) string {
	n := r.number(node, c)
	if n < 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", n)
}

// number returns the rate of a caller, -1 if it is not known.
func (r *rates) number(node string, c *Caller) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if one := r.callers[rateKey{node, c.ID}]; one != nil && one.known {
		return one.perSecond
	}
	return -1
}
