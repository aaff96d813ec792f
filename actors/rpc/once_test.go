package rpc_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// ledger counts how often each thing was done.
type ledger struct {
	mu   sync.Mutex
	done map[string]int
}

func (l *ledger) note(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done == nil {
		l.done = make(map[string]int)
	}
	l.done[what]++
	return l.done[what]
}

func (l *ledger) of(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done[what]
}

// shop is two nodes whose link has faults. The far one notes in a ledger what it
// has sold.
type shop struct {
	*scene
	network *actorstest.Network
	sold    *ledger
}

func newShop(tb testing.TB, opts ...actorstest.Option) *shop {
	s := &shop{&scene{}, actorstest.NewNetwork(tb, opts...), &ledger{}}
	s.here = s.network.System("here")
	s.open(tb)
	s.target = rpc.At("there", s.clerk.ID())
	return s
}

// open has the far node begin, or begin anew.
func (s *shop) open(tb testing.TB) {
	s.there = s.network.System("there")
	require.NoError(tb, register(s.there))
	require.NoError(tb, rpc.Handle(s.there, "sell", func(ctx context.Context, item string) (int, error) {
		if err := actors.Sleep(ctx, time.Millisecond); err != nil {
			return 0, err
		}
		return s.sold.note(item), nil
	}))
	s.clerk = actorstest.Start(tb, s.there, props.Name("clerk"))
}

// sell has an item sold once.
func (s *shop) sell(ctx context.Context, item string) *pending.Pending[int] {
	return rpc.Call[string, int](ctx, s.here, s.target, "sell", item, rpc.Idempotent(item), rpc.AttemptTimeout(time.Second))
}

// inShop runs a test in a bubble, with a context that ends.
func inShop(t *testing.T, test func(ctx context.Context, t *testing.T, s *shop), opts ...actorstest.Option) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		test(ctx, t, newShop(t, opts...))
	})
}

func TestCallWithAKeyRunsOnceWhateverTheLinkDoes(t *testing.T) {
	for name, faults := range map[string][]actorstest.Option{
		"perfect":     nil,
		"loss":        {actorstest.Loss(0.4)},
		"duplication": {actorstest.Duplication(0.5)},
		"reordering":  {actorstest.Delay(0, 5*time.Second), actorstest.Reorder()},
		"all of them": {actorstest.Delay(0, 5*time.Second), actorstest.Reorder(), actorstest.Loss(0.3), actorstest.Duplication(0.3)},
	} {
		t.Run(name, func(t *testing.T) {
			inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
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

func TestCallWithAKeyGoesOnWhenAPartitionHeals(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		before := s.sell(ctx, "before")
		time.Sleep(time.Microsecond) // it runs, and its answer will be lost
		s.network.Partition("here", "there")
		down := &remote.EndpointTerminatedEvent{Address: "there"}
		s.here.EventStream.Publish(down)
		s.there.EventStream.Publish(&remote.EndpointTerminatedEvent{Address: "here"})
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
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		p := s.sell(ctx, "tea")
		time.Sleep(time.Microsecond)
		s.network.Crash("there")
		time.Sleep(time.Minute)
		assert.False(t, p.IsDone())
		s.open(t)
		n, err := p.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
	})
}

// What a crash between effect and answer leaves open, the key closes: it is
// written with the effect.
func TestKeyWrittenWithTheEffectSurvivesACrash(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
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
		s.open(t)
		require.NoError(t, rpc.Handle(s.there, "take", take))
		n, err := p.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, 1, n)

		_, err = rpc.Call[struct{}, int](ctx, s.here, s.target, "take", struct{}{}).Wait(ctx)
		require.ErrorContains(t, err, "no key", "of a call without one")
	})
}

func TestAttemptJoinsTheOneThatRuns(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		var runs atomic.Int32
		require.NoError(t, rpc.Handle(s.there, "slow", func(ctx context.Context, _ int) (int32, error) {
			return runs.Add(1), actors.Sleep(ctx, time.Minute)
		}))
		begin := time.Now()
		slow := func() *pending.Pending[int32] {
			return rpc.Call[int, int32](ctx, s.here, s.target, "slow", 0, rpc.Idempotent("k"), rpc.AttemptTimeout(time.Second))
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
		require.NoError(t, rpc.RegisterError(s.here, "shop.sold_out", errSoldOut))
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

func TestFinalErrorsAreNotRepeated(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		begin := time.Now()
		fails := func(function string, argument any) error {
			_, err := rpc.Call[any, int](ctx, s.here, s.target, function, argument, rpc.Idempotent("")).Wait(ctx)
			return err
		}
		require.ErrorIs(t, fails("steal", 1), rpc.ErrUnknownFunction)
		require.ErrorIs(t, fails("echo", 1), rpc.ErrEncoding)
		require.NoError(t, rpc.Configure(s.there, rpc.Authorise(func(call rpc.Incoming) bool { return call.Function != "sell" })))
		require.ErrorIs(t, fails("sell", "tea"), rpc.ErrDenied)
		require.NoError(t, rpc.Configure(s.there, rpc.MaxSize(100)))
		require.ErrorIs(t, fails("echo", strings.Repeat("x", 100)), rpc.ErrTooLarge)
		assert.Equal(t, begin, time.Now())
	})
}

