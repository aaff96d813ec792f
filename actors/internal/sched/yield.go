package sched

// TakeYielded reports whether something else had the turn, since the last call, while the
// task waited. It is called by the task's function.
func (t *Task) TakeYielded() bool {
	s := t.sched.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	yielded := t.yielded
	t.yielded = false
	return yielded
}

// Yield gives the turn to what wants it now, and takes it back. It has no effect if
// nothing does, or if tasks keep their turns while they wait. It is called by the task's
// function. The error is that of an abandoned task.
func (t *Task) Yield() error {
	s := t.sched.Load()
	if s.state.options.NonReentrant {
		return nil
	}
	w := waitPool.Get().(*waitState)
	w.cond.L = &s.mu
	s.mu.Lock()
	if t.abandoned || !s.state.othersWait(t) {
		err := s.state.abandonErr
		if !t.abandoned {
			err = nil
		}
		s.mu.Unlock()
		w.recycle()
		return err
	}
	t.wait = w
	e := s.state.yieldRunnable(t)
	s.mu.Unlock()
	s.slow.end()
	s.do(e)
	s.mu.Lock()
	w.sleep()
	var err error
	if t.abandoned {
		err = s.state.abandonErr
	} else {
		s.slow.begin(t)
	}
	s.state.endWait(t)
	s.mu.Unlock()
	w.recycle()
	return err
}

// othersWait reports whether t has the turn, and something else can have it.
func (s *state) othersWait(t *Task) bool {
	if s.current.Load() != t {
		return false
	}
	isOpen := !s.paused && s.deferred == nil
	return len(s.control) > 0 || s.runnable.n > 0 && (isOpen || s.deferred != nil) || isOpen && s.queued() > 0
}

// yieldRunnable gives away the turn of a task that wants it back at once: after what is
// runnable, and after the next item of the run queue.
func (s *state) yieldRunnable(t *Task) effects {
	e := s.yield(t)
	s.parked.remove(t)
	t.state = runnable
	s.runnable.push(t)
	s.queueNext = true
	s.slowPath.Store(true)
	if e.loop == nil {
		e = s.replaceLoop()
	}
	return e
}
