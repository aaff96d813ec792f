package rpc_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

// What a crash between effect and answer leaves open, the key closes: it is
// written with the effect.
func TestKeyWrittenWithTheEffectSurvivesACrash(t *testing.T) {
	inFaultyShop(t, func(ctx context.Context, t *testing.T, s *faultyShop) {
		var orders ledger // survives the node
		take := func(ctx context.Context, _ struct{}) (int, error) {
			key, ok := rpc.Key(ctx)
			if !ok {
				return 0, errors.New("no key")
			}
			if orders.of(key) == 0 {
				orders.note(key)
			}
			return orders.of(key), actors.Sleep(ctx, time.Minute) // before the answer
		}
		require.NoError(t, rpc.Handle(s.there, "take", take))
		p := rpc.Call[struct{}, int](ctx, s.here, s.target, "take", struct{}{}, rpc.Idempotent("order 7"))
		time.Sleep(time.Second)
		assert.Equal(t, 1, orders.of("order 7"))
		s.network.Crash("there")
		s.reopen(t)
		require.NoError(t, rpc.Handle(s.there, "take", take))
		n, err := p.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, 1, n)

		_, err = rpc.Call[struct{}, int](ctx, s.here, s.target, "take", struct{}{}).Wait(ctx)
		require.ErrorContains(t, err, "no key", "of a call without one")
	})
}

func TestKeysHoldInOnesOwnSystemAndForOtherNodes(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		var asked atomic.Bool
		require.NoError(t, rpc.Configure(s.there, rpc.Authorize(func(call rpc.Incoming) bool {
			asked.Store(true)
			return call.Peer != ""
		})))
		sell := func(system *actor.ActorSystem, target rpc.Target) int {
			n, err := rpc.Call[string, int](ctx, system, target, "sell", "tea", rpc.Idempotent("tea")).Wait(ctx)
			require.NoError(t, err)
			return n
		}
		for _, target := range []rpc.Target{rpc.At("", s.clerk.ID()), s.target, rpc.OnPID(s.clerk.PID())} {
			assert.Equal(t, 1, sell(s.there, target))
		}
		assert.False(t, asked.Load(), "only for calls of other nodes")
		assert.Equal(t, 1, sell(s.here, s.target))
		assert.Equal(t, 1, sell(s.node(t, "elsewhere"), s.target))
		assert.True(t, asked.Load())
		_, err := rpc.Call[int, int](ctx, s.there, s.target, "steal", 1, rpc.Idempotent("")).Wait(ctx)
		require.ErrorIs(t, err, rpc.ErrUnknownFunction)
		s.ended(t)

		p := rpc.Call[struct{}, int](ctx, s.there, s.target, "wait", struct{}{}, rpc.Idempotent(""))
		s.served(t, 1)
		p.Cancel(nil)
		s.ended(t)
	})
}

func TestKeyInASystemThatIsNotStarted(t *testing.T) {
	system := actorstest.NewSystem(t)
	require.NoError(t, register(system))
	clerk := actorstest.Start(t, system)
	got, err := rpc.Call[string, string](t.Context(), system, rpc.OnPID(clerk.PID()), "echo", "x", rpc.Idempotent("k")).Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "x", got)
	_, err = rpc.Call[string, string](t.Context(), system, rpc.At("127.0.0.1:1", "x"), "echo", "x", rpc.Idempotent("k")).Wait(t.Context())
	require.ErrorIs(t, err, rpc.ErrNodeDown)
	require.ErrorContains(t, err, "not started")
}

func TestEmptyKeyIsAnotherOneForEachCall(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		once := rpc.Idempotent("")
		for n := range 3 {
			got, err := rpc.Call[string, int](ctx, s.here, s.target, "sell", "tea", once).Wait(ctx)
			require.NoError(t, err)
			assert.Equal(t, n+1, got)
		}
	})
}

func TestMistakesInCalls(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		for text, opts := range map[string][]rpc.CallOption{
			"only with Idempotent": {rpc.AttemptTimeout(time.Second)},
			"0s is not more":       {rpc.Idempotent(""), rpc.AttemptTimeout(0)},
			"no UTF-8":             {rpc.Idempotent("\xff")},
			"key of 257 bytes":     {rpc.Idempotent(strings.Repeat("k", 257))},
		} {
			for _, system := range []*actor.ActorSystem{s.here, s.there} {
				_, err := rpc.Call[string, int](ctx, system, s.target, "sell", "tea", opts...).Wait(ctx)
				require.ErrorContains(t, err, text)
				require.ErrorContains(t, err, "rpc: ")
			}
		}
		assert.Zero(t, s.sold.of("tea"))
		_, err := s.sell(ctx, strings.Repeat("k", 256)).Wait(ctx)
		require.NoError(t, err)
	})
}
