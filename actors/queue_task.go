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
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// errItemGoexit is the failure of an item whose function ended its goroutine.
var errItemGoexit = errors.New("actors: the function ended its goroutine with runtime.Goexit")

// queueTask is the task of a queue: it runs once for each item. Its source is
// submitted once for each item too, so that items are in order with the caller's
// other calls. A submission that comes up while an item waits is missed. Then the
// next item runs as soon as that one has returned.
type queueTask[A any] struct {
	pending.Task[struct{}]
	task     sched.Task
	source   sched.Source // of the items
	caller   *Caller
	fn       func(context.Context, A) error
	capacity int
	spans    *telemetry.Items // nil without telemetry
	refused  error            // why the queue is closed from the beginning

	// Used on the turn: the item that was taken last, and its position, from 1.
	item     A
	position int
	started  bool        // some item was handled
	called   atomic.Bool // the function was called for this item

	mu       sync.Mutex
	items    fifo.Ring[A]
	traces   fifo.Ring[telemetry.Item] // of the items, with telemetry
	trace    telemetry.Item            // of the item that was taken and not called yet
	failed   int
	running  bool // an item was taken
	missed   int
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
	q.source = sched.Source{Next: q.next, Ended: q.IsDone}
	observed := pending.Named(o.name)
	if c.traced != nil {
		q.spans = c.traced.Items(q.entry())
		observed = pending.ObservedBy(q.spans)
	}
	q.Init(o.ctx, nil, &q.task, pending.Named(o.name), pending.TrackedBy(isManager), observed)
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

// put adds an item. If the queue is full it returns an error, and a pending that
// is done when there is room.
func (q *queueTask[A]) put(ctx context.Context, item A) (room *pending.Pending[struct{}], err error) {
	room, closed, err := q.accept(item)
	if err != nil {
		return room, err
	}
	if !closed && q.spans != nil {
		closed = !q.acceptTraced(ctx, item)
	}
	if closed {
		return nil, q.closedError()
	}
	if err := q.caller.sched.Submit(&q.source, 0); err != nil {
		return nil, q.caller.withStopCause(err) // the stop drops the item
	}
	return nil, nil
}

// accept adds an item, unless the queue is closed or full. With telemetry it only reserves
// the place of the item.
func (q *queueTask[A]) accept(item A) (room *pending.Pending[struct{}], closed bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.items.Len() + q.reserved
	switch {
	case q.closing:
		return nil, true, nil
	case q.capacity > 0 && n >= q.capacity:
		if q.room == nil {
			q.room = pending.New[struct{}](context.Background(),
				pending.Named("room in "+q.Name()), pending.Needing((*queueRoom[A])(q)))
		}
		return q.room, false, fmt.Errorf("%w: %d items are queued for %s", ErrOverloaded, n, q.Name())
	case q.spans != nil:
		q.reserved++
	default:
		q.items.Push(item)
	}
	return nil, false, nil
}

// queueRoom is room in a queue, which there is when the function takes the next item.
type queueRoom[A any] queueTask[A]

// Needs implements [pending.Node].
func (r *queueRoom[A]) Needs(n *pending.Needs) { n.Add(&r.task) }

// What implements [pending.Node].
func (r *queueRoom[A]) What() string { return "queue room in " + r.Name() }

// HasWork implements [sched.Recurring].
func (q *queueTask[A]) HasWork() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running || q.items.Len() > 0
}

// acceptTraced adds an item that has a place, and reports whether the queue is still open.
// The trace is begun without mu: ctx may be one of user code.
func (q *queueTask[A]) acceptTraced(ctx context.Context, item A) (open bool) {
	var trace telemetry.Item
	begun := false
	defer func() {
		q.mu.Lock()
		q.reserved--
		open = begun && !q.closing
		if open {
			q.items.Push(item)
			q.traces.Push(trace)
		}
		q.mu.Unlock()
		if !open {
			trace.Drop(ErrQueueClosed)
		}
	}()
	trace = q.spans.Put(ctx)
	begun = true
	return true
}

// closedError returns why no item is taken. mu must not be held: the cause of a
// stop may have methods of user code.
func (q *queueTask[A]) closedError() error {
	if q.refused != nil {
		return q.refused
	}
	if q.caller.State() >= StateStopping {
		return q.caller.stopError()
	}
	return fmt.Errorf("%w: %s", ErrQueueClosed, q.Name())
}

// next takes the next item, if there is one, and returns the task that handles it.
func (q *queueTask[A]) next() *sched.Task {
	q.mu.Lock()
	switch {
	case q.running:
		q.missed++
		fallthrough
	case q.items.Len() == 0: // they were dropped
		q.mu.Unlock()
		return nil
	}
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
func (q *queueTask[A]) Run() (crash *pending.PanicError) {
	var none A
	item, position := q.item, q.position
	q.item = none
	q.called.Store(true)
	trace := q.takeTrace()
	defer q.release()
	if q.Cancelled() || !q.started && !q.Begin() {
		trace.Drop(q.Err())
		return nil
	}
	q.started = true
	ctx := q.spans.Begin(q.FunctionContext(), trace)
	err := errItemGoexit
	defer func() {
		if r := recover(); r != nil {
			crash = &pending.PanicError{Value: r, Stack: debug.Stack()}
			err = crash
		}
		q.spans.End(trace, err, crash != nil)
		if err != nil {
			q.fail(ctx, position, item, err)
		}
	}()
	if q.caller.config.ProfileLabels {
		err = q.callLabeled(ctx, item)
	} else {
		err = q.fn(ctx, item)
	}
	return nil
}

// callLabeled calls the function with labels on the goroutine.
func (q *queueTask[A]) callLabeled(ctx context.Context, item A) error {
	defer setLabels(ctx, &q.task)()
	return q.fn(ctx, item)
}

// takeTrace returns the trace of the item that was taken, once.
func (q *queueTask[A]) takeTrace() telemetry.Item {
	if q.spans == nil {
		return telemetry.Item{}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	trace := q.trace
	q.trace = telemetry.Item{}
	return trace
}

// Reject is called by a stop. An item that was taken just before does not run, or
// finds the queue cancelled.
func (q *queueTask[A]) Reject(cause error) {
	defer func() { // even if a log handler ends the goroutine
		var trace telemetry.Item
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
	defer q.itemReleased() // even if a log handler ends the goroutine
	if ctx := q.FunctionContext(); ctx.Err() != nil {
		q.Cancel(context.Cause(ctx))
	}
}

func (q *queueTask[A]) itemReleased() {
	q.mu.Lock()
	q.running = false
	q.called.Store(false)
	again := q.missed > 0
	if again {
		q.missed--
	}
	over := q.isOver()
	q.mu.Unlock()
	if over {
		q.End(struct{}{}, nil)
	} else if again {
		q.caller.sched.SubmitAhead(&q.source)
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
	q.mu.Lock()
	q.closing = true
	dropped := 0
	var traces fifo.Ring[telemetry.Item]
	if drop {
		dropped = q.items.Len()
		q.items = fifo.Ring[A]{}
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

// passedOver returns how many items wait whose source has come up, so that the run queue
// does not have it any more.
func (q *queueTask[A]) passedOver() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return min(q.missed, q.items.Len())
}
