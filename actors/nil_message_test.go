package actors_test

import (
	"sync/atomic"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// parcel is a batch of messages. GetMessages of a nil one panics.
type parcel struct{ messages []any }

func (p *parcel) GetMessages() []any { return p.messages }

// nothings are the messages that are nil, or contain nil, and how many messages an
// actor gets for each.
var nothings = map[string]struct {
	message any
	count   int64
}{
	"nil":                           {nil, 1},
	"a nil envelope":                {(*actor.MessageEnvelope)(nil), 1},
	"an envelope of nil":            {&actor.MessageEnvelope{}, 1},
	"a nil pointer":                 {(*actor.PID)(nil), 1},
	"an envelope of a nil envelope": {&actor.MessageEnvelope{Message: (*actor.MessageEnvelope)(nil)}, 1},
	"a batch with nil":              {&parcel{[]any{nil, (*actor.MessageEnvelope)(nil), nil}}, 4},
	"an envelope of a batch":        {&actor.MessageEnvelope{Message: &parcel{[]any{nil}}}, 2},
	"an empty batch":                {&parcel{}, 1},
	"a nil batch":                   {(*parcel)(nil), 1},
	"an envelope of a nil batch":    {&actor.MessageEnvelope{Message: (*parcel)(nil)}, 1},
}

func TestDrainEndsAfterANilMessage(t *testing.T) {
	for name, nothing := range nothings {
		t.Run(name, func(t *testing.T) {
			system := newSystem(t)
			c := start(t, system, props.MaxQueued(1))
			release := occupy(t, c)
			system.Root.Send(c.PID(), nothing.message)
			release()
			require.NoError(t, c.Drain(t.Context()))
		})
	}
}

func TestNilMessageDoesNotCountAsQueuedForEver(t *testing.T) {
	for name, nothing := range nothings {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system, props.MaxQueued(1))
				for range 3 {
					system.Root.Send(c.PID(), nothing.message)
				}
				require.NoError(t, actors.Sleep(t.Context(), 1))
				assert.True(t, c.Idle())
				assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, one)))
			})
		})
	}
}

func TestNilMessagesBeforeTheStartLeaveNothingBehind(t *testing.T) {
	for name, nothing := range nothings {
		t.Run(name, func(t *testing.T) {
			system := newSystem(t)
			c := unstarted(t, system)
			system.Root.Send(c.PID(), nothing.message)
			early := actors.CallSoon(t.Context(), c, one)
			system.Root.Send(c.PID(), nothing.message)
			require.NoError(t, c.Start())
			assert.Equal(t, 1, result(t, early))
			require.NoError(t, c.Drain(t.Context()))
		})
		t.Run(name+", Run", func(t *testing.T) {
			system := newSystem(t)
			c := runnable(t, system)
			system.Root.Send(c.PID(), nothing.message)
			ended := make(chan error, 1)
			go func() { ended <- c.Run(t.Context()) }()
			assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, one)))
			system.Root.Send(c.PID(), nothing.message)
			require.NoError(t, c.Drain(t.Context()))
			require.NoError(t, <-ended)
		})
	}
}

func TestNilMessagesAtAndAfterAStopAreDeadLetters(t *testing.T) {
	for name, nothing := range nothings {
		t.Run(name, func(t *testing.T) {
			system := newSystem(t)
			var dead atomic.Int64
			system.EventStream.Subscribe(func(event any) {
				if _, ok := event.(*actor.DeadLetterEvent); ok {
					dead.Add(1)
				}
			})
			c := start(t, system)
			pid := c.PID()
			process, _ := system.ProcessRegistry.Get(pid)
			release := occupy(t, c)
			system.Root.Send(pid, nothing.message)
			queued := actors.CallSoon(t.Context(), c, one)
			c.Stop()
			require.ErrorIs(t, queued.Err(), pending.ErrStopped)
			assert.Equal(t, nothing.count, dead.Load())
			release()
			<-c.Stopped()
			process.SendUserMessage(pid, nothing.message)
			assert.Equal(t, 2*nothing.count, dead.Load())
		})
	}
}

