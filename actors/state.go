package actors

import "fmt"

// State is a stage in the life of a caller. It only moves forward, except that a
// restart takes a running caller back to Starting.
type State int32

const (
	// StateInitial is the state of a new caller. Calls are queued.
	StateInitial State = iota
	// StateStarting is the state of a caller that starts or restarts.
	StateStarting
	// StateRunning is the state of a caller that runs its calls.
	StateRunning
	// StateStopping is the state of a caller that rejects calls. It waits for its
	// functions to return and its children to stop.
	StateStopping
	// StateStopped is the state of a caller that has ended. It is final.
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

// State returns the state of the caller.
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
