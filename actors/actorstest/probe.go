package actorstest

import (
	"context"
	"reflect"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
)

// Probe is an actor that keeps its messages for [Expect]. It is made by
// [NewProbe]. It is safe for concurrent use, but Reply and [Expect] must be called
// on the goroutine of the test.
type Probe struct {
	tb     testing.TB
	system *actor.ActorSystem
	pid    *actor.PID
	got    feed[delivery]
	asker  *actor.PID // who sent what was expected last
}

// delivery is a message and who sent it.
type delivery struct {
	message any
	sender  *actor.PID
}

// NewProbe returns a probe that lives in the system until the test ends.
func NewProbe(tb testing.TB, system *actor.ActorSystem) *Probe {
	p := &Probe{tb: tb, system: system}
	p.pid = system.Root.Spawn(actor.PropsFromFunc(p.receive))
	tb.Cleanup(func() { system.Root.Stop(p.pid) })
	return p
}

func (p *Probe) receive(ctx actor.Context) {
	switch message := ctx.Message().(type) {
	case *actor.Started, *actor.Stopping, *actor.Stopped:
	case toWatch:
		ctx.Watch(message.pid)
	default:
		p.got.add(delivery{message, ctx.Sender()})
	}
}

// toWatch asks a probe to watch an actor.
type toWatch struct{ pid *actor.PID }

// PID returns the address of the probe's actor.
func (p *Probe) PID() *actor.PID { return p.pid }

// Request sends a message with the probe as its sender. The answer goes to the
// probe.
func (p *Probe) Request(to *actor.PID, message any) {
	p.system.Root.RequestWithCustomSender(to, message, p.pid)
}

// Watch makes the probe watch an actor. The probe gets *actor.Terminated when the
// actor has ended, also if it ended before.
func (p *Probe) Watch(pid *actor.PID) { p.system.Root.Send(p.pid, toWatch{pid}) }

// Reply sends a message to the sender of the message that [Expect] returned last. The
// test fails at once if that message has no sender. It must be called on the goroutine of
// the test.
func (p *Probe) Reply(message any) {
	p.tb.Helper()
	if p.asker == nil {
		p.tb.Fatalf("actorstest: there is nobody to send %v to", message)
	}
	p.system.Root.Send(p.asker, message)
}

// Unread returns the messages that no [Expect] has returned. In a bubble, after
// synctest.Wait, no others are under way.
func (p *Probe) Unread() []any {
	var messages []any
	for _, d := range p.got.left() {
		messages = append(messages, d.message)
	}
	return messages
}

// Expect waits for the next message of a probe and returns it.
//
// The test fails at once if the message is not a T, or if ctx ends first. It must be
// called on the goroutine of the test.
func Expect[T any](ctx context.Context, p *Probe) T {
	p.tb.Helper()
	next, err := p.got.take(ctx, func(delivery) bool { return true })
	if err != nil {
		p.tb.Fatalf("actorstest: no %v has come: %v", reflect.TypeFor[T](), err)
	}
	message, ok := next.message.(T)
	if !ok {
		p.tb.Fatalf("actorstest: a %T has come, not a %v: %v", next.message, reflect.TypeFor[T](), next.message)
	}
	p.asker = next.sender
	return message
}
