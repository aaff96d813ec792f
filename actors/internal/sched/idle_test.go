package sched

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

func TestThoseWhoWaitForIdleAreNotifiedWhenTheLastTaskIsAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newScheduler("s", Options{})
		s.Ungate()
		var c *fakeCall
		c = newCall(t.Context(), s, func(context.Context) (int, error) { return 1, c.task.Park(future.Wait{}, false) })
		require.NoError(t, s.Submit(&c.task, 0))
		synctest.Wait()
		idle := s.IdleNotify()
		require.False(t, s.Idle())

		s.Abandon(s.Active(), future.ErrStopped)
		assert.Len(t, idle, 1)
		assert.True(t, s.Idle())
	})
}

func TestThoseWhoWaitForIdleAreNotifiedAfterOpen(t *testing.T) {
	owner := &fakeOwner{name: "s"}
	s := &Scheduler{}
	s.Init(owner, Options{})
	idle := s.IdleNotify()
	owner.onControl = func(any) { assert.False(t, s.Idle(), "while Open handles a message") }
	s.SubmitControl("started", DecisionUnchanged)

	s.Open()
	assert.True(t, s.Idle())
	assert.Len(t, idle, 1)
}
