package rpc

import (
	"fmt"
	"sync"

	"github.com/seed-7fcaac1b/protocaller/actors"
)

// inboundCalls counts the calls of other nodes, and what runs for them. A function may
// run for longer than anybody waits for it.
type inboundCalls struct {
	mu      sync.Mutex
	open    int // calls that are not done
	running int // functions that are scheduled or run
}

// begin counts a call, unless there are too many, or too many functions run.
func (c *inboundCalls) begin(limit int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.open >= limit:
		return fmt.Errorf("%w: %d calls of other nodes are not done", actors.ErrOverloaded, limit)
	case c.running >= limit:
		return fmt.Errorf("%w: %d functions run that other nodes have called", actors.ErrOverloaded, limit)
	}
	c.open++
	return nil
}

// end counts a call off, which is done.
func (c *inboundCalls) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
}

// run counts a function, until it has returned and stopped is called.
func (c *inboundCalls) run() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running++
}

func (c *inboundCalls) stopped() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
}

// stats returns how many calls of other nodes are not done.
func (c *inboundCalls) stats() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}
