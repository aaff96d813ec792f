package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/fifo"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/internal/scheduled"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// errFunctionGoexit is the failure of an item, or of an attempt, whose function ended its goroutine.
var errFunctionGoexit = errors.New("actors: the function ended its goroutine with runtime.Goexit")

// queueTask is the task of a queue: it runs once for each item. Items that follow each
// other are one entry of the run queue. So they are in order with the caller's other
// calls. The items of an entry that comes up while an item waits are missed. Then the
// next one runs as soon as that one has returned.
type queueTask[A any] struct {
	scheduled.Call[struct{}]
	task     sched.Task
	source   sched.Source // of the entries
	again    sched.Source // of an item that was missed
	caller   *Caller
	fn       func(context.Context, A) error
	capacity int
	spans    *instrument.Items // nil without telemetry
	refused  error             // why the queue is closed from the beginning

	// Used on the turn: the item that was taken last, and its position, from 1.
	item     A
	position int
	started  bool        // some item was handled
	called   atomic.Bool // the function was called for this item

	mu       sync.Mutex
	items    fifo.Ring[A]
	entries  fifo.Ring[int]             // that are in the run queue: how many items each has
	traces   fifo.Ring[instrument.Item] // of the items, with telemetry
	trace    instrument.Item            // of the item that was taken and not called yet
	failed   int
	running  bool // an item was taken
	missed   int
	isAgain  bool                       // again is submitted
	reserved int                        // places of items whose trace is being begun
	closing  bool                       // no more items are taken
	ended    bool                       // and there are none left
	room     *pending.Pending[struct{}] // done when there is room again; nil if nobody waits
}

func newQueueTask[A any](c *Caller, fn func(context.Context, A) error, opts []QueueOption) *queueTask[A] {
	o := queueOptions{ctx: context.Background(), name: runtime.FuncForPC(reflect.ValueOf(fn).Pointer()).Name()}
	for _, opt := range opts {
		opt(&o)
	}
	if o.capacity < 0 {
		return newRefusedQueueTask[A](c, fmt.Errorf("%w: QueueCapacity(%d): must not be negative", ErrQueueClosed, o.capacity))
	}
	q := &queueTask[A]{caller: c, fn: fn, capacity: o.capacity}
	q.task.Init(q, &c.sched)
	q.source.Next, q.source.Ended, q.source.Stays = q.next, q.IsDone, true
	q.again.Next, q.again.Ended = q.nextMissed, q.IsDone
	var observer future.Observer
	if c.traced != nil {
		q.spans = c.traced.Items(q.entry())
		observer = q.spans
	}
	q.InitObserved(o.ctx, nil, &q.task, observer, pending.Named(o.name), pending.TrackedBy(isManager))
	q.SetCanceller(func(error) { q.discard() })
	if err := c.addQueue(q); err != nil {
		q.Cancel(err)
	}
	if ctx := q.Context(); ctx.Done() != nil {
		stop := context.AfterFunc(ctx, c.step("sees the context of a queue end", func() { q.Cancel(context.Cause(ctx)) }))
		q.OnDone(func(pending.Handle) { stop() })
	}
	return q
}

// newRefusedQueueTask returns a queue that is closed from the beginning, for a reason.
func newRefusedQueueTask[A any](c *Caller, err error) *queueTask[A] {
	q := &queueTask[A]{caller: c, closing: true, ended: true, refused: err}
	q.task.Init(q, &c.sched)
	q.Init(context.Background(), nil, &q.task)
	q.Fail(err)
	_ = q.Err() // each method of the queue returns it
	return q
}

// isManager reports whether a tracker is notified of queues. A group is not: it
// would never end.
func isManager(t pending.Tracker) bool {
	_, ok := t.(*pending.Manager)
	return ok
}

func (q *queueTask[A]) schedulable() *sched.Task { return &q.task }

func (q *queueTask[A]) entry() uintptr { return reflect.ValueOf(q.fn).Pointer() }

func (q *queueTask[A]) heldUp() []string {
	q.mu.Lock()
	n := q.items.Len()
	q.mu.Unlock()
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d items of the queue %s", n, q.Name())}
}

