package actorstest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/transport"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// errReset is why a connection has ended that the network has cut.
var errReset = errors.New("actorstest: the connection was reset")

// What is lost on a connection is sent again, after a pause that doubles each time. When it
// would be longer than lastAgain the connection is given up.
const (
	firstAgain = 200 * time.Millisecond
	lastAgain  = 2 * time.Minute
)

// conn is one end of a connection between two members, as one of TCP: what is sent
// arrives in order, or the connection ends. What is lost comes late, and a partition
// holds back what is under way until it has healed.
type conn struct {
	network  *Network
	number   int // of the connection
	from, to string
	peer     *conn
	random   *rand.Rand

	mu       sync.Mutex
	inbox    [][]byte      // what has come; guarded by mu
	more     chan struct{} // has a value when there is something, or nothing any more
	over     bool          // nothing comes any more; guarded by mu
	underWay []segment     // what is on its way here, in order; guarded by the network's mu
	timer    *time.Timer   // of the first of it; guarded by the network's mu
	gone     bool          // this end was closed; guarded by the network's mu
}

// segment is a batch, or the end of the connection, that is under way.
type segment struct {
	at    time.Time
	batch []byte
	end   bool
}

// StepName names the end in a list of steps.
func (c *conn) StepName() string {
	return fmt.Sprintf("connection %d of %s to %s", c.number, c.from, c.to)
}

// Dial connects a system with an address. It implements [transport.Network], for package
// rpc.
func (n *Network) Dial(ctx context.Context, from *actor.ActorSystem, address string) (transport.Conn, error) {
	n.mu.Lock()
	for n.isPartitioned(from.Address(), address) { // nobody answers
		healed := n.healed
		n.mu.Unlock()
		select {
		case <-healed:
			steps.At(n.steps(), nil, "connects again")
		case <-ctx.Done():
			return nil, fmt.Errorf("actorstest: %q does not answer: %w", address, context.Cause(ctx))
		}
		n.mu.Lock()
	}
	member, to := n.members[from.Address()], n.members[address]
	if member == nil || member.system != from || to == nil {
		n.mu.Unlock()
		return nil, fmt.Errorf("actorstest: there is no system %q", address)
	}
	here := &conn{network: n, number: n.dialed, from: member.address, to: address, more: make(chan struct{}, 1)}
	there := &conn{network: n, number: n.dialed, from: address, to: member.address, more: make(chan struct{}, 1), peer: here}
	here.peer = there
	for _, c := range []*conn{here, there} {
		c.random = n.faults.random(route{c.from, fmt.Sprint(c.to, " ", n.dialed)})
		n.conns[c] = struct{}{}
	}
	n.dialed++
	n.mu.Unlock()
	if host := transport.Of(to.system); host == nil || !host.Accept(there) {
		here.End()
		return nil, fmt.Errorf("actorstest: the system %q takes no connections", address)
	}
	return here, nil
}

// Send implements [transport.Conn].
func (c *conn) Send(head, tail []byte) error {
	n := c.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if c.gone || c.peer.gone {
		return errReset
	}
	p := segment{at: time.Now(), batch: append(head, tail...)}
	delays := n.faults.sampleDelays(c.random)
	for again := firstAgain; len(delays) == 0; again *= 2 {
		if again > lastAgain {
			n.reset(c)
			return nil
		}
		p.at = p.at.Add(again)
		delays = n.faults.sampleDelays(c.random)
	}
	p.at = p.at.Add(delays[0])
	n.carryOn(c.peer, p)
	return nil
}

// carryOn puts a segment on its way to an end. mu must be held.
func (n *Network) carryOn(to *conn, p segment) {
	if last := len(to.underWay) - 1; last >= 0 && to.underWay[last].at.After(p.at) {
		p.at = to.underWay[last].at
	}
	to.underWay = append(to.underWay, p)
	n.arrive(to)
}

// arrive delivers what is due at an end, unless it is parted from the other one. mu must
// be held.
func (n *Network) arrive(to *conn) {
	if n.isPartitioned(to.from, to.to) {
		return
	}
	for len(to.underWay) > 0 && !to.underWay[0].at.After(time.Now()) {
		p := to.underWay[0]
		to.underWay = to.underWay[1:]
		to.deliver(p)
	}
	if len(to.underWay) == 0 {
		return
	}
	wait := time.Until(to.underWay[0].at)
	if to.timer == nil {
		to.timer = time.AfterFunc(wait, steps.Before(n.steps(), to, "arrives", func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.arrive(to)
		}))
	} else {
		to.timer.Reset(wait)
	}
}

func (c *conn) deliver(p segment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.end {
		c.over = true
	} else if !c.over {
		c.inbox = append(c.inbox, p.batch)
	}
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// Recv implements [transport.Conn].
func (c *conn) Recv() ([][]byte, error) {
	for {
		c.mu.Lock()
		if len(c.inbox) > 0 {
			batch := c.inbox[0]
			c.inbox = c.inbox[1:]
			c.mu.Unlock()
			return [][]byte{batch}, nil
		}
		over := c.over
		c.mu.Unlock()
		if over {
			return nil, errReset
		}
		<-c.more
		steps.At(c.network.steps(), c, "receives")
	}
}

// End implements [transport.Conn]. The other end hears of it behind what was sent, and
// after a partition.
func (c *conn) End() {
	n := c.network
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closeEnd(c)
}

// closeEnd closes one end. mu must be held.
func (n *Network) closeEnd(c *conn) {
	if c.gone {
		return
	}
	c.gone = true
	delete(n.conns, c)
	c.stop()
	if !c.peer.gone {
		n.carryOn(c.peer, segment{at: time.Now(), end: true})
	}
}

// stop has nothing more come to an end. The network's mu must be held.
func (c *conn) stop() {
	c.underWay = nil
	if c.timer != nil {
		c.timer.Stop()
	}
	c.deliver(segment{end: true})
}

// reset cuts a connection: both ends hear of it at once, unless they are parted, and what
// is under way is lost. mu must be held.
func (n *Network) reset(c *conn) {
	for _, end := range []*conn{c, c.peer} {
		end.underWay = nil
	}
	n.closeEnd(c)
	if !n.isPartitioned(c.from, c.to) {
		n.closeEnd(c.peer)
	}
}

// resetBetween cuts the connections for which that is so. mu must be held.
func (n *Network) resetWhere(so func(c *conn) bool) {
	for c := range n.conns {
		if so(c) && !c.gone {
			n.reset(c)
		}
	}
}

// Reset cuts the connections between two systems, as a router does that has restarted.
// What is under way on them is lost, and both systems learn of it at once. Connections
// are what calls of package rpc take. New ones may be made at once.
//
// The test fails at once if there is no system of one of the names.
func (n *Network) Reset(a, b string) {
	n.tb.Helper()
	n.mu.Lock()
	for _, name := range []string{a, b} {
		if n.members[name] == nil {
			n.mu.Unlock()
			n.tb.Fatalf("actorstest: there is no system %q", name)
		}
	}
	defer n.mu.Unlock()
	n.resetWhere(func(c *conn) bool { return pairOf(c.from, c.to) == pairOf(a, b) })
}

// notifyHealed has those try again who could not connect. mu must be held.
func (n *Network) notifyHealed() {
	close(n.healed)
	n.healed = make(chan struct{})
}
