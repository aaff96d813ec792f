package rpc_test

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/props"
)

func TestStreamOfAnIdentityFindsItsState(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		require.NoError(t, handleCarts(system))
		require.NoError(t, rpc.HandleStream(system, "items", func(ctx context.Context, _ int) iter.Seq2[string, error] {
			return func(yield func(string, error) bool) {
				c, _ := rpc.State[*cart](ctx)
				for _, item := range c.items {
					if !yield(item, nil) {
						return
					}
				}
			}
		}))
		errNoDisk := errors.New("no disk")
		c, _ := join(t, system, kindOf(t, system, "cart", func(ctx context.Context, id string) (*cart, error) {
			if id == "broken" {
				return nil, errNoDisk
			}
			return newCart(ctx, id)
		}))
		for _, item := range []string{"tea", "milk", "rice"} {
			_, err := add(t, c, "alice", item)
			require.NoError(t, err)
		}
		items := func(id string) ([]string, error) {
			return collect(rpc.Stream[int, string](t.Context(), system, rpc.Identity(c, "cart", id), "items", 0, rpc.Window(1)))
		}
		got, err := items("alice")
		require.NoError(t, err)
		assert.Equal(t, []string{"tea", "milk", "rice"}, got)

		_, err = items("broken")
		require.ErrorIs(t, err, rpc.ErrActivation)
		require.ErrorIs(t, err, errNoDisk)
		assert.Zero(t, rpc.StatsOf(system).Open)
	})
}

func TestStreamsOfAPoolRunOnItsWorkers(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		all := make(chan struct{})
		var running atomic.Int32
		require.NoError(t, rpc.HandleStream(system, "count", func(_ context.Context, n int) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) {
				if running.Add(1) == 4 {
					close(all)
				}
				<-all // all of them at the same time
				for i := range n {
					if !yield(i, nil) {
						return
					}
				}
			}
		}))
		k, err := rpc.PoolKind(system, "hash", props.MaxWorkers(4))
		require.NoError(t, err)
		c, _ := join(t, system, k)
		type counted struct {
			items []int
			err   error
		}
		ended := make(chan counted)
		for range 4 {
			go func() {
				items, err := collect(rpc.Stream[int, int](t.Context(), system, rpc.Pool(c, "hash"), "count", 100, rpc.Window(2)))
				ended <- counted{items, err}
			}()
		}
		for range 4 {
			got := <-ended
			require.NoError(t, got.err)
			assert.Equal(t, numbersTo(100), got.items)
		}
	})
}

func TestStreamsAreNotRepeated(t *testing.T) {
	streaming(t, func(t *testing.T, s *scene, targets map[string]place) {
		for name, at := range targets {
			for _, option := range []rpc.CallOption{rpc.Idempotent("k"), rpc.AttemptTimeout(1)} {
				got, err := collect(rpc.Stream[int, int](t.Context(), at.from, at.target, "count", 3, option))
				require.ErrorContains(t, err, "rpc: Stream: not with Idempotent or AttemptTimeout", name)
				assert.Empty(t, got, name)
			}
			_, err := rpc.Call[int, int](t.Context(), at.from, at.target, "count", 3, rpc.Idempotent("k")).Wait(t.Context())
			require.ErrorIs(t, err, rpc.ErrUnknownFunction, name)
			require.ErrorContains(t, err, `"count" is not for Call: it streams its results`, name)
		}
		assert.Zero(t, rpc.StatsOf(s.there))
	})
}
