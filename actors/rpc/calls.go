package rpc

import (
	"fmt"
	"sync"

	"github.com/seed-7fcaac1b/protocaller/actors"
)

// outboundCalls counts the calls of this node that are not done, and the answers that
// came too late.
type outboundCalls struct {
	mu   sync.Mutex
	open int
	late uint64
	busy map[string]int // how many of them are at an address
}

// add counts a call, unless there are too many.
func (c *outboundCalls) add(address string, limit int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open >= limit {
		return fmt.Errorf("%w: %d calls of other nodes are not done", actors.ErrOverloaded, limit)
	}
	c.open++
	c.occupy(address)
	return nil
}

// done counts a call off.
func (c *outboundCalls) done(address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	c.vacate(address)
}

// occupy counts one more call at an address. mu must be held.
func (c *outboundCalls) occupy(address string) {
	if c.busy == nil {
		c.busy = make(map[string]int)
	}
	c.busy[address]++
}

// vacate counts one call less at an address. mu must be held.
func (c *outboundCalls) vacate(address string) {
	if c.busy[address]--; c.busy[address] == 0 {
		delete(c.busy, address)
	}
}

// local counts one more call that runs on this node itself, until done is called.
func (c *outboundCalls) local(address string) (done func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.occupy(address)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.vacate(address)
	}
}

// countsOf returns how many calls are at each of the members.
func (c *outboundCalls) countsOf(all []member) []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := make([]int, len(all))
	for i, m := range all {
		counts[i] = c.busy[m.address]
	}
	return counts
}

// tooLate counts an answer to a call that is done.
func (c *outboundCalls) tooLate() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.late++
}

func (c *outboundCalls) stats() (open int, late uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open, c.late
}
