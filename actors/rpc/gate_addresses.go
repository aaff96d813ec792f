package rpc

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/remote"
)

const (
	// mostIntroduced is how many addresses this node tries to connect to at a time, only
	// because peers have named them. protoactor has four goroutines and two actors for each.
	mostIntroduced = 128
	// mostConnected is how many addresses it is connected to when it takes no more of those.
	mostConnected = 1024
	// introducedFor is for how long an address counts that is not connected to: protoactor
	// gives up sooner.
	introducedFor = 10 * time.Second
)

// addresses are those of other nodes that this one answers to. protoactor connects to
// every address that it is to send something to. So a peer that invents addresses would
// have it do that without end.
type addresses struct {
	mu         sync.Mutex
	connected  map[string]struct{}
	introduced map[string]time.Time // and not connected
}

// introduce returns an error if this node should not answer to an address that a peer has
// named.
func (g *gate) introduce(address string) error {
	if address == "" || len(address) > longestAddress {
		return fmt.Errorf("%.40q is no address", address)
	}
	return g.addresses.introduce(address, g.node.members.has)
}

// introduce is that of the gate. Those that isKnown accepts need no introduction.
func (a *addresses) introduce(address string, isKnown func(string) bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.connected[address]; ok {
		return nil
	}
	now := time.Now()
	if _, ok := a.introduced[address]; !ok && !isKnown(address) {
		if len(a.introduced) >= mostIntroduced {
			maps.DeleteFunc(a.introduced, func(_ string, at time.Time) bool { return now.Sub(at) >= introducedFor })
		}
		if len(a.introduced) >= mostIntroduced || len(a.connected) >= mostConnected {
			return fmt.Errorf("too many addresses are named, the last one is %s", address)
		}
	}
	if a.introduced == nil {
		a.introduced = make(map[string]time.Time)
	}
	a.introduced[address] = now
	return nil
}

// all returns those that this node has a connection to.
func (a *addresses) all() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Collect(maps.Keys(a.connected))
}

// isConnected reports whether this node has a connection to an address.
func (a *addresses) isConnected(address string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.connected[address]
	return ok
}

// heard is called with the events of the system.
func (a *addresses) heard(event any) {
	switch event := event.(type) {
	case *remote.EndpointConnectedEvent:
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.introduced, event.Address)
		if a.connected == nil {
			a.connected = make(map[string]struct{})
		}
		a.connected[event.Address] = struct{}{}
	case *remote.EndpointTerminatedEvent:
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.introduced, event.Address)
		delete(a.connected, event.Address)
	}
}
