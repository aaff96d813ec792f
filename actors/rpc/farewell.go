package rpc

import (
	"context"
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// longestFarewell is how long a node that leaves waits for the others to hear of
// it.
const longestFarewell = 2 * time.Second

// farewell is that of a node which leaves: those who have not heard it yet.
type farewell struct {
	mu    sync.Mutex
	round uint32
	deaf  map[string]struct{} // by address
	heard chan struct{}       // closed when there are none
}

// sayFarewell has the other nodes send no more calls, and returns when all answers
// have come to them: what is under way when they hear from the cluster that this
// node is gone fails, and nobody knows whether it has run. After the first round
// all their calls have come here, after the second one all answers there.
func (n *node) sayFarewell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, longestFarewell)
	defer cancel()
	for range 2 {
		others := n.others()
		round, heard := n.farewell.begin(others)
		for address := range others {
			n.sendFarewell(address, &wire.Farewell{Round: round})
		}
		select {
		case <-heard:
		case <-ctx.Done():
			return
		}
	}
}

// others returns the addresses of the nodes that may call this one.
func (n *node) others() map[string]struct{} {
	others := make(map[string]struct{})
	for _, address := range append(n.members.addresses(), n.peers.all()...) {
		if address != n.system.Address() && !n.peers.isDown(address) {
			others[address] = struct{}{}
		}
	}
	return others
}

func (n *node) sendFarewell(address string, f *wire.Farewell) {
	n.send(address, &wire.Envelope{
		Version: wire.Version, Generation: n.generation, Farewell: f,
	})
}

// leaves deals with the farewell of another node, or its answer to this one's.
func (n *node) leaves(address string, f *wire.Farewell) {
	if f.GetHeard() {
		n.farewell.hear(address, f.GetRound())
		return
	}
	n.peers.leaves(address)
	n.sendFarewell(address, &wire.Farewell{Heard: true, Round: f.GetRound()})
}

// begin begins a round.
func (f *farewell) begin(others map[string]struct{}) (round uint32, heard <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.round++
	f.heard = make(chan struct{})
	f.deaf = make(map[string]struct{})
	for address := range others {
		f.deaf[address] = struct{}{}
	}
	if len(f.deaf) == 0 {
		close(f.heard)
	}
	return f.round, f.heard
}

// hear notes that a node has heard of the farewell.
func (f *farewell) hear(address string, round uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if round == f.round {
		f.strike(address)
	}
}

// lost notes that a node is gone, which needs no farewell.
func (f *farewell) lost(address string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.strike(address)
}

// strike takes a node off the list. The caller holds mu.
func (f *farewell) strike(address string) {
	if _, ok := f.deaf[address]; !ok {
		return
	}
	if delete(f.deaf, address); len(f.deaf) == 0 {
		close(f.heard)
	}
}