// Protoactor's own mailbox never delivers nil. An actor that is a caller gets it.
func TestAdoptedActorGetsNilMessages(t *testing.T) {
	for name, nothing := range nothings {
		t.Run(name, func(t *testing.T) {
			system := newSystem(t)
			var got atomic.Int64
			c := adopted(t, system, nil, "gopher", func(ctx actor.Context) {
				switch ctx.Message().(type) {
				case actor.SystemMessage, actor.AutoReceiveMessage:
				default:
					got.Add(1)
				}
			}, []props.Option{props.MaxQueued(1)})
			system.Root.Send(c.PID(), nothing.message)
			require.NoError(t, c.Drain(t.Context()))
			assert.Equal(t, nothing.count, got.Load())
		})
	}
}

func TestRequestAndAnswerMayBeNil(t *testing.T) {
	system := newSystem(t)
	c := adopted(t, system, nil, "gopher", func(ctx actor.Context) {
		if ctx.Sender() != nil {
			ctx.Respond(ctx.Message())
		}
	}, nil)
	for name, nothing := range nothings {
		if nothing.count > 1 {
			continue
		}
		_, err := actors.Request[any](t.Context(), system, c.PID(), nothing.message).Wait(t.Context())
		require.NoError(t, err, name)
	}
}

func TestOutcomeThatIsANilEnvelopeIsDeliveredAsNil(t *testing.T) {
	system := newSystem(t)
	got := make(chan any, 1)
	pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case actor.SystemMessage, actor.AutoReceiveMessage:
		default:
			got <- ctx.Message()
		}
	}))
	defer func() { require.NoError(t, system.Root.StopFuture(pid).Wait()) }()
	p := actors.CallSoon(t.Context(), start(t, system), returns[*actor.MessageEnvelope](nil))
	require.NoError(t, actors.PipeTo(p, pid))
	assert.Nil(t, <-got)
}

func TestSystemMessagesThatAreNilAreDroppedAndLogged(t *testing.T) {
	messages := map[string]any{
		"nil": nil, "Stop": (*actor.Stop)(nil), "Restart": (*actor.Restart)(nil), "Watch": (*actor.Watch)(nil),
		"Unwatch": (*actor.Unwatch)(nil), "Terminated": (*actor.Terminated)(nil), "Failure": (*actor.Failure)(nil),
		"Suspend": (*actor.SuspendMailbox)(nil), "Resume": (*actor.ResumeMailbox)(nil), "Started": (*actor.Started)(nil),
		"a watch by nobody": &actor.Watch{}, "an end of nobody": &actor.Terminated{}, "a failure of nobody": &actor.Failure{},
		"an unwatch by nobody": &actor.Unwatch{},
	}
	for name, message := range messages {
		for way, make := range map[string]func(*testing.T, *actor.ActorSystem, props.Option) *actors.Caller{
			"own": func(t *testing.T, system *actor.ActorSystem, option props.Option) *actors.Caller {
				return start(t, system, option)
			},
			"adopted": func(t *testing.T, system *actor.ActorSystem, option props.Option) *actors.Caller {
				return adopted(t, system, nil, "gopher", puppet, []props.Option{option})
			},
		} {
			t.Run(name+", "+way, func(t *testing.T) {
				system := newSystem(t)
				log, option := logged()
				c := make(t, system, option)
				process, _ := system.ProcessRegistry.Get(c.PID())
				process.SendSystemMessage(c.PID(), message)
				assert.Contains(t, log.String(), "actors: system message dropped, it is nil or about nobody")
				assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, one)))
				require.NoError(t, c.Drain(t.Context()))
				process.SendSystemMessage(c.PID(), message)
			})
		}
	}
}

func TestNilMessagesToTheProcessOfTheCallersAreHarmless(t *testing.T) {
	system := newSystem(t)
	c := start(t, system)
	node := actor.NewPID(system.Address(), "callers")
	process, _ := system.ProcessRegistry.Get(node)
	for _, nothing := range nothings {
		system.Root.Send(node, nothing.message)
	}
	for _, message := range []any{nil, (*actor.Terminated)(nil), &actor.Terminated{}, (*actor.Failure)(nil), &actor.Failure{}} {
		process.SendSystemMessage(node, message)
	}
	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, one)))
}
