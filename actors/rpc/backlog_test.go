package rpc

import (
	"testing"

	"github.com/asynkron/protoactor-go/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

func TestBytesOfCallsInABatch(t *testing.T) {
	call := request(wire.Version, 7, 1<<40)
	answer := &wire.Envelope{Version: 1, Kind: &wire.Envelope_Response{Response: &wire.Response{
		Outcome: &wire.Response_Result{Result: &wire.Payload{Data: make([]byte, 1000)}},
	}}}
	batch := &remote.MessageBatch{TypeNames: []string{"other", "protocaller.rpc.Envelope"}}
	for _, m := range []proto.Message{call, answer, &wire.Envelope{}, call} {
		data, err := proto.Marshal(m)
		require.NoError(t, err)
		batch.Envelopes = append(batch.Envelopes,
			&remote.MessageEnvelope{TypeId: 0, MessageData: data}, &remote.MessageEnvelope{TypeId: 1, MessageData: data})
	}
	assert.Equal(t, 2*proto.Size(call.GetRequest()), callsIn(batch))
	assert.Zero(t, callsIn(nil))

	data, err := proto.Marshal(call)
	require.NoError(t, err)
	for end := range data { // of what is cut off nothing counts
		assert.Zero(t, callIn(data[:end]))
	}
}

func TestBacklogOfANode(t *testing.T) {
	var b backlog
	require.NoError(t, b.add("a", 200, 100))
	require.NoError(t, b.add("a", 200, 100), "nobody tells of what is sent")

	b.watched.Store(true)
	require.NoError(t, b.add("a", 200, 100), "one alone may be larger")
	require.NoError(t, b.add("b", 60, 100))
	err := b.add("a", 1, 100)
	require.ErrorIs(t, err, actors.ErrOverloaded)
	assert.True(t, hasNotRun(err), "a pool may have it run elsewhere")
	b.sent("a", 200)
	require.NoError(t, b.add("a", 1, 100))
	b.lost("a")
	b.sent("a", 1)
	b.sent("b", 60)
	assert.Empty(t, b.bytes)
}
