package actors

import (
	"maps"
	"reflect"
	"slices"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// addQueue registers the pending of a queue or of a periodic call. A stop of the caller
// cancels it. It returns an error if the caller takes none any more.
func (c *Caller) addQueue(q pending.Handle) error {
	c.mu.Lock()
	if c.State() >= StateStopping {
		c.mu.Unlock()
		return c.stopError()
	}
	r := c.cold()
	if r.queues == nil {
		r.queues = make(map[pending.Handle]struct{})
	}
	r.queues[q] = struct{}{}
	c.mu.Unlock()
	q.OnDone(func(pending.Handle) {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(r.queues, q)
	})
	return nil
}

// openQueues returns the queues that are open, and the periodic calls.
func (c *Caller) openQueues() []pending.Handle {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.coldState == nil {
		return nil
	}
	return slices.Collect(maps.Keys(c.coldState.queues))
}

// uncounted returns how many items of queues wait that the run queue does not count.
func (c *Caller) uncounted() (n int) {
	for _, open := range c.openQueues() {
		if q, ok := open.(interface{ uncounted() int }); ok {
			n += q.uncounted()
		}
	}
	return n
}

// keyedQueue is a queue with a key.
type keyedQueue interface {
	work
	isOpen() bool
	itemType() reflect.Type
}

// loadKeyed returns the open queue with the key, or nil.
func (c *Caller) loadKeyed(key any) keyedQueue {
	c.mu.Lock()
	defer c.mu.Unlock()
	if q := c.cold().keyed[key]; q != nil && q.isOpen() {
		return q
	}
	return nil
}

// storeKeyed registers a queue under a key until the queue is done. It returns the
// open queue with that key.
func (c *Caller) storeKeyed(key any, made keyedQueue) keyedQueue {
	c.mu.Lock()
	r := c.cold()
	if q := r.keyed[key]; q != nil && q.isOpen() {
		c.mu.Unlock()
		return q
	}
	if r.keyed == nil {
		r.keyed = make(map[any]keyedQueue)
	}
	r.keyed[key] = made
	c.mu.Unlock()
	made.OnDone(func(pending.Handle) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if r.keyed[key] == made {
			delete(r.keyed, key)
		}
	})
	return made
}
