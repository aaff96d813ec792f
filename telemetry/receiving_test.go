package telemetry_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	api "go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

func TestMessagesOfTheSystemAreNotTraced(t *testing.T) {
	s := newTraced(t)
	timedOut := make(chan struct{})
	child := actor.PropsFromFunc(func(actor.Context) {})
	pid := s.root().Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case *actor.Started:
			ctx.Send(ctx.Self(), &actor.ReceiveTimeout{})
			ctx.Watch(ctx.Spawn(child))
		case *actor.ReceiveTimeout:
			ctx.Poison(ctx.Children()[0])
		case *actor.Terminated:
			close(timedOut)
		}
	}))
	<-timedOut

	require.NoError(t, s.root().PoisonFuture(pid).Wait())

	assert.Equal(t, lines("root"), s.tree())
}

func TestAMessageWithoutATraceBeginsOne(t *testing.T) {
	for _, test := range []struct {
		name    string
		message any
	}{
		{"bare", &ping{}},
		{"in an envelope without headers", &actor.MessageEnvelope{Message: &ping{}}},
		{"in an envelope with other headers", &actor.MessageEnvelope{Message: &ping{}, Header: map[string]string{"a": "b"}}},
		{"with a broken header", &actor.MessageEnvelope{Message: &ping{}, Header: map[string]string{"traceparent": "00-1"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newTraced(t)
			t.Run("", func(t *testing.T) {
				pid := s.spawn(t, actor.PropsFromFunc(echo))
				s.system.Root.Send(pid, test.message)
				ask(t, s.system.Root, pid) // so that it has come to the one before
			})

			assert.Equal(t, lines(
				"receive {id} consumer message.type=telemetry_test.ping",
				"receive {id} server message.type=telemetry_test.ping",
				"root",
			), s.tree())
		})
	}
}

func TestAPanicIsOnTheSpanAndReachesTheSupervisor(t *testing.T) {
	s := newTraced(t)
	failures := make(chan any, 1)
	strategy := actor.NewOneForOneStrategy(1, time.Second, func(reason any) actor.Directive {
		failures <- reason
		return actor.RestartDirective
	})
	pid := s.spawn(t, actor.PropsFromFunc(func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case *pong:
			panic("boom")
		case *ping:
			ctx.Respond(&pong{})
		}
	}, actor.WithGuardian(strategy)))

	s.root().Send(pid, &pong{})

	assert.Equal(t, "boom", <-failures)
	ask(t, s.root(), pid) // it works on
	span := s.about(t, "receive", "telemetry_test.pong")
	assert.Equal(t, codes.Error, span.Status().Code)
	assert.Contains(t, span.Status().Description, "boom")
	require.Len(t, span.Events(), 1)
	stack := ""
	for _, a := range span.Events()[0].Attributes {
		if a.Key == "exception.stacktrace" {
			stack = a.Value.AsString()
		}
	}
	assert.Contains(t, stack, "TestAPanicIsOnTheSpanAndReachesTheSupervisor")
}

func TestGoexitInAHandlerIsOnTheSpan(t *testing.T) {
	s := newTraced(t)
	asCaller, err := actors.AsCaller() // protoactor's own mailbox does not survive it
	require.NoError(t, err)
	pid := s.spawn(t, actor.PropsFromFunc(func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case *pong:
			runtime.Goexit()
		case *ping:
			ctx.Respond(&pong{})
		}
	}, asCaller))

	s.root().Send(pid, &pong{})
	ask(t, s.root(), pid)

	span := s.about(t, "receive", "telemetry_test.pong")
	assert.Equal(t, codes.Error, span.Status().Code)
	assert.Contains(t, span.Status().Description, "Goexit")
}

func TestContextOfAnActorWithoutMiddlewareIsEmpty(t *testing.T) {
	system := newSystem()
	contexts := make(chan context.Context, 1)
	pid := stopAtEnd(t, system, system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*ping); ok {
			contexts <- telemetry.ContextOf(ctx)
		}
	})))

	system.Root.Send(pid, &ping{})

	assert.Equal(t, context.Background(), <-contexts)
}

func TestContextOfAContinuationIsThatOfItsMessage(t *testing.T) {
	s := newTraced(t)
	contexts := make(chan context.Context, 2)
	responder := s.spawn(t, actor.PropsFromFunc(echo))
	pid := s.spawn(t, actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*ping); ok {
			ctx.ReenterAfter(ctx.RequestFuture(responder, &ping{}, time.Minute), func(any, error) {
				contexts <- telemetry.ContextOf(ctx)
			})
		}
	}))

	s.root().Send(pid, &ping{})

	trace := api.SpanContextFromContext(s.ctx).TraceID()
	assert.Equal(t, trace, api.SpanContextFromContext(<-contexts).TraceID())
}

func TestContextOfIsEmptyAgainAfterTheMessage(t *testing.T) {
	s := newTraced(t)
	traces := make(chan api.TraceID, 1)
	pid := s.root().Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Stopping); ok {
			traces <- api.SpanContextFromContext(telemetry.ContextOf(ctx)).TraceID()
		}
		echo(ctx)
	}))
	ask(t, s.root(), pid)

	require.NoError(t, s.system.Root.StopFuture(pid).Wait())

	assert.False(t, (<-traces).IsValid())
}
