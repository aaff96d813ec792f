package snapshot

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// tick is how exactly a clock knows when a call came into its state.
	tick = time.Second
	// lookFor is how long a clock runs after the last look.
	lookFor = 5 * time.Second
)

// looking counts the clocks that run.
var looking atomic.Int32

// Looking reports whether somebody looks at the calls of a system, or has just done so.
func Looking() bool { return looking.Load() > 0 }

// Clock finds out since when calls are in their states. It does so by looking every second,
// and only while somebody looks and a few seconds after: calls bear no time. Its zero value
// is ready for use. It is safe for concurrent use.
type Clock struct {
	mu    sync.Mutex
	seen  map[sighting]time.Time // the zero time if it was there when the clock began
	began time.Time              // the first look
	last  time.Time              // the last look of the clock; zero while it does not run
	until time.Time              // when it stops
	timer *time.Timer
}

// sighting is a call in one state, or in one wait.
type sighting struct {
	call  any
	state CallState
	wait  uint64
}

func sightingOf(c *Call) sighting {
	s := sighting{call: c.Key, state: c.State}
	if c.WaitsFor != nil {
		s.wait = c.WaitsFor.Number
	}
	return s
}

// Look sets since when the calls of a picture are in their states. take returns all of the
// callers.
func (c *Clock) Look(s *System, take func() *System) {
	now := time.Now()
	c.mu.Lock()
	c.until = now.Add(lookFor)
	fresh := now.Sub(c.last) < tick
	c.mu.Unlock()
	if !fresh {
		c.tick(take)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for call := range s.calls {
		since, known := c.seen[sightingOf(call)]
		switch {
		case !known:
			call.Since = now
		case since.IsZero():
			call.Before = c.began
		default:
			call.Since = since
		}
	}
}

// tick notes what calls there are, and comes again.
func (c *Clock) tick(take func() *System) {
	picture := take()
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.After(c.until) {
		if c.seen != nil {
			looking.Add(-1)
		}
		c.seen, c.last = nil, time.Time{}
		return
	}
	if c.seen == nil {
		looking.Add(1)
		c.began = now
	}
	seen := make(map[sighting]time.Time)
	for call := range picture.calls {
		key := sightingOf(call)
		since, known := c.seen[key]
		if !known && c.seen != nil {
			since = now
		}
		seen[key] = since
	}
	c.seen, c.last = seen, now
	if c.timer == nil {
		c.timer = time.AfterFunc(tick, func() { c.tick(take) })
	} else {
		c.timer.Reset(tick)
	}
}

// calls calls yield with all calls of a picture.
func (s *System) calls(yield func(*Call) bool) {
	for i := range s.Callers {
		c := &s.Callers[i]
		for _, call := range []*Call{c.OldestQueued, c.Running} {
			if call != nil && !yield(call) {
				return
			}
		}
		for j := range c.Suspended {
			if !yield(&c.Suspended[j]) {
				return
			}
		}
	}
}
