package rpc

import (
	"context"
	"time"
)

// longestDeparture is how long a node that leaves waits until the others have the answers
// to their calls.
const longestDeparture = 2 * time.Second

// announceDeparture has the other nodes make no more calls. It returns when they have
// ended their sessions, which they do when they have all answers. What is under way after
// that fails, and nobody knows whether it has run.
func (n *node) announceDeparture(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, longestDeparture)
	defer cancel()
	for _, i := range n.peers.leave() {
		i.leave()
	}
	for _, in := n.peers.all(); len(in) > 0 && ctx.Err() == nil; _, in = n.peers.all() {
		select {
		case <-time.After(flushEvery):
		case <-ctx.Done():
		}
	}
}

// leave has the other node make no more calls in the session.
func (i *inbound) leave() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.session.Leave()
	i.notify()
}
