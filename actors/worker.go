package actors

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// ToThread has fn called on a worker of c, in parallel with c and the other workers.
// A worker is a child of c. Workers are kept for the next calls, as many and as long
// as [props.MaxIdleWorkers] and [props.IdleTimeout] say.
//
// If there are [props.MaxWorkers] of them the call is queued. Workers of a caller on
// a thread have threads of their own, and a limit by default. Contexts and errors
// are as in [Schedule]. It may be called from any goroutine. The seed's to_thread.
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
	tagPooled      uint8 = 1 << iota // it needs a worker
	tagReleased                      // the worker was released
	tagRestartHook                   // it is an OnStart after a restart
)

// worker is a child that runs the calls of a pool, one at a time.
type worker struct {
	pool   *pool
	caller *Caller // nil until it is spawned

	source sched.Source // of the jobs

	// Guarded by the pool's mu.
	job        work // the call that was given to the worker and has not returned; nil for none
	hasBegun   bool // the job; else it may be taken back
	slot       int  // in the pool's workers; -1 outside
	isSpawning bool // the job is given to it when it is spawned
	isIdle     bool // in the pool's idle
	since      int  // the round in which the worker became idle
}

func newWorker(p *pool, slot int, t work) *worker {
	w := &worker{pool: p, slot: slot, job: t, isSpawning: true}
	w.source = sched.Source{Next: w.next, Ended: func() bool { return false }}
	return w
}

// give has the worker run a call, and reports false if the worker stops. What others have
// queued on the worker does not count: the limit is that of the pool. The pool's mu must
// be held.
func (w *worker) give(t work) bool {
	if w.caller.sched.Submit(&w.source, 0) != nil {
		return false
	}
	t.schedulable().Assign(&w.caller.sched)
	w.job, w.hasBegun = t, false
	return true
}

// takeBack returns the job of a worker, which cannot run it soon, unless it has begun.
// The pool's mu must be held.
func (w *worker) takeBack() (t work, ok bool) {
	if w.job == nil || w.hasBegun || w.isSpawning {
		return nil, false
	}
	t, w.job = w.job, nil
	t.schedulable().Assign(&w.pool.unassigned)
	return t, true
}

// next begins the job, if that was not taken back, and returns its task.
func (w *worker) next() *sched.Task {
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	if w.job == nil || w.hasBegun || w.isSpawning {
		return nil
	}
	w.hasBegun = true
	return w.job.schedulable()
}

// stop stops a worker that has no job. Callbacks of what others have queued on it may
// block, or end the goroutine.
func (w *worker) stop() { go w.caller.stop(nil) }

// isReady reports whether the worker can run a call at once. It cannot while it restarts,
// nor while its parent decides on its failure.
func (w *worker) isReady() bool {
	if w.caller.State() != StateRunning {
		return false
	}
	w.caller.mu.Lock()
	defer w.caller.mu.Unlock()
	return w.caller.coldState == nil || w.caller.coldState.escalated == nil
}

// isStopping reports whether the worker takes no more calls.
func (w *worker) isStopping() bool { return w.caller.State() >= StateStopping }
