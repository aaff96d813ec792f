package actors_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// The tests of this file are about the defects of the seed, section 5 of its
// behavior. Other tests are about these:
//
//	 2  TestErrorOfTheSequenceComesAfterItsPendings, package pending
//	 3  TestOutcomeOfAGroup, package pending
//	 4  TestWorkerWhoseCallIsCancelledIsBusyUntilTheFunctionHasReturned
//	 5  stop_test.go
//	 6  TestFailuresOfItemsAreLoggedAndCountedAndTheQueueGoesOn,
//	    TestKeysOfDifferentItemsDoNotMix, TestNothingIsKeptOfQueuesThatAreDone
//	10  stop_test.go
//	12  TestClosedQueueDropsWhatWaitsAndCancelsWhatRuns,
//	    TestPanicOfACallbackIsLoggedAndTheOthersRun, package pending

// Section 5, 1.
func TestCallLaterRunsAfterItsDelay(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		begin := time.Now()
		for _, delay := range []time.Duration{-time.Second, 0, time.Millisecond, time.Second, time.Hour} {
			at := result(t, actors.CallLater(t.Context(), c, delay, func(context.Context) (time.Time, error) {
				return time.Now(), nil
			}))
			assert.Equal(t, max(0, delay), at.Sub(begin))
			begin = at
		}
	})
}

// Section 5, 7: what waits for many adds no member of its own to the group.
func TestWaitsForManyDoNotTouchTheGroupTheyAreIn(t *testing.T) {
	ctx, items := context.Background(), []*pending.Pending[int]{pending.New[int](context.Background())}
	ways := map[string]func(context.Context){
		"AsCompletedOf": func(ctx context.Context) {
			done := pending.New[int](ctx)
			done.SetResult(1)
			for _, err := range pending.AsCompletedOf(ctx, append(items, done), pending.KeepUnfinished()) {
				assert.NoError(t, err)
				break
			}
		},
		"AsCompletedFrom": func(ctx context.Context) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			for _, err := range pending.AsCompletedFrom(ctx, make(chan *pending.Pending[int])) {
				assert.ErrorIs(t, err, context.Canceled)
			}
		},
		"WaitAll": func(ctx context.Context) {
			_, _, err := pending.WaitAll(ctx, items, pending.Timeout(0))
			assert.NoError(t, err)
		},
		"Wait": func(ctx context.Context) {
			_, err := items[0].Wait(ctx, pending.Timeout(0), pending.Protect())
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		},
		"Sleep": func(ctx context.Context) { assert.NoError(t, actors.Sleep(ctx, 0)) },
	}
	c := start(t, newSystem(t))
	for name, wait := range ways {
		for _, mode := range []pending.Mode{pending.CancelAndReport, pending.CancelQuietly} {
			result(t, actors.CallSoon(ctx, c, func(ctx context.Context) (any, error) {
				return nil, pending.Run(ctx, func(ctx context.Context) error {
					g, _ := pending.CurrentTracker[*pending.Group](ctx)
					wait(ctx)
					assert.Empty(t, g.Pending(), name)
					assert.False(t, g.Cancelled(), name)
					return nil
				}, pending.WithMode(mode))
			}))
		}
	}
}

// Section 5, 8: a function has one life, before and after its first wait.
func TestCancelBeforeTheFirstWaitReachesTheFunctionAfterIt(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		var waited error
		p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (any, error) {
			own, _ := pending.Current(ctx)
			own.Cancel(errBoom)
			assert.False(t, own.IsDone())
			waited = actors.Sleep(ctx, time.Hour)
			assert.False(t, own.IsDone())
			return nil, nil
		})
		require.ErrorIs(t, failure(p), errBoom)
		<-p.Done()
		require.ErrorIs(t, waited, errBoom)
	})
}

// Section 5, 9: the main caller belongs to no thread, whoever asks first.
func TestMainIsTheSameWhoeverAsksFirst(t *testing.T) {
	system := newSystem(t)
	found := make([]*actors.Caller, 20)
	var asking sync.WaitGroup
	for i := range found {
		asking.Go(func() { found[i] = actors.Main(system) })
	}
	asking.Wait()
	for _, c := range found {
		same(t, found[0], c)
	}
	stopAtEnd(t, found[0])
}

// Section 5, 11: who sees that a pending is done sees its result.
func TestResultIsThereWhenThePendingIsDone(t *testing.T) {
	c := start(t, newSystem(t))
	for i := range 1000 {
		p := actors.CallSoon(t.Context(), c, returns(i))
		for !p.IsDone() { // the time limit of the test is the limit of this loop
			_, _ = p.Result()
		}
		value, err := p.Result()
		require.NoError(t, err)
		require.Equal(t, i, value)
	}
}

// Section 5, 12.
func TestNoErrorIsNoFailureAndAGroupIsCancelledAtAnyTime(t *testing.T) {
	p := pending.New[int](t.Context())
	p.SetError(nil)
	value, err := p.Result()
	require.NoError(t, err)
	assert.Zero(t, value)

	g, ctx := pending.NewGroup(t.Context())
	g.Cancel(errBoom) // before anything was called
	g.Cancel(nil)
	require.ErrorIs(t, context.Cause(ctx), errBoom)
	require.NoError(t, g.Wait())
	g.Cancel(nil)
}
