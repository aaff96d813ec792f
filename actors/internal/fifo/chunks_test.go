package fifo

import (
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// drain takes everything from a queue.
func (b *Chunks) drain() (items []any) {
	if first := b.TakeFirst(); first != nil {
		items = append(items, first)
	}
	for c := b.Take(); c != nil; c = b.Take() {
		items = append(items, c.items[:c.n]...)
		c.Recycle()
	}
	return items
}

func TestQueueKeepsItsOrderOverTheEndsOfChunks(t *testing.T) {
	for _, n := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 3 * chunkSize, 3*chunkSize + 7} {
		var b Chunks
		var want []any
		for i := range n {
			b.Push(i)
			want = append(want, i)
		}
		assert.Equal(t, n, b.n)
		assert.Equal(t, want, b.drain(), n)
		assert.Zero(t, b, n)
	}
}

func TestQueueIsTakenFromWhileItIsPushedTo(t *testing.T) {
	var b Chunks
	pushed, taken := 0, 0
	for round := range 200 {
		for range round {
			b.Push(pushed)
			pushed++
		}
		if first := b.TakeFirst(); first != nil {
			require.Equal(t, taken, first)
			taken++
		}
		if c := b.Take(); c != nil {
			for _, item := range c.items[:c.n] {
				require.Equal(t, taken, item)
				taken++
			}
			c.Recycle()
		}
		require.Equal(t, pushed-taken, b.n)
	}
	for _, item := range b.drain() {
		require.Equal(t, taken, item)
		taken++
	}
	assert.Equal(t, pushed, taken)
}

func TestQueueHoldsAMillionItems(t *testing.T) {
	const n = 1_000_000
	var b Chunks
	for i := range n {
		b.Push(i)
	}
	assert.Equal(t, n, b.n)
	assert.Equal(t, 0, b.TakeFirst())
	next := 1
	for c := b.Take(); c != nil; c = b.Take() {
		for _, item := range c.items[:c.n] {
			if item != next {
				require.Equal(t, next, item)
			}
			next++
		}
		c.Recycle()
	}
	assert.Equal(t, n, next)
	assert.Zero(t, b)
}

func TestQueueReleasesWhatWasTaken(t *testing.T) {
	var b Chunks
	var freed atomic.Int32
	const n = 1000
	push := func() weak.Pointer[[1 << 10]byte] {
		item := new([1 << 10]byte)
		runtime.AddCleanup(item, func(int) { freed.Add(1) }, 0)
		b.Push(item)
		return weak.Make(item)
	}
	last := push()
	for range n - 1 {
		last = push()
	}
	require.NotNil(t, last.Value())
	b.drain()

	// The time limit of the test is the limit of this loop.
	for freed.Load() < n {
		runtime.GC()
	}
	assert.Nil(t, last.Value())
	runtime.KeepAlive(&b)
}

func TestChunkThatIsUsedAgainIsEmpty(t *testing.T) {
	for range 100 {
		var b Chunks
		for range chunkSize {
			b.Push("old")
		}
		b.drain()
		b.Push("first")
		b.Push("new")
		b.TakeFirst()
		c := b.Take()
		assert.Equal(t, 1, c.n)
		assert.Nil(t, c.next)
		assert.Equal(t, "new", c.items[0])
		for _, item := range c.items[1:] {
			assert.Nil(t, item)
		}
		c.Recycle()
	}
}

func TestRetainKeepsTheOrderOfTheRest(t *testing.T) {
	for _, n := range []int{0, 1, 2, chunkSize, chunkSize + 1, 5 * chunkSize} {
		for _, taken := range []bool{false, true} {
			var q Chunks
			var want []any
			for i := range n {
				q.Push(i)
				if i%3 == 1 && (i > 0 || !taken) {
					want = append(want, i)
				}
			}
			if taken {
				q.TakeFirst()
			}
			q.Retain(func(item any) bool { return item.(int)%3 == 1 })
			assert.Equal(t, len(want), q.Len())
			q.Push("last")
			assert.Equal(t, append(want, "last"), q.drain())
			assert.Zero(t, q)
		}
	}
}

func TestChunksIterateOverAllItemsInOrder(t *testing.T) {
	var q Chunks
	assert.Empty(t, slices.Collect(q.All()))
	var want []any
	for i := range 3 * chunkSize {
		q.Push(i)
		want = append(want, i)
	}
	assert.Equal(t, want, slices.Collect(q.All()))
	for _, most := range []int{1, 2, chunkSize + 5} { // it may be left early
		n := 0
		for range q.All() {
			if n++; n == most {
				break
			}
		}
		assert.Equal(t, most, n)
	}
}
