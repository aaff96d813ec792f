package actors_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
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

// The runtime calls the cleanups of a process on few goroutines.
func TestCallbackOfAQueueThatIsGarbageDoesNotHoldUpOtherCleanups(t *testing.T) {
	for way, callback := range map[string]func(done <-chan struct{}){
		"Goexit": func(<-chan struct{}) { exitGoroutine() },
		"blocks": func(done <-chan struct{}) { <-done },
	} {
		t.Run(way, func(t *testing.T) {
			c := start(t, newSystem(t))
			done := make(chan struct{})
			defer close(done)
			for range 100 {
				q := actors.NewQueue(c, func(context.Context, int) error { return nil })
				q.Pending().OnDone(func(pending.Handle) { callback(done) })
			}
			var cleaned atomic.Int32
			for range 100 {
				runtime.AddCleanup(new([64]byte), func(int) { cleaned.Add(1) }, 0)
			}
			// The time limit of the test is the limit of this loop.
			for cleaned.Load() < 100 {
				runtime.GC()
			}
		})
	}
}

// owner is what the function of its queue belongs to, as is usual.
type owner struct {
	queue *actors.Queue[int]
	_     [64]byte
}

func (o *owner) handle(context.Context, int) error { return o.queue.Pending().Err() }

func TestQueueWhoseFunctionReferencesItIsFreedWhenItHasEnded(t *testing.T) {
	for way, end := range map[string]func(*actors.Caller, *actors.Queue[int]) error{
		"Close":     func(_ *actors.Caller, q *actors.Queue[int]) error { q.Close(); return nil },
		"CloseWait": func(_ *actors.Caller, q *actors.Queue[int]) error { return q.CloseWait(context.Background()) },
		"stop":      func(c *actors.Caller, _ *actors.Queue[int]) error { return c.StopWait(context.Background()) },
	} {
		t.Run(way, func(t *testing.T) {
			c := start(t, newSystem(t))
			freed := make(chan struct{})
			func() {
				o := &owner{}
				o.queue = actors.NewQueue(c, o.handle)
				runtime.AddCleanup(o, func(freed chan struct{}) { close(freed) }, freed)
				require.NoError(t, end(c, o.queue))
			}()
			// The time limit of the test is the limit of this loop.
			for {
				runtime.GC()
				select {
				case <-freed:
					return
				default:
				}
			}
		})
	}
}
