package rpc

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// backlog is how many bytes of calls wait for the connections to other nodes.
// protoactor keeps what a slow one does not take, without limit, and also when nobody
// waits for the call any more.
type backlog struct {
	watched atomic.Bool // by sendStream: other kinds of networks tell nothing
	mu      sync.Mutex
	bytes   map[string]int // by the address of the node
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
		return notRun{fmt.Errorf("%w: calls with %d bytes wait to be sent to %s, of which there may be %d",
			actors.ErrOverloaded, waiting, address, limit)}
	}
	if b.bytes == nil {
		b.bytes = make(map[string]int)
	}
	b.bytes[address] = waiting + bytes
	return nil
}

// sent notes that calls with so many bytes wait no more.
func (b *backlog) sent(address string, bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bytes[address] -= bytes; b.bytes[address] <= 0 { // less if the connection was lost meanwhile
		delete(b.bytes, address)
	}
}

// lost notes that nothing waits for a connection any more, as it is lost with it.
func (b *backlog) lost(address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.bytes, address)
}

var (
	envelopeName = string((*wire.Envelope)(nil).ProtoReflect().Descriptor().FullName())
	requestField = (*wire.Envelope)(nil).ProtoReflect().Descriptor().Fields().ByName("request").Number()
)

// callsIn returns how many bytes the calls of a batch have.
func callsIn(batch *remote.MessageBatch) (bytes int) {
	for _, e := range batch.GetEnvelopes() {
		if batch.GetTypeNames()[e.GetTypeId()] == envelopeName {
			bytes += callIn(e.GetMessageData())
		}
	}
	return bytes
}

// callIn returns how many bytes the call has that an encoded envelope is, 0 for
// anything else.
func callIn(envelope []byte) int {
	for len(envelope) > 0 {
		number, kind, tag := protowire.ConsumeTag(envelope)
		if tag < 0 {
			return 0
		}
		envelope = envelope[tag:]
		if number == requestField {
			request, _ := protowire.ConsumeBytes(envelope)
			return len(request)
		}
		value := protowire.ConsumeFieldValue(number, kind, envelope)
		if value < 0 {
			return 0
		}
		envelope = envelope[value:]
	}
	return 0
}
