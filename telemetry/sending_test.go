package telemetry_test

import (
	"context"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/baggage"
	api "go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

func TestMessagesOfARootContextArePartOfItsTrace(t *testing.T) {
	for _, test := range []struct {
		name           string
		send           func(root *actor.RootContext, to, sender *actor.PID)
		sent, received string
	}{
		{"Send", func(root *actor.RootContext, to, _ *actor.PID) { root.Send(to, &ping{}) },
			"producer", "consumer"},
		{"Request", func(root *actor.RootContext, to, _ *actor.PID) { root.Request(to, &ping{}) },
			"producer", "consumer"},
		{"RequestWithCustomSender", func(root *actor.RootContext, to, sender *actor.PID) {
			root.RequestWithCustomSender(to, &ping{}, sender)
		}, "client", "server"},
		{"RequestFuture", func(root *actor.RootContext, to, _ *actor.PID) {
			_, _ = root.RequestFuture(to, &ping{}, time.Minute).Result()
		}, "client", "server"},
		{"Send an envelope", func(root *actor.RootContext, to, _ *actor.PID) {
			root.Send(to, &actor.MessageEnvelope{Message: &ping{}})
		}, "producer", "consumer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newTraced(t)
			handled := make(chan struct{})
			var pid *actor.PID
			t.Run("", func(t *testing.T) {
				pid = s.spawn(t, actor.PropsFromFunc(func(ctx actor.Context) {
					if _, ok := ctx.Message().(*ping); ok {
						if ctx.Sender() != nil {
							ctx.Respond(&pong{})
						}
						close(handled)
					}
				}))
				test.send(s.root(), pid, s.system.NewLocalPID("nobody"))
				<-handled
			}) // the actor has stopped, so that its spans have ended

			assert.Equal(t, lines(
				"root",
				"  send {id} "+test.sent+" message.type=telemetry_test.ping",
				"    receive {id} "+test.received+" message.type=telemetry_test.ping",
			), s.tree())
			sent := attributesOf(s.about(t, "send", "telemetry_test.ping"))
			assert.Equal(t, "protoactor", sent["messaging.system"])
			assert.Equal(t, "send", sent["messaging.operation.type"])
			assert.Equal(t, pid.Id, sent["messaging.destination.name"])
			assert.Equal(t, "telemetry_test.ping", sent["protocaller.message.type"])
			received := attributesOf(s.about(t, "receive", "telemetry_test.ping"))
			assert.Equal(t, "process", received["messaging.operation.type"])
			assert.Equal(t, pid.Id, received["messaging.destination.name"])
		})
	}
}

func TestARootContextIsCopied(t *testing.T) {
	s := newTraced(t)
	seen := 0
	s.system.Root.WithSenderMiddleware(func(next actor.SenderFunc) actor.SenderFunc {
		return func(ctx actor.SenderContext, target *actor.PID, envelope *actor.MessageEnvelope) {
			seen++
			next(ctx, target, envelope)
		}
	})
	pid := stopAtEnd(t, s.system, s.system.Root.Spawn(actor.PropsFromFunc(echo)))

	ask(t, s.root(), pid)
	assert.Equal(t, 1, seen, "its own middleware stays in force")
	ask(t, s.system.Root, pid)

	assert.Equal(t, lines("root", "  send {id} client message.type=telemetry_test.ping"), s.tree(), "the original makes no spans")
}

func TestTheGuardianOfPropsStaysInForce(t *testing.T) {
	s := newTraced(t)
	decided := make(chan any)
	props := actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*ping); ok {
			panic("boom")
		}
	}, actor.WithGuardian(actor.NewOneForOneStrategy(1, time.Second, func(reason any) actor.Directive {
		decided <- reason
		return actor.StopDirective
	})))
	pid := s.root().Spawn(props)

	s.root().Send(pid, &ping{})

	assert.Equal(t, "boom", <-decided)
	require.NoError(t, s.system.Root.StopFuture(pid).Wait())
}

func TestAnActorSendsOnBehalfOfTheMessageItDealsWith(t *testing.T) {
	s := newTraced(t)
	t.Run("", func(t *testing.T) {
		last := s.spawn(t, actor.PropsFromFunc(echo))
		second := s.spawn(t, actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*ping); ok {
				ctx.Forward(last)
			}
		}))
		first := s.spawn(t, actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*ping); ok {
				ctx.RequestWithCustomSender(second, ctx.Message(), ctx.Sender())
			}
		}))
		ask(t, s.root(), first)
	})

	assert.Equal(t, lines(
		"root",
		"  send {id} client message.type=telemetry_test.ping",
		"    receive {id} server message.type=telemetry_test.ping",
		"      send {id} client message.type=telemetry_test.ping",
		"        receive {id} server message.type=telemetry_test.ping",
		"          send {id} client message.type=telemetry_test.ping",
		"            receive {id} server message.type=telemetry_test.ping",
	), s.tree())
}

