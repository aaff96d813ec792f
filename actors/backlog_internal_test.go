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
func (b *backlog) drain() (items []any) {
	if first := b.takeFirst(); first != nil {
		items = append(items, first)
	}
	for c := b.take(); c != nil; c = b.take() {
		items = append(items, c.items[:c.n]...)
		c.recycle()
	}
	return items
}

func TestBacklogKeepsItsOrderOverTheEndsOfChunks(t *testing.T) {
	for _, n := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 3 * chunkSize, 3*chunkSize + 7} {
		var b backlog
		var want []any
		for i := range n {
			b.push(i)
			want = append(want, i)
		}
		assert.Equal(t, n, b.n)
		assert.Equal(t, want, b.drain(), n)
		assert.Zero(t, b, n)
	}
}

func TestBacklogIsTakenFromWhileItIsPushedTo(t *testing.T) {
	var b backlog
	pushed, taken := 0, 0
	for round := range 200 {
		for range round {
			b.push(pushed)
			pushed++
		}
		if first := b.takeFirst(); first != nil {
			require.Equal(t, taken, first)
			taken++
		}
		if c := b.take(); c != nil {
			for _, item := range c.items[:c.n] {
				require.Equal(t, taken, item)
				taken++
			}
			c.recycle()
		}
		require.Equal(t, pushed-taken, b.n)
	}
	for _, item := range b.drain() {
		require.Equal(t, taken, item)
		taken++
	}
	assert.Equal(t, pushed, taken)
}

func TestBacklogHoldsAMillionItems(t *testing.T) {
	const n = 1_000_000
	var b backlog
	for i := range n {
		b.push(i)
	}
	assert.Equal(t, n, b.n)
	assert.Equal(t, 0, b.takeFirst())
	next := 1
	for c := b.take(); c != nil; c = b.take() {
		for _, item := range c.items[:c.n] {
			if item != next {
				require.Equal(t, next, item)
			}
			next++
		}
		c.recycle()
	}
	assert.Equal(t, n, next)
	assert.Zero(t, b)
}

func TestBacklogReleasesWhatWasTaken(t *testing.T) {
	var b backlog
	var freed atomic.Int32
	const n = 1000
	push := func() weak.Pointer[[1 << 10]byte] {
		item := new([1 << 10]byte)
		runtime.AddCleanup(item, func(int) { freed.Add(1) }, 0)
		b.push(item)
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
		var b backlog
		for range chunkSize {
			b.push("old")
		}
		b.drain()
		b.push("first")
		b.push("new")
		b.takeFirst()
		c := b.take()
		assert.Equal(t, 1, c.n)
		assert.Nil(t, c.next)
		assert.Equal(t, "new", c.items[0])
		for _, item := range c.items[1:] {
			assert.Nil(t, item)
		}
		c.recycle()
	}
}
