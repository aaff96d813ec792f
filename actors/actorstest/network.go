package actorstest

import (
	"sync"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/transport"
)

// Network joins actor systems in memory, so that each reaches the actors of the
// others by their addresses. It is made by [NewNetwork]. All methods may be
// called from any goroutine; those that fail the test, for a wrong name, from
// the test's own alone.
//
// Messages, and the PIDs they come with, are copied on their way if they are of
// protobuf. Any other message is handed over as it is, which a real wire
// refuses. Headers go along. Messages from one system to another keep their
// order, unless an [Option] says otherwise; without a [Delay] they arrive before
// the sender goes on. System messages pass as well: actors of other systems can
// be watched and stopped.
//
// A message to an address where there is no system goes to the dead letters of
// the system it comes from, so that who sent a request hears of it. To watch an
// actor there is answered with actor.Terminated and the reason
// AddressTerminated.
type Network struct {
	tb     testing.TB
	faults faults

	mu          sync.Mutex
	members     map[string]*member // by address
	links       map[route]*link    // those that have faults
	partitioned map[pair]bool
	watches     map[watch]struct{}
	conns       map[*conn]struct{} // ends of connections that are not closed
	dialled     int                // how many connections there were
	healed      chan struct{}      // closed at the next end of a partition
}

// member is a system in a network.
type member struct {
	network *Network
	system  *actor.ActorSystem
	address string
}

// NewNetwork returns a network of no systems, whose links have no faults but
// those of the options. When the test ends, after its systems have, it carries
// no messages any more. The test fails at once if an option is impossible.
func NewNetwork(tb testing.TB, opts ...Option) *Network {
	tb.Helper()
	n := &Network{
		tb:          tb,
		members:     make(map[string]*member),
		links:       make(map[route]*link),
		partitioned: make(map[pair]bool),
		watches:     make(map[watch]struct{}),
		conns:       make(map[*conn]struct{}),
		healed:      make(chan struct{}),
	}
	for _, opt := range opts {
		opt(&n.faults)
	}
	if err := n.faults.validate(); err != nil {
		tb.Fatal(err)
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
		l.lose()
	}
	n.resetWhere(func(*conn) bool { return true })
}

// System returns a new system, as [NewSystem] does, whose address is name. The
// test fails at once if a system has that name.
func (n *Network) System(name string, opts ...actor.ConfigOption) *actor.ActorSystem {
	n.tb.Helper()
	m := &member{n, NewSystem(n.tb, opts...), name}
	if name == "" || name == m.system.Address() {
		n.tb.Fatalf("actorstest: %q is no name for a system: it means the system itself", name)
	}
	transport.Attach(m.system, n)
	m.system.ProcessRegistry.Address = name
	m.system.ProcessRegistry.RegisterAddressResolver(func(*actor.PID) (actor.Process, bool) { return remoteProcess{m}, true })
	if !n.admit(m) {
		n.tb.Fatalf("actorstest: there is a system %q already", name)
	}
	return m.system
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

// carry takes a message of a member to where its PID says.
func (n *Network) carry(from *member, p packet) {
	n.mu.Lock()
	to := n.members[p.to.Address]
	if to == nil || n.members[from.address] != from {
		n.mu.Unlock()
		from.bounce(p)
		return
	}
	n.note(p)
	now := n.send(route{from.address, to.address}, to, p)
	n.mu.Unlock()
	for range now {
		to.receive(p.copied())
	}
}

// receive is the arrival of a message.
func (m *member) receive(p packet) {
	if m.network.outdated(p) {
		return
	}
	process, _ := m.system.ProcessRegistry.GetLocal(p.to.Id) // else the dead letters
	p.deliver(process)
}

// bounce deals with a message of a member that has nowhere to go.
func (m *member) bounce(p packet) {
	if w, ok := p.message.(*actor.Watch); ok && p.system {
		m.tellTerminated(watchOf(w.Watcher, p.to))
		return
	}
	p.deliver(m.system.DeadLetter)
}
