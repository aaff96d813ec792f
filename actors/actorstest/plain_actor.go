package actorstest

import (
	"fmt"
	"strings"

	"github.com/asynkron/protoactor-go/actor"
)

// plainActor has an actor of protoactor go on when the controller says so. It is the actor's
// dispatcher, and begins each of its messages.
type plainActor struct {
	control *controller
	id      string
	began   bool // a message of the present run of the mailbox; used on its goroutine
}

var _ actor.Dispatcher = (*plainActor)(nil)

// spawnMiddleware has the actors that are spawned go on in the order of the controller, and
// their children too.
func (c *controller) spawnMiddleware(next actor.SpawnFunc) actor.SpawnFunc {
	return func(system *actor.ActorSystem, id string, props *actor.Props, parent actor.SpawnerContext) (*actor.PID, error) {
		a := &plainActor{control: c, id: id}
		opts := []actor.PropsOption{
			actor.WithDispatcher(a), actor.WithReceiverMiddleware(a.receive), actor.WithSpawnMiddleware(c.spawnMiddleware),
		}
		if c.isExhaustive() {
			opts = append(opts, actor.WithMailbox(a.mailboxOf(props)))
		}
		return next(system, id, props.Clone(opts...), parent)
	}
}

// StepName names the actor in a list of steps.
func (a *plainActor) StepName() string { return "actor " + a.id }

// Schedule implements [actor.Dispatcher].
func (a *plainActor) Schedule(fn func()) {
	go func() {
		a.control.Step(a, "has messages")
		a.began = false
		fn()
	}()
}

// Throughput implements [actor.Dispatcher].
func (a *plainActor) Throughput() int { return 300 }

// receive is a step before each message but the first.
func (a *plainActor) receive(next actor.ReceiverFunc) actor.ReceiverFunc {
	return func(ctx actor.ReceiverContext, envelope *actor.MessageEnvelope) {
		what := "handles " + strings.TrimPrefix(fmt.Sprintf("%T", envelope.Message), "*")
		if a.began {
			a.control.Step(a, what)
		} else {
			a.control.Note(a, what, nil)
		}
		a.began = true
		next(ctx, envelope)
	}
}
