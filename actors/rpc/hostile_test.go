package rpc_test

import (
	"strings"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// An empty message of any type may stop the actor that it is for, but not the process.
func TestEmptyMessagesDoNotEndTheNode(t *testing.T) {
	alone(t, func(t *testing.T) {
		node := startNode(t, "127.0.0.1:0")
		claims := freeAddress(t)
		s := meet(t, node.address, claims)
		types := typesOfProtoactor()
		require.NotEmpty(t, types)
		for _, target := range []string{
			"callers.rpc", "callers/clerk", "callers", "echo", "activator", "eventstream", "EndpointSupervisor", "nobody", "",
		} {
			for _, sender := range []*actor.PID{nil, actor.NewPID(claims, "x"), actor.NewPID(node.address, "echo")} {
				var all []*remote.RemoteMessage
				for _, name := range types {
					all = append(all, emptyOf(name, target, sender))
				}
				require.NoError(t, s.send(all...), target)
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

// emptyOf returns a batch of an empty message of a type.
func emptyOf(name, target string, sender *actor.PID) *remote.RemoteMessage {
	batch := &remote.MessageBatch{
		TypeNames: []string{name}, Targets: []*actor.PID{{Id: target}}, Envelopes: []*remote.MessageEnvelope{{}},
	}
	if sender != nil {
		batch.Senders, batch.Envelopes[0].Sender = []*actor.PID{sender}, 1
	}
	return inBatch(batch)
}
