package sched

func (b *borrowed) start(*Scheduler) { b.work <- struct{}{} }

// RunHere starts the scheduler and runs the loop on the goroutine that calls. While a
// task waits on that goroutine, the loop is elsewhere. It returns when stopped is
// closed.
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
			b.taken++
			s.run(onGoroutines, b, nil)
		case <-stopped:
			return
		}
	}
}

// takeBack ends the loan. Another goroutine runs the loop if b was to do that. Whoever
// has asked for it may not have sent the value yet.
func (s *Scheduler) takeBack(b *borrowed) {
	s.mu.Lock()
	s.state.borrowed = nil
	lost := b.asked > b.taken
	s.mu.Unlock()
	if lost {
		go func() {
			<-b.work
			s.loop()
		}()
	}
}
