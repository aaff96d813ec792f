package actorstest

import (
	"reflect"
	"unsafe"

	"github.com/asynkron/protoactor-go/actor"
)

// plainMailbox is the mailbox of an actor of protoactor where all orders are tried. Whoever
// sends to the actor uses it.
type plainMailbox struct {
	actor.Mailbox
	of *plainActor
}

// PostUserMessage implements [actor.Mailbox].
func (m *plainMailbox) PostUserMessage(message any) {
	m.of.control.Touch(m.of)
	m.Mailbox.PostUserMessage(message)
}

// PostSystemMessage implements [actor.Mailbox].
func (m *plainMailbox) PostSystemMessage(message any) {
	m.of.control.Touch(m.of)
	m.Mailbox.PostSystemMessage(message)
}

// mailboxOf returns a producer of the mailboxes that props ask for. What they have is not
// exported.
func (a *plainActor) mailboxOf(props *actor.Props) actor.MailboxProducer {
	given := reflect.ValueOf(props).Elem().FieldByName("mailboxProducer")
	produce := *(*actor.MailboxProducer)(unsafe.Pointer(given.UnsafeAddr()))
	if produce == nil {
		produce = actor.Unbounded()
	}
	return func() actor.Mailbox { return &plainMailbox{produce(), a} }
}

// subscription is what uses the event stream of a system.
type subscription struct{ system string }

// StepName names the event stream in a list of steps.
func (s subscription) StepName() string { return "events of " + s.system }
