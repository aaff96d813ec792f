package rpc_test

import (
	"context"
	"io"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
)

// stranger speaks the protocol of protoactor's remote by hand.
type stranger struct {
	tb     testing.TB
	conn   *grpc.ClientConn
	claims string
}

// meet has a stranger connect to a node, which claims an address.
func meet(tb testing.TB, address, claims string, options ...grpc.DialOption) *stranger {
	tb.Helper()
	if len(options) == 0 {
		options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	conn, err := grpc.NewClient(address, options...)
	require.NoError(tb, err)
	s := &stranger{tb: tb, conn: conn, claims: claims}
	tb.Cleanup(func() { assert.NoError(tb, conn.Close()) })
	return s
}

// open opens a stream, without a word.
func (s *stranger) open() grpc.BidiStreamingClient[remote.RemoteMessage, remote.RemoteMessage] {
	s.tb.Helper()
	stream, err := receive(s.tb.Context(), s.conn)
	require.NoError(s.tb, err)
	return stream
}

func receive(
	ctx context.Context, conn *grpc.ClientConn,
) (grpc.BidiStreamingClient[remote.RemoteMessage, remote.RemoteMessage], error) {
	stream, err := conn.NewStream(ctx, &remote.Remoting_ServiceDesc.Streams[0], "/remote.Remoting/Receive")
	if err != nil {
		return nil, err
	}
	return &grpc.GenericClientStream[remote.RemoteMessage, remote.RemoteMessage]{ClientStream: stream}, nil
}

// says returns the message with which a node says who it is.
func says(address string) *remote.RemoteMessage {
	return &remote.RemoteMessage{MessageType: &remote.RemoteMessage_ConnectRequest{ConnectRequest: &remote.ConnectRequest{
		ConnectionType: &remote.ConnectRequest_ServerConnection{
			ServerConnection: &remote.ServerConnection{SystemId: "stranger", Address: address},
		},
	}}}
}

// send sends messages on a stream of its own, after the stranger has said who it is. It
// returns when the node has dealt with all of them. The error is that of the stream, if
// there is one.
func (s *stranger) send(messages ...*remote.RemoteMessage) error {
	s.tb.Helper()
	stream := s.open()
	_ = stream.Send(says(s.claims))
	for _, message := range messages {
		_ = stream.Send(message) // an error is found by Recv
	}
	_ = stream.CloseSend()
	for {
		if _, err := stream.Recv(); err == io.EOF { //nolint:errorlint // It is not wrapped.
			return nil
		} else if err != nil {
			return err
		}
	}
}

// tell sends one message to an actor.
func (s *stranger) tell(id string, message proto.Message, sender *actor.PID) {
	s.tb.Helper()
	require.NoError(s.tb, s.send(batchOf(s.tb, actor.NewPID("any", id), message, sender)))
}

// batchOf returns a batch of one message.
func batchOf(tb testing.TB, target *actor.PID, message proto.Message, sender *actor.PID) *remote.RemoteMessage {
	data, err := proto.Marshal(message)
	require.NoError(tb, err)
	e := &remote.MessageEnvelope{MessageData: data, TargetRequestId: target.GetRequestId()}
	batch := &remote.MessageBatch{
		TypeNames: []string{string(message.ProtoReflect().Descriptor().FullName())},
		Targets:   []*actor.PID{{Address: target.GetAddress(), Id: target.GetId()}},
		Envelopes: []*remote.MessageEnvelope{e},
	}
	if sender != nil {
		batch.Senders, e.Sender = []*actor.PID{sender}, 1
	}
	return inBatch(batch)
}

func inBatch(batch *remote.MessageBatch) *remote.RemoteMessage {
	return &remote.RemoteMessage{MessageType: &remote.RemoteMessage_MessageBatch{MessageBatch: batch}}
}
