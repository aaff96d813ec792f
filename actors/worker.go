package actors

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// ToThread has fn called on a worker of c: a child of its own, at the same time
// as whatever c and the other workers do. Workers are kept for the next calls,
// as many and as long as [props.MaxIdleWorkers] and [props.IdleTimeout] say. If
// there are [props.MaxWorkers] of them the call is queued; workers of a caller on
// a thread have threads of their own, and a limit by default. Contexts and errors
// are as in [Schedule]. It may be called from any goroutine. The seed's
// to_thread.
func ToThread[T any](ctx context.Context, c *Caller, fn func(context.Context) (T, error)) *pending.Pending[T] {
	requireCall(ctx, c, fn == nil, "ToThread")
	p := c.workers()
	t := newCall(ctx, &p.unassigned, fn, c.observed(telemetry.ToThread, 0, nil))
	t.task.Tag = tagPooled
	p.assign(ctx, t)
	return &t.Pending
}

// The tags of a task.
const (
	tagPooled   uint8 = 1 << iota // it needs a worker
	tagReleased                   // the worker was released
)

// worker is a child that runs the calls of a pool, one at a time.
type worker struct {
	pool   *pool
	caller *Caller // nil until it is spawned

	// Guarded by the pool's mu.
	job    work // the call that was given to the worker and has not returned; nil for none
	slot   int  // in the pool's workers; -1 outside
	isIdle bool // in the pool's idle
	since  int  // the round in which the worker became idle
}

// give has the worker run a call. What others have queued on the worker does not count:
// the limit is that of the pool.
func (w *worker) give(t work) error {
	task := t.schedulable()
	task.Assign(&w.caller.sched)
	return w.caller.sched.Submit(task, 0)
}

// isReady reports whether the worker can take a call at once: it may be restarting, or
// others may have to decide on its failure.
func (w *worker) isReady() bool {
	return w.caller.State() == StateRunning && w.caller.escalation() == nil
}

// isStopping reports whether the worker takes no more calls.
func (w *worker) isStopping() bool { return w.caller.State() >= StateStopping }
