package sched

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// A stop may come between the run queue and the start of a task.
func TestFirstTaskOfAllMayBeRejectedWithATurnWarning(t *testing.T) {
	s, _ := newScheduler("s", Options{TurnWarning: time.Hour})
	taken := newCall(t.Context(), s, func(context.Context) (int, error) { return 1, nil })
	s.Close()
	assert.True(t, s.runTask(&taken.task))
	assert.ErrorIs(t, taken.Err(), pending.ErrStopped)
}

// A timer that fires as its turn ends finds the next one.
func TestTurnWarningIsNotForTheNextTurn(t *testing.T) {
	s, owner := startScheduler(t, "s", Options{TurnWarning: time.Hour})
	c := submit(t, s, func(context.Context) (int, error) {
		s.slow.report()
		return 1, nil
	})
	_, err := c.Wait(t.Context())
	require.NoError(t, err)
	assert.Empty(t, owner.slow)
}
