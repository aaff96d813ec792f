package actors_test

import (
	"context"
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

func TestUrgentCallsStartBeforeWhatIsQueued(t *testing.T) {
	c := start(t, newSystem(t))
	release := occupy(t, c)
	var order []string
	note := func(name string) func(context.Context) (int, error) {
		return func(context.Context) (int, error) {
			order = append(order, name)
			return 0, nil
		}
	}
	q := actors.NewQueue(c, func(_ context.Context, item string) error {
		order = append(order, item)
		return nil
	})
	require.NoError(t, q.Put("item"))
	last := actors.CallSoon(t.Context(), c, note("call"))
	require.NoError(t, c.CallDirect(func() { order = append(order, "direct") }))
	actors.Schedule(t.Context(), c, note("urgent 1"), actors.Urgent())
	actors.Schedule(t.Context(), c, note("urgent 2"), actors.Urgent(), actors.Retry(), actors.Named("second"))
	cancelled := actors.Schedule(t.Context(), c, note("never"), actors.Urgent())
	cancelled.Cancel(nil)
	release()
	result(t, last)
	require.NoError(t, c.Drain(t.Context()))
	assert.Equal(t, []string{"urgent 1", "urgent 2", "item", "call", "direct"}, order)
}

func TestUrgentCallsDoNotStarveTheOthers(t *testing.T) {
	c := start(t, newSystem(t))
	release := occupy(t, c)
	n := 0
	var schedule func(ctx context.Context)
	schedule = func(ctx context.Context) {
		actors.Schedule(ctx, c, func(ctx context.Context) (int, error) {
			if n++; n < 1000 {
				schedule(ctx)
			}
			return n, nil
		}, actors.Urgent())
	}
	schedule(t.Context())
	p := actors.CallSoon(t.Context(), c, func(context.Context) (int, error) { return n, nil })
	release()
	assert.LessOrEqual(t, result(t, p), 16)
	require.NoError(t, c.Drain(t.Context()))
	assert.Equal(t, 1000, n)
}

func TestDelayedCallBecomesUrgentWhenItIsDue(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		p := actors.Schedule(t.Context(), c, returns(1), actors.Urgent(), actors.Delay(time.Second))
		release := occupy(t, c)
		order := ""
		other := do(t.Context(), c, func(context.Context) { order += "other " })
		p.OnDone(func(pending.Handle) { order += "urgent " })
		time.Sleep(2 * time.Second)
		release()
		result(t, other)
		assert.Equal(t, "urgent other ", order)
	})
}

func TestMaxQueuedHoldsForUrgentCalls(t *testing.T) {
	c := start(t, newSystem(t), props.MaxQueued(2))
	release := occupy(t, c)
	first := actors.CallSoon(t.Context(), c, returns(1))
	urgent := actors.Schedule(t.Context(), c, returns(2), actors.Urgent())
	require.ErrorIs(t, failure(actors.Schedule(t.Context(), c, returns(3), actors.Urgent())), actors.ErrOverloaded)
	require.ErrorIs(t, failure(actors.CallSoon(t.Context(), c, returns(3))), actors.ErrOverloaded)
	urgent.Cancel(nil)
	again := actors.Schedule(t.Context(), c, returns(4), actors.Urgent())
	release()
	assert.Equal(t, 4, result(t, again))
	assert.Equal(t, 1, result(t, first))
}

func TestStopAndRestartWithUrgentCalls(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, supervised(supervision.Restart())...)
		failed := do(t.Context(), c, func(context.Context) { panic(errBoom) })
		kept := actors.Schedule(t.Context(), c, returns(1), actors.Urgent())
		require.ErrorIs(t, failure(failed), errBoom)
		assert.Equal(t, 1, result(t, kept), "a restart keeps it")

		release := occupy(t, c)
		queued := actors.Schedule(t.Context(), c, returns(1), actors.Urgent())
		c.Stop()
		require.ErrorIs(t, queued.Err(), pending.ErrStopped)
		release()
		synctest.Wait()
		require.ErrorIs(t, failure(actors.Schedule(t.Context(), c, returns(1), actors.Urgent())), pending.ErrStopped)
	})
}

func TestUrgentOnAWorkerIsAnError(t *testing.T) {
	p := actors.Schedule(t.Context(), start(t, newSystem(t)), returns(1), actors.Urgent(), actors.OnWorker())
	require.EqualError(t, failure(p), "actors: Urgent: cannot be combined with OnWorker")
}
