package actors

import (
	"reflect"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
)

// envelopNil returns an empty envelope for a nil message and for a nil envelope. Any
// other message it returns as it is. The run queue takes a bare nil for no item, and a
// nil envelope cannot be opened.
func envelopNil(message any) any {
	if envelope, ok := message.(*actor.MessageEnvelope); message == nil || ok && envelope == nil {
		return &actor.MessageEnvelope{}
	}
	return message
}

// isVoid reports whether a message of the actor system is nil, or says something about a
// PID that is nil. Protoactor would panic on it.
func isVoid(message any) bool {
	if v := reflect.ValueOf(message); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return true
	}
	switch message := message.(type) {
	case *actor.Terminated:
		return message.Who == nil
	case *actor.Failure:
		return message.Who == nil
	case *actor.Watch:
		return message.Watcher == nil
	case *actor.Unwatch:
		return message.Watcher == nil
	default:
		return false
	}
}

// submitControl puts a message into the control lane.
func (m *mailbox) submitControl(message any) {
	d := sched.DecisionUnchanged
	switch message.(type) {
	case *actor.SuspendMailbox:
		d = sched.DecisionAwaited
	case *actor.ResumeMailbox, *actor.Restart, *actor.Stop:
		d = sched.DecisionMade
	}
	m.sched.SubmitControl(message, d)
	if _, ok := message.(*actor.Failure); ok {
		m.sched.RecheckDeadlock()
	}
}
