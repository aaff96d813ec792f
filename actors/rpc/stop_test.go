package rpc_test

import (
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

// What protoactor has connected to for the messages of actors ends with the node.
func TestStopEndsTheConnectionsOfActors(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		stop, err := rpc.Start(system, "127.0.0.1:0")
		require.NoError(t, err)
		node := startNode(t, "127.0.0.1:0")
		terminated := make(chan string, 10)
		system.EventStream.Subscribe(func(event any) {
			if e, ok := event.(*remote.EndpointTerminatedEvent); ok {
				terminated <- e.Address
			}
		})
		_, err = system.Root.RequestFuture(actor.NewPID(node.address, "echo"), wrapperspb.String("x"), time.Minute).Result()
		require.NoError(t, err)
		stop()
		require.Equal(t, node.address, <-terminated)
	})
}
