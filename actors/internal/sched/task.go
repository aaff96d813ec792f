package sched

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Task is the schedulable part of a call: it holds the turn of the call's function.
type Task struct {
	work  Work
	sched atomic.Pointer[Scheduler] // changes once, when a call gets its worker

	// Alternate tasks run on the alternate executor. Set before the task is submitted.
	Alternate bool
	// Tag is the owner's, who uses it on the turn of the task and before that.
	Tag uint8

	panicked bool // set by the function's goroutine as it returns

	// Guarded by the scheduler's mu.
	state     taskState
	woken     bool // a Resume came before the Park that it is for
	abandoned bool
	yielded   bool       // something else had the turn since TakeYielded
	wait      *waitState // nil unless the task waits
}

// taskState is what a task that has started does. See DESIGN.md of package actors.
type taskState uint8

const (
	running  taskState = iota // also before the start and after the end
	parked                    // waits, and has given its turn away
	runnable                  // wants its turn back
	blocking                  // waits, and keeps its turn
)

// waitState is what a task needs to wait. It is taken from a pool for each wait.
type waitState struct {
	on         pending.Handle // nil for something that is no pending
	over       bool
	err        error      // why the wait is over, if it could never end
	cond       sync.Cond  // signaled when over is set; its lock is the scheduler's mu
	next, prev *Task      // in a taskList
	borrowed   *borrowed  // on whose goroutine the function is; nil for another
	coroutine  *coroutine // that the function is on; nil for a goroutine that blocks
}

var waitPool = sync.Pool{New: func() any { return &waitState{} }}

var _ pending.Runner = (*Task)(nil)

// Init makes t the task of w, to be scheduled by s. It is called once, before any other
// method.
func (t *Task) Init(w Work, s *Scheduler) {
	t.work = w
	t.sched.Store(s)
}

// Work returns what the task runs.
func (t *Task) Work() Work { return t.work }

// Scheduler returns the scheduler of the task.
func (t *Task) Scheduler() *Scheduler { return t.sched.Load() }

// Assign moves a task that was never submitted to another scheduler.
func (t *Task) Assign(s *Scheduler) { t.sched.Store(s) }

// Owner returns the owner of the task's scheduler.
func (t *Task) Owner() Owner { return t.sched.Load().owner }

// Logger implements [pending.Runner].
func (t *Task) Logger() *slog.Logger { return t.Owner().Logger() }

// Describe implements [pending.Runner].
func (t *Task) Describe(m pending.Metadata) { t.Owner().Describe(m) }

// WorkerID returns the id of the worker that runs the task, or "". Package telemetry
// asks for it.
func (t *Task) WorkerID() string { return t.Owner().WorkerID() }

// Left implements [pending.Runner].
func (t *Task) Left(p *pending.PanicError) {
	if p != nil { // else it may be the end of a queue, off the turn
		t.panicked = true
	}
	t.Owner().Left(t, p)
}

// Park implements [pending.Turn].
func (t *Task) Park(on pending.Handle, keep bool) error {
	s := t.sched.Load()
	keep = keep || s.state.options.NonReentrant
	w := waitPool.Get().(*waitState)
	w.cond.L = &s.mu
	s.mu.Lock()
	waits, err := s.state.beginWait(t, w, on, keep)
	s.mu.Unlock()
	if !waits {
		w.recycle()
		return s.explain(t, err)
	}

	// Whoever closes a circle of waits finds it, because each wait is published before
	// its circle is looked for.
	err = t.detectDeadlock(on)

	s.mu.Lock()
	if err == nil && t.abandoned { // it may have been abandoned just now
		err = s.state.abandonErr
	}
	if err == nil && !t.woken {
		err = s.waitLocked(t, keep)
	}
	s.state.endWait(t)
	s.mu.Unlock()
	w.recycle()
	return err
}

// waitLocked returns when the wait of t is over. It releases mu meanwhile.
func (s *Scheduler) waitLocked(t *Task, keep bool) error {
	turns := s.state.turns
	if !keep {
		s.slow.end()
		if e := s.state.yield(t); e.loop != nil {
			s.mu.Unlock()
			s.do(e)
			s.mu.Lock()
		}
	}
	t.wait.sleep()
	switch {
	case t.abandoned:
		return s.state.abandonErr
	case !keep:
		t.yielded = t.yielded || s.state.turns-turns > 1 // it had the turn back itself
		s.slow.begin(t)
	}
	return t.wait.err
}

// Resume implements [pending.Turn].
func (t *Task) Resume() {
	s := t.sched.Load()
	s.mu.Lock()
	w := s.state.resume(t)
	s.mu.Unlock()
	wake(w)
}

// sleep returns when the wait is over. The scheduler's mu must be held; it is released
// meanwhile.
func (w *waitState) sleep() {
	if w.coroutine == nil {
		for !w.over {
			w.cond.Wait()
		}
		return
	}
	w.cond.L.Unlock()
	w.coroutine.suspend()
	w.cond.L.Lock()
}

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
	w.on, w.over, w.err = nil, false, nil
	w.next, w.prev, w.borrowed, w.coroutine, w.cond.L = nil, nil, nil, nil, nil
	waitPool.Put(w)
}

// exit ends the turn of a task that has returned. It reports false if the task was
// abandoned, and had no turn.
func (t *Task) exit() bool {
	s := t.sched.Load()
	if !s.state.current.CompareAndSwap(t, nil) {
		return false
	}
	s.slow.end()
	return true
}

// isAbandoned reports whether the turn was taken away from the task.
func (t *Task) isAbandoned() bool {
	s := t.sched.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.abandoned
}
