package sched

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// endedWork is the function of a task that has ended, or has not.
type endedWork struct {
	Work
	ended bool
}

func (w *endedWork) IsDone() bool { return w.ended }

func TestUrgentItemsComeFirstInTheirOrder(t *testing.T) {
	s := newState(t)
	for _, item := range []any{"a", "b"} {
		_, err := s.submit(item, 0)
		require.NoError(t, err)
	}
	_, err := s.submitAhead("ahead")
	require.NoError(t, err)
	for _, item := range []any{1, 2, 3} {
		_, err := s.submitUrgent(item, 0)
		require.NoError(t, err)
	}
	assert.Equal(t, 6, s.queued())
	assert.Equal(t, []any{1, 2, 3, "ahead", "a", "b"}, taken(s))
	assert.False(t, s.slowPath.Load(), "the run queue is taken without the lock again")
}

func TestUrgentItemStartsTheLoop(t *testing.T) {
	s := newState(t)
	start, err := s.submitUrgent(1, 0)
	require.NoError(t, err)
	assert.NotNil(t, start)
	assert.True(t, s.slowPath.Load())
}

func TestUrgentItemOvertakesABatchThatWasBegun(t *testing.T) {
	s := newState(t)
	for item := range 100 {
		_, err := s.submit(item, 0)
		require.NoError(t, err)
	}
	var got []any
	for range 3 {
		item, ok := s.next()
		require.True(t, ok)
		got = append(got, item)
	}
	_, err := s.submitUrgent("urgent", 0)
	require.NoError(t, err)
	_, ok := s.takeFromBatch()
	assert.False(t, ok)
	got = append(got, taken(s)...)
	assert.Equal(t, []any{0, 1, 2, "urgent", 3, 4}, got[:6])
	assert.Len(t, got, 101)
}

func TestUrgentItemsDoNotStarveTheRunQueue(t *testing.T) {
	s := newState(t)
	for _, item := range []any{"a", "b", "c"} {
		_, err := s.submit(item, 0)
		require.NoError(t, err)
	}
	var got []any
	for range 60 { // there is always one more
		_, err := s.submitUrgent("urgent", 0)
		require.NoError(t, err)
		item, ok := s.next()
		require.True(t, ok)
		if item != "urgent" {
			got = append(got, len(got), item)
		}
	}
	assert.Equal(t, []any{0, "a", 2, "b", 4, "c"}, got)
	assert.Equal(t, 3, s.urgentLen())
}

func TestLimitCountsUrgentItems(t *testing.T) {
	s := newState(t)
	_, err := s.submit(&Task{work: &endedWork{}}, 2)
	require.NoError(t, err)
	gone := &endedWork{}
	_, err = s.submitUrgent(&Task{work: gone}, 2)
	require.NoError(t, err)
	_, err = s.submitUrgent("third", 2)
	require.ErrorIs(t, err, errFull)
	_, err = s.submit("third", 2)
	require.ErrorIs(t, err, errFull)

	gone.ended = true
	s.drop()
	assert.Equal(t, 1, s.waiting())
	assert.Zero(t, s.urgentLen(), "it was pruned")
	_, err = s.submitUrgent("third", 2)
	require.NoError(t, err)
}

func TestCloseRejectsUrgentItems(t *testing.T) {
	s := newState(t)
	_, err := s.submit("a", 0)
	require.NoError(t, err)
	_, err = s.submitUrgent("urgent", 0)
	require.NoError(t, err)
	rejected, _, _ := s.close()
	assert.Equal(t, []any{"urgent", "a"}, rejected)
	_, err = s.submitUrgent("urgent", 0)
	require.ErrorIs(t, err, errClosed)

	closed := &Scheduler{}
	closed.Init(&fakeOwner{name: "a"}, Options{})
	closed.Close()
	require.ErrorIs(t, closed.SubmitUrgent("urgent", 0), future.ErrStopped)
}

func TestHookComesBeforeUrgentItems(t *testing.T) {
	s := newState(t)
	hook := &Task{work: &endedWork{}}
	_, err := s.submitUrgent("urgent", 0)
	require.NoError(t, err)
	_, err = s.submitHook(hook)
	require.NoError(t, err)
	assert.Equal(t, []any{hook}, taken(s))
	s.openGate(hook)
	assert.Equal(t, []any{"urgent"}, taken(s))
}
