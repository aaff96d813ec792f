package rpc_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

func TestCallWithAKeyRunsOnceWhateverTheLinkDoes(t *testing.T) {
	for name, faults := range map[string][]actorstest.Option{
		"perfect":     nil,
		"loss":        {actorstest.Loss(0.4)},
		"duplication": {actorstest.Duplication(0.5)},
		"reordering":  {actorstest.Delay(0, 5*time.Second), actorstest.Reorder()},
		"all of them": {actorstest.Delay(0, 5*time.Second), actorstest.Reorder(), actorstest.Loss(0.3), actorstest.Duplication(0.3)},
	} {
		t.Run(name, func(t *testing.T) {
			inFaultyShop(t, func(ctx context.Context, t *testing.T, s *faultyShop) {
				require.NoError(t, rpc.Configure(s.there, rpc.DedupWindow(time.Hour, rpc.DefaultDedupBytes)))
				for _, item := range strings.Split("abcdefghijklmnopqrstuvwxyz", "") {
					n, err := s.sell(ctx, item).Wait(ctx)
					require.NoError(t, err)
					assert.Equal(t, 1, n)
					assert.Equal(t, 1, s.sold.of(item))
				}
				time.Sleep(time.Minute)
				assert.Zero(t, rpc.StatsOf(s.there).Served)
				assert.Equal(t, 26, rpc.StatsOf(s.there).Remembered)
				assert.Zero(t, rpc.StatsOf(s.here).Open)
			}, faults...)
		})
	}
}

func TestAttemptJoinsTheOneThatRuns(t *testing.T) {
	inFaultyShop(t, func(ctx context.Context, t *testing.T, s *faultyShop) {
		var runs atomic.Int32
		require.NoError(t, rpc.Handle(s.there, "slow", func(ctx context.Context, _ int) (int32, error) {
			return runs.Add(1), actors.Sleep(ctx, time.Minute)
		}))
		begin := time.Now()
		slow := func() *pending.Pending[int32] {
			return rpc.Call[int, int32](ctx, s.here, s.target, "slow", 0, rpc.Idempotent("k"))
		}
		first := slow()
		time.Sleep(30 * time.Second)
		assert.Equal(t, 1, rpc.StatsOf(s.there).Served, "many attempts are one call")
		second := slow()
		for _, p := range []*pending.Pending[int32]{first, second} {
			n, err := p.Wait(ctx)
			require.NoError(t, err)
			assert.Equal(t, int32(1), n)
		}
		assert.Equal(t, time.Minute, time.Since(begin))
		n, err := slow().Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, int32(1), n, "it is remembered")
		assert.Equal(t, time.Minute, time.Since(begin))
	})
}

func TestErrorsAndPanicsAreRemembered(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		var runs ledger
		for name, fail := range map[string]func() error{
			"fail once":     func() error { return errSoldOut },
			"panic once":    func() error { panic("boom") },
			"stop once":     func() error { return pending.ErrStopped }, // its own, not that of the caller
			"overload once": func() error { return actors.ErrOverloaded },
		} {
			require.NoError(t, rpc.Handle(s.there, name, func(context.Context, int) (int, error) {
				runs.note(name)
				return 0, fail()
			}))
		}
		for name, as := range map[string]error{
			"fail once": errSoldOut, "panic once": nil, "stop once": pending.ErrStopped, "overload once": actors.ErrOverloaded,
		} {
			for range 3 {
				_, err := rpc.Call[int, int](ctx, s.here, s.target, name, 0, rpc.Idempotent("k")).Wait(ctx)
				if as != nil {
					require.ErrorIs(t, err, as, name)
					continue
				}
				var crash *pending.PanicError
				require.ErrorAs(t, err, &crash)
				assert.Contains(t, string(crash.Stack), "once_test.go")
			}
			assert.Equal(t, 1, runs.of(name), name)
		}
	})
}

func TestAuthorisationIsAskedForEachAttempt(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		_, err := s.sell(ctx, "tea").Wait(ctx)
		require.NoError(t, err)
		require.NoError(t, rpc.Configure(s.there, rpc.Authorize(func(rpc.Incoming) bool { return false })))
		_, err = s.sell(ctx, "tea").Wait(ctx)
		require.ErrorIs(t, err, rpc.ErrDenied)
	})
}

