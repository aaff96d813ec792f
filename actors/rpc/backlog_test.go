package rpc

import (
	"testing"

	"github.com/asynkron/protoactor-go/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

func TestBundlesInABatch(t *testing.T) {
	batch := &remote.MessageBatch{TypeNames: []string{"other", "protocaller.rpc.Bundle"}}
	for number := range uint32(4) {
		batch.Envelopes = append(batch.Envelopes, &remote.MessageEnvelope{TypeId: int32(number % 2), SenderRequestId: number}) //nolint:gosec // It is small.
	}
	assert.Equal(t, []uint32{1, 3}, bundlesIn(batch))
	assert.Empty(t, bundlesIn(nil))
}

func TestBacklogOfANode(t *testing.T) {
	var b backlog
	call := request(wire.Version, 7, 1)
	size := call.GetRequest().SizeVT()
	require.NoError(t, b.add("a", 2*size, size))
	require.NoError(t, b.add("a", 2*size, size), "nobody tells of what is sent")
	b.bundled("a", 1, []*wire.Envelope{call, call})
	b.sent(1)

	b.watched.Store(true)
	require.NoError(t, b.add("a", 2*size, size), "one alone may be larger")
	require.NoError(t, b.add("b", size, size))
	err := b.add("a", 1, size)
	require.ErrorIs(t, err, actors.ErrOverloaded)
	assert.True(t, hasNotRun(err), "a pool may have it run elsewhere")
	b.bundled("a", 2, []*wire.Envelope{call, {Cancel: &wire.Cancel{}}, call})
	b.bundled("b", 3, []*wire.Envelope{call})
	b.bundled("b", 4, []*wire.Envelope{{Cancel: &wire.Cancel{}}})
	b.sent(2)
	b.sent(2) // as a dead letter
	require.NoError(t, b.add("a", size, size))
	b.lost("a")
	b.bundled("a", 5, []*wire.Envelope{call}) // after it was lost
	b.sent(5)
	b.sent(3)
	b.sent(4)
	assert.Empty(t, b.bytes)
	assert.Empty(t, b.bundles)

	answer := &wire.Envelope{Response: &wire.Response{Result: &wire.Payload{Data: make([]byte, 100)}}}
	b.bundled("a", 6, []*wire.Envelope{answer, answer})
	assert.True(t, b.isFull("a", 199))
	assert.False(t, b.isFull("a", 300))
	assert.False(t, b.isFull("b", 0))
	b.sent(6)
	assert.Empty(t, b.bytes)
}
