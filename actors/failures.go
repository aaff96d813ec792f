package actors

import (
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/bounded"
	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
)

const (
	// mostFailures bounds the failures that are kept, and failureAge how long.
	mostFailures = 256
	failureAge   = time.Minute
)

// failures are the last panics and stops by a failure of an actor system. They are what a
// snapshot shows of callers that are gone.
type failures struct {
	mu   sync.Mutex
	ring []snapshot.Failure // the last one is at (n-1)%mostFailures
	n    int                // how many there were
}

// add notes a failure of a call, or of the caller itself if call is "".
func (f *failures) add(c *Caller, call string, why any) {
	text := bounded.Value(why).String()
	f.mu.Lock()
	defer f.mu.Unlock()
	one := snapshot.Failure{Time: time.Now(), Caller: c.path(), Call: call, Error: text}
	if len(f.ring) < mostFailures {
		f.ring = append(f.ring, one)
	} else {
		f.ring[f.n%mostFailures] = one
	}
	f.n++
}

// recent returns the failures of the last minute, the oldest first.
func (f *failures) recent() (recent []snapshot.Failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := max(0, f.n-mostFailures); i < f.n; i++ {
		if one := f.ring[i%mostFailures]; time.Since(one.Time) < failureAge {
			recent = append(recent, one)
		}
	}
	return recent
}
