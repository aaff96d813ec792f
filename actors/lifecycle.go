package actors

import (
	"fmt"

	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// State is where a caller is in its life. It only moves forward, except that a restart
// takes a running caller back to Starting.
type State int32

const (
	// StateInitial is that of a caller which is made but not started: calls
	// are queued.
	StateInitial State = iota
	// StateStarting is that of a caller which is about to run, for the first
	// time or again.
	StateStarting
	// StateRunning is that of a caller which runs what is called on it.
	StateRunning
	// StateStopping is that of a caller which rejects calls. It waits for its
	// functions to return and its children to stop.
	StateStopping
	// StateStopped is that of a caller which is gone. There is no way back.
	StateStopped
)

var stateNames = [...]string{"initial", "starting", "running", "stopping", "stopped"}

// stateSigns are the seed's.
var stateSigns = [...]string{"❗", "❗", "🏃", "🏁", "🏁"}

// String returns the name of the state in lower case.
func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return fmt.Sprintf("State(%d)", int(s))
	}
	return stateNames[s]
}

// State returns where the caller is in its life.
func (c *Caller) State() State { return State(c.state.Load()) }

// transition changes the state if it is from, and reports whether it was.
func (c *Caller) transition(from, to State) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.CompareAndSwap(int32(from), int32(to))
}

// claimStart claims the only start that a caller has.
func (c *Caller) claimStart() error {
	if !c.transition(StateInitial, StateStarting) {
		return fmt.Errorf("actors: start %s: it is %v already", c.path(), c.State())
	}
	return nil
}

// start is the rest of a start that was claimed.
func (c *Caller) start() error {
	err := c.openPublication()
	defer c.sched.Open() // even if a callback that the stop calls ends the goroutine
	if err != nil {
		c.stop(err)
	} else {
		c.startExecutor()
	}
	return err
}

// startExecutor starts what the functions run on, if that is not goroutines.
func (c *Caller) startExecutor() {
	switch {
	case c.config.Host != nil:
		c.sched.StartHosted(c.config.Host)
		if host, ok := c.config.Host.(props.EndingHost); ok {
			go c.watchHost(host)
		}
	case c.config.Backend == props.Thread:
		c.sched.StartThread()
	}
}

// started is called when the actor has handled its Started message.
func (c *Caller) started() { c.transition(StateStarting, StateRunning) }

// finalize is called when the caller's actor has ended. The first call counts. Waiters
// for that end are notified at its end.
func (c *Caller) finalize() {
	c.ended.Do(func() {
		c.registry.remove(c)
		if p := c.parent; p != nil {
			p.mu.Lock()
			if p.children[c.name] == c {
				delete(p.children, c.name)
			}
			p.mu.Unlock()
		}
		if c.worker != nil {
			c.worker.pool.drop(c.worker)
		}
		// User code is called on the way, and may end the goroutine.
		defer c.publish(supervision.Stopped{Who: c.pid, Name: c.name, Err: c.stopCause()})
		defer c.notifyStopped()
		defer c.sched.CloseExecutors()
		defer c.registry.removeCaller(c.config.Telemetry)
		c.closePublication()
	})
}

// notifyStopped notifies those who wait for the end.
func (c *Caller) notifyStopped() {
	c.mu.Lock()
	c.state.Store(int32(StateStopped))
	var end *pending.Pending[struct{}]
	if c.coldState != nil {
		end = c.coldState.end
	}
	c.mu.Unlock()
	if end != nil {
		end.SetResult(struct{}{})
	}
}
