package rpc

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Node implements [snapshot.Nodes].
func (n *node) Node(limit int) *snapshot.Node {
	p := &snapshot.Node{Incarnation: snapshot.IncarnationOf(n.incarnation), Leaving: n.membership.leaving.Load()}
	if address := n.system.Address(); address != noAddress {
		p.Address = address
	}
	p.Members, p.MembersN = n.members.picture(limit)
	p.Identities, p.IdentitiesN = n.activations.picture(limit)
	p.Remembered = n.dedup.picture(n.config.Load())
	p.Counters = countersOf(StatsOf(n.system))
	out, in := n.peers.all()
	for _, o := range out {
		o.picture(p)
	}
	for _, i := range in {
		i.picture(p)
	}
	p.SessionsN, p.CallsN = len(p.Sessions), len(p.Calls)
	slices.SortFunc(p.Sessions, func(a, b snapshot.Session) int {
		return cmp.Or(strings.Compare(a.Peer, b.Peer), cmp.Compare(a.Incarnation, b.Incarnation))
	})
	slices.SortFunc(p.Calls, func(a, b snapshot.NodeCall) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), strings.Compare(a.Peer, b.Peer))
	})
	p.Sessions = p.Sessions[:min(limit, len(p.Sessions))]
	p.Calls = p.Calls[:min(limit, len(p.Calls))]
	return p
}

// Others implements [snapshot.Nodes].
func (n *node) Others() []string {
	own := n.system.Address()
	known := make(map[string]bool)
	out, _ := n.peers.all()
	for _, o := range out {
		known[o.address] = true
	}
	for _, address := range n.members.addresses() {
		known[address] = true
	}
	delete(known, own)
	return slices.Sorted(maps.Keys(known))
}

func countersOf(s Stats) snapshot.NodeCounters {
	return snapshot.NodeCounters{
		Open: s.Open, OpenBytes: s.OpenBytes, Served: s.Served, ServedBytes: s.ServedBytes, Late: s.Late, Denied: s.Denied,
	}
}

// picture returns the members, up to limit, and their number.
func (m *members) picture(limit int) (all []snapshot.Member, number int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, one := range m.all[:min(limit, len(m.all))] {
		all = append(all, snapshot.Member{ID: one.id, Address: one.address, Kinds: one.kinds})
	}
	return all, len(m.all)
}

// addresses returns those of all members.
func (m *members) addresses() (all []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, one := range m.all {
		all = append(all, one.address)
	}
	return all
}

// picture returns the identities, up to limit, and their number.
func (s *activations) picture(limit int) (all []snapshot.Identity, number int) {
	s.mu.RLock()
	for id, a := range s.byID {
		all = append(all, snapshot.Identity{Name: a.String(), Caller: id})
	}
	s.mu.RUnlock()
	slices.SortFunc(all, func(a, b snapshot.Identity) int { return strings.Compare(a.Name, b.Name) })
	return all[:min(limit, len(all))], len(all)
}

// picture returns how much is remembered.
func (d *dedupCache) picture(c *config) snapshot.Remembered {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expire(time.Now())
	return snapshot.Remembered{Keys: d.ended, Bytes: d.bytes, Most: c.dedupBytes, For: c.dedupTime}
}

// handleOf returns what runs for a call with a key, nil for nothing.
func (d *dedupCache) handleOf(call *inboundCall) pending.Handle {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.waiting[call]; r != nil {
		return r.handle
	}
	return nil
}

// sessionOf returns what is shown of a session with a peer.
func sessionOf(peer *wire.Hello, out bool, state string, calls, queued int) snapshot.Session {
	return snapshot.Session{
		Out: out, Peer: peer.Address, Incarnation: snapshot.IncarnationOf(peer.Incarnation),
		State: state, Calls: calls, Queued: queued,
	}
}

// callIn returns what is shown of each call of a session.
func callIn(s snapshot.Session, number uint64, state string) snapshot.NodeCall {
	return snapshot.NodeCall{Out: s.Out, Peer: s.Peer, Incarnation: s.Incarnation, Number: number, State: state}
}

// picture adds the session and its calls. It holds the lock of the session to copy the
// numbers of the calls, and not to ask the calls.
func (o *outbound) picture(p *snapshot.Node) {
	type open struct {
		number uint64
		call   openCall
		sent   bool
	}
	var calls []open
	o.mu.Lock()
	if o.over {
		o.mu.Unlock()
		return
	}
	s := sessionOf(o.session.Peer(), true, o.session.State(), o.session.Calls(), o.session.Queued())
	s.Peer = o.address
	o.session.Each(func(number uint64, call openCall, sent bool) { calls = append(calls, open{number, call, sent}) })
	o.mu.Unlock()
	p.Sessions = append(p.Sessions, s)
	for _, one := range calls {
		c := callIn(s, one.number, "queued")
		if one.sent {
			c.State = "open"
		}
		if one.call.Describe(&c); c.Function != inspectFunction {
			p.Calls = append(p.Calls, c)
		}
	}
}

// Describe implements [openCall].
func (c *remoteCall[Resp]) Describe(p *snapshot.NodeCall) {
	p.Function, p.Call, p.Key = c.function, c.ID(), c.key() != ""
	if c.maker != nil {
		p.Maker = c.maker.ID()
	}
	at, fixed := c.target.(endpoint)
	if !fixed {
		c.mu.Lock()
		at = c.attempts.at
		c.mu.Unlock()
	}
	p.Target = at.caller
	if items := c.Items(); items != nil {
		p.Stream = items.picture()
	}
}

// picture implements [collector].
func (b *inbox[Resp]) picture() *snapshot.Stream {
	b.mu.Lock()
	s := &snapshot.Stream{Items: b.came, Granted: b.granted}
	arrival := b.arrival
	b.mu.Unlock()
	if arrival != nil {
		s.Promise = arrival.ID()
	}
	return s
}

// picture adds the session and its calls, as that of an outbound one does.
func (i *inbound) picture(p *snapshot.Node) {
	type open struct {
		number uint64
		call   *inboundCall
	}
	var calls []open
	i.mu.Lock()
	if i.over {
		i.mu.Unlock()
		return
	}
	s := sessionOf(i.session.Peer(), false, i.session.State(), i.session.Calls(), i.session.Queued())
	i.session.Each(func(number uint64, call *inboundCall) { calls = append(calls, open{number, call}) })
	i.mu.Unlock()
	p.Sessions = append(p.Sessions, s)
	for _, one := range calls {
		c := callIn(s, one.number, "arriving")
		if one.call.describe(&c); c.Function != inspectFunction {
			p.Calls = append(p.Calls, c)
		}
	}
}

// describe sets what is shown of the call.
func (c *inboundCall) describe(p *snapshot.NodeCall) {
	c.mu.Lock()
	h, out := c.handle, c.out
	c.mu.Unlock()
	if h == nil {
		h = c.node.dedup.handleOf(c)
		p.Key = h != nil
	}
	if h == nil {
		return
	}
	p.State, p.Function, p.Call = "running", h.Name(), h.ID()
	if t, ok := future.RunnerOf(h).(*sched.Task); ok {
		p.Target = t.Owner().Name()
	}
	if out != nil {
		p.Stream = out.picture()
	}
}

// picture returns how far the stream is.
func (c *credit) picture() *snapshot.Stream {
	c.mu.Lock()
	s := &snapshot.Stream{Items: c.sent, Granted: c.granted}
	more := c.more
	c.mu.Unlock()
	if more != nil {
		s.Promise = more.ID()
	}
	return s
}
