package actors

import (
	"context"
	"fmt"
	"reflect"
	"runtime"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Queue calls one function for its items, one after the other, each on a turn of its
// caller. The function may wait. The items behind it wait then, and the caller goes on.
//
// Items and calls have one order: that in which they were put, or made. A call starts
// when everything before it has started, or was passed over. An item starts like a call
// if the item before it in the queue has returned. Otherwise it is passed over, and
// starts when that item has returned. It then goes before everything that has neither
// started nor been passed over. Items of several queues that were passed over start in
// the order in which the items before them have returned. Functions that wait continue in
// between.
//
// A restart of the caller cancels a queue that is at work on an item. The items behind
// that one are dropped. A restart keeps a queue that is idle, and one whose own item has
// panicked.
//
// It is made by [NewQueue] or [QueueFor]. It is safe for concurrent use.
type Queue[A any] struct{ task *queueTask[A] }

// QueueOption changes how a [Queue] works.
type QueueOption func(*queueOptions)

type queueOptions struct {
	ctx      context.Context
	name     string
	capacity int
}

// QueueContext sets the context under which the function runs for all items. The
// default is [context.Background]. When the context ends the queue is closed, as
// by [Queue.Close] but with the context's cause.
func QueueContext(ctx context.Context) QueueOption {
	requireContext(ctx, "QueueContext")
	return func(o *queueOptions) { o.ctx = ctx }
}

// QueueName names the queue's pending. The default is the name of the function.
func QueueName(name string) QueueOption { return func(o *queueOptions) { o.name = name } }

// QueueCapacity bounds how many items may wait in the queue. The default, 0, means
// no limit. With a negative n the queue is closed from the beginning, with an error
// that says so.
func QueueCapacity(n int) QueueOption { return func(o *queueOptions) { o.capacity = n } }

// NewQueue returns a queue of items for fn on c. When the queue is garbage collected, it
// closes after its items. It never is while fn refers to it.
//
// An error or a panic of fn is logged, and the queue goes on. The record has the item,
// its position, which counts from 1, and the stack of a panic. It shows at most a
// kilobyte of the item. A [slog.LogValuer] decides what.
func NewQueue[A any](c *Caller, fn func(context.Context, A) error, opts ...QueueOption) *Queue[A] {
	requireFunction(c, fn == nil, "NewQueue")
	requireOptions(opts, "NewQueue")
	q := &Queue[A]{newQueueTask(c, fn, opts)}
	if s := c.registry.steps; s != nil {
		s.Keep(q) // the collector is not in the order of steps
	}
	// On a goroutine of its own, because it calls user code, which may block.
	cleanup := runtime.AddCleanup(q, func(task *queueTask[A]) { go task.finish() }, q.task)
	// What the function references, q maybe, is referenced by the cleanup.
	q.task.OnDone(func(pending.Handle) { cleanup.Stop() })
	return q
}

// QueueFor returns the queue of c that has the key. If there is none, it makes one with
// fn and the options. It lives until it is closed or c stops. A nil fn is for a queue
// that exists, and panics if there is none.
//
// A key belongs to one type of items. If its queue is for another type, the result is a
// queue that is closed from the beginning. The error of its methods and of its pending
// matches [ErrQueueClosed] and names both types. A key that is not comparable panics.
//
// It may be called from any goroutine.
func QueueFor[A any](c *Caller, key any, fn func(context.Context, A) error, opts ...QueueOption) *Queue[A] {
	requireFunction(c, false, "QueueFor")
	requireOptions(opts, "QueueFor")
	if key != nil && !reflect.ValueOf(key).Comparable() {
		panic(fmt.Sprintf("actors: QueueFor with a key that is not comparable: a %T", key))
	}
	found := c.loadKeyed(key)
	if found == nil {
		requireFunction(c, fn == nil, "QueueFor")
		made := newQueueTask(c, fn, opts)
		found = c.storeKeyed(key, made)
		if found != keyedQueue(made) {
			made.finish() // another goroutine was faster
		}
	}
	l, ok := found.(*queueTask[A])
	if !ok {
		l = newRefusedQueueTask[A](c, fmt.Errorf("%w: the key %v of %s is that of a queue of %v, not of %v",
			ErrQueueClosed, key, c.path(), found.itemType(), reflect.TypeFor[A]()))
	}
	return &Queue[A]{l}
}

// Put adds an item and returns at once.
//
// The error matches [ErrOverloaded] if the queue is full, and [ErrQueueClosed] if it is
// closed. It matches [pending.ErrStopped] if the caller is stopped or drained. The item is
// not taken then. A drain takes the items of Put, whoever puts them, until nothing is left to
// do: [Queue.PutContext] says who it is.
func (q *Queue[A]) Put(item A) error {
	_, err := q.task.put(context.Background(), item)
	runtime.KeepAlive(q)
	return err
}

// PutContext is [Queue.Put] that says who puts the item, with the context of a function. A
// drain takes the items of its own functions alone. The span of the item has a link to the
// span of ctx. The item is taken even if ctx has ended.
func (q *Queue[A]) PutContext(ctx context.Context, item A) error {
	requireContext(ctx, "PutContext")
	_, err := q.task.putFrom(ctx, item)
	runtime.KeepAlive(q)
	return err
}

// PutWait is [Queue.Put] that waits while the queue is full. Inside a caller's function
// it gives the turn away. Elsewhere it blocks the goroutine.
//
// The error is that of ctx if ctx ends first. It matches [pending.ErrDeadlock] if there
// can never be room, because the queue's function waits for the one that puts. In the
// queue's own function that is so whenever the queue is full. Other errors are those of
// Put.
func (q *Queue[A]) PutWait(ctx context.Context, item A) error {
	requireContext(ctx, "PutWait")
	defer runtime.KeepAlive(q)
	for {
		room, err := q.task.putFrom(ctx, item)
		if room == nil {
			return err
		}
		if _, err := room.Wait(ctx, pending.Protect()); err != nil {
			return err
		}
	}
}

// Pending returns the pending of the queue. It is current in the queue's function.
// It is done when the queue is closed and its function has returned. Cancelling it
// closes the queue like Close.
func (q *Queue[A]) Pending() *pending.Pending[struct{}] { return &q.task.Pending }

// Len returns how many items wait to be started.
func (q *Queue[A]) Len() int {
	q.task.mu.Lock()
	defer q.task.mu.Unlock()
	return q.task.items.Len()
}

// Failed returns how many items have failed.
func (q *Queue[A]) Failed() int {
	q.task.mu.Lock()
	defer q.task.mu.Unlock()
	return q.task.failed
}

// Close drops the items that wait, cancels the one that runs, and closes the queue. It
// does not wait.
func (q *Queue[A]) Close() { q.task.Cancel(ErrQueueClosed) }

// CloseWait closes the queue after its items, and waits for that. No more items are
// taken. Inside a caller's function it gives the turn away. Elsewhere it blocks the
// goroutine.
//
// It returns nil when the queue has dealt with all items. The error is that of ctx if ctx
// ends first, or that of the queue's pending if it was cancelled.
func (q *Queue[A]) CloseWait(ctx context.Context) error {
	requireContext(ctx, "CloseWait")
	q.task.finish()
	_, err := q.task.Wait(ctx, pending.Protect())
	return err
}
