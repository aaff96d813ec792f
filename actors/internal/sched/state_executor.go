package sched

// executorOf returns where a task is to run. It may be called without mu.
func (s *state) executorOf(t *Task) executor { return s.executorVarOf(t).load() }

func (s *state) executorVarOf(t *Task) *executorVar {
	if t.Alternate {
		return &s.alternate
	}
	return &s.main
}

// hostLoopOf returns the host's loop that a task is to run on, or nil. It may be called
// without mu.
func (s *state) hostLoopOf(t *Task) *hostLoop {
	if p, ok := s.executorOf(t).(*pinned); ok {
		return p.loop
	}
	return nil
}

// isKeptFrom reports whether a task of another scheduler waits on the goroutine that t is to
// run on. One of the same scheduler has the turn as well.
func (l *hostLoop) isKeptFrom(t *Task) bool {
	if l == nil {
		return false
	}
	other := l.blocking.Load()
	return other != nil && other.sched.Load() != t.sched.Load()
}

// reroute moves the loop, with the item at hand, to where the item is to be handled. It
// reports false if the item is to be rejected instead, because no user code starts after
// a stop.
func (s *state) reroute(item any) (start executor, ok bool) {
	to := s.main.load()
	switch item := item.(type) {
	case *Task:
		to = s.executorOf(item)
		if item.Final {
			return s.startLoop(to, item), true
		}
	case controlMessage, deferredMessage:
		return s.startLoop(to, item), true
	}
	if s.closed.Load() {
		return nil, false
	}
	return s.startLoop(to, item), true
}

// yieldToHost has the loop go on later on the same host, which has other things to do.
func (s *state) yieldToHost(p *pinned) (start executor, ok bool) {
	if s.closed.Load() || s.main.load() != p {
		return nil, false
	}
	return s.startLoop(p, nil), true
}

// startLoop starts the loop on an executor, with item unless that is nil.
func (s *state) startLoop(on executor, item any) (start executor) {
	s.looping = true
	switch on := on.(type) {
	case *pinned:
		s.starting, on.first = on, item
		return on
	case *borrowed:
		on.asked++
	}
	if item != nil {
		return &goroutines{item: item}
	}
	return on
}

// place returns where the loop is best started.
func (s *state) place() executor {
	main := s.main.load()
	// Control messages run no user code unless the scheduler is anchored, and after a
	// stop no user code starts. Neither needs the pinned goroutine, which may be slow.
	if _, ok := main.(*pinned); ok && (s.options.anchored || len(s.control) == 0 && s.deferred == nil && !s.closed.Load()) {
		return main
	}
	if s.borrowed != nil && !s.borrowed.busy {
		return s.borrowed
	}
	return onGoroutines
}

// beginLoop starts the loop on p, unless that was taken back.
func (s *state) beginLoop(p *pinned) (item any, ok bool) {
	if s.starting != p {
		return nil, false
	}
	item = s.starting.first
	s.starting.first, s.starting = nil, nil
	return item, true
}

// recallLoop starts the loop on another goroutine if a pinned executor was to run it and
// has not begun. It returns the item to begin with.
func (s *state) recallLoop() (item any, start executor) {
	if s.starting == nil {
		return nil, nil
	}
	item = s.starting.first
	s.starting.first, s.starting = nil, nil
	return item, onGoroutines
}

// replaceExecutor drops an executor whose tasks were abandoned: they may block it
// forever. A scheduler that goes on gets another thread, but keeps a goroutine that
// belongs to somebody else.
func (s *state) replaceExecutor(p *pinned, changed *threads) (start executor) {
	next := onGoroutines
	switch {
	case p == s.alternate.load():
		s.alternate.store(next)
	case p != s.main.load():
		return nil
	case s.closed.Load():
		s.setMain(next)
	case p.foreign():
		return nil
	default:
		thread := newThread(p.sched)
		changed.begin = thread
		next = thread
		s.setMain(next)
	}
	changed.close = append(changed.close, p)
	return s.moveStart(p, next)
}

// moveStart starts the loop on another executor if p was to run it and has not begun: its
// goroutine may end before it is asked.
func (s *state) moveStart(p *pinned, to executor) (start executor) {
	if s.starting != p {
		return nil
	}
	item, _ := s.recallLoop()
	return s.startLoop(to, item)
}

// startAlternate makes a thread the alternate executor, unless there is one or tasks run
// on a thread anyway.
func (s *state) startAlternate(sched *Scheduler) threads {
	if s.options.thread || s.closed.Load() || !s.alternate.isGoroutines() {
		return threads{}
	}
	p := newThread(sched)
	s.alternate.store(p)
	return threads{begin: p}
}

func (s *state) setMain(e executor) {
	s.main.store(e)
	s.slowPath.Store(true)
}

// loseExecutor goes on without an executor whose goroutine has ended, or may be blocked.
func (s *state) loseExecutor(p *pinned) (start executor) {
	if s.main.load() != p {
		return nil
	}
	s.setMain(onGoroutines)
	return s.moveStart(p, onGoroutines)
}

// closeExecutors goes on without the pinned executors, which are to close.
func (s *state) closeExecutors() (changed threads, start executor) {
	if p, ok := s.alternate.load().(*pinned); ok {
		s.alternate.store(onGoroutines)
		changed.close = append(changed.close, p)
	}
	if p, ok := s.main.load().(*pinned); ok {
		start = s.loseExecutor(p)
		changed.close = append(changed.close, p)
	}
	return changed, start
}
