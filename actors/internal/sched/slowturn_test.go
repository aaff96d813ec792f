package sched

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/watchdog"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

func (o *fakeOwner) slowTurns() []SlowTurn {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.slow)
}

// A stop may come between the run queue and the start of a task.
func TestFirstTaskOfAllMayBeRejectedWithATurnWarning(t *testing.T) {
	s, _ := newWatched("s", time.Hour, Options{})
	taken := newCall(t.Context(), s, func(context.Context) (int, error) { return 1, nil })
	s.Close()
	assert.True(t, s.runTask(&taken.task))
	assert.ErrorIs(t, taken.Err(), future.ErrStopped)
}

func TestTurnWarningIsNotForTheNextTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, owner := startWatched(t, time.Second)
		sleep := func(d time.Duration) *fakeCall {
			return submit(t, s, func(context.Context) (int, error) { time.Sleep(d); return 1, nil })
		}
		sleep(time.Second - 1)
		next := submit(t, s, func(context.Context) (int, error) {
			assert.Nil(t, s.Overdue(watchdog.Turn{}), "the look was about the turn before")
			time.Sleep(time.Second - 1)
			return 1, nil
		})
		for _, c := range []*fakeCall{next, sleep(0)} {
			_, err := c.Wait(t.Context())
			require.NoError(t, err)
		}
		time.Sleep(time.Minute)
		assert.Empty(t, owner.slowTurns())
	})
}

func TestSlowTurnSaysWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, owner := startWatched(t, time.Second)
		free := make(chan struct{})
		started := make(chan struct{})
		waits := submit(t, s, func(ctx context.Context) (int, error) {
			close(started)
			return 0, future.TurnOf(ctx).Park(future.Wait{}, false)
		})
		<-started
		long := submit(t, s, func(context.Context) (int, error) { <-free; return 1, nil })
		synctest.Wait()
		waits.task.Resume()
		submit(t, s, func(context.Context) (int, error) { return 2, nil })
		s.SubmitControl("control", DecisionUnchanged)
		time.Sleep(2 * time.Second)
		slow := owner.slowTurns()
		require.Len(t, slow, 1)
		assert.Same(t, &long.task, slow[0].Task)
		assert.True(t, slow[0].Lasts())
		assert.Equal(t, 1, slow[0].Queued)
		assert.Equal(t, 1, slow[0].Runnable)
		assert.Equal(t, []any{"control"}, slow[0].Control)
		assert.False(t, slow[0].Closed)
		close(free)
		synctest.Wait()
		assert.False(t, slow[0].Lasts())
	})
}
