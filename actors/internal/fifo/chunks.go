package fifo

import (
	"iter"
	"sync"
)

// chunkSize makes a chunk about a kilobyte.
const chunkSize = 62

// Chunk is a piece of a [Chunks]. Its items stay in place until it is recycled. So
// another goroutine can still walk over those that were taken already.
type Chunk struct {
	next  *Chunk
	n     int
	items [chunkSize]any
}

var chunkPool = sync.Pool{New: func() any { return new(Chunk) }}

// NewChunk returns a chunk with one item.
func NewChunk(item any) *Chunk {
	c := chunkPool.Get().(*Chunk)
	c.items[0], c.n = item, 1
	return c
}

// Len returns the number of items.
func (c *Chunk) Len() int { return c.n }

// At returns item i, counted from 0.
func (c *Chunk) At(i int) any { return c.items[i] }

// Slice returns the items from i on. It is valid until the chunk is recycled.
func (c *Chunk) Slice(i int) []any { return c.items[i:c.n] }

// Recycle returns the chunk to its pool. Nobody must use the chunk any more.
func (c *Chunk) Recycle() {
	clear(c.items[:c.n])
	c.n, c.next = 0, nil
	chunkPool.Put(c)
}

// Chunks is a first-in first-out queue of any length that holds no memory while it is
// empty. An item that is pushed onto an empty queue gets a slot of its own. So a queue
// with one item at a time needs no chunk. All others are taken by the chunk. The zero
// value is empty.
type Chunks struct {
	first      any // before the items of the chunks; nil for none
	head, tail *Chunk
	n          int
}

// Len returns the number of items.
func (q *Chunks) Len() int { return q.n }

// Push adds an item, which must not be nil, at the end.
func (q *Chunks) Push(item any) {
	q.n++
	if q.n == 1 {
		q.first = item
		return
	}
	q.pushToTail(item)
}

func (q *Chunks) pushToTail(item any) {
	if q.tail == nil || q.tail.n == chunkSize {
		c := chunkPool.Get().(*Chunk)
		if q.tail == nil {
			q.head = c
		} else {
			q.tail.next = c
		}
		q.tail = c
	}
	q.tail.items[q.tail.n] = item
	q.tail.n++
}

// TakeFirst removes and returns the item that has a slot of its own, or returns nil.
// That item comes before those of Take.
func (q *Chunks) TakeFirst() any {
	item := q.first
	if item != nil {
		q.first = nil
		q.n--
	}
	return item
}

// Take removes and returns the first chunk, or returns nil.
func (q *Chunks) Take() *Chunk {
	c := q.head
	if c == nil {
		return nil
	}
	q.head = c.next
	if q.head == nil {
		q.tail = nil
	}
	c.next = nil
	q.n -= c.n
	return c
}

// Retain removes the items for which keep returns false, in linear time. The order of
// the others stays.
func (q *Chunks) Retain(keep func(item any) bool) {
	old := *q
	*q = Chunks{}
	if old.first != nil && keep(old.first) {
		q.Push(old.first)
	}
	for c := old.head; c != nil; {
		for _, item := range c.Slice(0) {
			if keep(item) {
				q.Push(item)
			}
		}
		recycled := c
		c = c.next
		recycled.Recycle()
	}
}

// All iterates over the items, the first one first. The queue must not change meanwhile.
func (q *Chunks) All() iter.Seq[any] {
	return func(yield func(any) bool) {
		if q.first != nil && !yield(q.first) {
			return
		}
		for c := q.head; c != nil; c = c.next {
			for _, item := range c.Slice(0) {
				if !yield(item) {
					return
				}
			}
		}
	}
}