func TestAuthorisationIsAskedForEachAttempt(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		_, err := s.sell(ctx, "tea").Wait(ctx)
		require.NoError(t, err)
		require.NoError(t, rpc.Configure(s.there, rpc.Authorise(func(rpc.Incoming) bool { return false })))
		_, err = s.sell(ctx, "tea").Wait(ctx)
		require.ErrorIs(t, err, rpc.ErrDenied)
	})
}

func TestOutcomesAreForgotten(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		require.NoError(t, rpc.Configure(s.there, rpc.Remember(time.Minute, 4096)))
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
		require.NoError(t, rpc.Configure(s.there, rpc.Remember(time.Minute, 4096)))
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
		cause := make(chan error, 1)
		require.NoError(t, rpc.Handle(s.there, "run", func(ctx context.Context, _ int) (int, error) {
			if runs.Add(1) > 1 {
				return 7, nil
			}
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return 0, context.Cause(ctx)
		}))
		run := func() *pending.Pending[int] {
			return rpc.Call[int, int](ctx, s.here, s.target, "run", 0, rpc.Idempotent("k"))
		}
		first, second := run(), run()
		synctest.Wait()
		assert.Equal(t, 2, rpc.StatsOf(s.there).Served)
		first.Cancel(nil)
		synctest.Wait()
		assert.Equal(t, 1, rpc.StatsOf(s.there).Served)
		assert.Empty(t, cause, "the other one waits")
		second.Cancel(errSoldOut)
		synctest.Wait()
		require.ErrorIs(t, <-cause, pending.ErrCancelled)
		assert.Zero(t, rpc.StatsOf(s.there))

		n, err := run().Wait(ctx)
		require.NoError(t, err, "what was cancelled is not remembered")
		assert.Equal(t, 7, n)
	})
}

func TestCallThatJoinsWhatWasCancelledIsMadeAgain(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		var runs atomic.Int32
		require.NoError(t, rpc.Handle(s.there, "run", func(ctx context.Context, _ int) (int32, error) {
			n := runs.Add(1)
			if n > 1 {
				return n, nil
			}
			<-ctx.Done()
			return 0, errors.Join(ctx.Err(), actors.Sleep(actors.Detach(context.WithoutCancel(ctx)), time.Minute))
		}))
		run := func() *pending.Pending[int32] {
			return rpc.Call[int, int32](ctx, s.here, s.target, "run", 0, rpc.Idempotent("k"))
		}
		first := run()
		synctest.Wait()
		first.Cancel(nil)
		synctest.Wait()
		n, err := run().Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, int32(2), n)
	})
}

func TestValueReturnedAfterTheCancellationIsRemembered(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		var runs atomic.Int32
		require.NoError(t, rpc.Handle(s.there, "run", func(ctx context.Context, _ int) (int32, error) {
			n := runs.Add(1)
			<-ctx.Done()
			return n, nil // it was done
		}))
		run := func() *pending.Pending[int32] {
			return rpc.Call[int, int32](ctx, s.here, s.target, "run", 0, rpc.Idempotent("k"))
		}
		first := run()
		synctest.Wait()
		first.Cancel(nil)
		synctest.Wait()
		n, err := run().Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, int32(1), n)
	})
}

func TestOverloadIsWaitedOut(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		require.NoError(t, rpc.Configure(s.there, rpc.MaxOpen(1)))
		blocker := rpc.Call[struct{}, int](ctx, s.here, s.target, "wait", struct{}{})
		p := s.sell(ctx, "tea")
		time.Sleep(time.Minute)
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
		var runs atomic.Int32
		require.NoError(t, rpc.Handle(s.there, "run", func(ctx context.Context, _ int) (int32, error) {
			return runs.Add(1), actors.Sleep(ctx, time.Minute)
		}))
		p := rpc.Call[int, int32](ctx, s.here, s.target, "run", 0, rpc.Idempotent("k"))
		time.Sleep(time.Second)
		require.NoError(t, s.clerk.StopWait(ctx))
		time.Sleep(time.Minute)
		assert.False(t, p.IsDone())
		actorstest.Start(t, s.there, props.Name("clerk"))
		n, err := p.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, int32(2), n)
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

func TestDeadlineEndsTheAttempts(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		s.network.Crash("there")
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		p := s.sell(ctx, "tea")
		<-p.Done()
		require.ErrorIs(t, p.Err(), context.DeadlineExceeded)
		assert.Zero(t, rpc.StatsOf(s.here).Open)
	})
}

func TestKeysHoldInOnesOwnSystemAndForOtherNodes(t *testing.T) {
	inShop(t, func(ctx context.Context, t *testing.T, s *shop) {
		var asked atomic.Bool
		require.NoError(t, rpc.Configure(s.there, rpc.Authorise(func(call rpc.Incoming) bool {
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
		assert.Equal(t, 1, sell(s.network.System("elsewhere"), s.target))
		assert.True(t, asked.Load())
		_, err := rpc.Call[int, int](ctx, s.there, s.target, "steal", 1, rpc.Idempotent("")).Wait(ctx)
		require.ErrorIs(t, err, rpc.ErrUnknownFunction)
		assert.Zero(t, rpc.StatsOf(s.there).Open)
		assert.Zero(t, rpc.StatsOf(s.there).Served)

		p := rpc.Call[struct{}, int](ctx, s.there, s.target, "wait", struct{}{}, rpc.Idempotent(""))
		synctest.Wait()
		assert.Equal(t, 1, rpc.StatsOf(s.there).Served)
		p.Cancel(nil)
		synctest.Wait()
		assert.Zero(t, rpc.StatsOf(s.there).Served)
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
