package pending_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

func TestGroupRefusesAMemberThatIsNil(t *testing.T) {
	g, _ := pending.NewGroup(t.Context())
	for _, h := range []pending.Handle{nil, (*pending.Pending[int])(nil), (*pending.Task[int])(nil)} {
		assert.PanicsWithValue(t, "pending: Add of a nil pending", func() { g.Add(h) })
	}
	assert.Empty(t, g.Pending())
	require.NoError(t, g.Wait())
}

// What embeds a pending is that pending.
func TestMemberIsThePendingBehindAHandle(t *testing.T) {
	g, _ := pending.NewGroup(t.Context())
	m := pending.NewManager()
	task, _ := queue(t.Context(), func(context.Context) (int, error) { return 1, nil })
	for _, tracker := range []pending.Tracker{g, m} {
		tracker.Add(task)
		tracker.Add(&task.Pending)
	}
	assert.Len(t, g.Pending(), 1)
	assert.Len(t, m.Pending(), 1)
	assert.Nil(t, task.Run())
	assert.Empty(t, m.Pending())
	require.NoError(t, g.Wait())
}
