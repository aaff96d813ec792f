package rpc

import (
	"errors"
	"io"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

var errLost = errors.New("lost")

// lostStream is a connection that is lost.
type lostStream struct{ grpc.ClientStream }

func (lostStream) RecvMsg(any) error { return errLost }
func (lostStream) SendMsg(any) error { return errLost }
func (lostStream) CloseSend() error  { return nil }

func TestConnectionThatThisSideHasClosedIsNotLost(t *testing.T) {
	d := &departures{ClientStream: lostStream{}}
	require.ErrorIs(t, d.RecvMsg(nil), errLost)
	require.NoError(t, d.CloseSend())
	require.ErrorIs(t, d.RecvMsg(nil), io.EOF)

	d = &departures{ClientStream: lostStream{}}
	require.ErrorIs(t, d.SendMsg(nil), errLost)
	require.NoError(t, d.CloseSend())
	require.ErrorIs(t, d.RecvMsg(nil), errLost, "it was lost before it was closed")
}

// sentMessages keeps what is sent.
type sentMessages struct {
	grpc.ClientStream
	all []*remote.RemoteMessage
}

func (s *sentMessages) SendMsg(message any) error {
	s.all = append(s.all, message.(*remote.RemoteMessage))
	return nil
}

// A node takes no message of gRPC that is much larger than its MaxSize.
func TestWhatProtoactorHasPackedIsSentInSeveralMessagesIfItIsLarge(t *testing.T) {
	batch := &remote.MessageBatch{TypeNames: []string{"a"}, Targets: []*actor.PID{{Id: "b"}}}
	for n := range 10 {
		batch.Envelopes = append(batch.Envelopes, &remote.MessageEnvelope{MessageData: make([]byte, 200_000), TypeId: int32(n)}) //nolint:gosec // It is small.
	}
	batch.Envelopes = append(batch.Envelopes, &remote.MessageEnvelope{MessageData: make([]byte, 2*overhead)})
	var s sentMessages
	d := &departures{ClientStream: &s, node: newGate().node}
	send := func(envelopes []*remote.MessageEnvelope) {
		require.NoError(t, d.SendMsg(&remote.RemoteMessage{MessageType: &remote.RemoteMessage_MessageBatch{MessageBatch: &remote.MessageBatch{
			TypeNames: batch.TypeNames, Targets: batch.Targets, Envelopes: envelopes,
		}}}))
	}
	send(batch.Envelopes)
	var sent []*remote.MessageEnvelope
	for _, message := range s.all {
		part := message.GetMessageBatch()
		assert.True(t, len(part.GetEnvelopes()) == 1 || proto.Size(part) < overhead)
		assert.Equal(t, batch.TypeNames, part.GetTypeNames())
		assert.Equal(t, batch.Targets, part.GetTargets())
		sent = append(sent, part.GetEnvelopes()...)
	}
	assert.Len(t, s.all, 6)
	assert.Equal(t, batch.Envelopes, sent)

	s.all = nil
	send(batch.Envelopes[:2])
	assert.Len(t, s.all, 1)
	require.NoError(t, d.SendMsg(&remote.RemoteMessage{}))
	assert.Len(t, s.all, 2)
}
