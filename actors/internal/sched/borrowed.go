package sched

// borrowed is a goroutine that has lent itself to a scheduler. It runs the loop whenever
// it is free.
type borrowed struct {
	work chan struct{} // a value starts the loop; has room for one
	busy bool          // a task that waits is on the goroutine; guarded by mu
}

func (b *borrowed) start(*Scheduler) { b.work <- struct{}{} }

// setBusy notes whether a task that waits is on a borrowed goroutine. A nil b is another
// goroutine. The scheduler's mu must be held.
func setBusy(b *borrowed, busy bool) {
	if b != nil {
		b.busy = busy
	}
}

// RunHere starts the scheduler and runs the loop on the goroutine that calls, as long as
// no task that waits is on it. It returns when stopped is closed.
func (s *Scheduler) RunHere(stopped <-chan struct{}) {
	b := &borrowed{work: make(chan struct{}, 1)}
	s.mu.Lock()
	s.state.borrowed = b
	s.mu.Unlock()
	defer s.takeBack(b)
	s.Open()
	for {
		select {
		case <-b.work:
			s.run(onGoroutines, b, nil)
		case <-stopped:
			return
		}
	}
}

// takeBack ends the loan. Another goroutine runs the loop if b was to do that.
func (s *Scheduler) takeBack(b *borrowed) {
	s.mu.Lock()
	s.state.borrowed = nil
	s.mu.Unlock()
	select {
	case <-b.work:
		go s.loop()
	default:
	}
}
