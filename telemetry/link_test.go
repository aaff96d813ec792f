package telemetry_test

import (
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// link joins two systems so that each reaches the actors of the other, without
// a network. A PID must not be shared by them: it remembers its process.
func link(a, b *actor.ActorSystem) {
	for _, s := range []struct {
		from, to *actor.ActorSystem
		address  string
	}{{a, b, "a"}, {b, a, "b"}} {
		s.from.ProcessRegistry.Address = s.address
		s.from.ProcessRegistry.RegisterAddressResolver(func(pid *actor.PID) (actor.Process, bool) {
			return far{s.to}, true
		})
	}
}

// far is a process of another system.
type far struct{ system *actor.ActorSystem }

func (f far) at(pid *actor.PID) *actor.PID {
	if pid == nil {
		return nil
	}
	here := actor.NewPID(pid.Address, pid.Id)
	here.RequestId = pid.RequestId
	return here
}

// SendUserMessage implements [actor.Process].
func (f far) SendUserMessage(pid *actor.PID, message any) {
	header, body, sender := actor.UnwrapEnvelope(message)
	envelope := &actor.MessageEnvelope{Message: body, Sender: f.at(sender)}
	if header != nil && header.Length() > 0 {
		envelope.Header = header.ToMap()
	}
	f.system.Root.Send(f.at(pid), envelope)
}

// SendSystemMessage implements [actor.Process].
func (far) SendSystemMessage(*actor.PID, any) {}

// Stop implements [actor.Process].
func (far) Stop(*actor.PID) {}

func TestATraceCrossesToAnotherSystemAndBack(t *testing.T) {
	s := newTraced(t)
	other := newSystem()
	link(s.system, other)
	t.Run("", func(t *testing.T) {
		answered := make(chan struct{})
		responder := stopAtEnd(t, other, other.Root.Spawn(actor.PropsFromFunc(echo, s.Traced())))
		requester := s.spawn(t, actor.PropsFromFunc(func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case *ping:
				ctx.Request(actor.NewPID("b", responder.Id), &ping{})
			case *pong:
				close(answered)
			}
		}))
		s.root().Send(requester, &ping{})
		<-answered

		answer, err := s.root().RequestFuture(actor.NewPID("b", responder.Id), &ping{}, time.Minute).Result()
		require.NoError(t, err)
		assert.IsType(t, &pong{}, answer)
	})

	assert.Equal(t, lines(
		"root",
		"  send telemetry_test.ping client",
		"    receive telemetry_test.ping server",
		"  send telemetry_test.ping producer",
		"    receive telemetry_test.ping consumer",
		"      send telemetry_test.ping client",
		"        receive telemetry_test.ping server",
		"          receive telemetry_test.pong consumer",
	), s.tree())
}
