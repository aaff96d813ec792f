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
	"github.com/seed-7fcaac1b/protocaller/props"
)

func TestCallWithAKeyGoesOnWhenAPartitionHeals(t *testing.T) {
	inFaultyShop(t, func(ctx context.Context, t *testing.T, s *faultyShop) {
		before := s.sell(ctx, "before")
		time.Sleep(time.Microsecond) // it runs, and its answer will be lost
		s.network.Partition("here", "there")
		during := s.sell(ctx, "during")
		time.Sleep(time.Minute)
		assert.False(t, before.IsDone())
		assert.False(t, during.IsDone())
		assert.Equal(t, 1, s.sold.of("before"), "the loss of who has called it does not cancel it")

		s.network.Heal("here", "there")
		for _, p := range []*pending.Pending[int]{before, during} {
			n, err := p.Wait(ctx)
			require.NoError(t, err)
			assert.Equal(t, 1, n)
		}
	})
}

func TestCallWithAKeyGoesOnWhenItsNodeIsThereAgain(t *testing.T) {
	inFaultyShop(t, func(ctx context.Context, t *testing.T, s *faultyShop) {
		p := s.sell(ctx, "tea")
		time.Sleep(time.Microsecond)
		s.network.Crash("there")
		time.Sleep(time.Minute)
		assert.False(t, p.IsDone())
		s.reopen(t)
		n, err := p.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
	})
}

func TestFinalErrorsAreNotRepeated(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		var asked atomic.Int32
		require.NoError(t, rpc.Configure(s.there, rpc.Authorize(func(call rpc.Incoming) bool {
			asked.Add(1)
			return call.Function != "sell"
		})))
		fails := func(function string, argument any) error {
			_, err := rpc.Call[any, int](ctx, s.here, s.target, function, argument, rpc.Idempotent("")).Wait(ctx)
			return err
		}
		require.ErrorIs(t, fails("steal", 1), rpc.ErrUnknownFunction)
		require.ErrorIs(t, fails("echo", 1), rpc.ErrEncoding)
		require.ErrorIs(t, fails("sell", "tea"), rpc.ErrDenied)
		require.NoError(t, rpc.Configure(s.there, rpc.MaxSize(100)))
		require.ErrorIs(t, fails("echo", strings.Repeat("x", 100)), rpc.ErrTooLarge)
		assert.EqualValues(t, 4, asked.Load(), "of one attempt each")
	})
}

func TestOverloadIsWaitedOut(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		attempts := make(chan struct{}, 1)
		require.NoError(t, rpc.Configure(s.there, rpc.MaxOpen(1), attemptsTo("sell", attempts)))
		blocker := rpc.Call[struct{}, int](ctx, s.here, s.target, "wait", struct{}{})
		s.served(t, 1)
		p := s.sell(ctx, "tea")
		for range 3 {
			<-attempts
		}
		assert.False(t, p.IsDone())
		assert.Zero(t, s.sold.of("tea"))
		blocker.Cancel(nil)
		n, err := p.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, 1, n)

		require.NoError(t, rpc.Configure(s.here, rpc.MaxOpen(1)))
		rpc.Call[struct{}, int](ctx, s.here, s.target, "wait", struct{}{})
		_, err = s.sell(ctx, "coffee").Wait(ctx)
		require.ErrorIs(t, err, actors.ErrOverloaded, "here it is final")
	})
}

func TestCallerThatIsStoppedIsWaitedFor(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		attempts, running := make(chan struct{}, 1), make(chan struct{})
		require.NoError(t, rpc.Configure(s.there, attemptsTo("run", attempts)))
		var runs atomic.Int32
		require.NoError(t, rpc.Handle(s.there, "run", func(ctx context.Context, _ int) (int32, error) {
			n := runs.Add(1)
			if n == 1 {
				close(running)
				<-ctx.Done()
			}
			return n, context.Cause(ctx)
		}))
		p := rpc.Call[int, int32](ctx, s.here, s.target, "run", 0, rpc.Idempotent("k"))
		<-attempts
		<-running
		require.NoError(t, s.clerk.StopWait(ctx))
		for range 3 {
			<-attempts
		}
		assert.False(t, p.IsDone())
		actorstest.Start(t, s.there, props.Name("clerk"))
		n, err := p.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, int32(2), n)
	})
}

func TestDeadlineEndsTheAttempts(t *testing.T) {
	inFaultyShop(t, func(ctx context.Context, t *testing.T, s *faultyShop) {
		s.network.Crash("there")
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		p := s.sell(ctx, "tea")
		<-p.Done()
		require.ErrorIs(t, p.Err(), context.DeadlineExceeded)
		assert.Zero(t, rpc.StatsOf(s.here).Open)
	})
}
