package rpc

import (
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// afterLoss is for how long calls of a node that was lost fail at once: until
	// all who listen to the event, protoactor's remote among them, have heard it,
	// and a call does not take the way that is gone.
	afterLoss = 100 * time.Millisecond
	// afterDial is for how long protoactor's remote sleeps after it could not
	// connect, and would keep whoever calls waiting.
	afterDial = 2 * time.Second
	// afterFarewell is for how long nothing is sent to a node that has said that it
	// leaves: until the cluster knows.
	afterFarewell = 10 * time.Second
)

// peers knows which nodes there is a connection to, and which were out of reach a
// moment ago.
type peers struct {
	mu        sync.Mutex
	connected map[string]struct{}  // by address
	downUntil map[string]time.Time // by address
}

func (p *peers) up(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.connected == nil {
		p.connected = make(map[string]struct{})
	}
	p.connected[address] = struct{}{}
	delete(p.downUntil, address)
}

func (p *peers) down(address string, lasts time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.connected, address)
	if p.downUntil == nil {
		p.downUntil = make(map[string]time.Time)
	}
	now := time.Now()
	maps.DeleteFunc(p.downUntil, func(_ string, until time.Time) bool { return !now.Before(until) })
	if until := now.Add(lasts); until.After(p.downUntil[address]) {
		p.downUntil[address] = until
	}
}

// leaves has calls of a node fail at once that takes no more.
func (p *peers) leaves(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.downUntil == nil {
		p.downUntil = make(map[string]time.Time)
	}
	p.downUntil[address] = time.Now().Add(afterFarewell)
}

func (p *peers) isDown(address string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.downUntil) == 0 {
		return false
	}
	until, ok := p.downUntil[address]
	return ok && time.Now().Before(until)
}

func (p *peers) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.connected))
}
