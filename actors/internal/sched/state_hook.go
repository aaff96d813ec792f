package sched

// A hook is a task that comes before the run queue: the items there wait until openGate,
// also while the hook waits itself. A final hook is one that a stop runs, after Close. The
// deferred message waits for it.

// submitHook adds a hook, of which there is one at a time.
func (s *state) submitHook(t *Task) (start executor, err error) {
	if s.closed.Load() && !t.Final {
		return nil, errClosed
	}
	cold := s.makeCold()
	cold.hook = t
	if !t.work.IsDone() { // else openGate may have come before
		cold.gate = t
	}
	s.slowPath.Store(true)
	return s.ensureLoop(), nil
}

// openGate lets the items of the run queue come that wait for the hook t.
func (s *state) openGate(t *Task) (start executor) {
	if s.gate() == t { // else it was refused
		s.cold.gate = nil
	}
	return s.ensureLoop()
}

// gate returns the hook that the run queue waits for, or nil.
func (s *state) gate() *Task {
	if s.cold == nil {
		return nil
	}
	return s.cold.gate
}

// hookReady reports whether a hook can be started. A final one can while a message is
// deferred, which waits for it. Any other can while the run queue could go on.
func (s *state) hookReady() bool {
	return s.cold != nil && s.cold.hook != nil &&
		(s.cold.hook.Final && s.deferred != nil || !s.paused && s.deferred == nil)
}

// awaitsFinal reports whether a final hook has not been started.
func (s *state) awaitsFinal() bool { return s.cold != nil && s.cold.hook != nil && s.cold.hook.Final }

// takeHook returns the hook if it can be started.
func (s *state) takeHook() (t *Task, ok bool) {
	if !s.hookReady() {
		return nil, false
	}
	t, s.cold.hook = s.cold.hook, nil
	return t, true
}

// recallFinal takes back a final hook that has not been started. Its executor may be a
// goroutine that blocks.
func (s *state) recallFinal() (t *Task, start executor) {
	if s.awaitsFinal() {
		t, s.cold.hook = s.cold.hook, nil
		return t, s.ensureLoop()
	}
	if s.starting == nil {
		return nil, nil
	}
	t, ok := s.starting.first.(*Task)
	if !ok || !t.Final {
		return nil, nil
	}
	_, start = s.recallLoop()
	return t, start
}

// needsGate returns the hook that a task waits for which has not been started, or nil.
func (s *state) needsGate(t *Task) *Task {
	if g := s.gate(); g != t && t.wait == nil && s.current.Load() != t {
		return g
	}
	return nil
}
