package supervision

import "fmt"

// Action is what happens to a failed caller or child.
type Action int

const (
	// ActionCapture leaves the failure in the pending of the call. The caller or child continues.
	ActionCapture Action = iota
	// ActionRestart restarts the actor. Queued pendings survive. Running ones are cancelled with the
	// failure as the cause.
	ActionRestart
	// ActionStop stops the actor.
	ActionStop
	// ActionEscalate makes the failure one of the parent, and the parent's policy decides.
	ActionEscalate
)

// String returns the name of the policy with that action, for example "Restart" for [ActionRestart].
// It is safe for concurrent use.
func (a Action) String() string {
	switch a {
	case ActionCapture:
		return "Capture"
	case ActionRestart:
		return "Restart"
	case ActionStop:
		return "Stop"
	case ActionEscalate:
		return "Escalate"
	default:
		return fmt.Sprintf("Action(%d)", int(a))
	}
}

// Policy decides what happens after a failure. The zero value is [Capture].
//
// A Policy is an immutable value. It can be copied, shared between callers, and is safe for concurrent
// use.
type Policy struct {
	action  Action
	restart restartPlan
}

// Capture returns the policy that leaves a failure in the pending of the call. Waiting for the
// pending returns the panic as an error, and the caller continues with its next function.
//
// A child actor is resumed: it keeps its state, and the message it failed on is lost.
func Capture() Policy {
	return Policy{action: ActionCapture}
}

// Restart returns the policy that restarts the actor of a caller. Without options it restarts at once,
// without a limit.
//
// A restart keeps the caller itself: its name, id and PID, and its publication. It keeps queued and
// delayed calls, and periodic calls. It keeps the queues that are idle or whose own item panicked.
// It also keeps the variables that functions share by closures. They may be as the panic has left
// them: make them anew in props.OnStart.
//
// A restart does not keep what has begun. Functions that have not returned are cancelled, with the panic
// as the cause. A queue that is at work on an item is cancelled too. The items behind that one are
// dropped, which is logged. Children and workers are stopped, and Child makes new ones. An actor that
// AsCaller has made a caller is made anew by its producer.
//
// An option with values that make no sense has no effect, and [Policy.Validate] reports it.
func Restart(opts ...RestartOption) Policy {
	p := Policy{action: ActionRestart}
	for i, opt := range opts {
		if opt == nil {
			p.restart.reject("Restart: option %d is nil", i+1)
			continue
		}
		opt(&p.restart)
	}
	p.restart.checkLimit()
	return p
}

// Stop returns the policy that stops a caller at its first failure.
func Stop() Policy {
	return Policy{action: ActionStop}
}

// Escalate returns the policy that passes a failure to the parent, as if a function of the parent
// had failed. The policy of the parent decides. A caller without a parent is stopped.
func Escalate() Policy {
	return Policy{action: ActionEscalate}
}

// Action returns the action of the policy. If [MaxRestarts] is exceeded the action is [ActionStop]
// instead, see [Record.Decide].
func (p Policy) Action() Action {
	return p.action
}

// Validate returns an error if options of [Restart] have values that make no sense, otherwise nil. The
// error names each of these options, with its values and the reason.
func (p Policy) Validate() error {
	return p.restart.invalid
}

// String returns the policy as Go source without the package, for example "Stop()" or
// "Restart(MaxRestarts(3, 1m0s))". Options that [Policy.Validate] reports are left out.
func (p Policy) String() string {
	return fmt.Sprintf("%v(%v)", p.action, p.restart)
}
