package telemetry

import (
	"context"
	"errors"
	"runtime/debug"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/ctxext"

	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// ContextOf returns a context for the message that an actor is processing. It
// carries the span of [Telemetry.ReceiverMiddleware]: calls and requests with it
// belong to the trace of the message. In a continuation of ReenterAfter it carries
// the trace of that continuation's message.
//
// The context never ends. For an actor without the middleware it is
// [context.Background].
//
// ContextOf must be called on the actor's turn. The context is safe for concurrent
// use.
func ContextOf(ctx actor.Context) context.Context {
	r := receiptOf(ctx)
	switch {
	case r == nil:
		return context.Background()
	case r.ctx != nil:
		return r.ctx
	default:
		return instrument.Of(r.telemetry).Extract(r.telemetry.background, ctx.MessageHeader())
	}
}

// receipt is what the middleware keeps in the context of an actor: the message
// that is being processed.
type receipt struct {
	telemetry *Telemetry
	ctx       context.Context // nil between messages
	received  *actor.MessageEnvelope
	sent      *actor.MessageEnvelope // that is on its way through sender middleware
}

var receiptID = ctxext.NextContextExtensionID()

// ExtensionID implements [ctxext.ContextExtension].
func (*receipt) ExtensionID() ctxext.ContextExtensionID { return receiptID }

// receiptOf returns the receipt of an actor, or nil if its messages are not
// traced.
func receiptOf(ctx any) *receipt {
	extended, ok := ctx.(actor.ExtensionContext)
	if !ok {
		return nil
	}
	defer func() { _ = recover() }() // protoactor's, for an id beyond those that the actor has
	r, _ := extended.Get(receiptID).(*receipt)
	return r
}

// ReceiverMiddleware makes a span for each message that an actor receives. The
// span is a child of the span with which the message was sent. Its kind is SERVER
// for a message with a sender, a request, and CONSUMER for any other.
//
// Messages of the actor system are not traced. In the actor's Receive [ContextOf]
// returns the context with the span.
func (t *Telemetry) ReceiverMiddleware(next actor.ReceiverFunc) actor.ReceiverFunc {
	return func(ctx actor.ReceiverContext, envelope *actor.MessageEnvelope) {
		r := receiptOf(ctx)
		if r == nil {
			r = &receipt{telemetry: t}
			ctx.Set(r)
		}
		if r.received == envelope || !isUser(envelope.Message) {
			next(ctx, envelope) // the middleware is there twice, or there is nothing to see
			return
		}
		r.receive(ctx, envelope, next)
	}
}

func (r *receipt) receive(ctx actor.ReceiverContext, envelope *actor.MessageEnvelope, next actor.ReceiverFunc) {
	t := instrument.Of(r.telemetry)
	spanCtx, span := t.Receive(t.Extract(r.telemetry.background, envelope.Header),
		envelope.Message, destinationOf(ctx.Self(), ctx.ActorSystem()), envelope.Sender != nil)
	r.ctx, r.received = spanCtx, envelope
	returned := false
	defer func() {
		r.ctx, r.received = nil, nil
		if returned {
			span.End()
			return
		}
		crash := recover() // goes on
		handlerFailed(span, crash)
		span.End()
		if crash != nil {
			panic(crash)
		}
	}()
	next(ctx, envelope)
	returned = true
}

var errGoexit = errors.New("telemetry: the handler ended its goroutine with runtime.Goexit")

// handlerFailed records that the handler of a message has panicked. A nil crash
// stands for [runtime.Goexit].
func handlerFailed(span instrument.MessageSpan, crash any) {
	err := errGoexit
	if crash != nil {
		err = &pending.PanicError{Value: crash, Stack: debug.Stack()}
	}
	span.Fail(err)
}
