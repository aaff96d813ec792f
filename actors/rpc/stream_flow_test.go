package rpc_test

import (
	"context"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// endless is a function that counts for ever, and what has become of it.
type endless struct {
	yielded atomic.Int64
	left    chan error // the cause with which its context has ended
}

// register registers the function.
func (e *endless) register(t *testing.T, s *scene) {
	e.left = make(chan error, 1)
	require.NoError(t, rpc.HandleStream(s.there, "endless", func(ctx context.Context, _ int) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			defer func() { e.left <- context.Cause(ctx) }()
			for i := 0; ; i++ {
				e.yielded.Add(1)
				if !yield(i, nil) {
					return
				}
			}
		}
	}))
}

func TestProducerStaysWithinTheWindow(t *testing.T) {
	streaming(t, func(t *testing.T, s *scene, targets map[string]place) {
		var e endless
		e.register(t, s)
		for name, at := range targets {
			for _, window := range []int64{1, 2, 5, 16} {
				e.yielded.Store(0)
				var consumed int64
				for _, err := range rpc.Stream[int, int](t.Context(), at.from, at.target, "endless", 0, rpc.Window(int(window))) {
					require.NoError(t, err)
					ahead := func() int64 { return e.yielded.Load() - 1 - consumed } // the last of which waits for credit
					s.until(t, func() bool { return ahead() > window/2-1 })
					assert.LessOrEqual(t, ahead(), window, name)
					if consumed++; consumed == 50 {
						break
					}
				}
				require.ErrorIs(t, <-e.left, pending.ErrCancelled)
			}
		}
		s.ended(t)
		assert.Zero(t, rpc.StatsOf(s.here))
		assert.Zero(t, rpc.StatsOf(s.there))
	})
}

func TestOtherFunctionsRunWhileAStreamWaitsForCredit(t *testing.T) {
	streaming(t, func(t *testing.T, s *scene, targets map[string]place) {
		var e endless
		e.register(t, s)
		for name, at := range targets {
			for _, err := range rpc.Stream[int, int](t.Context(), at.from, at.target, "endless", 0) {
				require.NoError(t, err, name)
				got, err := rpc.Call[order, receipt](t.Context(), at.from, at.target, "buy", order{"tea"}).Wait(t.Context())
				require.NoError(t, err, name)
				assert.Equal(t, "tea", got.Item)
				break
			}
			require.Error(t, <-e.left)
		}
	})
}

func TestLeavingTheLoopCancelsTheFunctionAtOnce(t *testing.T) {
	ways := map[string]func(){
		"break":  nil,
		"panic":  func() { panic("out") },
		"Goexit": runtime.Goexit,
	}
	streaming(t, func(t *testing.T, s *scene, targets map[string]place) {
		var e endless
		e.register(t, s)
		for name, at := range targets {
			for way, leave := range ways {
				var wg sync.WaitGroup
				wg.Go(func() {
					defer func() { _ = recover() }()
					for _, err := range rpc.Stream[int, int](t.Context(), at.from, at.target, "endless", 0) {
						if err != nil || leave == nil {
							break
						}
						leave()
					}
				})
				wg.Wait()
				cause := <-e.left
				require.ErrorIs(t, cause, pending.ErrCancelled, name+way)
				require.ErrorContains(t, cause, "left by Stream")
			}
		}
		s.ended(t)
		assert.Zero(t, rpc.StatsOf(s.here))
		assert.Zero(t, rpc.StatsOf(s.there))
	})
}

func TestContextThatEndsEndsTheLoopWithItsCause(t *testing.T) {
	streaming(t, func(t *testing.T, s *scene, targets map[string]place) {
		var e endless
		e.register(t, s)
		for name, at := range targets {
			ctx, cancel := context.WithCancelCause(t.Context())
			_, err := collect(func(yield func(int, error) bool) {
				for i, err := range rpc.Stream[int, int](ctx, at.from, at.target, "endless", 0) {
					if i == 100 {
						cancel(errSoldOut) // with items that have come already
					}
					if !yield(i, err) {
						return
					}
				}
			})
			require.ErrorIs(t, err, context.Canceled, name)
			require.ErrorIs(t, err, errSoldOut, name)
			require.ErrorIs(t, <-e.left, errSoldOut, name)

			got, err := collect(rpc.Stream[int, int](ctx, at.from, at.target, "endless", 0))
			require.ErrorIs(t, err, errSoldOut, name)
			assert.Empty(t, got)
		}
		assert.Empty(t, e.left, "none has run under a context that had ended")
	})
}

func TestStreamEndsAtItsDeadline(t *testing.T) {
	streaming(t, func(t *testing.T, s *scene, targets map[string]place) {
		for name, at := range targets {
			var traveled atomic.Pointer[time.Time]
			require.NoError(t, rpc.HandleStream(s.there, name, func(ctx context.Context, _ int) iter.Seq2[int, error] {
				return func(yield func(int, error) bool) {
					deadline, _ := ctx.Deadline()
					traveled.Store(&deadline)
					for i := 0; yield(i, nil) && actors.Sleep(ctx, 10*time.Millisecond) == nil; {
						i++
					}
				}
			}))
			ctx, cancel := context.WithTimeout(t.Context(), 105*time.Millisecond)
			defer cancel()
			got, err := collect(rpc.Stream[int, int](ctx, at.from, at.target, name, 0))
			require.ErrorIs(t, err, context.DeadlineExceeded, name)
			assert.Equal(t, numbersTo(len(got)), got, name)
			if len(got) > 0 { // which takes longer on a machine that is busy
				deadline, _ := ctx.Deadline()
				assert.False(t, traveled.Load().Before(deadline), "it travels as what is left of it")
			}
		}
		s.ended(t)
	})
}

