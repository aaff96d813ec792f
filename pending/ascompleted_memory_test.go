package pending_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// liveHeap returns how many bytes of the heap are in use.
func liveHeap() int {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // empties the pools of package sync, which survive the first
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}

const million = 1_000_000

// items is how many go through the loop: fewer when the test is run again in the
// same process.
var items = million

func TestMillionPendingsThroughAsCompletedTakeNoMemory(t *testing.T) {
	const (
		limit = 100
		looks = 10        // at the heap, on the way
		slack = 256 << 10 // bytes, for what else happens in the process
	)
	n := items
	items = million / 20
	open := make(chan *promise, limit) // the worker below is never so far behind
	go func() {
		for p := range open {
			p.SetResult(1)
		}
	}()
	made := 0
	calls := func(yield func(*promise) bool) {
		defer close(open)
		for made < n {
			made++
			p := pending.New[int](context.Background())
			open <- p
			if !yield(p) {
				return
			}
		}
	}
	before, done := liveHeap(), 0
	for p, err := range pending.AsCompleted(t.Context(), calls, pending.MaxConcurrent(limit)) {
		one, _ := p.Result()
		done += one
		if err != nil || made-done >= limit {
			require.Failf(t, "pulled too far, or failed", "%d of %d: %v", made, done, err)
		}
		if done%(n/looks) == 0 {
			assert.Less(t, liveHeap()-before, slack, "bytes after %d pendings", done)
		}
	}
	assert.Equal(t, n, done)
}