func (q *queueTask[A]) spanContext() context.Context {
	if ctx := q.spans.Running(); ctx != nil {
		return ctx
	}
	return q.Context()
}

// Cancel replaces the Cancel of the pending for cancellations by package actors. A
// stop, the context and the function of an item may all cancel for the same
// reason.
func (q *queueTask[A]) Cancel(reason error) bool { return q.CancelFor(reason) }

// putFrom is put for an item of the function that ctx belongs to. A drain rejects those of
// others.
func (q *queueTask[A]) putFrom(ctx context.Context, item A) (room *pending.Pending[struct{}], err error) {
	if err := q.caller.admit(ctx); err != nil {
		return nil, err
	}
	return q.put(ctx, item)
}

// put adds an item. If the queue is full it returns an error, and a pending that
// is done when there is room.
func (q *queueTask[A]) put(ctx context.Context, item A) (room *pending.Pending[struct{}], err error) {
	q.caller.touch()
	q.mu.Lock()
	n := q.items.Len() + q.reserved
	switch {
	case q.refuses():
		q.mu.Unlock()
		return nil, q.closedError()
	case q.capacity > 0 && n >= q.capacity:
		room = q.roomLocked()
		q.mu.Unlock()
		return room, fmt.Errorf("%w: %d items are queued for %s", ErrOverloaded, n, q.Name())
	case q.spans != nil:
		q.reserved++
		q.mu.Unlock()
		return nil, q.putTraced(ctx, item)
	}
	submitted, err := q.add(item)
	q.mu.Unlock()
	if err != nil {
		return nil, q.caller.withStopCause(err)
	}
	submitted.Start()
	q.caller.noteAccepted()
	return nil, nil
}

// refuses reports whether no more items are taken. mu must be held: a drain that is about to
// stop the caller waits for mu, and then looks whether there are items.
func (q *queueTask[A]) refuses() bool { return q.closing || q.caller.draining.Load() >= seal }

// add adds an item to the last entry or, if anything comes behind that, to an entry of its
// own. mu must be held, so that entries are in the order of the run queue.
func (q *queueTask[A]) add(item A) (submitted sched.Submitted, err error) {
	if q.entries.Len() > 0 && q.source.IsLast() {
		*q.entries.Last()++
	} else {
		if submitted, err = q.caller.sched.SubmitSource(&q.source); err != nil {
			return submitted, err
		}
		q.entries.Push(1)
	}
	q.items.Push(item)
	return submitted, nil
}

// roomLocked returns what is done when there is room. mu must be held.
func (q *queueTask[A]) roomLocked() *pending.Pending[struct{}] {
	if q.room == nil {
		q.room = pending.New[struct{}](context.Background(),
			pending.Named("room in "+q.Name()), future.Needing((*queueRoom[A])(q)))
	}
	return q.room
}

// queueRoom is room in a queue, which there is when the function takes the next item.
type queueRoom[A any] queueTask[A]

// Needs implements [future.Node].
func (r *queueRoom[A]) Needs(n *future.Needs) { n.Add(&r.task) }

// What implements [future.Node].
func (r *queueRoom[A]) What() string { return "queue room in " + r.Name() }

// HasWork implements [sched.Recurring].
func (q *queueTask[A]) HasWork() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running || q.items.Len() > 0
}

// putTraced adds an item that has a place. The trace is begun without mu: ctx may be one of
// user code.
func (q *queueTask[A]) putTraced(ctx context.Context, item A) error {
	begun := false
	defer func() {
		if !begun { // user code has ended the goroutine, or panics
			q.mu.Lock()
			q.reserved--
			q.mu.Unlock()
		}
	}()
	trace := q.spans.Put(ctx)
	begun = true
	q.mu.Lock()
	q.reserved--
	closing := q.refuses()
	var submitted sched.Submitted
	var err error
	if !closing {
		if submitted, err = q.add(item); err == nil {
			q.traces.Push(trace)
		}
	}
	q.mu.Unlock()
	switch {
	case closing:
		trace.Drop(ErrQueueClosed)
		return q.closedError()
	case err != nil:
		trace.Drop(err)
		return q.caller.withStopCause(err)
	}
	submitted.Start()
	q.caller.noteAccepted()
	return nil
}

