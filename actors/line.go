package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// errItemGoexit is the failure of an item whose function ended its goroutine.
var errItemGoexit = errors.New("actors: the function ended its goroutine with runtime.Goexit")

// line is what a queue consists of: a task that runs once for each item. For
// each item a step is put into the mailbox, so that items are in order with the
// caller's other calls. A step that comes up while an item waits is owed.
type line[A any] struct {
	pending.Task[struct{}]
	turn     frame
	caller   *Caller
	fn       func(context.Context, A) error
	capacity int
	spans    *telemetry.Items // nil without telemetry

	// Those of the turn: the item that was taken last, its trace, and its
	// position, from 1.
	item     A
	trace    telemetry.Item
	position int
	begun    bool        // some item was dealt with
	running  atomic.Bool // the function was called for this one

	mu      sync.Mutex
	items   ring[A]
	traces  ring[telemetry.Item] // of the items, with telemetry
	failed  int
	busy    bool // an item was taken
	owed    int
	closing bool                       // no more items are taken
	over    bool                       // and there are none left
	room    *pending.Pending[struct{}] // done when there is room again, nil if nobody waits
}

// step is an item of the mailbox that may run a function.
type step interface {
	// claim returns the frame that is to be run, nil if it is to run later.
	claim() *frame
	frame() *frame
}

func newLine[A any](c *Caller, fn func(context.Context, A) error, opts []QueueOption) *line[A] {
	o := queueOptions{ctx: context.Background(), name: runtime.FuncForPC(reflect.ValueOf(fn).Pointer()).Name()}
	for _, opt := range opts {
		opt(&o)
	}
	l := &line[A]{caller: c, fn: fn, capacity: o.capacity}
	l.turn.task = l
	l.turn.box.Store(&c.box)
	observed := pending.Named(o.name)
	if c.traced != nil {
		l.spans = c.traced.Items()
		observed = pending.ObservedBy(l.spans)
	}
	l.Init(o.ctx, nil, &l.turn, pending.Named(o.name), pending.TrackedBy(isManager), observed)
	l.SetCanceller(func(error) { l.drop() })
	if err := c.keepQueue(l); err != nil {
		l.Cancel(err)
	}
	if ctx := l.Context(); ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() { l.Cancel(context.Cause(ctx)) })
		l.OnDone(func(pending.Handle) { stop() })
	}
	return l
}

// isManager holds for the trackers that are told of queues: a group would never
// end.
func isManager(t pending.Tracker) bool {
	_, ok := t.(*pending.Manager)
	return ok
}

func (l *line[A]) frame() *frame { return &l.turn }

// put adds an item. If the queue is full it returns an error and, not nil, what
// is done when there is room.
func (l *line[A]) put(ctx context.Context, item A) (room *pending.Pending[struct{}], err error) {
	if room, err := l.accept(ctx, item); err != nil {
		return room, err
	}
	if err := l.caller.box.post(l, 0); err != nil {
		return nil, l.caller.explain(err) // the stop drops the item
	}
	return nil, nil
}

func (l *line[A]) accept(ctx context.Context, item A) (room *pending.Pending[struct{}], err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		return nil, l.closedError()
	}
	if l.capacity > 0 && l.items.n >= l.capacity {
		if l.room == nil {
			l.room = pending.New[struct{}](context.Background(), pending.Named("room in "+l.Name()))
		}
		return l.room, fmt.Errorf("%w: %d items are queued for %s", ErrOverloaded, l.items.n, l.Name())
	}
	l.items.push(item)
	if l.spans != nil {
		l.traces.push(l.spans.Put(ctx))
	}
	return nil, nil
}

// closedError says why no item is taken. The caller holds mu.
func (l *line[A]) closedError() error {
	if l.caller.State() >= StateStopping {
		return l.caller.stopError()
	}
	return fmt.Errorf("%w: %s", ErrQueueClosed, l.Name())
}

// claim implements [step]. It takes the next item, if there is one still.
func (l *line[A]) claim() *frame {
	l.mu.Lock()
	switch {
	case l.busy:
		l.owed++
		fallthrough
	case l.items.n == 0: // they were dropped
		l.mu.Unlock()
		return nil
	}
	l.busy = true
	l.item = l.items.shift()
	if l.spans != nil {
		l.trace = l.traces.shift()
	}
	l.position++
	room := l.room
	l.room = nil
	l.mu.Unlock()
	if room != nil {
		room.SetResult(struct{}{})
	}
	return &l.turn
}

// Run deals with one item. It takes the place of the task's own.
func (l *line[A]) Run() (crash *pending.PanicError) {
	var none A
	item, trace, position := l.item, l.trace, l.position
	l.item, l.trace = none, telemetry.Item{}
	l.running.Store(true)
	defer l.release()
	if l.Cancelled() || !l.begun && !l.Begin() {
		trace.Drop(pending.ErrCancelled)
		return nil
	}
	l.begun = true
	ctx := l.spans.Begin(l.FunctionContext(), trace)
	err := errItemGoexit
	defer func() {
		if r := recover(); r != nil {
			crash = &pending.PanicError{Value: r, Stack: debug.Stack()}
			err = crash
		}
		l.spans.End(trace, err)
		if err != nil {
			l.fail(ctx, position, item, err)
		}
	}()
	err = l.fn(ctx, item)
	return nil
}

