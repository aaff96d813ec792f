package actors

import "sync"

// chunkSize makes a chunk about a kilobyte.
const chunkSize = 62

// chunk is a piece of a backlog. Its items stay in place until it is recycled,
// so that a stop can walk over what has been taken from it already.
type chunk struct {
	next  *chunk
	n     int
	items [chunkSize]any
}

var chunkPool = sync.Pool{New: func() any { return new(chunk) }}

// recycle gives back a chunk that nobody looks at any more.
func (c *chunk) recycle() {
	clear(c.items[:c.n])
	c.n, c.next = 0, nil
	chunkPool.Put(c)
}

// backlog is a first-in first-out queue of any length that holds no memory while
// it is empty. The item that comes when it is empty has a place of its own, so
// that a caller which is called now and then needs no chunk; all others are
// taken chunk by chunk.
type backlog struct {
	first      any // before those in the chunks, nil for none
	head, tail *chunk
	n          int
}

func (b *backlog) push(item any) {
	b.n++
	if b.n == 1 {
		b.first = item
		return
	}
	if b.tail == nil || b.tail.n == chunkSize {
		c := chunkPool.Get().(*chunk)
		if b.tail == nil {
			b.head = c
		} else {
			b.tail.next = c
		}
		b.tail = c
	}
	b.tail.items[b.tail.n] = item
	b.tail.n++
}

// takeFirst returns the item that has a place of its own, or nil. It comes
// before those of take.
func (b *backlog) takeFirst() any {
	item := b.first
	if item != nil {
		b.first = nil
		b.n--
	}
	return item
}

// take returns the first chunk, or nil.
func (b *backlog) take() *chunk {
	c := b.head
	if c == nil {
		return nil
	}
	b.head = c.next
	if b.head == nil {
		b.tail = nil
	}
	c.next = nil
	b.n -= c.n
	return c
}
