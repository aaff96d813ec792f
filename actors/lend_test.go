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
	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// sleepAway sleeps while others may use the worker.
func sleepAway(ctx context.Context, d time.Duration) (string, error) {
	takeBack := future.TurnOf(ctx).(*sched.Task).LendWorker()
	defer takeBack()
	return workerOf(ctx), actors.Sleep(ctx, d)
}

func workerOf(ctx context.Context) string {
	c, _ := actors.Current(ctx)
	return c.ID()
}

func TestLentWorkerIsTheLastChoice(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.MaxWorkers(2))
		away := actors.ToThread(t.Context(), c, func(ctx context.Context) (string, error) { return sleepAway(ctx, time.Minute) })
		synctest.Wait()
		other := result(t, actors.ToThread(t.Context(), c, func(ctx context.Context) (string, error) { return workerOf(ctx), nil }))
		again := actors.ToThread(t.Context(), c, func(ctx context.Context) (string, error) {
			return workerOf(ctx), actors.Sleep(ctx, time.Second)
		})
		synctest.Wait()
		lent := result(t, actors.ToThread(t.Context(), c, func(ctx context.Context) (string, error) { return workerOf(ctx), nil }))
		assert.Equal(t, other, result(t, again), "the idle one first")
		assert.NotEqual(t, other, lent)
		assert.Equal(t, lent, result(t, away))
	})
}

func TestLentWorkerIsNotStoppedForIdleness(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.MaxWorkers(1), props.MaxIdleWorkers(0), props.IdleTimeout(time.Second))
		away := actors.ToThread(t.Context(), c, func(ctx context.Context) (string, error) { return sleepAway(ctx, time.Hour) })
		synctest.Wait()
		for range 3 {
			result(t, actors.ToThread(t.Context(), c, returns(1)))
			time.Sleep(time.Minute)
		}
		assert.False(t, away.IsDone())
		result(t, away)
		time.Sleep(time.Minute)
		assert.Empty(t, c.Children())
	})
}

// The function is cancelled and then abandoned. Nothing of it is left in the pool.
func TestFunctionThatIsAwayWhenItsWorkerStops(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.MaxWorkers(1), props.StopTimeout(time.Second))
		away := actors.ToThread(t.Context(), c, func(ctx context.Context) (string, error) {
			return sleepAway(context.WithoutCancel(ctx), time.Minute)
		})
		synctest.Wait()
		children := c.Children()
		require.Len(t, children, 1)
		children[0].Stop()
		assert.Equal(t, 1, result(t, actors.ToThread(t.Context(), c, returns(1))), "on another worker")
		time.Sleep(10 * time.Second)
		require.ErrorIs(t, away.Err(), pending.ErrStopped)
		time.Sleep(2 * time.Minute)
		assert.True(t, c.Idle())
	})
}
