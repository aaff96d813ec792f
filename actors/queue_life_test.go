package actors_test

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// Item 53 of the seed's behavior.
func TestQueuesOfACallerTakeTurns(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		var got []string
		deal := func(ctx context.Context, item string) error {
			got = append(got, item+" begins")
			err := actors.Sleep(ctx, time.Second)
			got = append(got, item+" ends")
			return err
		}
		a, b := actors.NewQueue(c, deal), actors.QueueFor(c, "b", deal)
		for _, q := range []*actors.Queue[string]{a, b} {
			require.NoError(t, q.Put(map[bool]string{true: "a1", false: "b1"}[q == a]))
		}
		require.NoError(t, a.Put("a2"))
		require.NoError(t, a.CloseWait(t.Context()))
		require.NoError(t, b.CloseWait(t.Context()))
		require.Len(t, got, 6)
		assert.Equal(t, []string{"a1 begins", "b1 begins"}, got[:2])
		assert.ElementsMatch(t, []string{"a1 ends", "b1 ends", "a2 begins"}, got[2:5])
		assert.Equal(t, "a2 ends", got[5])
	})
}

// Item 56 of the seed's behavior.
func TestItemsRunUnderTheContextOfTheQueue(t *testing.T) {
	type key struct{}
	c := start(t, newSystem(t))
	var got []any
	q := actors.NewQueue(c, func(ctx context.Context, _ int) error {
		got = append(got, ctx.Value(key{}))
		return nil
	}, actors.QueueContext(context.WithValue(t.Context(), key{}, "value")))
	do(context.WithValue(t.Context(), key{}, "another"), c, func(context.Context) {
		assert.NoError(t, q.Put(1))
		assert.NoError(t, q.Put(2))
	})
	<-do(t.Context(), c, func(context.Context) {}).Done()
	require.NoError(t, q.CloseWait(t.Context()))
	assert.Equal(t, []any{"value", "value"}, got)
}

// Items 25 and 43 of the seed's behavior.
func TestPendingOfAQueueIsCurrentAndManaged(t *testing.T) {
	c := start(t, newSystem(t))
	m := pending.NewManager()
	g, ctx := pending.NewGroup(pending.WithTracker(t.Context(), m))
	var current pending.Handle
	q := actors.NewQueue(c, func(ctx context.Context, _ int) error {
		current, _ = pending.Current(ctx)
		return nil
	}, actors.QueueContext(ctx))
	assert.Equal(t, []pending.Handle{q.Pending()}, m.Pending())
	assert.Empty(t, g.Pending(), "a group would never end")
	require.NoError(t, q.Put(1))
	require.NoError(t, q.CloseWait(t.Context()))
	assert.Equal(t, pending.Handle(q.Pending()), current)
	assert.Empty(t, m.Pending())
	require.NoError(t, g.Wait())
}

func TestQueueIsClosedWhenItsContextEnds(t *testing.T) {
	for name, put := range map[string]int{"while it is idle": 0, "while it works": 2} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				var errs []error
				q := actors.QueueFor(c, "key", func(ctx context.Context, _ int) error {
					err := actors.Sleep(ctx, time.Hour)
					errs = append(errs, err)
					return err
				}, actors.QueueContext(ctx))
				for i := range put {
					require.NoError(t, q.Put(i))
				}
				_ = actors.Sleep(t.Context(), time.Second)
				cancel(errBoom)
				<-q.Pending().Done()
				require.ErrorIs(t, q.Pending().Err(), errBoom)
				assert.Len(t, errs, put/2, "the second item is dropped")
				require.ErrorIs(t, q.Put(3), actors.ErrQueueClosed)
			})
		})
	}
}

// A restart that has ended the context of a function, for whatever reason, ends
// the queue whose function that is: the context is that of all items.
func TestQueueIsClosedByARestartThatItsItemHasSeen(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log, logged := recorded()
		c := start(t, system, props.Supervision(supervision.Restart()), logged)
		interrupted, other := actors.NewQueue(c, func(ctx context.Context, _ int) error { return actors.Sleep(ctx, time.Hour) }),
			actors.NewQueue(c, func(context.Context, int) error { return nil })
		require.NoError(t, interrupted.Put(1))
		require.NoError(t, interrupted.Put(2))
		_ = failure(do(t.Context(), c, func(context.Context) { panic(errBoom) }))
		<-interrupted.Pending().Done()
		require.ErrorIs(t, interrupted.Pending().Err(), errBoom)
		assert.True(t, slices.ContainsFunc(log.with("caller"), func(r record) bool {
			return strings.HasPrefix(r.message, "actors: dropped by a restart: 1 items of the queue ")
		}))
		require.NoError(t, other.Put(1), "that had nothing to do")
		require.NoError(t, other.CloseWait(t.Context()))
	})
}

// Item 57 of the seed's behavior.
func TestQueueThatNobodyHoldsFinishesAndCloses(t *testing.T) {
	c := start(t, newSystem(t))
	release := occupy(t, c)
	dealt := 0
	p := func() *pending.Pending[struct{}] {
		q := actors.NewQueue(c, func(context.Context, int) error {
			dealt++
			return nil
		})
		require.NoError(t, q.Put(1))
		require.NoError(t, q.Put(2))
		return q.Pending()
	}()
	kept := actors.QueueFor(c, "key", func(context.Context, int) error { return nil }).Pending()
	release()
	for !p.IsDone() { // the time limit of the test is the limit of this loop
		runtime.GC()
	}
	require.NoError(t, p.Err())
	assert.Equal(t, 2, dealt)
	assert.False(t, kept.IsDone(), "one with a key can be had again")
}