func TestStoppedCallerEndsItsStreams(t *testing.T) {
	streaming(t, func(t *testing.T, s *scene, targets map[string]place) {
		var e endless
		e.register(t, s)
		for name, at := range targets {
			c := actorstest.Start(t, s.there, props.Name(name))
			e.yielded.Store(0)
			_, err := collect(func(yield func(int, error) bool) {
				for i, err := range rpc.Stream[int, int](t.Context(), at.from, rpc.At(s.there.Address(), c.ID()), "endless", 0) {
					if i == 50 {
						s.until(t, func() bool { return e.yielded.Load() > 50+rpc.DefaultWindow/2 })
						c.Stop()
					}
					if !yield(i, err) {
						return
					}
				}
			})
			require.ErrorIs(t, err, pending.ErrStopped, name)
			require.Error(t, <-e.left)
		}
	})
}

// stepping registers a function that asks for each step and then waits for it.
func stepping(t *testing.T, s *scene, function string) (asked, steps chan struct{}) {
	asked, steps = make(chan struct{}), make(chan struct{})
	take := func(ctx context.Context, step *pending.Pending[struct{}]) {
		select {
		case asked <- struct{}{}:
		case <-ctx.Done():
		}
		select {
		case <-steps:
			step.SetResult(struct{}{})
		case <-ctx.Done():
		}
	}
	require.NoError(t, rpc.HandleStream(s.there, function, func(ctx context.Context, n int) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for i := range n {
				step := pending.New[struct{}](ctx)
				go take(ctx, step)
				if _, err := step.Wait(ctx); err != nil || !yield(i, nil) {
					return
				}
			}
		}
	}))
	return asked, steps
}

func TestLoopInAFunctionGivesItsTurnAway(t *testing.T) {
	streaming(t, func(t *testing.T, s *scene, targets map[string]place) {
		for name, at := range targets {
			asked, steps := stepping(t, s, name)
			mine := actorstest.Start(t, at.from, props.Name("mine"+name))
			loop := func(ctx context.Context) ([]int, error) {
				return collect(rpc.Stream[int, int](ctx, at.from, at.target, name, 10))
			}
			p := actors.CallSoon(t.Context(), mine, loop)
			for range 10 {
				<-asked
				_, err := actors.CallSoon(t.Context(), mine, func(context.Context) (int, error) { return 0, nil }).Wait(t.Context())
				require.NoError(t, err, name)
				steps <- struct{}{}
			}
			got, err := p.Wait(t.Context())
			require.NoError(t, err, name)
			assert.Equal(t, numbersTo(10), got)

			p = actors.CallSoon(t.Context(), mine, loop)
			<-asked
			p.Cancel(errSoldOut)
			_, err = p.Wait(t.Context())
			require.ErrorIs(t, err, errSoldOut, name)
		}
		s.ended(t)
	})
}

func TestCallerStreamsFromItself(t *testing.T) {
	streaming(t, func(t *testing.T, s *scene, _ map[string]place) {
		got, err := actors.CallSoon(t.Context(), s.clerk, func(ctx context.Context) ([]int, error) {
			return collect(rpc.Stream[int, int](ctx, s.there, s.target, "count", 100, rpc.Window(3)))
		}).Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, numbersTo(100), got)
	})
}

func TestValuesOfAStreamInTheSystemItselfAreNotEncoded(t *testing.T) {
	type state struct{ n int } // nothing that could be encoded
	streaming(t, func(t *testing.T, s *scene, _ map[string]place) {
		require.NoError(t, rpc.HandleStream(s.there, "state", func(_ context.Context, x *state) iter.Seq2[*state, error] {
			return func(yield func(*state, error) bool) { yield(x, nil) }
		}))
		x := &state{7}
		got, err := collect(rpc.Stream[*state, *state](t.Context(), s.there, s.target, "state", x))
		require.NoError(t, err)
		require.Len(t, got, 1)
		assert.Same(t, x, got[0])

		floats, err := collect(rpc.Stream[int64, float64](t.Context(), s.there, s.target, "count", 3))
		require.NoError(t, err, "of other types than the function's")
		assert.Equal(t, []float64{0, 1, 2}, floats)
		_, err = collect(rpc.Stream[string, int](t.Context(), s.there, s.target, "count", "x"))
		require.ErrorIs(t, err, rpc.ErrEncoding)
		_, err = collect(rpc.Stream[int, string](t.Context(), s.there, s.target, "count", 3))
		require.ErrorIs(t, err, rpc.ErrEncoding)
	})
}

func TestWindowThatMakesNoSense(t *testing.T) {
	streaming(t, func(t *testing.T, s *scene, _ map[string]place) {
		for _, window := range []int{0, -1, rpc.LargestWindow + 1} {
			got, err := collect(rpc.Stream[int, int](t.Context(), s.here, s.target, "count", 1, rpc.Window(window)))
			require.ErrorContains(t, err, "rpc: Window:")
			assert.Empty(t, got)
		}
	})
}
