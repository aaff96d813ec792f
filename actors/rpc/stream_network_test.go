package rpc_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// newStreamScene is a scene whose nodes are linked by a network with faults.
func newStreamScene(t *testing.T, faults ...actorstest.Option) (*scene, *actorstest.Network) {
	network := actorstest.NewNetwork(t, faults...)
	s := &scene{here: network.System("here"), there: network.System("there")}
	require.NoError(t, register(s.there))
	require.NoError(t, registerStreams(s.there))
	require.NoError(t, rpc.RegisterError(s.here, "shop.sold_out", errSoldOut))
	s.clerk = actorstest.Start(t, s.there, props.Name("clerk"))
	s.target = rpc.At("there", s.clerk.ID())
	return s, network
}

func TestStreamOverANetworkThatReordersAndDuplicates(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			s, _ := newStreamScene(t, actorstest.Seed(seed), actorstest.Delay(time.Millisecond, 50*time.Millisecond),
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

func TestManyItems(t *testing.T) {
	streaming(t, func(t *testing.T, _ *scene, targets map[string]place) {
		for name, at := range targets {
			next := 0
			for i, err := range rpc.Stream[int, int](t.Context(), at.from, at.target, "count", 100_000) {
				require.NoError(t, err, name)
				require.Equal(t, next, i)
				next++
			}
			assert.Equal(t, 100_000, next, name)
		}
	})
}

func TestStreamOfMessagesOfProtobuf(t *testing.T) {
	streaming(t, func(t *testing.T, s *scene, targets map[string]place) {
		require.NoError(t, rpc.HandleStream(s.there, "hours", func(
			_ context.Context, day *durationpb.Duration,
		) iter.Seq2[*durationpb.Duration, error] {
			return func(yield func(*durationpb.Duration, error) bool) {
				more := true
				for d := time.Hour; more && d <= day.AsDuration(); d += time.Hour {
					more = yield(durationpb.New(d), nil)
				}
			}
		}))
		for name, at := range targets {
			got, err := collect(rpc.Stream[*durationpb.Duration, *durationpb.Duration](
				t.Context(), at.from, at.target, "hours", durationpb.New(24*time.Hour)))
			require.NoError(t, err, name)
			require.Len(t, got, 24, name)
			assert.Equal(t, 24*time.Hour, got[23].AsDuration())
		}
	})
}

func TestPanicOfASequenceArrivesWithItsStack(t *testing.T) {
	streaming(t, func(t *testing.T, _ *scene, targets map[string]place) {
		for name, at := range targets {
			_, err := collect(rpc.Stream[int, int](t.Context(), at.from, at.target, "one and panic", 0))
			var crash *pending.PanicError
			require.ErrorAs(t, err, &crash, name)
			assert.Contains(t, string(crash.Stack), "stream_test.go")
		}
	})
}

func TestNodeThatIsLostEndsItsStreamsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, network := newStreamScene(t)
		var e endless
		e.register(t, s)
		got, err := collect(func(yield func(int, error) bool) {
			for i, err := range rpc.Stream[int, int](t.Context(), s.here, s.target, "endless", 0) {
				if i == 20 {
					network.Partition("here", "there")
					s.here.EventStream.Publish(&remote.EndpointTerminatedEvent{Address: "there"})
					s.there.EventStream.Publish(&remote.EndpointTerminatedEvent{Address: "here"})
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

func TestStreamThatNothingArrivesOfEndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, network := newStreamScene(t)
		var e endless
		e.register(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := collect(func(yield func(int, error) bool) {
			for i, err := range rpc.Stream[int, int](ctx, s.here, s.target, "endless", 0) {
				if i == 20 {
					network.Partition("here", "there")
				}
				if !yield(i, err) {
					return
				}
			}
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, <-e.left, context.DeadlineExceeded, "the function has the deadline too")
	})
}

func TestSizesOfItemsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newStreamScene(t)
		require.NoError(t, rpc.HandleStream(s.there, "grow", func(context.Context, int) iter.Seq2[string, error] {
			return func(yield func(string, error) bool) {
				for n, more := 1, true; more; n *= 10 {
					more = yield(strings.Repeat("x", n), nil)
				}
			}
		}))
		for limited, text := range map[string]string{"there": "may be sent", "here": "may be received"} {
			system := s.here
			if limited == "there" {
				system = s.there
			}
			require.NoError(t, rpc.Configure(system, rpc.MaxSize(1000)))
			got, err := collect(rpc.Stream[int, string](t.Context(), s.here, s.target, "grow", 0))
			require.ErrorIs(t, err, rpc.ErrTooLarge)
			require.ErrorContains(t, err, text)
			assert.Len(t, got, 3, fmt.Sprint("of 1, 10 and 100 bytes, limited ", limited))
			require.NoError(t, rpc.Configure(system, rpc.MaxSize(rpc.DefaultMaxSize)))
			synctest.Wait()
			assert.Zero(t, rpc.StatsOf(s.there).Served)
		}
	})
}

func TestStreamsCountAsCalls(t *testing.T) {
	streaming(t, func(t *testing.T, s *scene, _ map[string]place) {
		require.NoError(t, rpc.Configure(s.here, rpc.MaxOpen(1)))
		var e endless
		e.register(t, s)
		for _, err := range rpc.Stream[int, int](t.Context(), s.here, s.target, "endless", 0) {
			require.NoError(t, err)
			assert.Equal(t, 1, rpc.StatsOf(s.here).Open)
			assert.Equal(t, 1, rpc.StatsOf(s.there).Served)
			_, err = collect(rpc.Stream[int, int](t.Context(), s.here, s.target, "count", 1))
			require.ErrorContains(t, err, "overloaded")
			break
		}
		require.Error(t, <-e.left)
	})
}
