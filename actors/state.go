package actors

import "fmt"

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

// stateSigns are the signs of [Caller.String], by state.
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