func TestOutcomesAreForgotten(t *testing.T) {
	inFaultyShop(t, func(ctx context.Context, t *testing.T, s *faultyShop) {
		require.NoError(t, rpc.Configure(s.there, rpc.DedupWindow(time.Minute, 4096)))
		for range 2 {
			_, err := s.sell(ctx, "tea").Wait(ctx)
			require.NoError(t, err)
		}
		time.Sleep(time.Minute)
		assert.Zero(t, rpc.StatsOf(s.there).Remembered)
		n, err := s.sell(ctx, "tea").Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, 2, n, "after a minute")

		for _, item := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"} {
			_, err := s.sell(ctx, item).Wait(ctx)
			require.NoError(t, err)
		}
		assert.Less(t, rpc.StatsOf(s.there).Remembered, 8)
		n, err = s.sell(ctx, "9").Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, 1, n, "the last one")
		n, err = s.sell(ctx, "tea").Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, 3, n, "the oldest one")
	})
}

func TestResultThatIsTooLargeToRememberIsAnsweredOnce(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		require.NoError(t, rpc.Configure(s.there, rpc.DedupWindow(time.Minute, 4096)))
		repeat := func() (string, error) {
			return rpc.Call[int, string](ctx, s.here, s.target, "repeat", 10_000, rpc.Idempotent("k")).Wait(ctx)
		}
		result, err := repeat()
		require.NoError(t, err)
		assert.Len(t, result, 10_000)
		_, err = repeat()
		require.ErrorIs(t, err, rpc.ErrTooLarge)
		require.ErrorContains(t, err, "is not remembered")
	})
}

func TestRunIsCancelledWhenNobodyWaitsForIt(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		var runs atomic.Int32
		running, cause := make(chan struct{}), make(chan error, 1)
		require.NoError(t, rpc.Handle(s.there, "run", func(ctx context.Context, _ int) (int, error) {
			if runs.Add(1) > 1 {
				return 7, nil
			}
			close(running)
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return 0, context.Cause(ctx)
		}))
		run := func() *pending.Pending[int] {
			return rpc.Call[int, int](ctx, s.here, s.target, "run", 0, rpc.Idempotent("k"))
		}
		first, second := run(), run()
		<-running
		s.served(t, 2)
		first.Cancel(nil)
		s.served(t, 1)
		assert.Empty(t, cause, "the other one waits")
		second.Cancel(errSoldOut)
		require.ErrorIs(t, <-cause, pending.ErrCancelled)
		s.ended(t)
		assert.Zero(t, rpc.StatsOf(s.there))

		n, err := run().Wait(ctx)
		require.NoError(t, err, "what was cancelled is not remembered")
		assert.Equal(t, 7, n)
	})
}

func TestCallThatJoinsWhatWasCancelledIsMadeAgain(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		running, over := make(chan struct{}), make(chan struct{})
		attempts := make(chan struct{}, 1)
		require.NoError(t, rpc.Configure(s.there, attemptsTo("run", attempts)))
		var runs atomic.Int32
		require.NoError(t, rpc.Handle(s.there, "run", func(ctx context.Context, _ int) (int32, error) {
			n := runs.Add(1)
			if n > 1 {
				return n, nil
			}
			close(running)
			<-over
			return 0, ctx.Err()
		}))
		run := func() *pending.Pending[int32] {
			return rpc.Call[int, int32](ctx, s.here, s.target, "run", 0, rpc.Idempotent("k"))
		}
		first := run()
		<-attempts
		<-running
		first.Cancel(nil)
		s.ended(t)
		second := run()
		<-attempts
		s.served(t, 1)
		close(over)
		n, err := second.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, int32(2), n)
	})
}

func TestValueReturnedAfterTheCancellationIsRemembered(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		running := make(chan struct{})
		var runs atomic.Int32
		require.NoError(t, rpc.Handle(s.there, "run", func(ctx context.Context, _ int) (int32, error) {
			close(running)
			<-ctx.Done()
			return runs.Add(1), nil // it was done
		}))
		run := func() *pending.Pending[int32] {
			return rpc.Call[int, int32](ctx, s.here, s.target, "run", 0, rpc.Idempotent("k"))
		}
		first := run()
		<-running
		first.Cancel(nil)
		s.until(t, func() bool { return rpc.StatsOf(s.there).Remembered == 1 })
		n, err := run().Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, int32(1), n)
	})
}

func TestOutcomeOutlivesItsCaller(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		_, err := s.sell(ctx, "tea").Wait(ctx)
		require.NoError(t, err)
		require.NoError(t, s.clerk.StopWait(ctx))
		n, err := s.sell(ctx, "tea").Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
	})
}
