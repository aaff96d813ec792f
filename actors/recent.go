package actors

import (
	"sync"
	"time"
)

const (
	// mostRecent bounds what is kept of each kind, and recentAge how long.
	mostRecent = 256
	recentAge  = time.Minute
)

// recent is what has happened last in an actor system. It is what a snapshot shows of calls
// and callers that are gone.
type recent[T any] struct {
	mu   sync.Mutex
	ring []moment[T] // the last one is at (n-1)%mostRecent
	n    int         // how many there were
}

type moment[T any] struct {
	at   time.Time
	what T
}

// add notes something that happens now.
func (r *recent[T]) add(what T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := moment[T]{time.Now(), what}
	if len(r.ring) < mostRecent {
		r.ring = append(r.ring, one)
	} else {
		r.ring[r.n%mostRecent] = one
	}
	r.n++
}

// all returns what has happened in the last minute, the oldest first.
func (r *recent[T]) all() (all []T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := max(0, r.n-mostRecent); i < r.n; i++ {
		if one := r.ring[i%mostRecent]; time.Since(one.at) < recentAge {
			all = append(all, one.what)
		}
	}
	return all
}
