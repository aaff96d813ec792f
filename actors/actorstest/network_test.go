package actorstest_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
)

// echo is an actor that sends back what it gets.
func echo(ctx actor.Context) {
	if message, ok := ctx.Message().(*wrapperspb.StringValue); ok {
		ctx.Respond(message)
	}
}

func TestRequestCrossesAndItsAnswerComesBack(t *testing.T) {
	network := actorstest.NewNetwork(t)
	here, there := network.System("here"), network.System("there")
	far := there.Root.Spawn(actor.PropsFromFunc(echo))

	sent := wrapperspb.String("hello")
	got, err := actors.Request[*wrapperspb.StringValue](t.Context(), here, actor.NewPID("there", far.Id), sent).
		Wait(t.Context())

	require.NoError(t, err)
	assert.Equal(t, "hello", got.GetValue())
	assert.NotSame(t, sent, got)
}

// One PID object is used for all of these, as it is not by any wire: the PID that
// an actor gets must be its own system's.
func TestPIDLeadsToItsOwnSystemOnBothSides(t *testing.T) {
	network := actorstest.NewNetwork(t)
	here, there := network.System("here"), network.System("there")
	type seen struct{ system, sender string }
	got := make(chan seen, 1)
	note := actor.PropsFromFunc(func(ctx actor.Context) {
		if pid, ok := ctx.Message().(*actor.PID); ok {
			if ctx.Sender() != nil {
				got <- seen{ctx.ActorSystem().Address(), ctx.Sender().Address}
				ctx.Send(pid, pid)
				return
			}
			got <- seen{system: ctx.ActorSystem().Address()}
		}
	})
	near, err := here.Root.SpawnNamed(note, "note")
	require.NoError(t, err)
	_, err = there.Root.SpawnNamed(note, "note")
	require.NoError(t, err)

	here.Root.RequestWithCustomSender(actor.NewPID("there", "note"), near, near)

	assert.Equal(t, seen{"there", "here"}, <-got)
	assert.Equal(t, seen{system: "here"}, <-got)
}

func TestHeadersGoAlong(t *testing.T) {
	network := actorstest.NewNetwork(t)
	here, there := network.System("here"), network.System("there")
	got := make(chan actor.ReadonlyMessageHeader, 1)
	far := there.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(string); ok {
			got <- ctx.MessageHeader()
		}
	}))
	to := actor.NewPID("there", far.Id)

	envelope := actor.WrapEnvelope("with headers")
	envelope.SetHeader("key", "value")
	here.Root.Send(to, envelope)
	assert.Equal(t, map[string]string{"key": "value"}, (<-got).ToMap())

	here.Root.Send(to, "without")
	assert.Nil(t, <-got)
}

func TestRequestThatNobodyGetsEndsWithADeadLetter(t *testing.T) {
	for name, pid := range map[string]*actor.PID{
		"no such system": actor.NewPID("nowhere", "actor"),
		"no such actor":  actor.NewPID("there", "nobody"),
	} {
		t.Run(name, func(t *testing.T) {
			network := actorstest.NewNetwork(t)
			here := network.System("here")
			network.System("there")

			_, err := actors.Request[any](t.Context(), here, pid, wrapperspb.String("?")).Wait(t.Context())

			assert.ErrorIs(t, err, actor.ErrDeadLetter)
		})
	}
}

func TestActorOfAnotherSystemCanBeWatchedAndStopped(t *testing.T) {
	for name, end := range map[string]func(here *actor.ActorSystem, far *actor.PID){
		"stopped":  func(here *actor.ActorSystem, far *actor.PID) { here.Root.Stop(far) },
		"poisoned": func(here *actor.ActorSystem, far *actor.PID) { here.Root.Poison(far) },
	} {
		t.Run(name, func(t *testing.T) {
			network := actorstest.NewNetwork(t)
			here, there := network.System("here"), network.System("there")
			far := actor.NewPID("there", there.Root.Spawn(actor.PropsFromFunc(echo)).Id)
			probe := actorstest.NewProbe(t, here)
			probe.Watch(far)
			probe.Request(far, wrapperspb.String("in between"))
			actorstest.Expect[*wrapperspb.StringValue](t.Context(), probe)

			end(here, actor.NewPID("there", far.Id))

			terminated := actorstest.Expect[*actor.Terminated](t.Context(), probe)
			assert.Equal(t, "there", terminated.Who.Address)
			assert.Equal(t, actor.TerminatedReason_Stopped, terminated.Why)
		})
	}
}

func TestWatchOfNobodyIsAnsweredWithTheReason(t *testing.T) {
	for name, test := range map[string]struct {
		who *actor.PID
		why actor.TerminatedReason
	}{
		"no such system": {actor.NewPID("nowhere", "actor"), actor.TerminatedReason_AddressTerminated},
		"no such actor":  {actor.NewPID("there", "nobody"), actor.TerminatedReason_NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			network := actorstest.NewNetwork(t)
			here := network.System("here")
			network.System("there")
			probe := actorstest.NewProbe(t, here)

			probe.Watch(test.who)

			assert.Equal(t, test.why, actorstest.Expect[*actor.Terminated](t.Context(), probe).Why)
		})
	}
}

func TestNetworkEndsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := actorstest.NewNetwork(t)
		here, there := network.System("here"), network.System("there")
		c := actorstest.Start(t, there)
		actors.CallSoon(t.Context(), c, func(ctx context.Context) (any, error) {
			return actors.Request[any](ctx, there, actor.NewPID("here", "nobody"), "?").Wait(ctx)
		})
		here.Root.Send(actor.NewPID("there", "nobody"), "?")
	})
}
