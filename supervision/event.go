package supervision

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// Failed is the event of a failed caller: a function of it has panicked, or a child has escalated
// its own failure.
//
// The caller publishes it, as a value, on the EventStream of its actor system. That is after its
// policy has decided and before the action is taken. Handlers run one after the other on the goroutine
// of the caller, and must not block.
type Failed struct {
	Who    *actor.PID    // the caller's actor
	Name   string        // the caller's name
	Err    error         // the failure
	Action Action        // what happens to the caller now
	Delay  time.Duration // time until the action; 0 means at once
}

// Restarted is the event of a caller that has restarted after a failure.
//
// The caller publishes it, as a value, on the EventStream of its actor system. That is when its actor
// runs again, before the first function that survived. Handlers run one after the other on the
// goroutine of the caller, and must not block.
type Restarted struct {
	Who  *actor.PID // the caller's actor, the same as before
	Name string     // the caller's name
	Err  error      // the failure that led to the restart
}

// Stopped is the event of a caller that has stopped, for whatever reason. It is the last event of the
// caller.
//
// The caller publishes it, as a value, on the EventStream of its actor system. That is when its
// children have stopped and all its pendings are done. Handlers run one after the other on the
// goroutine of the caller, and must not block.
type Stopped struct {
	Who  *actor.PID // the actor that the caller had
	Name string     // the caller's name
	Err  error      // why it stopped; nil for an ordinary stop
}
