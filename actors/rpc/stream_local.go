package rpc

import (
	"context"
	"iter"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// streamLocal schedules a function of the node's own, which streams, on a caller of
// its own.
func streamLocal[Req, Resp any](
	ctx context.Context, s *consumer[Resp], at endpoint, name string, req Req, o callOptions,
) *pending.Pending[struct{}] {
	n := s.node
	fn, c, err := n.localFunction(at, name, true)
	if err != nil {
		return failedLocal[struct{}](ctx, n, at, name, err, o)
	}
	out := &localOutbox[Resp]{inbox: &s.inbox}
	out.init(uint32(o.window))     //nolint:gosec // It is valid.
	if future.TurnOf(ctx) != nil { // else another goroutine may go on for the function of ctx
		consumer, _ := pending.Current(ctx)
		out.waits = append(out.waits, pending.CompletedBy(consumer))
	}
	s.local.Store(&out.credit)
	return schedule(fn.localContext(ctx, o), c, at.worker, func(ctx context.Context) (none struct{}, err error) {
		ctx, left, err := n.activations.enter(ctx, c, at.identity)
		if err != nil {
			return none, err
		}
		defer func() { err = left(err) }()
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
	})
}

// localOutbox sends the items of a stream to a loop of the node's own.
type localOutbox[Resp any] struct {
	credit
	inbox *inbox[Resp]
}

// send implements [sink].
func (o *localOutbox[Resp]) send(ctx context.Context, value *wire.Payload) error {
	return o.put(ctx, item[Resp]{encoded: value})
}

func (o *localOutbox[Resp]) put(ctx context.Context, it item[Resp]) error {
	if err := o.take(ctx); err != nil {
		return err
	}
	return o.inbox.put(it)
}
