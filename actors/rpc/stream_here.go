package rpc

import (
	"context"
	"iter"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// streamHere schedules a function of the node's own, which streams, on a caller of
// its own.
func streamHere[Req, Resp any](
	ctx context.Context, s *consumer[Resp], at place, name string, req Req, o callOptions,
) *pending.Pending[struct{}] {
	n := s.node
	fn, c, err := n.functionHere(at, name, true)
	if err != nil {
		return failedHere[struct{}](ctx, name, err, o)
	}
	out := &outboxHere[Resp]{inbox: &s.inbox}
	out.init(uint32(o.window))      //nolint:gosec // It is valid.
	if pending.TurnOf(ctx) != nil { // else another goroutine may go on for the function of ctx
		consumer, _ := pending.Current(ctx)
		out.waits = append(out.waits, pending.CompletedBy(consumer))
	}
	s.here.Store(&out.credit)
	return schedule(ctx, c, at.worker, func(ctx context.Context) (none struct{}, err error) {
		ctx, left, err := n.activations.enter(ctx, c, at.identity)
		if err != nil {
			return none, err
		}
		defer left()
		if o.ran != nil {
			o.ran.Store(true)
		}
		if typed, ok := fn.typed.(func(context.Context, Req) iter.Seq2[Resp, error]); ok {
			return none, each(ctx, typed(ctx, req), func(value Resp) error { return out.put(ctx, item[Resp]{value: value}) })
		}
		argument, err := n.config.Load().encode(req)
		if err != nil {
			return none, err
		}
		_, err = fn.encoded(ctx, argument, out)
		return none, err
	}, actors.Named(name), actors.PendingOptions(o.pending...))
}

// outboxHere sends the items of a stream to a loop of the node's own.
type outboxHere[Resp any] struct {
	credit
	inbox *inbox[Resp]
}

// send implements [sink].
func (o *outboxHere[Resp]) send(ctx context.Context, value *wire.Payload) error {
	return o.put(ctx, item[Resp]{encoded: value})
}

func (o *outboxHere[Resp]) put(ctx context.Context, it item[Resp]) error {
	position, err := o.take(ctx)
	if err == nil {
		_, err = o.inbox.put(position, it)
	}
	return err
}
