package actors

import (
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/bounded"
	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
)

// noteFailure notes a failure of a call for snapshots, or of the caller itself if call is "".
func (c *Caller) noteFailure(call string, why any) {
	c.registry.failures.add(snapshot.Failure{Time: time.Now(), Caller: c.path(), Call: call, Error: bounded.Value(why).String()})
}

// noteEnd notes for snapshots that the caller has stopped, and why. Those that workers come
// and go as are not of interest.
func (c *Caller) noteEnd() {
	if err := c.stopCause(); err != nil {
		c.noteFailure("", err)
		return
	}
	if c.worker != nil {
		return
	}
	c.mu.Lock()
	var counters snapshot.Counters
	if c.coldState != nil {
		counters = c.coldState.counters
	}
	c.mu.Unlock()
	counters.Calls = c.sched.Picture(0).Taken
	c.registry.stopped.add(snapshot.Stopped{Time: time.Now(), ID: c.path(), Counters: counters})
}

// notePanic counts a panic outside of a pending, and notes it for snapshots. Name is that of
// what has panicked.
func (c *Caller) notePanic(name string, value any) {
	c.countPanic()
	c.countFailure(true, false)
	c.noteFailure(name, value)
}
