package actors

// countFailure counts a call that has ended with an error.
func (c *Caller) countFailure(started, cancelled bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := &c.cold().counters
	switch {
	case cancelled:
		n.Cancelled++
	case started:
		n.Failures++
	default:
		n.Refused++
	}
}

func (c *Caller) countPanic() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cold().counters.Panics++
}
