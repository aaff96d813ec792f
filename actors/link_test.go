package actors_test

import (
	"context"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

func TestARequestCrossesToAnotherSystemAndBack(t *testing.T) {
	spans := tracetest.NewRecorder()
	tel := spans.Telemetry()
	t.Run("", func(t *testing.T) {
		network := actorstest.NewNetwork(t)
		here, there := network.System("here"), network.System("there")
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
				return actors.Request[*reply](ctx, here, actor.NewPID("there", responder.Id), &inquiry{}).Wait(ctx)
			}, actors.Named("near function")).Wait(ctx)
			require.NoError(t, err)
		})
	})

	spans.AssertTree(t, `
		root
		  near function
		    request {id} client
		      receive {id} server
		        far function
	`)
}

func TestMessagesOfPlainActorsCrossToAnotherSystemAndBack(t *testing.T) {
	spans := tracetest.NewRecorder()
	tel := spans.Telemetry()
	t.Run("", func(t *testing.T) {
		network := actorstest.NewNetwork(t)
		here, there := network.System("here"), network.System("there")
		answered := make(chan struct{})
		responder := spawned(t, there, actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*inquiry); ok {
				ctx.Respond(&reply{})
			}
		}, tel.Traced()))
		requester := spawned(t, here, actor.PropsFromFunc(func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case *inquiry:
				ctx.Request(actor.NewPID("there", responder.Id), &inquiry{})
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
		  send {id} producer
		    receive {id} consumer
		      send {id} client
		        receive {id} server
		          receive {id} consumer
	`)
}
