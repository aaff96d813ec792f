package rpc

import (
	"fmt"
	"sync"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// openCall is a call of another node's that is not done.
type openCall interface {
	// Answer completes the pending with what the node has answered.
	Answer(*wire.Response)
	// Items returns who takes the items of the call, nil if it is no stream.
	Items() collector
	// SetError ends the call.
	SetError(err error) bool
	// Fail ends the attempt that is under way.
	Fail(err error)
}

// calls are those that this node has made and that are not done, by number, and
// the node's count of answers that came too late. Numbers are never used again.
type calls struct {
	mu     sync.Mutex
	last   uint64
	open   map[uint64]addressed
	closed error // why no more are made
	late   uint64
	busy   map[string]int // how many of them are at an address
}

type addressed struct {
	openCall
	address string
	bundle  uint32 // in which it was sent
}

// add registers a call under the number that is returned.
func (c *calls) add(call openCall, address string, limit int) (number uint64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed != nil {
		return 0, c.closed
	}
	if len(c.open) >= limit {
		return 0, fmt.Errorf("%w: %d calls of other nodes are not done", actors.ErrOverloaded, limit)
	}
	if c.open == nil {
		c.open, c.busy = make(map[uint64]addressed), make(map[string]int)
	}
	c.last++
	c.open[c.last] = addressed{openCall: call, address: address}
	c.busy[address]++
	return c.last, nil
}

// find returns a call, nil if it is done.
func (c *calls) find(number uint64) openCall {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open[number].openCall
}

// take removes a call and returns it, nil if it is done.
func (c *calls) take(number uint64) openCall {
	c.mu.Lock()
	defer c.mu.Unlock()
	call := c.open[number]
	c.remove(number)
	return call.openCall
}

// remove forgets a call, if it is known. The caller holds mu.
func (c *calls) remove(number uint64) {
	call, ok := c.open[number]
	if !ok {
		return
	}
	delete(c.open, number)
	c.done(call.address)
}

// done counts one call less at an address. The caller holds mu.
func (c *calls) done(address string) {
	if c.busy[address]--; c.busy[address] == 0 {
		delete(c.busy, address)
	}
}

// here counts one more call that runs on this node itself, until done is called.
func (c *calls) here(address string) (done func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy == nil {
		c.open, c.busy = make(map[uint64]addressed), make(map[string]int)
	}
	c.busy[address]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.done(address)
	}
}

// countsOf returns how many calls are at each of the members.
func (c *calls) countsOf(all []member) []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := make([]int, len(all))
	for i, m := range all {
		counts[i] = c.busy[m.address]
	}
	return counts
}

// tooLate counts an answer to a call that is done.
func (c *calls) tooLate() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.late++
}

// takeAll removes the calls of the node at an address.
func (c *calls) takeAll(address string) []openCall {
	return c.takeThose(func(call addressed) bool { return call.address == address })
}

// takeThose removes the calls of which that is so.
func (c *calls) takeThose(so func(addressed) bool) (all []openCall) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for number, call := range c.open {
		if so(call) {
			all = append(all, call.openCall)
			c.remove(number)
		}
	}
	return all
}

// bundled notes which calls travel in a bundle.
func (c *calls) bundled(bundle uint32, all []*wire.Envelope) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range all {
		if call, ok := c.open[e.GetCall()]; ok && e.GetRequest() != nil {
			call.bundle = bundle
			c.open[e.GetCall()] = call
		}
	}
}

// takeBundle removes the calls that were sent in a bundle. No bundle has the number 0,
// which is that of calls that are not sent.
func (c *calls) takeBundle(bundle uint32) []openCall {
	if bundle == 0 {
		return nil
	}
	return c.takeThose(func(call addressed) bool { return call.bundle == bundle })
}

// close removes all calls, and has none added any more. It reports whether that
// was the first time.
func (c *calls) close(err error) (all []openCall, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first = c.closed == nil
	if first {
		c.closed = err
	}
	for _, call := range c.open {
		all = append(all, call.openCall)
		c.done(call.address)
	}
	clear(c.open)
	return all, first
}

// isClosed reports whether the node has stopped.
func (c *calls) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed != nil
}

func (c *calls) stats() (open int, late uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open), c.late
}
