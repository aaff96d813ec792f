package actors_test

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

func TestQueueDealsWithItemsInOrderWhileTheCallerGoesOn(t *testing.T) {
	c := start(t, newSystem(t))
	release := pending.New[int](t.Context())
	var got []int
	q := actors.NewQueue(c, func(ctx context.Context, i int) error {
		if i == 3 {
			if _, err := release.Wait(ctx); err != nil {
				return err
			}
		}
		got = append(got, i)
		return nil
	})
	for i := range 100 {
		require.NoError(t, q.Put(i))
	}
	_, err := actors.CallSoon(t.Context(), c, one).Wait(t.Context())
	require.NoError(t, err, "the caller goes on")
	release.SetResult(1)
	require.NoError(t, q.CloseWait(t.Context()))
	require.Len(t, got, 100)
	for i := range got {
		require.Equal(t, i, got[i])
	}
	require.ErrorIs(t, q.Put(1), actors.ErrQueueClosed)
}

// Item 21 of the seed's behaviour.
func TestQueueItemsAreInOrderWithOtherCalls(t *testing.T) {
	c := start(t, newSystem(t))
	var got []int
	note := func(i int) { got = append(got, i) }
	q := actors.NewQueue(c, func(_ context.Context, i int) error {
		note(i)
		return nil
	})
	for i := range 1000 {
		require.NoError(t, c.CallDirect(func() { note(3 * i) }))
		require.NoError(t, q.Put(3*i+1))
		actors.CallSoon(t.Context(), c, func(context.Context) (int, error) {
			note(3*i + 2)
			return 0, nil
		})
	}
	require.NoError(t, q.CloseWait(t.Context()))
	_, err := actors.CallSoon(t.Context(), c, one).Wait(t.Context())
	require.NoError(t, err)
	require.Len(t, got, 3000)
	for i := range got {
		require.Equal(t, i, got[i])
	}
}

func TestFailuresOfItemsAreCountedAndTheQueueGoesOn(t *testing.T) {
	c := start(t, newSystem(t))
	dealt := 0
	q := actors.NewQueue(c, func(_ context.Context, i int) error {
		dealt++
		switch i {
		case 0:
			return errors.New("no")
		case 1:
			panic("no")
		case 2:
			runtime.Goexit()
		}
		return nil
	})
	for i := range 4 {
		require.NoError(t, q.Put(i))
	}
	require.NoError(t, q.CloseWait(t.Context()))
	assert.Equal(t, 4, dealt)
	assert.Equal(t, 3, q.Failed())
}

func TestFullQueueRefusesOrWaits(t *testing.T) {
	c := start(t, newSystem(t))
	release := make(chan struct{})
	q := actors.NewQueue(c, func(context.Context, int) error {
		<-release
		return nil
	}, actors.QueueCapacity(1))
	require.NoError(t, q.PutWait(t.Context(), 1))
	require.NoError(t, q.PutWait(t.Context(), 2), "when the first is being dealt with")
	require.ErrorIs(t, q.Put(3), actors.ErrOverloaded)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, q.PutWait(ctx, 3), context.Canceled)
	close(release)
	require.NoError(t, q.PutWait(t.Context(), 3))
	require.NoError(t, q.CloseWait(t.Context()))
}

func TestClosedQueueDropsWhatWaitsAndCancelsWhatRuns(t *testing.T) {
	ways := map[string]func(*actors.Caller, *actors.Queue[int]) error{
		"Close": func(_ *actors.Caller, q *actors.Queue[int]) error { q.Close(); return actors.ErrQueueClosed },
		"stop":  func(c *actors.Caller, _ *actors.Queue[int]) error { c.Stop(); return pending.ErrStopped },
		"Cancel of pending": func(_ *actors.Caller, q *actors.Queue[int]) error {
			q.Pending().Cancel(nil)
			return pending.ErrCancelled
		},
	}
	for name, end := range ways {
		t.Run(name, func(t *testing.T) {
			c := start(t, newSystem(t))
			began, dealt := make(chan struct{}), 0
			q := actors.NewQueue(c, func(ctx context.Context, _ int) error {
				dealt++
				close(began)
				return actors.Sleep(ctx, time.Hour)
			})
			idle := actors.NewQueue(c, func(context.Context, int) error { return nil })
			require.NoError(t, q.Put(1))
			require.NoError(t, q.Put(2))
			<-began
			want := end(c, q)
			_, err := q.Pending().Wait(t.Context())
			require.ErrorIs(t, err, want)
			assert.Equal(t, 1, dealt)
			assert.Equal(t, 0, q.Len())
			require.Error(t, q.Put(3))
			if name == "stop" {
				_, err := idle.Pending().Wait(t.Context())
				require.ErrorIs(t, err, pending.ErrStopped)
			}
		})
	}
}

func TestQueueForAKeyIsOneUntilItIsClosed(t *testing.T) {
	c := start(t, newSystem(t))
	fn := func(context.Context, int) error { return nil }
	first := actors.QueueFor(c, "key", fn)
	assert.Same(t, first.Pending(), actors.QueueFor(c, "key", fn).Pending())
	assert.NotSame(t, first.Pending(), actors.QueueFor(c, "other", fn).Pending())
	first.Close()
	assert.NotSame(t, first.Pending(), actors.QueueFor(c, "key", fn).Pending())
}

func TestGroupWaitsForCallsAcrossWorkers(t *testing.T) {
	c := start(t, newSystem(t))
	errBad := errors.New("bad")
	require.NoError(t, pending.Run(t.Context(), func(ctx context.Context) error {
		for range 10 {
			actors.ToThread(ctx, c, func(ctx context.Context) (int, error) {
				actors.CallSoon(ctx, c, one)
				return 0, nil
			})
		}
		return nil
	}))
	var sleeper *pending.Pending[int]
	err := pending.Run(t.Context(), func(ctx context.Context) error {
		sleeper = actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) { return 1, actors.Sleep(ctx, time.Hour) })
		actors.CallSoon(ctx, c, func(context.Context) (int, error) { return 0, errBad })
		return nil
	})
	require.ErrorIs(t, err, errBad)
	assert.True(t, sleeper.Cancelled())
}

func TestAsCompletedGivesTheTurnAway(t *testing.T) {
	c := start(t, newSystem(t))
	calls := func(ctx context.Context) iter.Seq[*pending.Pending[int]] {
		return func(yield func(*pending.Pending[int]) bool) {
			for range 100 {
				if !yield(actors.CallSoon(ctx, c, one)) {
					return
				}
			}
		}
	}
	sum, err := actors.CallSoon(t.Context(), c, func(ctx context.Context) (sum int, err error) {
		for p, err := range pending.AsCompleted(ctx, calls(ctx)) {
			if err != nil {
				return 0, err
			}
			n, _ := p.Result()
			sum += n
		}
		return sum, nil
	}).Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 100, sum)
}
