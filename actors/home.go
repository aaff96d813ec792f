package actors

// home is a goroutine that has lent itself to a mailbox, which it runs whenever
// it is free.
type home struct {
	work chan struct{} // tells it that it is the runner; holds one
	away bool          // a function that waits is on it; under the mailbox's mu
}

// setAway notes whether a function that waits is on the goroutine. The caller
// holds the mailbox's mu.
func (h *home) setAway(away bool) {
	if h != nil {
		h.away = away
	}
}

// lend runs the mailbox on the goroutine that calls until the caller has
// stopped.
func (m *mailbox) lend() {
	stopped := m.caller.Stopped()
	h := &home{work: make(chan struct{}, 1)}
	m.mu.Lock()
	m.home = h
	m.mu.Unlock()
	defer m.takeBack()
	m.open()
	for {
		select {
		case <-h.work:
			m.run(h, nil, nil)
		case <-stopped:
			return
		}
	}
}

// takeBack ends the loan. What may have been left to the goroutine is done by
// another one.
func (m *mailbox) takeBack() {
	m.mu.Lock()
	h := m.home
	m.home = nil
	m.mu.Unlock()
	select {
	case <-h.work:
		go m.loop()
	default:
	}
}

// atHome reports whether the goroutine that is lent, if any, is free to become
// the runner, which it does when work is written to. The caller holds mu.
func (m *mailbox) atHome() bool { return m.home != nil && !m.home.away }
