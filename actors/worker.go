package actors

import (
	"context"
	"sync/atomic"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// ToThread runs fn on a worker of c, in parallel with c and the other workers. It returns
// the pending at once. A worker is a child of c. Idle workers are kept for the next
// calls, within [props.MaxIdleWorkers] and [props.IdleTimeout].
//
// If there are [props.MaxWorkers] of them the call is queued. Workers of a caller on a
// thread have threads of their own, and a limit by default.
//
// Contexts and errors are as in [Schedule]. It may be called from any goroutine.
func ToThread[T any](ctx context.Context, c *Caller, fn func(context.Context) (T, error)) *pending.Pending[T] {
	requireCall(ctx, c, fn == nil, "ToThread")
	p := c.workers()
	t := newCall(ctx, c, &p.unassigned, fn, c.observer(instrument.ToThread, 0))
	t.task.Tag = tagPooled
	p.assign(ctx, t)
	c.noteAccepted()
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

	source       sched.Source // of the jobs
	hasEscalated atomic.Bool  // a failure that others decide on

	isGiven atomic.Bool // the job, which has not begun: who clears this may begin it, or take it back

	// Guarded by the pool's mu. The worker's loop reads job when it begins the job.
	job        work // the call that the worker has, and that has not returned; nil for none
	slot       int  // in the pool's workers; -1 outside
	isSpawning bool // the job is given to it when it is spawned
	isIdle     bool // in the pool's idle, or lent
	since      int  // the round in which the worker became idle

	// Of functions that have lent the worker. See lend.go.
	away []work // those that wait without it
	back []work // those that are back while the worker has another job
}

func newWorker(p *pool, slot int, t work) *worker {
	w := &worker{pool: p, slot: slot, job: t, isSpawning: true}
	w.source = sched.Source{Next: w.next, Ended: func() bool { return false }}
	return w
}

// give gives a call to the worker. It reports false if the worker stops. Calls
// that others have queued on the worker do not count: the limit is that of the
// pool. The pool's mu must be held.
func (w *worker) give(t work) bool {
	w.job = t
	t.schedulable().Assign(&w.caller.sched)
	w.isGiven.Store(true)
	if w.caller.sched.Submit(&w.source, 0) == nil {
		return true
	}
	_, taken := w.takeBack()
	return !taken // a source that was submitted for another job may have begun this one
}

// takeBack returns the job of a worker that cannot run it soon, unless the job has
// begun. The pool's mu must be held.
func (w *worker) takeBack() (t work, ok bool) {
	if !w.isGiven.CompareAndSwap(true, false) {
		return nil, false
	}
	t, w.job = w.job, nil
	t.schedulable().Assign(&w.pool.unassigned)
	return t, true
}

// next begins the job and returns its task, unless the job was taken back. It needs no
// lock: the goroutine that gives a job may still have that of the pool.
func (w *worker) next() (t *sched.Task, more bool) {
	if !w.isGiven.CompareAndSwap(true, false) {
		return nil, false
	}
	return w.job.schedulable(), false
}

// stop stops a worker without a job. Callbacks of calls that others have queued on
// it may block, or end the goroutine.
func (w *worker) stop() { go w.caller.step("is to stop", func() { w.caller.stop(nil) })() }

// isReady reports whether the worker can run a call at once. It cannot while it restarts,
// nor while its parent decides on its failure.
func (w *worker) isReady() bool { return !w.hasEscalated.Load() && w.caller.State() == StateRunning }

// isStopping reports whether the worker takes no more calls.
func (w *worker) isStopping() bool { return w.caller.State() >= StateStopping }
