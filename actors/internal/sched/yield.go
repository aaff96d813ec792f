package sched

// Yield gives the turn to what wants it now, and takes it back. It has no effect if
// nothing does, or if tasks keep their turns while they wait. It is called by the task's
// function. The error is that of an abandoned task, or of a goroutine without the turn.
func (t *Task) Yield() error {
	s := t.sched.Load()
	if err := s.checkGoroutine(t); err != nil || s.state.options.nonReentrant {
		return err
	}
	w := waitPool.Get().(*waitState)
	w.cond.L = &s.mu
	s.mu.Lock()
	waits, err := s.state.beginYield(t, w)
	if waits {
		s.start(s.state.yieldRunnable(t))
		w.sleep()
		if t.abandoned {
			err = s.state.cold.abandonErr
		} else {
			s.watchTurn()
			s.beginTurn(t)
		}
		s.state.endWait(t)
	}
	s.mu.Unlock()
	w.recycle()
	if waits {
		s.step(t, stepResumed)
	}
	return s.explain(t, err)
}
