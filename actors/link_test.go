package actors_test

import (
	"context"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// link joins two systems, a and b by their addresses, so that each reaches the
// actors of the other, without a network. A PID must not be shared by them: it
// remembers its process.
func link(a, b *actor.ActorSystem) {
	for _, s := range []struct {
		from, to *actor.ActorSystem
		address  string
	}{{a, b, "a"}, {b, a, "b"}} {
		s.from.ProcessRegistry.Address = s.address
		s.from.ProcessRegistry.RegisterAddressResolver(func(*actor.PID) (actor.Process, bool) { return linked{s.to}, true })
	}
}

// linked is a process of another system.
type linked struct{ system *actor.ActorSystem }

func copied(pid *actor.PID) *actor.PID {
	if pid == nil {
		return nil
	}
	return &actor.PID{Address: pid.Address, Id: pid.Id, RequestId: pid.RequestId}
}

// SendUserMessage implements [actor.Process].
func (l linked) SendUserMessage(pid *actor.PID, message any) {
	header, body, sender := actor.UnwrapEnvelope(message)
	envelope := &actor.MessageEnvelope{Message: body, Sender: copied(sender)}
	if header != nil && header.Length() > 0 {
		envelope.Header = header.ToMap()
	}
	l.system.Root.Send(copied(pid), envelope)
}

// SendSystemMessage implements [actor.Process].
func (linked) SendSystemMessage(*actor.PID, any) {}

// Stop implements [actor.Process].
func (linked) Stop(*actor.PID) {}

func TestARequestCrossesToAnotherSystemAndBack(t *testing.T) {
	spans := tracetest.NewRecorder()
	tel := spans.Telemetry()
	t.Run("", func(t *testing.T) {
		here, there := newSystem(t), newSystem(t)
		link(here, there)
		c := start(t, here, props.Telemetry(tel))
		far := start(t, there, props.Telemetry(tel))
		responder := spawned(t, there, actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*inquiry); ok {
				p := actors.Schedule(telemetry.ContextOf(ctx), far, returns(&reply{}), actors.Named("far function"))
				assert.NoError(t, actors.PipeTo(p, ctx.Sender()))
			}
		}, tel.Traced()))
		under(t, spans, func(ctx context.Context) {
			_, err := actors.Schedule(ctx, c, func(ctx context.Context) (*reply, error) {
				return actors.Request[*reply](ctx, here, actor.NewPID("b", responder.Id), &inquiry{}).Wait(ctx)
			}, actors.Named("near function")).Wait(ctx)
			require.NoError(t, err)
		})
	})

	spans.AssertTree(t, `
		root
		  near function
		    request *actors_test.inquiry client
		      receive actors_test.inquiry server
		        far function
	`)
}

func TestMessagesOfPlainActorsCrossToAnotherSystemAndBack(t *testing.T) {
	spans := tracetest.NewRecorder()
	tel := spans.Telemetry()
	t.Run("", func(t *testing.T) {
		here, there := newSystem(t), newSystem(t)
		link(here, there)
		answered := make(chan struct{})
		responder := spawned(t, there, actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*inquiry); ok {
				ctx.Respond(&reply{})
			}
		}, tel.Traced()))
		requester := spawned(t, here, actor.PropsFromFunc(func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case *inquiry:
				ctx.Request(actor.NewPID("b", responder.Id), &inquiry{})
			case *reply:
				close(answered)
			}
		}, tel.Traced()))
		under(t, spans, func(ctx context.Context) {
			tel.Root(ctx, here.Root).Send(requester, &inquiry{})
			<-answered
		})
	})

	spans.AssertTree(t, `
		root
		  send actors_test.inquiry producer
		    receive actors_test.inquiry consumer
		      send actors_test.inquiry client
		        receive actors_test.inquiry server
		          receive actors_test.reply consumer
	`)
}
