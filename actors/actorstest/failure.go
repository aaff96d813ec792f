package actorstest

import (
	"maps"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
)

// NodeDown is the event that a system of a network has crashed. Each other system
// publishes it, as a value, on its EventStream. It is to a network what
// remote.EndpointTerminatedEvent is to the remote of protoactor.
type NodeDown struct{ Address string }

// DownAddress returns the address. Code for several kinds of networks looks for
// this method, and need not import a test kit.
func (d NodeDown) DownAddress() string { return d.Address }

// Crash ends a system like a process that is killed. Messages from it and to it
// are lost, also those under way. Its callers are stopped, without waiting for
// their ends. Its other actors are cut off and left alone. What its functions send
// from now on goes to its dead letters.
//
// The other systems are notified at once. Actors that watch one of its actors get
// actor.Terminated with the reason AddressTerminated, and [NodeDown] is published.
// Requests that it has not answered stay open: the requester must end them.
//
// A new system may take the name then. The test fails at once if there is no
// system of that name.
func (n *Network) Crash(name string) {
	n.tb.Helper()
	gone, survivors, orphaned := n.remove(name)
	if gone == nil {
		n.tb.Fatalf("actorstest: there is no system %q", name)
	}
	for c := range actors.All(gone.system) {
		c.Stop(actors.Force())
	}
	for _, m := range survivors {
		for _, w := range orphaned[m.address] {
			m.notifyTerminated(w)
		}
		m.system.EventStream.Publish(NodeDown{name})
	}
}

// remove takes a member off the network. It returns the other members, and the
// watches of its actors by the address of the watcher.
func (n *Network) remove(name string) (gone *member, survivors []*member, orphaned map[string][]watch) {
	n.mu.Lock()
	defer n.mu.Unlock()
	gone = n.members[name]
	delete(n.members, name)
	for r, l := range n.links {
		if r.from == name || r.to == name {
			l.discard()
			delete(n.links, r)
		}
	}
	n.resetWhere(func(c *conn) bool { return c.from == name || c.to == name })
	maps.DeleteFunc(n.partitioned, func(p pair, o partition) bool { return !o.lasting && slices.Contains(p[:], name) })
	n.notifyHealed()
	orphaned = make(map[string][]watch)
	for w := range n.watches {
		if w.watchee.address == name {
			orphaned[w.watcher.address] = append(orphaned[w.watcher.address], w)
		}
		if w.watchee.address == name || w.watcher.address == name {
			delete(n.watches, w)
		}
	}
	for _, watches := range orphaned { // each time the same, as everything in a bubble
		slices.SortFunc(watches, watch.compare)
	}
	for _, address := range slices.Sorted(maps.Keys(n.members)) {
		survivors = append(survivors, n.members[address])
	}
	return gone, survivors, orphaned
}

// Partition cuts the connection of two systems, until [Network.Heal]. Messages between
// them are lost, also those under way, and no system is notified. What is under way on a
// connection arrives after the Heal, unless that has ended.
//
// It ends as well when one of the systems crashes: a new system of that name is not parted,
// unless the partition is [Lasting].
//
// The test fails at once if there is no system of one of the names.
func (n *Network) Partition(a, b string, opts ...PartitionOption) {
	n.tb.Helper()
	var o partition
	for _, opt := range opts {
		opt(&o)
	}
	if missing, ok := n.partition(a, b, o); !ok {
		n.tb.Fatalf("actorstest: there is no system %q", missing)
	}
}

// PartitionOption changes a [Network.Partition].
type PartitionOption func(*partition)

// Lasting has a partition go on when one of its systems has crashed, for a new system of
// that name.
func Lasting() PartitionOption { return func(p *partition) { p.lasting = true } }

// partition is what parts two systems.
type partition struct{ lasting bool }

func (n *Network) partition(a, b string, p partition) (missing string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range []string{a, b} {
		if n.members[name] == nil {
			return name, false
		}
	}
	n.partitioned[pairOf(a, b)] = p
	for _, r := range []route{{a, b}, {b, a}} {
		if l := n.links[r]; l != nil {
			l.discard()
		}
	}
	return "", true
}

// Heal ends a [Network.Partition]. The test fails at once if the two systems are
// not partitioned.
func (n *Network) Heal(a, b string) {
	n.tb.Helper()
	if !n.heal(a, b) {
		n.tb.Fatalf("actorstest: the systems %q and %q are not partitioned", a, b)
	}
}

func (n *Network) heal(a, b string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, partitioned := n.partitioned[pairOf(a, b)]
	delete(n.partitioned, pairOf(a, b))
	n.notifyHealed()
	for c := range n.conns {
		if pairOf(c.from, c.to) == pairOf(a, b) {
			n.arrive(c)
		}
	}
	return partitioned
}

// pair is two names in alphabetical order.
type pair [2]string

func pairOf(a, b string) pair { return pair{min(a, b), max(a, b)} }

// notifyTerminated notifies a watching actor of the member that the system of the
// watched actor is gone.
func (m *member) notifyTerminated(w watch) {
	watcher := w.watcher.pid()
	if process, ok := m.system.ProcessRegistry.GetLocal(watcher.Id); ok {
		process.SendSystemMessage(watcher, &actor.Terminated{
			Who: w.watchee.pid(), Why: actor.TerminatedReason_AddressTerminated,
		})
	}
}