// closedError returns why no item is taken. mu must not be held: the cause of a
// stop may have methods of user code.
func (q *queueTask[A]) closedError() error {
	if q.refused != nil {
		return q.refused
	}
	if q.caller.State() >= StateStopping || q.caller.draining.Load() >= seal {
		return q.caller.stopError()
	}
	return fmt.Errorf("%w: %s", ErrQueueClosed, q.Name())
}

// next takes the next item of the first entry, unless an item is at work. It returns the
// task that handles the item.
func (q *queueTask[A]) next() (t *sched.Task, more bool) {
	q.mu.Lock()
	switch {
	case q.entries.Len() == 0: // they were dropped
		q.mu.Unlock()
		return nil, false
	case q.running:
		q.missed += q.entries.Shift()
		q.mu.Unlock()
		return nil, false
	}
	first := q.entries.First()
	*first--
	more = *first > 0
	if !more {
		q.entries.Shift()
	}
	return q.takeAndUnlock(), more
}

// nextMissed is next for an item that was missed.
func (q *queueTask[A]) nextMissed() (t *sched.Task, more bool) {
	q.mu.Lock()
	q.isAgain = false
	if q.running || q.items.Len() == 0 {
		q.mu.Unlock()
		return nil, false
	}
	q.missed--
	return q.takeAndUnlock(), false
}

// takeAndUnlock takes the first item and returns the task that handles it. mu must be held.
func (q *queueTask[A]) takeAndUnlock() *sched.Task {
	q.running = true
	q.item = q.items.Shift()
	if q.spans != nil {
		q.trace = q.traces.Shift()
	}
	q.position++
	room := q.room
	q.room = nil
	q.mu.Unlock()
	if room != nil {
		room.SetResult(struct{}{})
	}
	return &q.task
}

// Run handles one item. It replaces the Run of the task.
func (q *queueTask[A]) Run() (crash error) {
	var at queueItem[A] // not as a literal, which is copied
	at.queue, at.item, at.position, at.ctx, at.err = q, q.item, q.position, q.FunctionContext(), errFunctionGoexit
	var none A
	q.item = none
	q.called.Store(true)
	if q.spans != nil {
		at.trace = q.takeTrace()
	}
	defer at.end(&crash)
	if q.Cancelled() || !q.started && !q.Begin() {
		at.trace.Drop(q.Err())
		at.err = nil
		return nil
	}
	q.started = true
	if q.spans != nil {
		at.ctx, at.traced = q.spans.Begin(at.ctx, at.trace), true
	}
	if q.caller.config.ProfileLabels {
		at.err = q.callLabeled(at.ctx, at.item)
	} else {
		at.err = q.fn(at.ctx, at.item)
	}
	return nil
}

// queueItem is an item at work.
type queueItem[A any] struct {
	queue    *queueTask[A]
	item     A
	position int
	ctx      context.Context
	trace    instrument.Item
	traced   bool // the trace is to be ended
	err      error
}

// end is deferred. It does what is left to do when the function has returned, has panicked
// or has ended its goroutine.
func (i *queueItem[A]) end(crash *error) {
	if r := recover(); r != nil {
		*crash = &pending.PanicError{Value: r, Stack: debug.Stack()}
		i.err = *crash
	}
	if !i.traced && i.err == nil {
		i.queue.release()
		return
	}
	defer i.queue.release() // even if user code ends the goroutine
	if i.traced {
		i.queue.spans.End(i.trace, i.err, *crash != nil)
	}
	if i.err != nil {
		i.queue.fail(i.ctx, i.position, i.item, i.err)
	}
}

// callLabeled calls the function with labels on the goroutine.
func (q *queueTask[A]) callLabeled(ctx context.Context, item A) error {
	defer setLabels(ctx, &q.task)()
	return q.fn(ctx, item)
}

// takeTrace returns the trace of the item that was taken, once.
func (q *queueTask[A]) takeTrace() instrument.Item {
	q.mu.Lock()
	defer q.mu.Unlock()
	trace := q.trace
	q.trace = instrument.Item{}
	return trace
}

