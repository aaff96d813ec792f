package rpc_test

import (
	"context"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry/inspect"
)

// take returns a snapshot of the first node, with the others.
func (s *scene) take(tb testing.TB) *inspect.Snapshot {
	tb.Helper()
	seen, err := inspect.Take(tb.Context(), s.here, inspect.Nodes())
	require.NoError(tb, err)
	return seen
}

func TestAnotherNodeIsSeenWithTheCallsToIt(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		require.NoError(t, rpc.Inspectable(s.there))
		mine := actorstest.Start(t, s.here, props.Name("customer"))
		ctx, cancel := context.WithCancel(t.Context())
		shopping := actors.Schedule(ctx, mine, func(ctx context.Context) (int, error) {
			return rpc.Call[struct{}, int](ctx, s.here, s.target, "sleep", struct{}{}).Wait(ctx)
		}, actors.Named("shop"))
		s.served(t, 1)
		s.until(t, func() bool {
			nodes := s.take(t).Nodes
			return len(nodes) == 1 && nodes[0].Snapshot != nil && len(nodes[0].Snapshot.Node.Calls) == 1 &&
				nodes[0].Snapshot.Node.Calls[0].State == "running"
		})
		seen := s.take(t)
		there := seen.Nodes[0].Snapshot
		assert.Equal(t, s.there.ID, there.System)
		assert.Equal(t, s.there.Address(), there.Node.Address)
		made, served := seen.Node.Calls[0], there.Node.Calls[0]
		assert.Equal(t, shopping.ID(), made.Maker)
		assert.Equal(t, made.Number, served.Number)
		assert.Equal(t, there.Node.Incarnation, made.Incarnation)
		assert.Equal(t, seen.Node.Incarnation, served.Incarnation)
		assert.Equal(t, s.here.Address(), served.Peer)
		require.Len(t, there.Caller(s.clerk.ID()).Suspended, 1)
		assert.Equal(t, served.Call, there.Caller(s.clerk.ID()).Suspended[0].ID)
		require.Len(t, seen.Node.Sessions, 1)
		assert.Equal(t, "open", seen.Node.Sessions[0].State)
		cancel()
		_, err := shopping.Wait(t.Context())
		require.ErrorIs(t, err, context.Canceled)
		s.ended(t)
		assert.Empty(t, s.take(t).Node.Calls)
	})
}

func TestAFrozenNodeIsShownAsSilentAndTheOthersAppear(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		frozen, awake := startNode(t, "127.0.0.1:0"), startNode(t, "127.0.0.1:0")
		for _, node := range []*other{frozen, awake} {
			_, err := rpc.Call[string, string](t.Context(), system, node.target, "echo", "x").Wait(t.Context())
			require.NoError(t, err)
		}
		require.NoError(t, frozen.Process.Signal(syscall.SIGSTOP))
		defer func() { assert.NoError(t, frozen.Process.Signal(syscall.SIGCONT)) }()
		for { // a signal is sent before the process stops
			s, err := inspect.Take(t.Context(), system, inspect.Nodes())
			require.NoError(t, err)
			require.Len(t, s.Nodes, 2)
			i := slices.IndexFunc(s.Nodes, func(n *inspect.OtherNode) bool { return n.Address == frozen.address })
			require.Equal(t, "answers", s.Nodes[1-i].State, s.Nodes[1-i].Error)
			if s.Nodes[i].State == "silent" {
				break
			}
		}
	})
}
