package sched

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// newState returns the state of a scheduler whose loop does not run.
func newState(t *testing.T) *state {
	t.Helper()
	s := &Scheduler{}
	s.Init(&fakeOwner{name: "a"}, Options{})
	s.state.notStarted = false
	return &s.state
}

// taken returns what the loop would handle, in order, until it ends. Tasks return at once.
func taken(s *state) (items []any) {
	for item, ok := s.next(); ok; item, ok = s.next() {
		items = append(items, item)
	}
	return items
}

func TestRunQueueWaitsForAHook(t *testing.T) {
	s := newState(t)
	hook := &Task{}
	start, err := s.submit("first", 0)
	require.NoError(t, err)
	assert.NotNil(t, start)
	_, err = s.submitHook(hook)
	require.NoError(t, err)
	_, err = s.submit("second", 0)
	require.NoError(t, err)
	s.submitControl("control", DecisionUnchanged)

	assert.Equal(t, []any{controlMessage{"control"}, hook}, taken(s))
	assert.False(t, s.hasWork())
	assert.False(t, s.idle())
	s.looping = false
	assert.NotNil(t, s.openGate(hook))
	assert.Equal(t, []any{"first", "second"}, taken(s))
	assert.True(t, s.idle())
}

func TestPauseAndDeferredMessageHoldUpAHook(t *testing.T) {
	s := newState(t)
	hook := &Task{}
	s.pause(true)
	_, err := s.submitHook(hook)
	require.NoError(t, err)
	assert.Empty(t, taken(s))
	s.pause(false)
	s.deferMessage("restart", false)
	assert.Equal(t, []any{deferredMessage{"restart"}, hook}, taken(s))
}

func TestDeferredMessageWaitsForAFinalHook(t *testing.T) {
	s := newState(t)
	_, _, start := s.close()
	assert.Nil(t, start)
	s.stopNotified()
	s.pause(true)
	hook := &Task{Final: true}
	_, err := s.submitHook(hook)
	require.NoError(t, err)
	s.deferMessage("stop", true)
	assert.Equal(t, []any{hook, deferredMessage{"stop"}}, taken(s))

	_, err = s.submitHook(&Task{})
	require.ErrorIs(t, err, errClosed)
}

func TestFinalHookIsRecalledWhileItHasNotBegun(t *testing.T) {
	s := newState(t)
	s.close()
	hook := &Task{Final: true}
	_, err := s.submitHook(hook)
	require.NoError(t, err)
	s.deferMessage("stop", true)
	got, _ := s.recallFinal()
	assert.Same(t, hook, got)
	got, _ = s.recallFinal()
	assert.Nil(t, got)
}

func TestCloseRejectsAHookThatHasNotBegun(t *testing.T) {
	s := newState(t)
	hook := &Task{}
	_, err := s.submitHook(hook)
	require.NoError(t, err)
	rejected, _, _ := s.close()
	assert.Equal(t, []any{hook}, rejected)
}

func TestHookIsRejectedAfterClose(t *testing.T) {
	s := &Scheduler{}
	s.Init(&fakeOwner{name: "a"}, Options{})
	s.Close()
	require.ErrorIs(t, s.SubmitHook(&Task{}), pending.ErrStopped)
	assert.Nil(t, s.RecallFinal())
}
