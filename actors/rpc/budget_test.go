package rpc_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// ofBytes is an argument that is encoded in so many bytes.
func ofBytes(n int) string { return strings.Repeat("x", n-len(`""`)) }

func TestBytesOfOpenCallsAreBounded(t *testing.T) {
	inFaultyShop(t, func(ctx context.Context, t *testing.T, s *faultyShop) {
		require.ErrorContains(t, rpc.Configure(s.here, rpc.MaxOpenBytes(0)), "MaxOpenBytes: 0 is less")
		require.NoError(t, rpc.Handle(s.there, "hold", func(ctx context.Context, _ string) (int, error) {
			return 0, actors.Sleep(ctx, time.Minute)
		}))
		hold := func(bytes int, opts ...rpc.CallOption) *pending.Pending[int] {
			return rpc.Call[string, int](ctx, s.here, s.target, "hold", ofBytes(bytes), opts...)
		}
		for name, side := range map[string]struct {
			system *actor.ActorSystem
			bytes  func() int
		}{
			"here":  {s.here, func() int { return rpc.StatsOf(s.here).OpenBytes }},
			"there": {s.there, func() int { return rpc.StatsOf(s.there).ServedBytes }},
		} {
			require.NoError(t, rpc.Configure(side.system, rpc.MaxOpenBytes(1000)))
			first, second := hold(400), hold(600, rpc.Idempotent(""))
			synctest.Wait()
			assert.Equal(t, 1000, side.bytes(), name)
			_, err := hold(3).Wait(ctx)
			require.ErrorIs(t, err, actors.ErrOverloaded, name)
			first.Cancel(nil)
			synctest.Wait()
			assert.Equal(t, 600, side.bytes(), name)
			third := hold(400)
			_, err = second.Wait(ctx)
			require.NoError(t, err)
			_, err = third.Wait(ctx)
			require.NoError(t, err)
			_, err = hold(2000).Wait(ctx)
			require.NoError(t, err, "one that is alone may have more")
			assert.Zero(t, side.bytes(), name)
			require.NoError(t, rpc.Configure(side.system, rpc.MaxOpenBytes(rpc.DefaultMaxOpenBytes)))
		}
	})
}

func TestCallWithAKeyWaitsForBytesOfTheOtherNode(t *testing.T) {
	inFaultyShop(t, func(ctx context.Context, t *testing.T, s *faultyShop) {
		require.NoError(t, rpc.Configure(s.there, rpc.MaxOpenBytes(1000)))
		require.NoError(t, rpc.Handle(s.there, "hold", func(ctx context.Context, _ string) (int, error) {
			return 0, actors.Sleep(ctx, time.Minute)
		}))
		first := rpc.Call[string, int](ctx, s.here, s.target, "hold", ofBytes(1000))
		second := rpc.Call[string, int](ctx, s.here, s.target, "hold", ofBytes(1000), rpc.Idempotent(""))
		for _, p := range []*pending.Pending[int]{first, second} {
			_, err := p.Wait(ctx)
			require.NoError(t, err)
		}
	})
}
