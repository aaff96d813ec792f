package supervision

import "fmt"

// Action is what happens to a caller, or to a child, that has failed.
type Action int

const (
	// ActionCapture leaves the failure in the pending of the call. The caller, or the child, goes on.
	ActionCapture Action = iota
	// ActionRestart restarts the actor. Queued pendings survive, running ones are cancelled with the
	// failure as the cause.
	ActionRestart
	// ActionStop stops the actor.
	ActionStop
	// ActionEscalate makes the failure one of the parent, which the parent's policy decides.
	ActionEscalate
)

// String returns the name of the policy that leads to the action, "Restart" for [ActionRestart]. It
// may be called from any goroutine.
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

// Policy says what happens after a failure. It is an immutable value: copy it, share it between
// callers and use it from any goroutine. The zero value is [Capture].
type Policy struct {
	action  Action
	restart restartPlan
}

// Capture returns the policy that leaves a failure in the pending of the call: whoever waits for it
// sees the panic as an error, and the caller goes on with its next function. For a child actor it
// means that the child is resumed: it keeps its state, and the message it failed on is lost. It may
// be called from any goroutine.
func Capture() Policy {
	return Policy{action: ActionCapture}
}

// Restart returns the policy that restarts the actor of a caller: the pendings that are queued
// survive, and those that are running are cancelled with the panic as the cause. Without options it
// restarts at once and as often as it takes. It may be called from any goroutine.
//
// An option with impossible values is left out and reported by [Policy.Validate].
func Restart(opts ...RestartOption) Policy {
	p := Policy{action: ActionRestart}
	for i, opt := range opts {
		if opt == nil {
			p.restart.reject("Restart: option %d is nil", i+1)
			continue
		}
		opt(&p.restart)
	}
	return p
}

// Stop returns the policy that stops a caller at its first failure. It may be called from any
// goroutine.
func Stop() Policy {
	return Policy{action: ActionStop}
}

// Escalate returns the policy that makes a failure one of the parent, as if a function of the parent
// had failed; the policy of the parent decides. It may be called from any goroutine.
func Escalate() Policy {
	return Policy{action: ActionEscalate}
}

// Action returns what the policy does about a failure. A limit of restarts may make an [ActionStop]
// of it, see [Record.Decide]. It may be called from any goroutine.
func (p Policy) Action() Action {
	return p.action
}

// Validate returns nil, or an error that names every option of [Restart] whose values are
// impossible, and says why. It may be called from any goroutine.
func (p Policy) Validate() error {
	return p.restart.invalid
}

// String returns the policy as it is written in Go, without the package: "Stop()", or
// "Restart(MaxRestarts(3, 1m0s))". Options that [Policy.Validate] reports are missing. It may be
// called from any goroutine.
func (p Policy) String() string {
	return fmt.Sprintf("%v(%v)", p.action, p.restart)
}
