package sched

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// hookNode is a node that calls a function when the wait graph looks at it.
type hookNode struct{ do func() }

func (n *hookNode) Needs(needs *future.Needs) {
	needs.Live = true
	n.do()
}

func (n *hookNode) What() string { return "" }

// The other goroutine uses the context of the function, which it must not.
func TestResumeIsNotLostToTheRefusedWaitOfAnotherGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newScheduler("s", Options{})
		s.Ungate()
		var c *fakeCall
		var refused error
		looked := false
		published := func() {
			if looked {
				return
			}
			looked = true
			c.task.Resume()
			refused = c.task.Park(future.Wait{}, false)
		}
		c = newCall(t.Context(), s, func(context.Context) (int, error) {
			return 1, c.task.Park(future.Wait{For: &hookNode{published}, Began: 1}, false)
		})
		require.NoError(t, s.Submit(&c.task, 0))
		synctest.Wait()
		require.Error(t, refused)
		assert.True(t, c.IsDone(), "the function waits for ever")
		c.task.Resume()
	})
}
