package supervision

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// Failed is the event of a failed caller. A function of it has panicked, or a child has escalated
// its own failure.
//
// It is published, as a value, on the EventStream of the actor system, after the policy has decided. The
// action does not wait for handlers. See the package documentation for how they run.
type Failed struct {
	Who    *actor.PID    // the caller's actor
	Name   string        // the caller's name
	Err    error         // the failure
	Action Action        // what happens to the caller now
	Delay  time.Duration // time until the action; 0 means at once
}

// Restarted is the event of a caller that has restarted after a failure.
//
// It is published, as a value, on the EventStream of the actor system, when the caller's actor runs
// again. The functions that survived do not wait for handlers. See the package documentation for how they
// run.
type Restarted struct {
	Who  *actor.PID // the caller's actor, the same as before
	Name string     // the caller's name
	Err  error      // the failure that led to the restart
}

// Stopped is the event of a caller that has stopped, for whatever reason. It is the last event of the
// caller.
//
// It is published, as a value, on the EventStream of the actor system. Then the children have stopped,
// all pendings of the caller are done, and its Stopped channel is closed. See the package documentation for
// how handlers run.
type Stopped struct {
	Who  *actor.PID // the actor that the caller had
	Name string     // the caller's name
	Err  error      // why it stopped; nil for an ordinary stop
}
