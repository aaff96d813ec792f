package sched

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// Task is the schedulable part of a call: it holds the turn of the call's function.
type Task struct {
	work  Work
	sched atomic.Pointer[Scheduler] // changes once, when a call gets its worker

	// Alternate tasks run on the alternate executor. Set before the task is submitted.
	Alternate bool
	// Final tasks run also after a Close. Set before the task is submitted.
	Final bool
	// Tag is the owner's, who uses it on the turn of the task and before that.
	Tag uint8

	panicked bool // set by the function's goroutine as it returns

	// Guarded by the scheduler's mu.
	state     taskState
	woken     bool // a Resume came before the Park that it is for
	abandoned bool
	wait      *waitState // nil unless the task waits
}

// taskState is what a task that has started does. See DESIGN.md of package actors.
type taskState uint8

const (
	running  taskState = iota // also before the start and after the end
	parked                    // waits, and has given its turn away
	runnable                  // wants its turn back
	blocking                  // waits, and keeps its turn
	lent                      // waits for a task that runs on its goroutine
)

// waitState is what a task needs to wait. It is taken from a pool for each wait.
type waitState struct {
	on         future.Wait
	lentTo     Work            // that runs on the goroutine of the task; nil for none
	ctx        context.Context // that the task has called lentTo with
	over       bool
	deep       bool       // what it needs is too much to look at on a turn
	err        error      // why the wait is over, if it could never end
	cond       sync.Cond  // signaled when over is set; its lock is the scheduler's mu
	next, prev *Task      // in a taskList
	borrowed   *borrowed  // on whose goroutine the function is; nil for another
	coroutine  *coroutine // that the function is on; nil for a goroutine that blocks
}

var waitPool = sync.Pool{New: func() any { return &waitState{} }}

// Work returns what the task runs.
func (t *Task) Work() Work { return t.work }

// Assign moves a task that was never submitted to another scheduler.
func (t *Task) Assign(s *Scheduler) { t.sched.Store(s) }

// waker lets a task go on whose wait is over: the goroutine that sleeps in its function,
// or the coroutine that the function is on. Waking is best done without mu, which the
// function takes first.
type waker interface{ wake() }

func wake(w waker) {
	if w != nil {
		w.wake()
	}
}

func (w *waitState) wake() { w.cond.Signal() }

func (w *waitState) recycle() {
	w.on, w.lentTo, w.ctx = future.Wait{}, nil, nil
	w.over, w.deep, w.err = false, false, nil
	w.next, w.prev, w.borrowed, w.coroutine, w.cond.L = nil, nil, nil, nil, nil
	waitPool.Put(w)
}
