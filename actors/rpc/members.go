package rpc

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
)

// member is a node of the cluster.
type member struct {
	id, address string
	kinds       []string
}

// members are the nodes of the cluster as this one knows them. protoactor's own
// list may not be read while it changes.
type members struct {
	mu        sync.Mutex
	all       []member // by id
	listening bool
	changed   chan struct{} // closed at the next change; nil if nobody waits for it
}

// follow has the members kept up to date, from the first one on.
func (n *node) follow(c *cluster.Cluster) {
	if n.members.listen() {
		n.followEvents(c.ActorSystem)
	}
}

// listen reports whether nobody has asked for the members before.
func (m *members) listen() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	listening := m.listening
	m.listening = true
	return !listening
}

// followEvents takes the members from the events of the system that is one.
func (n *node) followEvents(system *actor.ActorSystem) {
	system.EventStream.Subscribe(func(event any) {
		if topology, ok := event.(*cluster.ClusterTopology); ok {
			n.members.set(topology.GetMembers())
			n.located.clear()
		}
	})
}

func (m *members) set(topology []*cluster.Member) {
	all := make([]member, len(topology))
	for i, t := range topology {
		all[i] = member{t.GetId(), t.Address(), slices.Clone(t.GetKinds())}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = all
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
}

// of returns the members of a kind, and a channel that is closed when there may be
// others.
func (m *members) of(kind string) (all []member, changed <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, one := range m.all {
		if slices.Contains(one.kinds, kind) {
			all = append(all, one)
		}
	}
	if m.changed == nil {
		m.changed = make(chan struct{})
	}
	return all, m.changed
}

// isEmpty reports whether there are none, as outside of a cluster.
func (m *members) isEmpty() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.all) == 0
}

// has reports whether there is a member with an address.
func (m *members) has(address string) bool {
	found, _ := m.find(address)
	return found
}

func (m *members) find(address string) (found bool, changed <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found = slices.ContainsFunc(m.all, func(one member) bool { return one.address == address })
	if !found && m.changed == nil {
		m.changed = make(chan struct{})
	}
	return found, m.changed
}

// await reports whether there is a member with an address. In a cluster it waits for one, but
// no longer than ctx and a time last.
func (m *members) await(ctx context.Context, address string, atMost time.Duration) bool {
	found, changed := m.find(address)
	if found || atMost <= 0 || m.isEmpty() {
		return found
	}
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	for !found {
		select {
		case <-changed:
			found, changed = m.find(address)
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// Members returns how many members of a kind this node knows the cluster to have. It may
// be called from any goroutine.
func Members(c *cluster.Cluster, kind string) int {
	all, _ := nodeOf(c.ActorSystem).members.of(kind)
	return len(all)
}