// Reject is called by a stop. What was taken just before will not run, or finds
// that the queue is cancelled.
func (l *line[A]) Reject(cause error) {
	l.Cancel(cause)
	l.mu.Lock()
	l.busy = l.busy && l.running.Load()
	over := l.isOver()
	l.mu.Unlock()
	if over {
		l.End(struct{}{}, nil)
	}
}

// fail notes that an item has failed. Those that were cancelled with the queue
// have not, unless they panicked.
func (l *line[A]) fail(ctx context.Context, position int, item A, err error) {
	crash, panicked := err.(*pending.PanicError) //nolint:errorlint // That of another pending counts as any error.
	if l.Cancelled() && !panicked {
		return
	}
	l.mu.Lock()
	l.failed++
	l.mu.Unlock()
	attrs := []slog.Attr{
		slog.String("queue", l.Name()), slog.Int("position", position), slog.Any("error", err), loggable("item", item),
	}
	if panicked && !isRethrown(crash) {
		attrs = append(attrs, stackOfCrash(crash))
	}
	l.caller.logError(ctx, "queue item failed", attrs...)
}

// release ends the work on an item, and the queue if it was the last one, or if
// the context of the function has ended, which is that of all items.
func (l *line[A]) release() {
	if ctx := l.FunctionContext(); ctx.Err() != nil {
		l.Cancel(context.Cause(ctx))
	}
	l.mu.Lock()
	l.busy = false
	l.running.Store(false)
	again := l.owed > 0
	if again {
		l.owed--
	}
	over := l.isOver()
	l.mu.Unlock()
	if over {
		l.End(struct{}{}, nil)
	} else if again {
		// The step comes later than its item was due, but so do all after it.
		_ = l.caller.box.post(l, 0) // a stop has dropped the items by itself
	}
}

// isOver reports, once, that the queue is to end. The caller holds mu.
func (l *line[A]) isOver() bool {
	if l.over || l.busy || !l.closing || l.items.n > 0 {
		return false
	}
	l.over = true
	return true
}

// finish takes no more items, and ends the queue when it has none.
func (l *line[A]) finish() { l.shut(false) }

// drop is finish without the items that wait.
func (l *line[A]) drop() { l.shut(true) }

func (l *line[A]) shut(drop bool) {
	l.mu.Lock()
	l.closing = true
	dropped := 0
	var traces ring[telemetry.Item]
	if drop {
		dropped = l.items.n
		l.items = ring[A]{}
		traces, l.traces = l.traces, traces
	}
	over := l.isOver()
	room := l.room
	l.room = nil
	var closed error
	if room != nil {
		closed = l.closedError()
	}
	l.mu.Unlock()
	for traces.n > 0 {
		trace := traces.shift()
		trace.Drop(l.Err())
	}
	if dropped > 0 && l.caller.State() >= StateStopping {
		l.caller.log().Warn("actors: queue items were dropped by a stop", slog.String("caller", l.caller.path()),
			slog.String("queue", l.Name()), slog.Int("count", dropped))
	}
	if room != nil {
		room.SetError(closed)
	}
	if over {
		l.End(struct{}{}, nil)
	}
}

// keepQueue has a stop of the caller close the queue, or returns why that cannot
// be waited for.
func (c *Caller) keepQueue(q task) error {
	c.mu.Lock()
	if c.State() >= StateStopping {
		c.mu.Unlock()
		return c.stopError()
	}
	r := c.rarely()
	if r.queues == nil {
		r.queues = make(map[task]struct{})
	}
	r.queues[q] = struct{}{}
	c.mu.Unlock()
	q.OnDone(func(pending.Handle) {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(r.queues, q)
	})
	return nil
}

// queues returns those that are open.
func (c *Caller) queues() []task {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rare == nil {
		return nil
	}
	return slices.Collect(maps.Keys(c.rare.queues))
}

// keyed is a queue that has a key.
type keyed interface {
	task
	isOpen() bool
}

func (l *line[A]) isOpen() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.closing
}

// findKeyed returns the open queue that has the key, or nil.
func (c *Caller) findKeyed(key any) keyed {
	c.mu.Lock()
	defer c.mu.Unlock()
	if q := c.rarely().keyed[key]; q != nil && q.isOpen() {
		return q
	}
	return nil
}

// keepKeyed registers a queue under a key, until it is done, and returns the
// open one that has it.
func (c *Caller) keepKeyed(key any, made keyed) keyed {
	c.mu.Lock()
	r := c.rarely()
	if q := r.keyed[key]; q != nil && q.isOpen() {
		c.mu.Unlock()
		return q
	}
	if r.keyed == nil {
		r.keyed = make(map[any]keyed)
	}
	r.keyed[key] = made
	c.mu.Unlock()
	made.OnDone(func(pending.Handle) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if r.keyed[key] == made {
			delete(r.keyed, key)
		}
	})
	return made
}

// ring is a first-in first-out queue that uses its memory again.
type ring[A any] struct {
	items []A
	first int
	n     int
}

func (r *ring[A]) push(item A) {
	if r.n == len(r.items) {
		r.grow()
	}
	r.items[(r.first+r.n)%len(r.items)] = item
	r.n++
}

func (r *ring[A]) grow() {
	bigger := make([]A, max(8, 2*len(r.items)))
	n := copy(bigger, r.items[r.first:])
	copy(bigger[n:], r.items[:r.first])
	r.items, r.first = bigger, 0
}

func (r *ring[A]) peek() A { return r.items[r.first] }

func (r *ring[A]) shift() A {
	var none A
	item := r.items[r.first]
	r.items[r.first] = none
	r.first = (r.first + 1) % len(r.items)
	r.n--
	return item
}
