package telemetry

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
)

// SenderMiddleware makes a span for each message that is sent, and adds its trace
// to the headers. The kind is CLIENT for a request and PRODUCER for any other
// message. The parent is the span of the message that the sender is processing.
//
// The span ends when the message is sent, because protoactor does not report the
// answer. The span of actors.Request ends with the answer. An answer gets no span:
// it carries the one of the message that it answers.
//
// The middleware is for actors, and for root contexts that act for no
// context.Context. [Telemetry.Root] is for the others.
func (t *Telemetry) SenderMiddleware(next actor.SenderFunc) actor.SenderFunc {
	return func(ctx actor.SenderContext, target *actor.PID, envelope *actor.MessageEnvelope) {
		r := receiptOf(ctx)
		if r != nil && r.sent == envelope { // the middleware is there twice
			next(ctx, target, envelope)
			return
		}
		forward := func(envelope *actor.MessageEnvelope) {
			if r != nil {
				r.sent = envelope
				defer func() { r.sent = nil }()
			}
			next(ctx, target, envelope)
		}
		var parent context.Context
		if r != nil && r.ctx != nil {
			parent = r.ctx
		} else {
			parent = instrument.Of(t).Extract(t.background, ctx.MessageHeader())
		}
		if target == ctx.Sender() && target != nil && envelope.Sender == nil { // an answer wants none itself
			forward(t.stamped(parent, envelope))
			return
		}
		t.send(parent, destinationOf(target, ctx.ActorSystem()), envelope, forward)
	}
}

// Root returns a copy of a root context whose messages are part of the trace of ctx. The
// actors that it spawns are traced as by [Telemetry.SpawnMiddleware]. The middleware of
// root stays in force.
//
// It is for code outside of actors: the handler of an HTTP request, or a function of a
// caller. The argument must not be a result of Root, or messages get two spans.
func (t *Telemetry) Root(ctx context.Context, root *actor.RootContext) *actor.RootContext {
	send := func(_ actor.SenderContext, target *actor.PID, envelope *actor.MessageEnvelope) {
		t.send(ctx, destinationOf(target, root.ActorSystem()), envelope, func(envelope *actor.MessageEnvelope) { root.Send(target, envelope) })
	}
	spawn := func(_ *actor.ActorSystem, id string, props *actor.Props, _ actor.SpawnerContext) (*actor.PID, error) {
		return root.SpawnNamed(t.traced(props), id)
	}
	return root.Copy().
		WithSenderMiddleware(func(actor.SenderFunc) actor.SenderFunc { return send }).
		WithSpawnMiddleware(func(actor.SpawnFunc) actor.SpawnFunc { return spawn })
}

// send sends a message with a span. It copies the envelope, because others may
// hold it.
func (t *Telemetry) send(
	ctx context.Context, to instrument.Destination, envelope *actor.MessageEnvelope, next func(*actor.MessageEnvelope),
) {
	if !isUser(envelope.Message) {
		next(envelope)
		return
	}
	ctx, span := instrument.Of(t).Send(ctx, envelope.Message, to, envelope.Sender != nil)
	defer span.End()
	next(t.stamped(ctx, envelope))
}

// stamped returns a copy of an envelope that carries the trace of ctx.
func (t *Telemetry) stamped(ctx context.Context, envelope *actor.MessageEnvelope) *actor.MessageEnvelope {
	return &actor.MessageEnvelope{
		Header:  instrument.Of(t).Inject(ctx, envelope.Header),
		Message: envelope.Message,
		Sender:  envelope.Sender,
	}
}
