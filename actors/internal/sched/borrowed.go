package sched

func (b *borrowed) start(*Scheduler) { b.work <- struct{}{} }

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
