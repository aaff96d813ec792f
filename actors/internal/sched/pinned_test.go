package sched

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

func TestStartOnAThreadThatAnAbandonReplacesIsNotLost(t *testing.T) {
	for _, alternate := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := newScheduler("s", Options{Thread: !alternate})
			if !alternate {
				s.StartThread()
			}
			s.Ungate()
			var waits *fakeCall
			waits = newCall(t.Context(), s, func(context.Context) (int, error) { return 1, waits.task.Park(future.Wait{}, false) })
			next := newCall(t.Context(), s, func(context.Context) (int, error) { return 1, nil })
			waits.task.Alternate, next.task.Alternate = alternate, alternate
			require.NoError(t, s.Submit(&waits.task, 0))
			synctest.Wait()

			s.mu.Lock()
			var start executor
			if alternate { // the loop has taken the next task, and moves there with it
				s.state.looping = true
				start, _ = s.state.reroute(&next.task)
			} else {
				start, _ = s.state.submit(&next.task, 0)
			}
			s.mu.Unlock()
			require.IsType(t, &pinned{}, start)
			s.Abandon(s.Active(), future.ErrStopped)
			synctest.Wait()
			s.start(start)
			synctest.Wait()
			assert.True(t, next.IsDone(), "alternate: %v", alternate)
			s.CloseExecutors()
		})
	}
}
