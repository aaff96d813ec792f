package rpc

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

const (
	// lookEvery is how exactly a clock knows when waits began, at best.
	lookEvery = 10 * time.Millisecond
	// mostLooks is how many looks a clock remembers: about those of the last five seconds.
	mostLooks = 512
)

// waitClock knows about when waits began: they have numbers that grow, and bear no time. It looks
// at the last number from time to time. It must be initialized with init.
type waitClock struct {
	began time.Time
	last  atomic.Int64 // the last look, in nanoseconds since began

	mu    sync.Mutex
	looks []waitLook // a ring, once it is full
	next  int        // where the oldest one is then
}

// waitLook says that the waits up to a number had begun.
type waitLook struct {
	at     time.Time
	number uint64
}

func (c *waitClock) init() {
	c.began = time.Now()
	c.note(c.began, future.Waits())
}

// look notes which waits have begun. It is called once a second, and when a call is made: most
// waits that matter begin then.
func (c *waitClock) look(now time.Time) {
	at := int64(now.Sub(c.began))
	last := c.last.Load()
	if at-last < int64(lookEvery) || !c.last.CompareAndSwap(last, at) {
		return
	}
	c.note(now, future.Waits())
}

// note notes that the waits up to a number have begun.
func (c *waitClock) note(now time.Time, number uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if newest := c.newest(); newest != nil && newest.number == number {
		newest.at = now // no wait has begun since
		return
	}
	if len(c.looks) < mostLooks {
		c.looks = append(c.looks, waitLook{now, number})
		return
	}
	c.looks[c.next] = waitLook{now, number}
	c.next = (c.next + 1) % mostLooks
}

// newest returns the last look, or nil. mu must be held.
func (c *waitClock) newest() *waitLook {
	if len(c.looks) == 0 {
		return nil
	}
	return &c.looks[(c.next+len(c.looks)-1)%len(c.looks)]
}

// age returns for how long the wait of a number has lasted, if it goes on: at most so long, unless
// it is older than all that is remembered.
func (c *waitClock) age(number uint64, now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.looks)
	for i := n - 1; i >= 0; i-- {
		if l := c.looks[(c.next+i)%n]; l.number < number || i == 0 {
			return now.Sub(l.at)
		}
	}
	return 0
}
