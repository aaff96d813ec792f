package sched

import (
	"context"
	"log/slog"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

var _ future.Runner = (*Task)(nil)

// Logger implements [future.Runner].
func (t *Task) Logger() *slog.Logger { return t.Owner().Logger() }

// Describe implements [future.Runner].
func (t *Task) Describe(m map[string]any) { t.Owner().Describe(m) }

// WorkerID returns the id of the worker that runs the task, or "". Package instrument
// asks for it.
func (t *Task) WorkerID() string { return t.Owner().WorkerID() }

// LendWorker lets others use the worker of the task while that waits without its turn. It
// is called with the turn, before the wait. The function that it returns is called after
// the wait. Package rpc asks for it.
func (t *Task) LendWorker() (takeBack func()) {
	lender, ok := t.Owner().(Lender)
	if !ok || t.sched.Load().state.options.nonReentrant {
		return func() {}
	}
	return lender.LendWorker(t)
}

// CallerName names the owner of the task. Package pending asks for it in logs.
func (t *Task) CallerName() string { return t.Owner().Name() }

// Awaited implements [future.Runner].
func (t *Task) Awaited() { t.sched.Load().NotifyWait() }

// Left implements [future.Runner].
func (t *Task) Left(crash error) {
	if crash != nil { // else it may be a queue that is closed on another goroutine
		t.panicked = true
	}
	t.Owner().Left(t, crash)
}

// Failed implements [future.Runner].
func (t *Task) Failed(started, cancelled bool) { t.Owner().Failed(started, cancelled) }

// Dropped implements [future.Runner].
func (t *Task) Dropped() {
	t.work.Release()
	s := t.sched.Load()
	s.record(t, steps.Drops, future.Wait{})
	s.dropped()
}

// Park implements [future.Turn].
func (t *Task) Park(on future.Wait, keep bool) error {
	s := t.sched.Load()
	if err := s.checkGoroutine(t); err != nil {
		return err
	}
	keep = keep || s.state.options.nonReentrant
	w := waitPool.Get().(*waitState)
	w.cond.L = &s.mu
	s.mu.Lock()
	waits, err := s.state.beginWait(t, w, on, keep)
	s.mu.Unlock()
	if !waits {
		w.recycle()
		return s.explain(t, err)
	}
	s.noteWait(t, on)
	if loop := s.state.hostLoopOf(t); keep && loop != nil {
		loop.blocking.Store(t)
		defer loop.blocking.CompareAndSwap(t, nil)
	}

	// Whoever closes a circle of waits finds it, because each wait is published before
	// its circle is looked for.
	if !goesOn(on) {
		t.detectDeadlock(on.Began)
	}

	s.mu.Lock()
	switch {
	case t.abandoned: // just now
		err = s.state.cold.abandonErr
	case t.woken:
		err = w.err
	default:
		err = s.waitLocked(t, keep)
	}
	s.state.endWait(t)
	s.mu.Unlock()
	w.recycle()
	s.record(t, steps.GoesOn, on)
	s.step(t, stepResumed)
	return err
}

// Recheck implements [future.Turn].
func (t *Task) Recheck(node future.Node) {
	if node == nil || nodeGoesOn(node) {
		return
	}
	s := t.sched.Load()
	s.mu.Lock()
	number := t.waitNumber()
	s.mu.Unlock()
	if number != 0 {
		s.owner.Deadlocks().recheck(t, number, node)
	}
}

// waitLocked returns when the wait of t is over. It releases mu meanwhile.
func (s *Scheduler) waitLocked(t *Task, keep bool) error {
	s.NotifyWait()
	if !keep {
		// mu stays held: the loop that starts runs no user code before it takes mu, and
		// this goroutine needs mu to sleep.
		s.start(s.state.yield(t))
	}
	t.wait.sleep()
	switch {
	case t.abandoned:
		return s.state.cold.abandonErr
	case !keep:
		s.watchTurn()
		s.beginTurn(t)
	}
	return t.wait.err
}

// Resume implements [future.Turn].
func (t *Task) Resume() {
	s := t.sched.Load()
	s.touch()
	s.mu.Lock()
	w := s.state.resume(t)
	ctx, inPlace := t.inPlace()
	s.mu.Unlock()
	wake(w)
	s.NotifyWait() // it may want its turn back
	if inPlace != nil {
		passEnd(ctx, inPlace)
	}
}

// passEnd ends the context of a function that runs in place, if the context of the call
// has ended. That context may go on when the function that calls is cancelled.
func passEnd(ctx context.Context, w Work) {
	if ctx.Err() != nil {
		cause := context.Cause(ctx)
		w.Reject(cause)
		w.Interrupt(cause)
	}
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

// exit ends the turn of a task that has returned. It reports false if the task was
// abandoned, and had no turn.
func (t *Task) exit() bool {
	s := t.sched.Load()
	return s.state.current.CompareAndSwap(t, nil)
}

// isAbandoned reports whether the turn was taken away from the task.
func (t *Task) isAbandoned() bool {
	s := t.sched.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.abandoned
}
