package actors_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
)

const (
	million = 1_000_000
	looks   = 10      // at the heap, on the way
	slack   = 1 << 20 // bytes, for what else happens in the process
)

// items is how many go through the queue: fewer when the test is run again in the
// same process.
var items = million

// liveHeap returns how many bytes of the heap are in use.
func liveHeap() int {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // empties the pools of package sync, which survive the first
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}

func TestMillionItemsThroughAQueueTakeNoMemory(t *testing.T) {
	n := items
	items = million / 20
	c := start(t, newSystem(t))
	before, next := liveHeap(), 0
	q := actors.NewQueue(c, func(_ context.Context, i int) error {
		if i != next {
			t.Errorf("item %d after %d", i, next)
		}
		next++
		if next%(n/looks) == 0 {
			assert.Less(t, liveHeap()-before, slack, "bytes after %d items", next)
		}
		return nil
	}, actors.QueueCapacity(1000))
	for i := range n {
		if err := q.PutWait(t.Context(), i); err != nil {
			require.NoError(t, err)
		}
	}
	require.NoError(t, q.CloseWait(t.Context()))
	assert.Equal(t, n, next)
}
