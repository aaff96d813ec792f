package supervision

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// Failed says that a caller has failed: a function of it has panicked, or a child has escalated its
// own failure. The caller publishes it, as a value, on the EventStream of its actor system after its
// policy has decided, and before the action is taken.
//
// Handlers run one after the other on the goroutine of the caller, and must not block.
type Failed struct {
	Who    *actor.PID    // the caller's actor
	Name   string        // the caller's name
	Err    error         // the failure
	Action Action        // what happens to the caller now
	Delay  time.Duration // how long from now; 0 is at once
}

// Restarted says that a caller has been restarted after a failure. The caller publishes it, as a
// value, on the EventStream of its actor system when its actor runs again, before the first of the
// pendings that survived.
//
// Handlers run one after the other on the goroutine of the caller, and must not block.
type Restarted struct {
	Who  *actor.PID // the caller's actor, the same as before
	Name string     // the caller's name
	Err  error      // the failure that led to the restart
}

// Stopped says that a caller has stopped, whoever stopped it. The caller publishes it, as a value, on
// the EventStream of its actor system when its children have stopped and all its pendings are done:
// it is the last event of this caller.
//
// Handlers run one after the other on the goroutine of the caller, and must not block.
type Stopped struct {
	Who  *actor.PID // the actor the caller had
	Name string     // the caller's name
	Err  error      // why it stopped; nil for an ordinary stop
}
