package rpc

import (
	"cmp"
	"context"
	"slices"
	"strings"
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
	own       string   // the id of this node; empty until it was a member
	left      departed
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
			here := n.members.set(topology, system.ID)
			n.located.clear()
			if !here {
				n.expel(errNotListed)
			}
		}
	})
}

// set takes over a list of protoactor's. It reports whether the node is in it, or has not
// been a member yet. Providers make the id of a member from that of its system.
func (m *members) set(topology *cluster.ClusterTopology, system string) (here bool) {
	all := make([]member, len(topology.GetMembers()))
	own := ""
	for i, t := range topology.GetMembers() {
		all[i] = member{t.GetId(), t.Address(), slices.Clone(t.GetKinds())}
		if strings.Contains(t.GetId(), system) {
			own = t.GetId()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = all
	for _, t := range topology.GetLeft() {
		m.left.add(t.GetId())
	}
	here = own != "" || m.own == ""
	m.own = cmp.Or(m.own, own)
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
	return here
}

// snapshot returns the members, by id, and the id of this node, empty if it was no member
// yet.
func (m *members) snapshot() (all []member, own string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all = slices.Clone(m.all)
	slices.SortFunc(all, func(a, b member) int { return strings.Compare(a.id, b.id) })
	return all, m.own
}

// opinionOn returns what this node knows of a member with an id.
func (m *members) opinionOn(id string) opinion {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case slices.ContainsFunc(m.all, func(one member) bool { return one.id == id }):
		return isMember
	case m.left.has(id):
		return hasLeft
	default:
		return isUnknown
	}
}

// departed are the ids of members that have left, for good: protoactor takes none of them
// back. The oldest are forgotten when there are many.
type departed struct {
	ids   map[string]struct{}
	order []string
}

// mostDeparted is how many are remembered.
const mostDeparted = 4096

func (d *departed) add(id string) {
	if d.has(id) {
		return
	}
	if d.ids == nil {
		d.ids = make(map[string]struct{})
	}
	d.ids[id] = struct{}{}
	d.order = append(d.order, id)
	if len(d.order) > mostDeparted {
		delete(d.ids, d.order[0])
		d.order = d.order[1:]
	}
}

func (d *departed) has(id string) bool {
	_, ok := d.ids[id]
	return ok
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