// Reject is called by a stop. An item that was taken just before does not run, or
// finds the queue cancelled.
func (q *queueTask[A]) Reject(cause error) {
	defer func() { // even if a log handler ends the goroutine
		var trace instrument.Item
		q.mu.Lock()
		if !q.called.Load() {
			q.running = false
			trace, q.trace = q.trace, trace
		}
		over := q.isOver()
		q.mu.Unlock()
		trace.Drop(q.Err())
		if over {
			q.End(struct{}{}, nil)
		}
	}()
	q.Cancel(cause)
}

// fail counts and logs the failure of an item. An item that was cancelled with the
// queue has not failed, unless it panicked.
func (q *queueTask[A]) fail(ctx context.Context, position int, item A, err error) {
	crash, panicked := err.(*pending.PanicError) //nolint:errorlint // That of another pending counts as any error.
	if q.Cancelled() && !panicked {
		return
	}
	q.mu.Lock()
	q.failed++
	q.mu.Unlock()
	attrs := []slog.Attr{
		slog.String("queue", q.Name()), slog.Int("position", position), slog.Any("error", err), loggable("item", item),
	}
	if panicked && !isRethrown(crash) {
		attrs = append(attrs, stackOfCrash(crash))
	}
	q.caller.logError(ctx, "queue item failed", attrs...)
}

// release ends the work on an item, and the queue if that was the last one. All items
// share the context of the function: if it has ended, the queue is cancelled.
func (q *queueTask[A]) release() {
	ctx := q.FunctionContext()
	if ctx.Err() == nil {
		q.itemReleased()
		return
	}
	defer q.itemReleased() // even if a log handler ends the goroutine
	q.Cancel(context.Cause(ctx))
}

func (q *queueTask[A]) itemReleased() {
	q.mu.Lock()
	q.running = false
	q.called.Store(false)
	over := q.isOver()
	again := q.missed > 0 && !q.isAgain && !over
	q.isAgain = q.isAgain || again
	q.mu.Unlock()
	if over {
		q.End(struct{}{}, nil)
	} else if again {
		q.caller.sched.SubmitAhead(&q.again)
	}
}

// isOver reports, once, that the queue is to end. mu must be held.
func (q *queueTask[A]) isOver() bool {
	if q.ended || q.running || !q.closing || q.items.Len() > 0 {
		return false
	}
	q.ended = true
	return true
}

// finish closes the intake. The queue ends when it has no items.
func (q *queueTask[A]) finish() { q.closeIntake(false) }

// discard is finish without the items that wait.
func (q *queueTask[A]) discard() { q.closeIntake(true) }

func (q *queueTask[A]) closeIntake(drop bool) {
	q.caller.touch()
	q.mu.Lock()
	q.closing = true
	dropped := 0
	var traces fifo.Ring[instrument.Item]
	if drop {
		dropped = q.items.Len()
		q.items, q.entries, q.missed = fifo.Ring[A]{}, fifo.Ring[int]{}, 0
		traces, q.traces = q.traces, traces
	}
	over := q.isOver()
	room := q.room
	q.room = nil
	q.mu.Unlock()
	defer func() { // even if a log handler ends the goroutine
		if room != nil {
			room.SetError(q.closedError())
		}
		if over {
			q.End(struct{}{}, nil)
		}
	}()
	for traces.Len() > 0 {
		trace := traces.Shift()
		trace.Drop(q.Err())
	}
	if dropped > 0 && q.caller.State() >= StateStopping {
		q.caller.log().Warn("actors: queue items were dropped by a stop", slog.String("caller", q.caller.path()),
			slog.String("queue", q.Name()), slog.Int("count", dropped))
	}
}

func (q *queueTask[A]) itemType() reflect.Type { return reflect.TypeFor[A]() }

func (q *queueTask[A]) isOpen() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.closing
}

// uncounted returns how many items wait that the run queue does not count: it counts an
// entry once, and has none of those that were missed.
func (q *queueTask[A]) uncounted() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.items.Len() - q.entries.Len()
	if q.isAgain {
		n--
	}
	return max(0, n)
}