func TestAnAnswerIsPartOfTheTraceOfItsQuestion(t *testing.T) {
	s := newTraced(t)
	t.Run("", func(t *testing.T) {
		answered := make(chan struct{})
		responder := s.spawn(t, actor.PropsFromFunc(echo))
		requester := s.spawn(t, actor.PropsFromFunc(func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case *ping:
				ctx.Request(responder, &ping{})
			case *pong:
				close(answered)
			}
		}))
		s.root().Send(requester, &ping{})
		<-answered
	})

	assert.Equal(t, lines(
		"root",
		"  send {id} producer message.type=telemetry_test.ping",
		"    receive {id} consumer message.type=telemetry_test.ping",
		"      send {id} client message.type=telemetry_test.ping",
		"        receive {id} server message.type=telemetry_test.ping",
		"          receive {id} consumer message.type=telemetry_test.pong",
	), s.tree())
}

func TestAnEnvelopeIsNotChanged(t *testing.T) {
	s := newTraced(t)
	headers := make(chan map[string]string, 1)
	pid := s.spawn(t, actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*ping); ok {
			headers <- ctx.MessageHeader().ToMap()
		}
	}))
	envelope := &actor.MessageEnvelope{
		Message: &ping{},
		Header:  map[string]string{"tenant": "blue", "tracestate": "of=another"},
	}

	s.root().Send(pid, envelope)

	got := <-headers
	assert.Equal(t, "blue", got["tenant"])
	assert.Contains(t, got["traceparent"], api.SpanContextFromContext(s.ctx).TraceID().String())
	assert.NotContains(t, got, "tracestate", "that of the trace before")
	assert.Equal(t, map[string]string{"tenant": "blue", "tracestate": "of=another"}, envelope.Header.ToMap())
}

func TestTheHeadersOfARootContextAreItsTrace(t *testing.T) {
	s := newTraced(t)
	parent := "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	root := actor.NewRootContext(s.system, map[string]string{"traceparent": parent}, s.SenderMiddleware)
	pid := stopAtEnd(t, s.system, root.Spawn(actor.PropsFromFunc(echo)))

	ask(t, root, pid)

	sent := s.about(t, "send", "telemetry_test.ping")
	assert.Equal(t, "0af7651916cd43dd8448eb211c80319c", sent.SpanContext().TraceID().String())
	assert.Equal(t, "b7ad6b7169203331", sent.Parent().SpanID().String())
}

func TestAnUnsampledTraceTravelsAlong(t *testing.T) {
	s := newTraced(t)
	s.ctx = api.ContextWithSpanContext(t.Context(), api.NewSpanContext(api.SpanContextConfig{
		TraceID: api.TraceID{1}, SpanID: api.SpanID{2},
	}))
	received := make(chan context.Context, 1)
	pid := s.spawn(t, actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*ping); ok {
			received <- telemetry.ContextOf(ctx)
		}
	}))

	s.root().Send(pid, &ping{})

	span := api.SpanContextFromContext(<-received)
	assert.Equal(t, api.TraceID{1}, span.TraceID())
	assert.False(t, span.IsSampled())
	s.end()
	assert.Len(t, s.spans.Spans(), 1, "the root alone")
}

func TestBaggageTravelsAlong(t *testing.T) {
	s := newTraced(t)
	member, err := baggage.NewMember("tenant", "blue")
	require.NoError(t, err)
	all, err := baggage.New(member)
	require.NoError(t, err)
	s.ctx = baggage.ContextWithBaggage(t.Context(), all) // and no span
	received := make(chan string, 1)
	last := s.spawn(t, actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*ping); ok {
			received <- baggage.FromContext(telemetry.ContextOf(ctx)).Member("tenant").Value()
		}
	}))
	first := s.spawn(t, actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*ping); ok {
			ctx.Send(last, &ping{})
		}
	}))

	s.root().Send(first, &ping{})

	assert.Equal(t, "blue", <-received)
}

func TestWithoutAnythingToCarryThereAreNoHeaders(t *testing.T) {
	off := telemetry.New(telemetry.TracerProvider(noop.NewTracerProvider()))
	system := newSystem()
	headers := make(chan int, 1)
	pid := stopAtEnd(t, system, off.Root(t.Context(), system.Root).Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*ping); ok {
			headers <- ctx.MessageHeader().Length()
		}
	})))

	off.Root(t.Context(), system.Root).Send(pid, &ping{})

	assert.Zero(t, <-headers)
}

func TestRequestToTheSenderIsARequestAndNoAnswer(t *testing.T) {
	s := newTraced(t)
	done := make(chan struct{})
	t.Run("", func(t *testing.T) {
		asked := s.spawn(t, actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*ping); ok {
				ctx.Request(ctx.Sender(), &pong{}) // asks back
			}
		}))
		asker := s.spawn(t, actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*pong); ok {
				close(done)
			}
		}))
		s.root().RequestWithCustomSender(asked, &ping{}, asker)
		<-done
	})
	assert.Equal(t, lines(
		"root",
		"  send {id} client message.type=telemetry_test.ping",
		"    receive {id} server message.type=telemetry_test.ping",
		"      send {id} client message.type=telemetry_test.pong",
		"        receive {id} server message.type=telemetry_test.pong",
	), s.tree())
}
