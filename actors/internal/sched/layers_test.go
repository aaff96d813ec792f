package sched

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/layering"
)

func TestReferencesRunDownTheLayers(t *testing.T) {
	upward, err := layering.Upward(".", [][]string{
		{"doc.go", "owner.go"},
		{"task.go", "tasklist.go", "executor.go"},
		{"state.go", "state_queue.go", "state_hook.go", "state_urgent.go", "state_executor.go", "state_wait.go", "state_stop.go", "state_in_place.go"},
		{"scheduler.go", "step.go"},
		{"waiters.go"},
		{"slowturn.go"},
		{"checkturn.go", "deadlock.go", "progress.go", "hook.go", "picture.go"},
		{"waitgraph.go"},
		{"deadlocks.go", "elsewhere.go"},
		{"park.go", "yield.go"},
		{"loop.go"},
		{"in_place.go"},
		{"goroutines.go", "borrowed.go", "pinned.go"},
	})
	require.NoError(t, err)
	assert.Empty(t, upward)
}
