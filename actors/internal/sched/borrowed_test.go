package sched

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLoopThatALentGoroutineWasToRunIsNotLostWhenTheLoanEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := newScheduler("lent", Options{})
		stopped := make(chan struct{})
		go s.RunHere(stopped)
		synctest.Wait()

		s.mu.Lock()
		start := s.state.submitControl("late", DecisionUnchanged)
		s.mu.Unlock()
		require.IsType(t, &borrowed{}, start)
		close(stopped)
		synctest.Wait()
		s.start(start)

		synctest.Wait()
		assert.Equal(t, []any{"late"}, o.handled)
		assert.True(t, s.Idle())
	})
}
