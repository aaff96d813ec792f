package actors_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

func TestItemThatWaitedForTheOneBeforeItStartsBeforeWhatCameAfterIt(t *testing.T) {
	c := start(t, newSystem(t))
	gate := pending.New[int](t.Context())
	var order []string
	q := actors.NewQueue(c, func(ctx context.Context, item string) error {
		order = append(order, item)
		_, err := gate.Wait(ctx)
		return err
	})
	call := func(name string) *pending.Pending[any] {
		return do(t.Context(), c, func(context.Context) { order = append(order, name) })
	}
	release := occupy(t, c)
	for _, item := range []string{"item 1", "item 2", "item 3"} {
		require.NoError(t, q.Put(item))
	}
	do(t.Context(), c, func(context.Context) { gate.SetResult(1) })
	for _, name := range []string{"call 1", "call 2", "call 3"} {
		call(name)
	}
	require.NoError(t, q.Put("item 4"))
	last := call("call 4")
	release()
	result(t, last)
	want := []string{"item 1", "item 2", "item 3", "call 1", "call 2", "call 3", "item 4", "call 4"}
	assert.Equal(t, want, order)
}

// The order between items and calls is what the documentation of Queue says.
func TestRandomProgramsOfQueues(t *testing.T) {
	programs, base := 100, uint64(1)
	if isRepeated(t) {
		programs, base = 10, uint64(time.Now().UnixNano())
	}
	for i := range programs {
		newQueueProgram(t, base+uint64(i)).run()
		if t.Failed() {
			t.Fatalf("the program is that of seed %d", base+uint64(i))
		}
	}
}

// queueProgram is a random program. All of it is used on the turn.
type queueProgram struct {
	*testing.T
	choose seeded
	c      *actors.Caller
	queues []*actors.Queue[*queueEntry]

	entries []*queueEntry // in the order in which they were queued
	running []bool        // for each queue, whether an item has started and not returned
	left    int           // entries that have not started
}

// queueEntry is an item of a queue, or a call.
type queueEntry struct {
	queue   int // -1 for a call
	number  int // of all entries
	waits   int
	fails   int
	makes   int // how many entries it adds
	started bool
	late    bool // it may have come up while the item before it had not returned
}

func newQueueProgram(t *testing.T, seed uint64) *queueProgram {
	p := &queueProgram{T: t, choose: newSeeded(seed, 0), c: start(t, newSystem(t))}
	n := 1 + p.choose.below(3)
	p.running = make([]bool, n)
	for range n {
		p.queues = append(p.queues, actors.NewQueue(p.c, func(ctx context.Context, e *queueEntry) error {
			return p.do(ctx, e)
		}))
	}
	return p
}

func (p *queueProgram) run() {
	release := occupy(p, p.c)
	for range 40 {
		p.add(3)
	}
	release()
	for {
		var left int
		result(p.T, do(context.Background(), p.c, func(ctx context.Context) {
			assert.NoError(p, actors.Sleep(ctx, 0))
			left = p.left
		}))
		if left == 0 || p.Failed() {
			break
		}
	}
	for _, q := range p.queues {
		require.NoError(p, q.CloseWait(context.Background()))
	}
}

// add queues an item or a call that adds fewer than makes itself.
func (p *queueProgram) add(makes int) {
	n := p.choose.below
	e := &queueEntry{queue: n(len(p.queues)+1) - 1, number: len(p.entries), waits: n(4), fails: n(12)}
	if makes > 0 {
		e.makes = n(makes)
	}
	p.entries = append(p.entries, e)
	p.left++
	if e.queue >= 0 {
		require.NoError(p, p.queues[e.queue].Put(e))
		return
	}
	do(context.Background(), p.c, func(ctx context.Context) { _ = p.do(ctx, e) })
}

func (p *queueProgram) do(ctx context.Context, e *queueEntry) error {
	p.start(e)
	defer p.end(e)
	for range e.makes {
		p.add(e.makes)
	}
	for range e.waits {
		if err := actors.Sleep(ctx, 0); err != nil {
			return err
		}
	}
	switch e.fails {
	case 0:
		panic(errBoom)
	case 1:
		exitGoroutine()
	}
	return nil
}

// start checks that e may start.
func (p *queueProgram) start(e *queueEntry) {
	if e.queue >= 0 && p.running[e.queue] {
		p.Errorf("%v starts while the item before it runs", e)
	}
	seen := make([]bool, len(p.queues)) // an item of the queue that has not started
	for _, before := range p.entries[:e.number] {
		switch {
		case before.started, before.queue >= 0 && before.queue != e.queue && seen[before.queue]:
		case before.queue < 0:
			p.Errorf("%v starts before %v", e, before)
		case before.queue == e.queue:
			p.Errorf("%v starts before %v of the same queue", e, before)
		case !p.running[before.queue] && !e.late:
			p.Errorf("%v starts before %v, whose queue is idle", e, before)
		}
		if !before.started && before.queue >= 0 {
			seen[before.queue] = true
		}
	}
	p.left--
	e.started = true
	if e.queue >= 0 {
		p.running[e.queue] = true
	}
}

// end notes that e has returned.
func (p *queueProgram) end(e *queueEntry) {
	if e.queue < 0 {
		return
	}
	for _, next := range p.entries {
		if next.started {
			continue
		}
		if next.queue < 0 || !p.running[next.queue] && !next.late {
			break // it has not come up
		}
		next.late = true
	}
	p.running[e.queue] = false
}

func (e *queueEntry) String() string {
	if e.queue < 0 {
		return fmt.Sprintf("call %d", e.number)
	}
	return fmt.Sprintf("item %d of queue %d", e.number, e.queue)
}
