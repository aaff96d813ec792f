package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// registerStreams registers functions that stream.
func registerStreams(system *actor.ActorSystem) error {
	return errors.Join(
		rpc.HandleStream(system, "count", func(_ context.Context, n int) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) {
				for i := range n {
					if !yield(i, nil) {
						return
					}
				}
			}
		}),
		rpc.HandleStream(system, "three and fail", func(context.Context, int) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) {
				_ = yield(1, nil) && yield(2, nil) && yield(3, nil) && yield(4, errSoldOut) && yield(5, nil)
			}
		}),
		rpc.HandleStream(system, "one and panic", func(context.Context, int) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) {
				yield(1, nil)
				panic("boom")
			}
		}),
		rpc.HandleStream(system, "megabytes", func(_ context.Context, n int) iter.Seq2[*wrapperspb.BytesValue, error] {
			return func(yield func(*wrapperspb.BytesValue, error) bool) {
				for i := range n {
					if !yield(wrapperspb.Bytes(bytes.Repeat([]byte{byte(i)}, megabyte)), nil) {
						return
					}
				}
			}
		}),
		rpc.HandleStream(system, "nil", func(context.Context, int) iter.Seq2[int, error] { return nil }),
	)
}

// streaming runs a test in a scene with functions that stream. They are called from
// the other node and from their own.
func streaming(t *testing.T, test func(t *testing.T, s *scene, targets map[string]place)) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		test(t, s, map[string]place{"remote": {s.here, s.target}, "local": {s.there, s.target}})
	})
}

// place is a target, and from where it is called.
type place struct {
	from   *actor.ActorSystem
	target rpc.Target
}

// collect returns the items of a stream, and its error.
func collect[T any](seq iter.Seq2[T, error]) (all []T, failed error) {
	for value, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, value)
	}
	return all, nil
}

func numbersTo(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

func TestStreamYieldsItsItemsInOrder(t *testing.T) {
	streaming(t, func(t *testing.T, s *scene, targets map[string]place) {
		for name, at := range targets {
			for _, window := range []int{1, 2, 3, 16, 1000} {
				seq := rpc.Stream[int, int](t.Context(), at.from, at.target, "count", 100, rpc.Window(window))
				for range 2 { // each makes a call of its own
					got, err := collect(seq)
					require.NoError(t, err, name)
					assert.Equal(t, numbersTo(100), got, name)
				}
			}
			got, err := collect(rpc.Stream[int, int](t.Context(), at.from, at.target, "count", 0))
			require.NoError(t, err, name)
			assert.Empty(t, got, name)
		}
		s.ended(t)
		assert.Zero(t, rpc.StatsOf(s.here))
		assert.Zero(t, rpc.StatsOf(s.there))
	})
}

func TestWhyStreamsFail(t *testing.T) {
	streaming(t, func(t *testing.T, s *scene, targets map[string]place) {
		for name, at := range targets {
			for _, test := range []struct {
				function string
				items    []int
				text     string
				target   error
			}{
				{"three and fail", []int{1, 2, 3}, "sold out", errSoldOut},
				{"one and panic", []int{1}, "boom", nil},
				{"nil", nil, "no sequence, but nil", nil},
				{"echo", nil, `"echo" is not for Stream: it has one result`, rpc.ErrUnknownFunction},
				{"steal", nil, `"steal"`, rpc.ErrUnknownFunction},
			} {
				got, err := collect(rpc.Stream[int, int](t.Context(), at.from, at.target, test.function, 1))
				assert.Equal(t, test.items, got, name+test.function)
				require.ErrorContains(t, err, test.text, name)
				if test.target != nil {
					require.ErrorIs(t, err, test.target, name)
				}
			}
			err := failure[int](t, at.from, at.target, "count", 1)
			require.ErrorIs(t, err, rpc.ErrUnknownFunction)
			require.ErrorContains(t, err, `"count" is not for Call: it streams its results`, name)
		}
		s.ended(t)
		assert.Zero(t, rpc.StatsOf(s.here))
		assert.Zero(t, rpc.StatsOf(s.there))
		_, err := actors.CallSoon(t.Context(), s.clerk, func(context.Context) (int, error) { return 0, nil }).Wait(t.Context())
		require.NoError(t, err)
	})
}

func TestManyItems(t *testing.T) {
	streaming(t, func(t *testing.T, _ *scene, targets map[string]place) {
		for name, at := range targets {
			next := 0
			for i, err := range rpc.Stream[int, int](t.Context(), at.from, at.target, "count", 30_000, rpc.Window(1000)) {
				require.NoError(t, err, name)
				require.Equal(t, next, i)
				next++
			}
			assert.Equal(t, 30_000, next, name)
		}
	})
}

func TestStreamOfLargeItems(t *testing.T) {
	streaming(t, func(t *testing.T, _ *scene, targets map[string]place) {
		for name, at := range targets {
			n := 0
			for b, err := range rpc.Stream[int, *wrapperspb.BytesValue](
				t.Context(), at.from, at.target, "megabytes", 16, rpc.Window(4)) {
				require.NoError(t, err, name)
				require.True(t, bytes.Equal(b.GetValue(), bytes.Repeat([]byte{byte(n)}, megabyte)), n)
				n++
			}
			assert.Equal(t, 16, n, name)
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

func TestSizesOfItemsAreBounded(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
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
			s.ended(t)
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
