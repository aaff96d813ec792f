package rpc_test

import (
	"io"
	"strings"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// An empty message of any type may stop the actor that it is for, but not the process.
func TestEmptyMessagesDoNotEndTheNode(t *testing.T) {
	alone(t, func(t *testing.T) {
		node := startNode(t, "127.0.0.1:0")
		conn, err := grpc.NewClient(node.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		require.NoError(t, err)
		defer func() { assert.NoError(t, conn.Close()) }()
		types := typesOfProtoactor()
		require.NotEmpty(t, types)
		for _, target := range []string{"callers.rpc", "callers/clerk", "callers", "echo", "activator", "eventstream", "nobody", ""} {
			for _, name := range types {
				sendEmpty(t, conn, target, name)
			}
		}
		callMethods(t, node.address)
		node.leave(t) // without an error
	})
}

// typesOfProtoactor returns the names of the types that a node may be sent.
func typesOfProtoactor() (names []string) {
	protoregistry.GlobalTypes.RangeMessages(func(m protoreflect.MessageType) bool {
		name := string(m.Descriptor().FullName())
		if !strings.HasPrefix(name, "google.") {
			names = append(names, name)
		}
		return true
	})
	return names
}

// sendEmpty sends an empty message of a type over a connection of its own, and waits until
// the node has read it.
func sendEmpty(t *testing.T, conn *grpc.ClientConn, target, name string) {
	t.Helper()
	stream, err := remote.NewRemotingClient(conn).Receive(t.Context())
	require.NoError(t, err, "%s for %q", name, target)
	_ = stream.Send(&remote.RemoteMessage{MessageType: &remote.RemoteMessage_MessageBatch{MessageBatch: &remote.MessageBatch{
		TypeNames: []string{name}, Targets: []*actor.PID{{Id: target}}, Envelopes: []*remote.MessageEnvelope{{}},
	}}})
	_ = stream.CloseSend()
	for err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.InvalidArgument { // the connection was cut, because protoactor has panicked
		require.ErrorIs(t, err, io.EOF, "%s for %q", name, target)
	}
}
