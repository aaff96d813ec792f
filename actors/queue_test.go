package actors_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Items 53 and 54 of the seed's behavior.
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

// Item 21 of the seed's behavior.
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

// Item 55 of the seed's behavior, and section 5, 6: no failure is swallowed.
func TestFailuresOfItemsAreLoggedAndCountedAndTheQueueGoesOn(t *testing.T) {
	log, option := logged()
	c := start(t, newSystem(t), option)
	dealt := 0
	q := actors.NewQueue(c, func(_ context.Context, item string) error {
		dealt++
		switch item {
		case "fails":
			return errBoom
		case "panics":
			panic("no")
		case "exits":
			runtime.Goexit()
		case "is cancelled":
			return fmt.Errorf("by hand: %w", pending.ErrCancelled)
		}
		return nil
	}, actors.QueueName("jobs"))
	for _, item := range []string{"", "fails", "panics", "exits", "is cancelled", ""} {
		require.NoError(t, q.Put(item))
	}
	require.NoError(t, q.CloseWait(t.Context()))
	assert.Equal(t, 6, dealt)
	assert.Equal(t, 4, q.Failed())
	for position, failure := range map[int]string{2: "boom", 3: "pending: panic: no", 4: "runtime.Goexit", 5: "by hand"} {
		assert.Regexp(t, fmt.Sprintf(`(?m)queue=jobs position=%d error=.*%s`, position, failure), log)
	}
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

// Item 57 of the seed's behavior.
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

// Items 53 and 57 of the seed's behavior.
func TestQueueForAKeyIsOneUntilItIsClosed(t *testing.T) {
	c := start(t, newSystem(t))
	fn := func(context.Context, int) error { return nil }
	first := actors.QueueFor(c, "key", fn)
	assert.Same(t, first.Pending(), actors.QueueFor(c, "key", fn).Pending())
	assert.NotSame(t, first.Pending(), actors.QueueFor(c, "other", fn).Pending())
	first.Close()
	assert.NotSame(t, first.Pending(), actors.QueueFor(c, "key", fn).Pending())
}
