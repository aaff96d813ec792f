package sim

import "sync"

// Mutex stands for [sync.Mutex].
type Mutex struct {
	object
	held bool
}

func (m *Mutex) reset() {
	if m.isNew() {
		m.held = false
	}
}

// IsHeld reports whether a process is between Lock and Unlock. It is for checks.
func (m *Mutex) IsHeld() bool { return m.held }

// Lock stands for that of [sync.Mutex].
func (m *Mutex) Lock() {
	m.reset()
	if p := process(); p != nil {
		p.Await(func() bool { return !m.held }, inside("lock"))
		see(m.value)
	}
	m.held = true
}

// TryLock stands for that of [sync.Mutex].
func (m *Mutex) TryLock() bool {
	m.reset()
	step("try to lock")
	see(m.value)
	if m.held {
		return false
	}
	m.held = true
	return true
}

// Unlock stands for that of [sync.Mutex].
func (m *Mutex) Unlock() {
	m.reset()
	if !m.held && now != nil && !now.IsAborted() {
		panic("unlock of a mutex that is not locked")
	}
	m.held = false
	if p := process(); p != nil {
		m.set(p.Where)
	}
}

// Cond stands for [sync.Cond].
type Cond struct {
	L sync.Locker

	object
	waiting []*bool // those that wait, which are set when they are woken
}

func (c *Cond) reset() {
	if c.isNew() {
		c.waiting = nil
	}
}

// Wait stands for that of [sync.Cond].
func (c *Cond) Wait() {
	c.reset()
	p := process()
	if p == nil {
		panic("wait outside of a process")
	}
	woken := false
	c.waiting = append(c.waiting, &woken)
	c.use()
	l := c.L
	l.Unlock()
	p.Await(func() bool { return woken }, inside("wait for a signal"))
	c.use()
	l.Lock()
}

// Signal stands for that of [sync.Cond].
func (c *Cond) Signal() {
	c.reset()
	step("signal")
	if len(c.waiting) > 0 {
		*c.waiting[0] = true
		c.waiting = c.waiting[1:]
	}
	c.use()
}

// Broadcast stands for that of [sync.Cond].
func (c *Cond) Broadcast() {
	c.reset()
	step("broadcast")
	for _, woken := range c.waiting {
		*woken = true
	}
	c.waiting = nil
	c.use()
}

// Pool stands for [sync.Pool]. What was put last is used first. So whoever uses something
// after putting it shares it with the next one.
type Pool struct {
	New func() any

	object
	items []any
	out   int // how many are in use
}

func (l *Pool) reset() {
	if l.isNew() {
		l.items, l.out = nil, 0
	}
}

// Get stands for that of [sync.Pool].
func (l *Pool) Get() any {
	l.reset()
	l.use()
	l.out++
	if n := len(l.items); n > 0 {
		item := l.items[n-1]
		l.items = l.items[:n-1]
		return item
	}
	return l.New()
}

// Put stands for that of [sync.Pool].
func (l *Pool) Put(item any) {
	l.reset()
	l.use()
	if l.Has(item) {
		panic("an item is put into a pool that has it")
	}
	l.items = append(l.items, item)
	l.out--
}

// Items returns what is in the pool, and how many items are in use. It is for checks.
func (l *Pool) Items() (in []any, out int) {
	if now != nil && l.world != now.number {
		return nil, 0
	}
	return l.items, l.out
}

// Has reports whether an item is in the pool. It is for checks.
func (l *Pool) Has(item any) bool {
	for _, i := range l.items {
		if i == item {
			return true
		}
	}
	return false
}
