package actors

import "sync"

// chunkSize makes a chunk about a kilobyte.
const chunkSize = 62

// chunk is a piece of a queue. Its items stay in place until it is recycled,
// so that a stop can walk over what has been taken from the queue already.
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

// queue is a first-in first-out queue of any length that holds no memory while
// it is empty. The item that comes when it is empty has a place of its own, so
// that a caller which is called now and then needs no chunk; all others are
// taken chunk by chunk.
type queue struct {
	first      any // before those in the chunks, nil for none
	head, tail *chunk
	n          int
}

func (q *queue) push(item any) {
	q.n++
	if q.n == 1 {
		q.first = item
		return
	}
	if q.tail == nil || q.tail.n == chunkSize {
		c := chunkPool.Get().(*chunk)
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

// takeFirst returns the item that has a place of its own, or nil. It comes
// before those of take.
func (q *queue) takeFirst() any {
	item := q.first
	if item != nil {
		q.first = nil
		q.n--
	}
	return item
}

// take returns the first chunk, or nil.
func (q *queue) take() *chunk {
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
