package rpc

import (
	"slices"
	"sync"

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
	n.members.mu.Lock()
	defer n.members.mu.Unlock()
	if n.members.listening {
		return
	}
	n.members.listening = true
	c.ActorSystem.EventStream.Subscribe(func(event any) {
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

// Members returns how many members of a kind this node knows the cluster to have.
// It may be called from any goroutine.
func Members(c *cluster.Cluster, kind string) int {
	all, _ := nodeOf(c.ActorSystem).members.of(kind)
	return len(all)
}
