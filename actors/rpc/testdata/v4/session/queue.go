package session

import (
	"slices"
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/testdata/v4/wire"
)

// Batch is what is to be sent as one message: Head, and Tail behind it. Tail belongs to
// a payload, and must not be changed. Who has sent the batch gives Head to [Release].
type Batch struct{ Head, Tail []byte }

// bufferSize has room for the frames of a batch and the head of a chunk.
const bufferSize = wire.BatchSize + 64

var buffers = sync.Pool{New: func() any {
	b := make([]byte, 0, bufferSize)
	return &b
}}

// Release has the memory of a batch used again.
func Release(head []byte) {
	if cap(head) == bufferSize {
		head = head[:0]
		buffers.Put(&head)
	}
}

// queue is what waits to be sent. Small frames go in order. Large payloads go in chunks,
// some of them at a time, so that small frames pass between the chunks.
type queue struct {
	control []byte // handshake, heartbeats: sent first, and whole
	small   []smallBatch
	bytes   int // of all but control

	transfers map[uint64]*transfer // by the number of the call
	active    []*transfer          // those of which chunks are sent, in turns: the next one first
	waiting   []*transfer          // the others, in order

	// How many small batches there were, and were sent, and how many must have been sent
	// before another transfer begins: one of them has the cancellation of a transfer,
	// whose place it takes.
	put, sent, hold uint64

	lastSmall time.Time // when a small batch was sent last
}

// smallTime is for how long chunks are small after a small batch was sent: there may be
// more, which are not to wait long.
const smallTime = 20 * time.Millisecond

// smallBatch is some small frames.
type smallBatch struct {
	frames  []byte
	through uint64 // the number of the last request in it
}

// transfer is a large payload that is sent in chunks.
type transfer struct {
	number uint64
	head   []byte // the frame that announces it
	data   []byte // what is not sent yet
	begun  bool
	behind []outgoing // frames of the same call that come after it
}

// outgoing is an answer or an item that waits behind a transfer.
type outgoing struct {
	answer *wire.Response
	item   *wire.Payload
}

func (o outgoing) size() int {
	if o.answer != nil {
		return o.answer.Size()
	}
	return o.item.Size()
}

// payload returns what may be sent in chunks.
func (o outgoing) payload() *wire.Payload {
	if o.answer != nil {
		return &o.answer.Result
	}
	return o.item
}

// room returns the batch that a small frame of about that size is appended to.
func (q *queue) room(size int) *smallBatch {
	if n := len(q.small); n > 0 {
		if last := &q.small[n-1]; len(last.frames)+size <= wire.BatchSize {
			return last
		}
	}
	q.put++
	q.small = append(q.small, smallBatch{frames: *buffers.Get().(*[]byte)})
	return &q.small[len(q.small)-1]
}

// grown notes that a batch was appended to.
func (q *queue) grown(b *smallBatch, frames []byte) {
	q.bytes += len(frames) - len(b.frames)
	b.frames = frames
}

// request puts a call.
func (q *queue) request(number uint64, r *wire.Request) {
	if len(r.Argument.Data) <= wire.InlineSize {
		b := q.room(r.Size())
		q.grown(b, wire.AppendRequest(b.frames, number, r, false))
		b.through = number
		return
	}
	q.begin(&transfer{number: number, head: wire.AppendRequest(nil, number, r, true), data: r.Argument.Data})
}

// enqueue puts an answer or an item, behind what is under way of the same call.
func (q *queue) enqueue(number uint64, o outgoing) {
	if t := q.transfers[number]; t != nil {
		t.behind = append(t.behind, o)
		q.bytes += o.size()
		return
	}
	payload := o.payload()
	chunked := len(payload.Data) > wire.InlineSize && (o.answer == nil || o.answer.Error == nil)
	var b *smallBatch
	var frames []byte
	if !chunked {
		b = q.room(o.size() + 32)
		frames = b.frames
	}
	if o.answer != nil {
		frames = wire.AppendResponse(frames, number, o.answer, chunked)
	} else {
		frames = wire.AppendItem(frames, number, o.item, chunked)
	}
	if chunked {
		q.begin(&transfer{number: number, head: frames, data: payload.Data})
	} else {
		q.grown(b, frames)
	}
}

