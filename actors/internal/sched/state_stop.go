package sched

import "math"

// close ends the intake. It returns the items that have not been taken, and the tasks
// that have not returned.
func (s *state) close() (rejected []any, active []*Task, start executor) {
	s.closed.Store(true)
	s.notifyingStop = true
	if s.cold != nil {
		s.cold.replaceLast(nil)
	}
	for s.urgentLen() > 0 {
		rejected = append(rejected, s.cold.urgent.items.Shift())
	}
	if s.batch != nil {
		i := s.cursor.Swap(int32(s.batch.Len())) //nolint:gosec // At most the size of a chunk.
		rejected = append(rejected, s.batch.Slice(int(i))...)
		s.count(int(i) - s.batch.Len()) // they are not taken, and the cursor says they are
	}
	if s.cold != nil && s.cold.hook != nil {
		rejected = append(rejected, s.cold.hook)
		s.cold.hook = nil
	}
	for s.aheadLen() > 0 {
		rejected = append(rejected, s.cold.ahead.Shift())
	}
	if item := s.queue.TakeFirst(); item != nil {
		rejected = append(rejected, item)
	}
	for c := s.queue.Take(); c != nil; c = s.queue.Take() {
		rejected = append(rejected, c.Slice(0)...)
		c.Recycle()
	}
	if !s.options.anchored {
		var item any
		if item, start = s.recallLoop(); item != nil {
			rejected = append(rejected, item)
		}
	}
	return rejected, s.active(math.MaxInt), start
}

// stopNotified lets the deferred message come: those whom the stop concerns know.
func (s *state) stopNotified() (start executor) {
	s.notifyingStop = false
	return s.ensureLoop()
}

// active returns tasks that have started and not returned, up to so many.
func (s *state) active(most int) []*Task {
	active := s.runnable.appendTo(s.parked.appendTo(nil, most), most)
	if t := s.current.Load(); t != nil && len(active) < most {
		active = append(active, t)
	}
	return active
}

// abandon takes the turn away from those of the tasks that have not returned, and ends
// their waits with err. It returns whom to wake.
func (s *state) abandon(tasks []*Task, err error) (woken []waker, changed threads, start executor) {
	s.makeCold().abandonErr = err
	loopLost := false
	lost := make(map[*pinned]bool)
	for _, t := range tasks {
		p, isPinned := s.executorOf(t).(*pinned)
		switch {
		case t.abandoned: // others have done so, and its state may be that of before
			continue
		case s.current.CompareAndSwap(t, nil):
			loopLost = true
		case t.state == parked, t.state == lent:
			s.parked.remove(t)
		case t.state == runnable:
			s.runnable.remove(t)
		default:
			continue
		}
		if isPinned {
			lost[p] = true
		}
		t.abandoned = true
		if t.wait != nil {
			if w := t.unpark(); w != nil {
				woken = append(woken, w)
			}
		}
	}
	for p := range lost {
		if on := s.replaceExecutor(p, &changed); on != nil {
			start = on
		}
	}
	switch {
	case loopLost:
		setBusy(s.loopOn.Load(), true) // the task has the goroutine of the loop
		start = s.replaceLoop()
	case start == nil:
		start = s.ensureLoop()
	}
	return woken, changed, start
}
