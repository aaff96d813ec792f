package actorstest

import (
	"maps"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
)

// NodeDown says that a system of a network is gone. Each of the others publishes
// it, as a value, on its EventStream; it is to the network what
// remote.EndpointTerminatedEvent is to protoactor's remote.
type NodeDown struct{ Address string }

// DownAddress returns the address. What is to work on more than one kind of
// network looks for this method, and need not import a test kit.
func (d NodeDown) DownAddress() string { return d.Address }

// Crash ends a system as a process ends that is killed: what it has sent and what
// was sent to it is lost, and it is sent nothing any more. Its callers are
// stopped, which goes on when this returns; an actor that is no caller is cut off
// and left alone. What its own functions send goes to its dead letters.
//
// The others are told at once: actors that watch one of its actors get
// actor.Terminated with the reason AddressTerminated, and [NodeDown] is published.
// Requests that it has not answered are for those to end who made them.
//
// There may be a new system of that name then, with new actors. The test fails at
// once if there is no system of that name.
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
			m.tellTerminated(w)
		}
		m.system.EventStream.Publish(NodeDown{name})
	}
}

// remove takes a member off the network. It returns the others, and who of them
// watched an actor there.
func (n *Network) remove(name string) (gone *member, survivors []*member, orphaned map[string][]watch) {
	n.mu.Lock()
	defer n.mu.Unlock()
	gone = n.members[name]
	delete(n.members, name)
	for r, l := range n.links {
		if r.from == name || r.to == name {
			l.lose()
			delete(n.links, r)
		}
	}
	n.resetWhere(func(c *conn) bool { return c.from == name || c.to == name })
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

// Partition parts two systems, until [Network.Heal]: messages between them are
// lost, those under way among them, and nobody is told, as when a cable is cut. What is
// under way on a connection arrives when they are joined again, unless that has ended.
// The test fails at once if there is no system of one of the names.
func (n *Network) Partition(a, b string) {
	n.tb.Helper()
	if missing, ok := n.part(a, b); !ok {
		n.tb.Fatalf("actorstest: there is no system %q", missing)
	}
}

func (n *Network) part(a, b string) (missing string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range []string{a, b} {
		if n.members[name] == nil {
			return name, false
		}
	}
	n.partitioned[pairOf(a, b)] = true
	for _, r := range []route{{a, b}, {b, a}} {
		if l := n.links[r]; l != nil {
			l.lose()
		}
	}
	return "", true
}

// Heal joins two systems that [Network.Partition] has parted. The test fails at
// once if it has not.
func (n *Network) Heal(a, b string) {
	n.tb.Helper()
	if !n.join(a, b) {
		n.tb.Fatalf("actorstest: the systems %q and %q are not parted", a, b)
	}
}

func (n *Network) join(a, b string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	parted := n.partitioned[pairOf(a, b)]
	delete(n.partitioned, pairOf(a, b))
	n.notifyHealed()
	for c := range n.conns {
		if pairOf(c.from, c.to) == pairOf(a, b) {
			n.arrive(c)
		}
	}
	return parted
}

// pair is two names in the order of the alphabet.
type pair [2]string

func pairOf(a, b string) pair { return pair{min(a, b), max(a, b)} }

// tellTerminated tells an actor of the member that the system of the one it
// watches is gone.
func (m *member) tellTerminated(w watch) {
	watcher := w.watcher.pid()
	if process, ok := m.system.ProcessRegistry.GetLocal(watcher.Id); ok {
		process.SendSystemMessage(watcher, &actor.Terminated{
			Who: w.watchee.pid(), Why: actor.TerminatedReason_AddressTerminated,
		})
	}
}