func (q *queue) begin(t *transfer) {
	if q.transfers == nil {
		q.transfers = make(map[uint64]*transfer)
	}
	q.transfers[t.number] = t
	q.bytes += len(t.head) + len(t.data)
	if len(q.active) < wire.MaxTransfers {
		q.active = append(q.active, t)
	} else {
		q.waiting = append(q.waiting, t)
	}
}

// drop drops what is left of a transfer, and reports whether there was one, and whether
// some of it was sent.
func (q *queue) drop(number uint64) (dropped, begun bool) {
	t := q.transfers[number]
	if t == nil {
		return false, false
	}
	q.bytes -= len(t.data)
	if !t.begun {
		q.bytes -= len(t.head)
	}
	for _, o := range t.behind {
		q.bytes -= o.size()
	}
	q.remove(t)
	return true, t.begun
}

// remove forgets a transfer, and has another one begin.
func (q *queue) remove(t *transfer) {
	delete(q.transfers, t.number)
	isIt := func(other *transfer) bool { return other == t }
	q.active = slices.DeleteFunc(q.active, isIt)
	q.waiting = slices.DeleteFunc(q.waiting, isIt)
	if len(q.waiting) > 0 && len(q.active) < wire.MaxTransfers {
		q.active = append(q.active, q.waiting[0])
		q.waiting = slices.Delete(q.waiting, 0, 1)
	}
}

// next returns what is to be sent next, and the number of the last small request in it.
// While the session is not open that is the handshake alone.
func (q *queue) next(open bool, now time.Time) (b Batch, through uint64, ok bool) {
	if open && len(q.small) > 0 {
		first := q.small[0]
		q.small = slices.Delete(q.small, 0, 1)
		q.sent++
		q.lastSmall = now
		q.bytes -= len(first.frames)
		b.Head, through = first.frames, first.through
	}
	if len(q.control) > 0 {
		b.Head = append(orBuffer(b.Head), q.control...)
		q.control = q.control[:0]
	}
	if open && len(q.active) > 0 {
		b = q.chunk(b, now)
	}
	return b, through, len(b.Head) > 0
}

func orBuffer(head []byte) []byte {
	if head == nil {
		return *buffers.Get().(*[]byte)
	}
	return head
}

// chunk adds a chunk of the transfer whose turn it is.
func (q *queue) chunk(b Batch, now time.Time) Batch {
	t := q.nextTransfer()
	if t == nil {
		return b
	}
	b.Head = orBuffer(b.Head)
	if !t.begun {
		t.begun = true
		b.Head = append(b.Head, t.head...)
		q.bytes -= len(t.head)
		t.head = nil
	}
	n := min(len(t.data), wire.ChunkSize)
	if now.Sub(q.lastSmall) < smallTime {
		n = min(n, wire.SmallChunk)
	}
	b.Head, b.Tail = wire.AppendChunk(b.Head, t.number, n), t.data[:n]
	t.data = t.data[n:]
	q.bytes -= n
	if len(t.data) > 0 {
		return b
	}
	q.remove(t)
	for _, o := range t.behind {
		q.bytes -= o.size()
		q.enqueue(t.number, o)
	}
	return b
}

// nextTransfer returns the transfer whose turn it is, nil if none may go on yet.
func (q *queue) nextTransfer() *transfer {
	for i, t := range q.active {
		if t.begun || q.sent >= q.hold {
			copy(q.active[i:], q.active[i+1:])
			q.active[len(q.active)-1] = t // behind all others, those that have just come too
			return t
		}
	}
	return nil
}

// empty reports whether nothing waits.
func (q *queue) empty() bool {
	return len(q.control) == 0 && len(q.small) == 0 && len(q.transfers) == 0
}
