package rpc

import (
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/remote"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// backlog is how many bytes of calls and answers wait for the connections to other
// nodes. protoactor keeps what a slow one does not take, without limit, and also when
// nobody waits for the call any more.
type backlog struct {
	watched atomic.Bool // by sendStream: other kinds of networks tell nothing
	mu      sync.Mutex
	bytes   map[string]int // by the address of the node
	bundles map[uint32]load
}

// load is what a bundle has that waits.
type load struct {
	address string
	bytes   int
}

// add notes a call that is about to be sent, unless with it more than the limit would
// wait: one alone may always.
func (b *backlog) add(address string, bytes, limit int) error {
	if !b.watched.Load() {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	waiting := b.bytes[address]
	if waiting > 0 && waiting+bytes > limit {
		return notRun{fmt.Errorf("%w: %d bytes wait to be sent to %s, of which there may be %d",
			actors.ErrOverloaded, waiting, address, limit)}
	}
	if b.bytes == nil {
		b.bytes = make(map[string]int)
	}
	b.bytes[address] = waiting + bytes
	return nil
}

// isFull reports whether more than the limit waits, so that nothing should be done that
// needs an answer.
func (b *backlog) isFull(address string, limit int) bool {
	if !b.watched.Load() {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes[address] > limit
}

// bundled notes that calls which were added are sent as part of a bundle, and adds the
// answers that are.
func (b *backlog) bundled(address string, bundle uint32, all []*wire.Envelope) {
	if !b.watched.Load() {
		return
	}
	calls, answers := 0, 0
	for _, e := range all {
		if e.GetRequest() != nil {
			calls += e.GetRequest().SizeVT()
		} else {
			answers += e.GetResponse().SizeVT() + e.GetItem().SizeVT()
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bundles == nil {
		b.bundles = make(map[uint32]load)
	}
	if answers > 0 {
		if b.bytes == nil {
			b.bytes = make(map[string]int)
		}
		b.bytes[address] += answers
	}
	b.bundles[bundle] = load{address, calls + answers}
}

// sent notes that a bundle waits no more.
func (b *backlog) sent(bundle uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l, ok := b.bundles[bundle]
	if !ok {
		return
	}
	delete(b.bundles, bundle)
	if b.bytes[l.address] -= l.bytes; b.bytes[l.address] <= 0 { // less if the connection was lost meanwhile
		delete(b.bytes, l.address)
	}
}

// lost notes that nothing waits for a connection any more, as it is lost with it.
func (b *backlog) lost(address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.bytes, address)
	maps.DeleteFunc(b.bundles, func(_ uint32, l load) bool { return l.address == address })
}

var bundleName = string((*wire.Bundle)(nil).ProtoReflect().Descriptor().FullName())

// bundlesIn returns the numbers of the bundles in a batch.
func bundlesIn(batch *remote.MessageBatch) (numbers []uint32) {
	for _, e := range batch.GetEnvelopes() {
		if batch.GetTypeNames()[e.GetTypeId()] == bundleName {
			numbers = append(numbers, e.GetSenderRequestId())
		}
	}
	return numbers
}
