package actors

// PoolSize returns how many workers of a caller count, and how many of them are idle. It
// also returns how many calls wait for one.
func PoolSize(c *Caller) (workers, idle, queued int) {
	p := c.workers()
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.workers), p.idle.Len(), p.queue.Len()
}

// TimersSize returns how many timers of a caller there are, and room for how many.
func TimersSize(c *Caller) (n, room int) {
	ts := c.timers()
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return len(ts.heap), cap(ts.heap)
}
