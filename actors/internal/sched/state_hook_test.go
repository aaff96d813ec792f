package sched

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
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
	hook := &Task{work: &endedWork{}}
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
	hook := &Task{work: &endedWork{}}
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
	hook := &Task{work: &endedWork{}, Final: true}
	_, err := s.submitHook(hook)
	require.NoError(t, err)
	s.deferMessage("stop", true)
	assert.Equal(t, []any{hook, deferredMessage{"stop"}}, taken(s))

	_, err = s.submitHook(&Task{work: &endedWork{}})
	require.ErrorIs(t, err, errClosed)
}

func TestFinalHookIsRecalledWhileItHasNotBegun(t *testing.T) {
	s := newState(t)
	s.close()
	hook := &Task{work: &endedWork{}, Final: true}
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
	hook := &Task{work: &endedWork{}}
	_, err := s.submitHook(hook)
	require.NoError(t, err)
	rejected, _, _ := s.close()
	assert.Equal(t, []any{hook}, rejected)
}

func TestHookIsRejectedAfterClose(t *testing.T) {
	s := &Scheduler{}
	s.Init(&fakeOwner{name: "a"}, Options{})
	s.Close()
	require.ErrorIs(t, s.SubmitHook(&Task{work: &endedWork{}}), future.ErrStopped)
	assert.Nil(t, s.RecallFinal())
}

// The owner opens the gate whenever the hook is done, also when it was refused.
func TestGateOfAHookThatAStopHasRefusedMayBeOpened(t *testing.T) {
	s, _ := newScheduler("s", Options{})
	hook := newCall(t.Context(), s, func(context.Context) (int, error) { return 1, nil })
	s.Close()
	require.ErrorIs(t, s.SubmitHook(&hook.task), future.ErrStopped)
	assert.NotPanics(t, func() { s.OpenGate(&hook.task) })
}

// An observer of user code may cancel the hook as soon as it is made.
func TestHookThatHasEndedBeforeItIsSubmittedKeepsNothingWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newScheduler("s", Options{})
		s.Ungate()
		hook := newCall(t.Context(), s, func(context.Context) (int, error) { return 1, nil })
		hook.OnDone(func(pending.Handle) { s.OpenGate(&hook.task) })
		hook.Cancel(nil)
		require.NoError(t, s.SubmitHook(&hook.task))
		c := submit(t, s, func(context.Context) (int, error) { return 1, nil })
		synctest.Wait()
		assert.True(t, c.IsDone(), "what is queued waits for the hook for ever")
		assert.True(t, s.Idle())
	})
}
