package actorstest

import (
	"log/slog"
	"sync"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/transport"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// Network joins actor systems in memory: each reaches the actors of the others by
// their addresses. It is made by [NewNetwork]. It is safe for concurrent use, but
// a wrong name fails the test: then the method must run on the goroutine of the
// test.
//
// Messages of protobuf are copied on their way, and so are the PIDs with them. Any
// other message is passed as it is, although a real network would refuse it.
// Headers are passed too. Messages from one system to another keep their order,
// unless an [Option] changes it. Without a [Delay] they arrive before the sender
// continues. Actors of other systems can be watched and stopped.
//
// A message to an address without a system goes to the dead letters of the
// sender's system. So a requester is notified. A watch of an actor there is
// answered with actor.Terminated and the reason AddressTerminated.
type Network struct {
	tb     testing.TB
	faults faults

	mu          sync.Mutex
	members     map[string]*member // by address
	links       map[route]*link    // those that have faults
	partitioned map[pair]partition
	watches     map[watch]struct{}
	conns       map[*conn]struct{} // ends of connections that are not closed
	dialed      int                // how many connections there were
	healed      chan struct{}      // closed at the next end of a partition
	world       *World             // nil unless the order of steps is chosen
}

// member is a system in a network.
type member struct {
	network *Network
	system  *actor.ActorSystem
	address string
}

// NewNetwork returns a network without systems. The options are the faults of its links.
// When the test ends, the network carries messages until its systems have ended.
//
// The test fails at once if an option is invalid.
func NewNetwork(tb testing.TB, opts ...Option) *Network {
	tb.Helper()
	var f faults
	for _, opt := range opts {
		opt(&f)
	}
	if err := f.validate(); err != nil {
		tb.Fatal(err)
	}
	return newNetwork(tb, f)
}

func newNetwork(tb testing.TB, f faults) *Network {
	ledgerOf(tb) // also of promises that are made before the first system
	n := &Network{
		tb: tb, faults: f,
		members:     make(map[string]*member),
		links:       make(map[route]*link),
		partitioned: make(map[pair]partition),
		watches:     make(map[watch]struct{}),
		conns:       make(map[*conn]struct{}),
		healed:      make(chan struct{}),
	}
	tb.Cleanup(n.close)
	return n
}

func (n *Network) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.members)
	clear(n.partitioned)
	n.notifyHealed()
	for _, l := range n.links {
		l.discard()
	}
	n.resetWhere(func(*conn) bool { return true })
}

// System returns a new system, as [NewSystem] does, with name as its address.
//
// The test fails at once if the name is in use.
func (n *Network) System(name string, opts ...actor.ConfigOption) *actor.ActorSystem {
	n.tb.Helper()
	m := &member{n, n.newSystem(name, opts), name}
	if name == "" || name == m.system.Address() {
		n.tb.Fatalf("actorstest: %q is no name for a system: it means the system itself", name)
	}
	transport.Attach(m.system, n, n.steps())
	m.system.ProcessRegistry.Address = name
	m.system.ProcessRegistry.RegisterAddressResolver(func(*actor.PID) (actor.Process, bool) { return remoteProcess{m}, true })
	if !n.admit(m) {
		n.tb.Fatalf("actorstest: there is a system %q already", name)
	}
	return m.system
}

// steps returns who chooses the order of steps, or nil.
func (n *Network) steps() steps.Chooser {
	if n.world == nil {
		return nil
	}
	return n.world.control
}

// isPartitioned reports whether two systems are parted. mu must be held.
func (n *Network) isPartitioned(a, b string) bool {
	_, ok := n.partitioned[pairOf(a, b)]
	return ok
}

func (n *Network) newSystem(name string, opts []actor.ConfigOption) *actor.ActorSystem {
	if n.world != nil {
		return n.world.newSystem(name)
	}
	return NewSystem(n.tb, opts...)
}

func (n *Network) admit(m *member) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.members[m.address] != nil {
		return false
	}
	n.members[m.address] = m
	return true
}

// carry sends a message of a member to the address of its PID.
func (n *Network) carry(from *member, p packet) {
	n.mu.Lock()
	to := n.members[p.to.Address]
	if to == nil || n.members[from.address] != from {
		n.mu.Unlock()
		from.bounce(p)
		return
	}
	if !p.canTravel() {
		n.mu.Unlock()
		from.system.Logger().Error("actorstest: message dropped, it cannot be encoded", slog.Any("pid", p.to))
		return
	}
	n.note(p)
	now := n.send(route{from.address, to.address}, to, p)
	n.mu.Unlock()
	for range now {
		to.receive(p.copied())
	}
}

// receive delivers a message that has arrived.
func (m *member) receive(p packet) {
	if m.network.outdated(p) {
		return
	}
	process, _ := m.system.ProcessRegistry.GetLocal(p.to.Id) // else the dead letters
	p.deliver(process)
}

// bounce handles a message of a member whose address has no system.
func (m *member) bounce(p packet) {
	if w, ok := p.message.(*actor.Watch); ok && p.system {
		m.notifyTerminated(watchOf(w.Watcher, p.to))
		return
	}
	p.deliver(m.system.DeadLetter)
}
