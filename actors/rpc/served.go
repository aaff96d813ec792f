package rpc

import (
	"fmt"
	"sync"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

const (
	// remembered is how many calls of a node are known to have come, at least. One
	// that comes again is not run again.
	remembered = 4096
	// mostPeers is how many nodes are remembered that have nothing running here.
	mostPeers = 256
)

// served are the calls of other nodes that have come.
type served struct {
	mu    sync.Mutex
	n     int                // that are not done
	peers map[string]*caller // by address
}

// caller is a node that calls.
type caller struct {
	generation uint64
	running    map[uint64]pending.Handle // by number; nil until it is scheduled, and with a key
	seen       map[uint64]struct{}       // and cancelled; with a key those alone
	order      []uint64                  // of those, as a ring once it is full
	oldest     int
	floor      uint64 // the highest number that is no longer remembered
}

// begin reports whether a call has not come before, nor its cancellation, and may
// run. If it may not, the error says why. The error is nil if the call is answered
// already, or will be, or nobody waits for an answer.
func (s *served) begin(call incoming, limit int) (first bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.peer(call)
	if c == nil {
		return false, outlived(call)
	}
	if c.knows(call.number) {
		return false, nil
	}
	if call.number <= c.floor {
		return false, fmt.Errorf("%w: call %d of %s came after %d later ones, and may have come before",
			ErrUncertain, call.number, call.address, remembered)
	}
	c.note(call.number)
	return s.admit(c, call.number, limit)
}

// outlived is the error of a call from a node that is not the latest one at its address.
func outlived(call incoming) error {
	return fmt.Errorf("%w: %s has started anew since, unless its clock was put back", ErrUncertain, call.address)
}

func (s *served) admit(c *caller, number uint64, limit int) (admitted bool, err error) {
	if _, waiting := c.running[number]; waiting {
		return false, nil
	}
	if s.n >= limit {
		return false, fmt.Errorf("%w: %d calls of other nodes are not done", actors.ErrOverloaded, limit)
	}
	s.n++
	c.running[number] = nil
	return true, nil
}

// attend is begin for a call with a key, which may come again when it does not wait
// for its answer.
func (s *served) attend(call incoming, limit int) (first bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.peer(call)
	if c == nil {
		return false, outlived(call)
	}
	if _, cancelled := c.seen[call.number]; cancelled {
		return false, nil
	}
	return s.admit(c, call.number, limit)
}

// peer returns what is known of the node that has made a call, nil if that is an
// earlier one of its address.
func (s *served) peer(call incoming) *caller {
	c := s.peers[call.address]
	switch {
	case c != nil && c.generation > call.generation:
		return nil
	case c != nil && c.generation == call.generation:
		return c
	case c == nil && len(s.peers) >= mostPeers:
		s.drop()
	}
	if s.peers == nil {
		s.peers = make(map[string]*caller)
	}
	if c != nil {
		s.n -= len(c.running) // nobody waits for them any more
		c.cancelAll(fmt.Errorf("%w: %s has started anew", ErrNodeDown, call.address))
	}
	c = &caller{
		generation: call.generation,
		running:    make(map[uint64]pending.Handle),
		seen:       make(map[uint64]struct{}),
	}
	s.peers[call.address] = c
	return c
}

// cancelAll cancels what runs for a node that has started anew.
func (c *caller) cancelAll(cause error) {
	for _, h := range c.running {
		if h != nil {
			go h.Cancel(cause) // whoever hears of it asks for mu
		}
	}
}

// drop forgets some node that has nothing running, if there is one.
func (s *served) drop() {
	for address, c := range s.peers {
		if len(c.running) == 0 {
			delete(s.peers, address)
			return
		}
	}
}

// knows reports whether a call has come, or its cancellation. Of those that have ended
// only the last ones are known.
func (c *caller) knows(number uint64) bool {
	_, known := c.seen[number]
	if !known {
		_, known = c.running[number]
	}
	return known
}

// note remembers a number, in place of the oldest one.
func (c *caller) note(number uint64) {
	if _, known := c.seen[number]; known {
		return
	}
	c.seen[number] = struct{}{}
	if len(c.order) < remembered {
		c.order = append(c.order, number)
		return
	}
	forgotten := c.order[c.oldest]
	c.order[c.oldest] = number
	c.oldest = (c.oldest + 1) % remembered
	delete(c.seen, forgotten)
	c.floor = max(c.floor, forgotten)
}

// running notes what runs for a call, unless that is forgotten already.
func (s *served) running(call incoming, h pending.Handle) {
	s.mu.Lock()
	c := s.peers[call.address]
	_, wanted := c.of(call)
	if wanted {
		c.running[call.number] = h
	}
	s.mu.Unlock()
	if !wanted {
		h.Cancel(nil)
	}
}

// of returns what runs for a call, and whether it is one of the node's.
func (c *caller) of(call incoming) (h pending.Handle, ok bool) {
	if c == nil || c.generation != call.generation {
		return nil, false
	}
	h, ok = c.running[call.number]
	return h, ok
}

// end forgets a call that is done, and reports whether it is to be answered.
func (s *served) end(call incoming) bool {
	_, ok := s.remove(call)
	return ok
}

func (s *served) remove(call incoming) (h pending.Handle, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.peers[call.address]
	if h, ok = c.of(call); ok {
		delete(c.running, call.number)
		s.n--
	}
	return h, ok
}

// forget forgets a call that was cancelled, which is not to be answered, and
// returns what runs for it, or nil. If the call comes yet, or again, it will not run.
func (s *served) forget(call incoming) pending.Handle {
	h, _ := s.remove(call)
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.peer(call); c != nil {
		c.note(call.number)
	}
	return h
}

// cancelAll cancels what the node at an address has called, without a key.
func (s *served) cancelAll(address string, cause error) {
	s.mu.Lock()
	var all []pending.Handle
	if c := s.peers[address]; c != nil {
		for _, h := range c.running {
			all = append(all, h)
		}
	}
	s.mu.Unlock()
	for _, h := range all {
		if h != nil {
			h.Cancel(cause)
		}
	}
}

// stats returns how many calls of other nodes are not done.
func (s *served) stats() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}