func TestQueueThatIsHeldStaysOpen(t *testing.T) {
	c := start(t, newSystem(t))
	q := actors.NewQueue(c, func(context.Context, int) error { return nil })
	for range 3 {
		runtime.GC()
		require.NoError(t, q.Put(1))
	}
	require.NoError(t, q.CloseWait(t.Context()))
}

// Item 57 of the seed's behavior: the key is free as soon as its queue closes.
func TestKeyOfAClosingQueueIsFree(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		slow := func(ctx context.Context, _ int) error { return actors.Sleep(ctx, time.Hour) }
		old := actors.QueueFor(c, "key", slow)
		require.NoError(t, old.Put(1))
		closing := make(chan error)
		go func() { closing <- old.CloseWait(t.Context()) }()
		_ = actors.Sleep(t.Context(), time.Second)
		q := actors.QueueFor(c, "key", func(context.Context, int) error { return nil })
		require.NoError(t, q.Put(1))
		require.NoError(t, q.CloseWait(t.Context()))
		require.NoError(t, <-closing)
	})
}

func TestCloseWaitMayBeGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		q := actors.NewQueue(start(t, system), func(ctx context.Context, _ int) error { return actors.Sleep(ctx, time.Minute) })
		require.NoError(t, q.Put(1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, q.CloseWait(ctx), context.DeadlineExceeded)
		assert.False(t, q.Pending().Cancelled())
		require.NoError(t, q.CloseWait(t.Context()), "the item was finished")
	})
}

func TestFunctionOfAQueueDoesNotWaitForItself(t *testing.T) {
	c := start(t, newSystem(t))
	errs := make(chan error, 3)
	var q *actors.Queue[int]
	q = actors.NewQueue(c, func(ctx context.Context, i int) error {
		if i == 1 {
			errs <- q.PutWait(ctx, 2)
			errs <- q.PutWait(ctx, 3)
			errs <- q.CloseWait(ctx)
		}
		return nil
	}, actors.QueueCapacity(1))
	require.NoError(t, q.Put(1))
	require.NoError(t, <-errs)
	require.ErrorIs(t, <-errs, pending.ErrDeadlock)
	require.ErrorIs(t, <-errs, pending.ErrDeadlock)
	require.NoError(t, q.CloseWait(t.Context()))
}

func TestPutWaitInAFunctionGivesTheTurnAway(t *testing.T) {
	c := start(t, newSystem(t))
	var got []int
	q := actors.NewQueue(c, func(_ context.Context, i int) error {
		got = append(got, i)
		return nil
	}, actors.QueueCapacity(2))
	put := actors.CallSoon(t.Context(), c, func(ctx context.Context) (any, error) {
		for i := range 100 {
			if err := q.PutWait(ctx, i); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	result(t, put)
	require.NoError(t, q.CloseWait(t.Context()))
	assert.Equal(t, upTo(100), got)
}

// Item 57 of the seed's behavior.
func TestStopDropsItemsAndSaysSo(t *testing.T) {
	log, option := logged()
	c := start(t, newSystem(t), option)
	release := occupy(t, c)
	q := actors.NewQueue(c, func(context.Context, int) error { return nil }, actors.QueueName("jobs"), actors.QueueCapacity(2))
	require.NoError(t, q.Put(1))
	require.NoError(t, q.Put(2))
	waiting := make(chan error)
	go func() { waiting <- q.PutWait(t.Context(), 3) }()
	c.Stop()
	require.ErrorIs(t, <-waiting, pending.ErrStopped)
	release()
	<-c.Stopped()
	require.ErrorIs(t, q.Pending().Err(), pending.ErrStopped)
	require.ErrorIs(t, q.Put(4), pending.ErrStopped)
	assert.Contains(t, log.String(), "queue=jobs count=2")

	late := actors.NewQueue(c, func(context.Context, int) error { return nil })
	require.ErrorIs(t, late.Put(1), pending.ErrStopped)
	require.ErrorIs(t, late.CloseWait(t.Context()), pending.ErrStopped)
}

func TestQueueEndsAlthoughALogHandlerEndsTheGoroutineThatDropsItsItems(t *testing.T) {
	for name, occupied := range map[string]bool{"waiting": true, "running": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				h, log := badLogger(exitGoroutine)
				c := start(t, system, props.Logger(log))
				if occupied {
					_ = actors.CallSoon(t.Context(), c, untilItsEnd)
				}
				q := actors.NewQueue(c, func(ctx context.Context, _ int) error {
					<-ctx.Done()
					return nil
				}, actors.QueueCapacity(2))
				synctest.Wait()
				for q.Put(1) == nil {
					synctest.Wait()
				}
				go func() { _ = q.PutWait(t.Context(), 1) }()
				synctest.Wait()
				go c.Stop()
				synctest.Wait()
				assert.NotZero(t, h.hits.Load())
				assert.True(t, q.Pending().IsDone())
				assert.Equal(t, actors.StateStopped, c.State())
			})
		})
	}
}
