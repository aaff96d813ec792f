package actors

import (
	"runtime"
	"sync/atomic"
	"testing"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// drain takes everything from a queue.
func (q *queue) drain() (items []any) {
	if first := q.takeFirst(); first != nil {
		items = append(items, first)
	}
	for c := q.take(); c != nil; c = q.take() {
		items = append(items, c.items[:c.n]...)
		c.recycle()
	}
	return items
}

func TestQueueKeepsItsOrderOverTheEndsOfChunks(t *testing.T) {
	for _, n := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 3 * chunkSize, 3*chunkSize + 7} {
		var q queue
		var want []any
		for i := range n {
			q.push(i)
			want = append(want, i)
		}
		assert.Equal(t, n, q.n)
		assert.Equal(t, want, q.drain(), n)
		assert.Zero(t, q, n)
	}
}

func TestQueueIsTakenFromWhileItIsPushedTo(t *testing.T) {
	var q queue
	pushed, taken := 0, 0
	for round := range 200 {
		for range round {
			q.push(pushed)
			pushed++
		}
		if first := q.takeFirst(); first != nil {
			require.Equal(t, taken, first)
			taken++
		}
		if c := q.take(); c != nil {
			for _, item := range c.items[:c.n] {
				require.Equal(t, taken, item)
				taken++
			}
			c.recycle()
		}
		require.Equal(t, pushed-taken, q.n)
	}
	for _, item := range q.drain() {
		require.Equal(t, taken, item)
		taken++
	}
	assert.Equal(t, pushed, taken)
}

func TestQueueHoldsAMillionItems(t *testing.T) {
	const n = 1_000_000
	var q queue
	for i := range n {
		q.push(i)
	}
	assert.Equal(t, n, q.n)
	assert.Equal(t, 0, q.takeFirst())
	next := 1
	for c := q.take(); c != nil; c = q.take() {
		for _, item := range c.items[:c.n] {
			if item != next {
				require.Equal(t, next, item)
			}
			next++
		}
		c.recycle()
	}
	assert.Equal(t, n, next)
	assert.Zero(t, q)
}

func TestQueueReleasesWhatWasTaken(t *testing.T) {
	var q queue
	var freed atomic.Int32
	const n = 1000
	push := func() weak.Pointer[[1 << 10]byte] {
		item := new([1 << 10]byte)
		runtime.AddCleanup(item, func(int) { freed.Add(1) }, 0)
		q.push(item)
		return weak.Make(item)
	}
	last := push()
	for range n - 1 {
		last = push()
	}
	require.NotNil(t, last.Value())
	q.drain()

	// The time limit of the test is the limit of this loop.
	for freed.Load() < n {
		runtime.GC()
	}
	assert.Nil(t, last.Value())
	runtime.KeepAlive(&q)
}

func TestChunkThatIsUsedAgainIsEmpty(t *testing.T) {
	for range 100 {
		var q queue
		for range chunkSize {
			q.push("old")
		}
		q.drain()
		q.push("first")
		q.push("new")
		q.takeFirst()
		c := q.take()
		assert.Equal(t, 1, c.n)
		assert.Nil(t, c.next)
		assert.Equal(t, "new", c.items[0])
		for _, item := range c.items[1:] {
			assert.Nil(t, item)
		}
		c.recycle()
	}
}
