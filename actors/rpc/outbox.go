package rpc

import (
	"context"
	"fmt"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// sink is where the function of a stream sends its items.
type sink interface {
	// send waits until the item may be sent, giving the turn of ctx away.
	send(ctx context.Context, item *wire.Payload) error
}

// outbox sends the items of a stream to the node that has called.
type outbox struct {
	credit
	call *inboundCall
}

func newOutbox(call *inboundCall, window uint32) *outbox {
	o := &outbox{call: call}
	o.init(window)
	return o
}

// send implements [sink].
func (o *outbox) send(ctx context.Context, value *wire.Payload) error {
	size, from := value.Size(), o.call.from
	if limit := o.call.node.config.Load().maxSize; size > limit {
		return fmt.Errorf("%w: item with %d bytes, of which %d may be sent", ErrTooLarge, size, limit)
	}
	if limit, ok := from.maySend(size); !ok {
		return fmt.Errorf("%w: item with %d bytes, of which %d may be received", ErrTooLarge, size, limit)
	}
	if err := o.take(ctx); err != nil {
		return err
	}
	return from.item(ctx, o.call.number, value)
}

// maySend reports whether the other node takes what has that size, and what it takes.
func (i *inbound) maySend(size int) (limit uint64, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.session.Peer().MaxSize, i.session.MaySend(size)
}

// item sends an item of a call, if that is open. It first waits until there is room.
func (i *inbound) item(ctx context.Context, number uint64, value *wire.Payload) error {
	for {
		i.mu.Lock()
		if i.over || i.session.Queued() <= itemRoom {
			i.session.Item(number, value)
			i.notify()
			i.mu.Unlock()
			return nil
		}
		room := pending.New[struct{}](ctx, pending.Named("rpc.Session"))
		i.waiting = append(i.waiting, room)
		i.mu.Unlock()
		if err := waitAway(ctx, room); err != nil && ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}
