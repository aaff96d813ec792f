package rpc_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

// newFaultyScene is a scene whose nodes are linked by a network with faults.
func newFaultyScene(t *testing.T, faults ...actorstest.Option) (*scene, *actorstest.Network) {
	network := actorstest.NewNetwork(t, faults...)
	return newScene(t, inBubble{network}), network
}

func TestStreamOverANetworkThatReordersAndDuplicates(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			s, _ := newFaultyScene(t, actorstest.Seed(seed), actorstest.Delay(time.Millisecond, 50*time.Millisecond),
				actorstest.Reorder(), actorstest.Duplication(0.3))
			for _, window := range []int{1, 4, 16} {
				got, err := collect(rpc.Stream[int, int](t.Context(), s.here, s.target, "count", 200, rpc.Window(window)))
				require.NoError(t, err)
				assert.Equal(t, numbersTo(200), got)

				got, err = collect(rpc.Stream[int, int](t.Context(), s.here, s.target, "three and fail", 0, rpc.Window(window)))
				require.ErrorIs(t, err, errSoldOut)
				assert.Equal(t, []int{1, 2, 3}, got)
			}
			time.Sleep(time.Second) // what is under way arrives
			assert.Zero(t, rpc.StatsOf(s.here).Open)
			assert.Zero(t, rpc.StatsOf(s.there).Served)
		})
	}
}

func TestNodeThatIsLostEndsItsStreamsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, network := newFaultyScene(t)
		var e endless
		e.register(t, s)
		got, err := collect(func(yield func(int, error) bool) {
			for i, err := range rpc.Stream[int, int](t.Context(), s.here, s.target, "endless", 0) {
				if i == 20 {
					network.Reset("here", "there")
				}
				if !yield(i, err) {
					return
				}
			}
		})
		require.ErrorIs(t, err, rpc.ErrNodeDown)
		require.ErrorIs(t, <-e.left, rpc.ErrNodeDown)
		assert.GreaterOrEqual(t, len(got), 21, "what has come is handed out first")
		assert.Equal(t, numbersTo(len(got)), got)
		synctest.Wait()
		assert.Zero(t, rpc.StatsOf(s.here))
		assert.Zero(t, rpc.StatsOf(s.there))
	})
}

func TestStreamThatNothingArrivesOfEndsWithinFifteenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, network := newFaultyScene(t)
		var e endless
		e.register(t, s)
		var cut time.Time
		_, err := collect(func(yield func(int, error) bool) {
			for i, err := range rpc.Stream[int, int](t.Context(), s.here, s.target, "endless", 0) {
				if i == 20 {
					network.Partition("here", "there")
					cut = time.Now()
				}
				if !yield(i, err) {
					return
				}
			}
		})
		require.ErrorIs(t, err, rpc.ErrNodeDown)
		require.ErrorIs(t, <-e.left, rpc.ErrNodeDown, "the function is cancelled as well")
		assert.Less(t, time.Since(cut), 15*time.Second)
	})
}

// Nothing is told by clocks: a node may start anew in the same instant, or earlier by its
// clock.
func TestNodeThatStartsAnewInTheSameInstantIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, network := newFaultyScene(t)
		for range 3 {
			got, err := rpc.Call[string, string](t.Context(), s.here, s.target, "echo", "x").Wait(t.Context())
			require.NoError(t, err)
			assert.Equal(t, "x", got)
			network.Crash("here")
			s.here = network.System("here")
		}
	})
}
