package rpc

import (
	"context"
	"fmt"
	"sync"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// sink is where the function of a stream sends its items.
type sink interface {
	// send waits until the item may be sent, giving the turn of ctx away.
	send(ctx context.Context, item *wire.Payload) error
}

// outbox sends the items of a stream to the node that has called.
type outbox struct {
	credit
	node *node
	call incoming
}

// send implements [sink].
func (o *outbox) send(ctx context.Context, value *wire.Payload) error {
	if size, limit := value.SizeVT(), o.node.config.Load().maxSize; size > limit {
		return fmt.Errorf("%w: item with %d bytes, of which %d may be sent", ErrTooLarge, size, limit)
	}
	position, err := o.take(ctx)
	if err != nil {
		return err
	}
	e := wire.NewItem(position, value)
	e.Generation, e.Call = o.call.generation, o.call.number
	o.node.send(o.call.address, e)
	return nil
}

// outboxes are those of the streams that other nodes have called and that have not
// ended.
type outboxes struct {
	mu   sync.Mutex
	open map[incoming]*outbox
}

// begin returns the outbox of a call, nil if it is no stream, whose window is 0.
func (o *outboxes) begin(n *node, call incoming, window uint32) *outbox {
	if window == 0 {
		return nil
	}
	out := &outbox{node: n, call: call}
	out.init(window)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.open == nil {
		o.open = make(map[incoming]*outbox)
	}
	o.open[call] = out
	return out
}

// end closes an outbox, and returns how many items were sent.
func (o *outboxes) end(out *outbox) (sent uint64) {
	if out == nil {
		return 0
	}
	o.mu.Lock()
	delete(o.open, out.call)
	o.mu.Unlock()
	return out.close()
}

// grant lets so many items of a call be sent in all, if it is a stream that has
// not ended.
func (o *outboxes) grant(call incoming, items uint64) {
	o.mu.Lock()
	out := o.open[call]
	o.mu.Unlock()
	if out != nil {
		out.grant(items)
	}
}
