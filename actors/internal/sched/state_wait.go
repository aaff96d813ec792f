package sched

import "github.com/seed-7fcaac1b/protocaller/internal/future"

// beginWait publishes that t waits with w. It reports false if t must not wait, with the
// reason, or was resumed already.
func (s *state) beginWait(t *Task, w *waitState, on future.Wait, keep bool) (waits bool, err error) {
	switch limit := int(s.options.maxSuspended); {
	case t.abandoned:
		return false, s.cold.abandonErr
	case s.current.Load() != t, t.state != running:
		return false, errNotCurrent
	case !keep && limit > 0 && s.parked.n+s.runnable.n >= limit:
		return false, errSuspended
	case t.woken: // a wait that is refused, of another goroutine maybe, leaves that to the next one
		t.woken = false
		return false, nil
	}
	w.on = on
	t.wait = w
	t.state = parked
	if keep {
		t.state = blocking
	}
	return true, nil
}

// yield gives away the turn of a task that waits, and starts the loop if there is work.
func (s *state) yield(t *Task) (start executor) {
	s.leaveTurn(t)
	s.parked.push(t)
	s.looping = false
	if !s.hasWork() {
		return nil
	}
	return s.replaceLoop()
}

// leaveTurn notes where t is, which gives its turn away.
func (s *state) leaveTurn(t *Task) {
	s.current.Store(nil)
	t.wait.borrowed = s.loopOn.Load()
	setBusy(t.wait.borrowed, true)
	if p, ok := s.executorOf(t).(*pinned); ok {
		t.wait.coroutine = p.current
	}
}

// beginYield reports whether t, which has the turn, has anything to yield it to.
func (s *state) beginYield(t *Task, w *waitState) (waits bool, err error) {
	switch {
	case t.abandoned:
		return false, s.cold.abandonErr
	case s.current.Load() != t, t.state != running:
		return false, errNotCurrent
	case !s.hasWork():
		return false, nil
	}
	t.wait = w
	return true, nil
}

// yieldRunnable gives away the turn of a task that wants it back at once: after what is
// runnable, and after the next item of the run queue.
func (s *state) yieldRunnable(t *Task) (start executor) {
	s.leaveTurn(t)
	t.state = runnable
	s.runnable.push(t)
	s.queueNext = true
	s.slowPath.Store(true)
	return s.replaceLoop()
}

// endWait makes t a task that runs.
func (s *state) endWait(t *Task) { t.state, t.woken, t.wait = running, false, nil }

// resume ends the wait of t, or the next one if t does not wait. It returns whom to
// wake, or nil.
func (s *state) resume(t *Task) waker {
	isCurrent := s.current.Load() == t
	switch {
	case t.state == blocking && isCurrent, t.abandoned && t.state != running:
		return t.unpark()
	case t.state != parked, isCurrent:
		t.woken = t.state != runnable
	case s.looping || s.paused && s.deferred == nil:
		t.state = runnable
		s.parked.remove(t)
		s.runnable.push(t)
		s.slowPath.Store(true)
	default:
		s.looping = true
		s.parked.remove(t)
		return s.handOff(t)
	}
	return nil
}

// handOff gives the turn, and the loop with it, to a task that had given it away. It
// returns whom to wake.
func (s *state) handOff(t *Task) waker {
	s.current.Store(t)
	s.loopOn.Store(t.wait.borrowed)
	setBusy(t.wait.borrowed, false)
	return t.unpark()
}

// unpark ends the wait of t, and returns whom to wake; nil if the wait was over before.
func (t *Task) unpark() waker {
	w := t.wait
	if w.over {
		return nil
	}
	w.over = true
	if w.coroutine != nil {
		return w.coroutine
	}
	return w
}

// needs returns what a task needs that has not returned: what it waits for, with the
// number of that wait, and whether it needs the turn of s. It needs nothing if live.
func (s *state) needs(t *Task, idle bool) (w future.Wait, began uint64, turn, live bool) {
	waits := t.isWaiting()
	switch isCurrent := s.current.Load() == t; {
	case t.abandoned, s.notStarted, s.paused && !s.awaitingParent && s.deferred == nil:
		return w, 0, false, true
	case isCurrent && !waits, idle && !waits && t.state == running:
		return w, 0, false, true
	case !isCurrent:
		turn = s.blockingTask() != nil || s.awaitsDecision()
	}
	if waits && !t.wait.on.Bounded && (t.wait.on.On != nil || t.wait.on.For != nil) {
		w, began = t.wait.on, t.wait.on.Began
	}
	return w, began, turn, false
}

// isWaiting reports whether the task waits for something. One that was resumed looks
// again itself.
func (t *Task) isWaiting() bool {
	if t.wait == nil || t.wait.over {
		return false
	}
	return t.state == lent || (t.state == parked || t.state == blocking) && !t.woken
}

// blockingTask returns the task that keeps the turn while it waits, or nil.
func (s *state) blockingTask() *Task {
	if t := s.current.Load(); t != nil && (t.state == blocking || t.state == lent) {
		return t
	}
	return nil
}

// awaitsDecision reports whether the scheduler goes on when its parent has decided on a
// failure.
func (s *state) awaitsDecision() bool { return s.awaitingParent && s.deferred == nil }

// waitNumber returns the number of the wait that the task is in, or 0. So it does for nil. The scheduler's mu
// must be held.
func (t *Task) waitNumber() uint64 {
	if t == nil || !t.isWaiting() {
		return 0
	}
	return t.wait.on.Began
}
