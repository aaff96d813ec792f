package probe

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// Root is a function of this node that another node needs, or a call to this node.
type Root[X any] interface {
	// ID returns its number, which no other function of the node has.
	ID() uint64
	// Ways returns sets of calls to other nodes. If those of one set never end, it never goes on. Sets
	// of one call come first.
	Ways() []Way[X]
}

// Way is that a function needs one of some calls to other nodes.
type Way[X any] struct {
	Exits []Exit[X]
	Print uint64        // of all waits because of which they are needed
	Age   time.Duration // of the last of those waits
	Where string
	Text  string
	// Fail ends the last wait if it goes on. The circle begins with its hop. Next has which hops
	// each hop waits for; nil if it is always the one behind it.
	Fail func(circle []wire.Hop, next [][]int)
}

// Exit is a call to another node. X is what probes go over.
type Exit[X any] struct {
	ID   uint64
	Over X
	Asks bool // the other node answers questions
}

// Send is a probe that is to be sent.
type Send[X any] struct {
	Over  X
	Probe *wire.Probe
}

// Machine is the part of one node. It must be made by [New].
type Machine[X any] struct {
	own   wire.Incarnation
	nonce func() uint64
	sent  []*journey[X] // in the order in which they began
	young []young[X]
	found []verdict

	// What goes on for waits that one of several calls ends.
	gathers  []*gather[X] // in the order in which they began
	searches []*search[X]
	rulings  []ruling
	answers  int // that are not complete
	held     int // needs that they have

	// Probes that have been here, since turned and in the Lifetime before.
	seen, before map[visit]struct{}
	turned       time.Time
}

// journey is a probe of this node that is under way.
type journey[X any] struct {
	nonce uint64
	began time.Time
	exit  uint64     // that a search goes over
	found time.Time  // when a search came back; zero before
	root  Root[X]    // with which the circle begins; nil before
	hops  []wire.Hop // the circle; nil before
}

// young is a function that needs a call, and has not waited long enough for a search.
type young[X any] struct {
	root Root[X]
	due  time.Time
}

// verdict is a circle that was found, and which of its waits is to end. Ages change with each
// search, but two waits of one circle must not end.
type verdict struct {
	circle []wire.Hop
	last   int
	used   time.Time
}

// visit is a probe that goes over a call of this node.
type visit struct{ nonce, exit uint64 }

// New returns the machine of a node. nonce draws numbers that nobody can guess.
func New[X any](own wire.Incarnation, nonce func() uint64) *Machine[X] {
	return &Machine[X]{own: own, nonce: nonce, seen: make(map[visit]struct{})}
}

// Search begins searches over the calls that the roots have needed for a while, and has [Machine.Tick]
// do so later over those that they need now. A call over which a search has begun
// just now is left out.
func (m *Machine[X]) Search(now time.Time, roots []Root[X]) (sends []Send[X]) {
	m.expire(now)
	busy := make(map[uint64]bool, len(m.sent))
	for _, j := range m.sent {
		busy[j.exit] = busy[j.exit] || j.hops != nil || now.Sub(j.began) < again
	}
	for _, root := range roots {
		ways := root.Ways()
		sends = append(sends, m.searchGraph(now, root, ways)...)
		for _, way := range needed(ways) {
			exit := &way.Exits[0]
			if way.Age < Patience {
				m.postpone(root, now.Add(Patience-way.Age))
				continue
			}
			if busy[exit.ID] || len(m.sent) >= maxSent {
				continue
			}
			busy[exit.ID] = true
			j := &journey[X]{nonce: m.nonce(), began: now, exit: exit.ID}
			m.sent = append(m.sent, j)
			p := &wire.Probe{Phase: wire.Searching, Nonce: j.nonce, Hops: []wire.Hop{m.hop(root, &way)}}
			sends = append(sends, Send[X]{exit.Over, p})
		}
	}
	return sends
}

// Receive deals with a probe that has come for a root, but with no answer. An answer to it goes
// over back.
func (m *Machine[X]) Receive(now time.Time, p *wire.Probe, root Root[X], back X) []Send[X] {
	m.expire(now)
	switch {
	case p.Phase == wire.Naming:
		return m.named(now, p, root)
	case p.Phase >= wire.Asking:
		return m.asked(now, p, root, back)
	case p.Phase == wire.Searching:
		return m.search(now, p, root)
	case int(p.At) < len(p.Hops):
		return m.goOn(now, p, root)
	case p.Phase == wire.Checking:
		m.checked(p, root)
	}
	return nil
}

// search has a probe go on, or notes that one has come back.
func (m *Machine[X]) search(now time.Time, p *wire.Probe, root Root[X]) (sends []Send[X]) {
	first := &p.Hops[0]
	var own *journey[X]
	if first.Node == m.own {
		own = m.journey(p.Nonce)
	}
	for _, way := range needed(root.Ways()) {
		hop := m.hop(root, &way)
		switch {
		case own != nil && own.exit == hop.Exit && own.hops == nil:
			own.found, own.root, own.hops = now, root, slices.Clone(p.Hops)
			own.hops[0] = hop
		case compare(first, &hop) >= 0, len(p.Hops) >= wire.MaxHops, !m.visit(visit{p.Nonce, hop.Exit}):
		default:
			next := &wire.Probe{Phase: wire.Searching, Nonce: p.Nonce, Hops: append(slices.Clone(p.Hops), hop)}
			sends = append(sends, Send[X]{way.Exits[0].Over, next})
		}
	}
	return sends
}

// postpone has the calls that a root needs looked at later.
func (m *Machine[X]) postpone(root Root[X], due time.Time) {
	known := slices.ContainsFunc(m.young, func(y young[X]) bool { return y.root.ID() == root.ID() })
	if !known && len(m.young) < maxYoung {
		m.young = append(m.young, young[X]{root, due})
	}
}

// grown returns the roots that were to be looked at later, which is now.
func (m *Machine[X]) grown(now time.Time) (roots []Root[X]) {
	m.young = slices.DeleteFunc(m.young, func(y young[X]) bool {
		due := !y.due.After(now)
		if due {
			roots = append(roots, y.root)
		}
		return due
	})
	return roots
}

// soonest returns the smaller of two durations, of which the first is none if it is 0.
func soonest(first, second time.Duration) time.Duration { return cmp.Or(min(first, second), second) }

// Tick goes on with what is due: searches, and circles that were found a Pause ago. It returns how
// long it is until there is more to do, 0 for nothing. [Machine.Lost] is to be called before.
func (m *Machine[X]) Tick(now time.Time) (sends []Send[X], next time.Duration) {
	m.expire(now)
	sends = m.Search(now, m.grown(now))
	more, next := m.confirm(now)
	sends = append(sends, more...)
	if m.answers > 0 {
		next = soonest(next, lostAfter)
	}
	for _, y := range m.young {
		next = soonest(next, y.due.Sub(now))
	}
	for _, j := range slices.Clone(m.sent) {
		if j.found.IsZero() {
			continue
		}
		if left := j.found.Add(Pause).Sub(now); left > 0 {
			next = soonest(next, left)
			continue
		}
		m.forget(j)
		last := m.lastOf(now, j.hops)
		if last == 0 {
			sends = append(sends, m.check(now, j.root, j.hops)...)
			continue
		}
		sends = append(sends, m.over(j.root, &wire.Probe{
			Phase: wire.Nominating, At: 1, Last: uint32(last), Hops: j.hops, //nolint:gosec // It is small.
		})...)
	}
	return sends, next
}

// goOn has a probe go on that follows a circle, if this node is still where it was.
func (m *Machine[X]) goOn(now time.Time, p *wire.Probe, root Root[X]) []Send[X] {
	if hop := &p.Hops[p.At]; hop.Node != m.own || hop.Root != root.ID() {
		return nil
	}
	if p.Phase == wire.Nominating && p.At == p.Last {
		at := int(p.At)
		return m.check(now, root, slices.Concat(p.Hops[at:], p.Hops[:at]))
	}
	next := *p
	next.At++
	return m.over(root, &next)
}

// check sends a probe round a circle that begins on this node.
func (m *Machine[X]) check(now time.Time, root Root[X], hops []wire.Hop) []Send[X] {
	if len(m.sent) >= maxSent {
		return nil
	}
	j := &journey[X]{nonce: m.nonce(), began: now, root: root, hops: hops}
	sends := m.over(root, &wire.Probe{Phase: wire.Checking, Nonce: j.nonce, At: 1, Hops: hops})
	if len(sends) > 0 {
		m.sent = append(m.sent, j)
	}
	return sends
}

// over sends a probe over the call of the hop before the next one, if that is needed because of
// the same waits.
func (m *Machine[X]) over(root Root[X], p *wire.Probe) []Send[X] {
	if way, ok := wayOf(root, &p.Hops[p.At-1]); ok {
		return []Send[X]{{way.Exits[0].Over, p}}
	}
	return nil
}

// checked ends the wait of this node if the probe that has come back is its own.
func (m *Machine[X]) checked(p *wire.Probe, root Root[X]) {
	j := m.journey(p.Nonce)
	if j == nil || !j.found.IsZero() || j.hops == nil || j.root.ID() != root.ID() {
		return
	}
	m.forget(j)
	if way, ok := wayOf(root, &j.hops[0]); ok {
		way.Fail(j.hops, nil)
	}
}

// journey returns the probe of this node that has a nonce, nil for none.
func (m *Machine[X]) journey(nonce uint64) *journey[X] {
	for _, j := range m.sent {
		if j.nonce == nonce {
			return j
		}
	}
	return nil
}

func (m *Machine[X]) forget(j *journey[X]) {
	m.sent = slices.DeleteFunc(m.sent, func(other *journey[X]) bool { return other == j })
}

// hop returns what a probe says of a way.
func (m *Machine[X]) hop(root Root[X], way *Way[X]) wire.Hop {
	return wire.Hop{
		Node: m.own, Root: root.ID(), Exit: way.Exits[0].ID, Print: way.Print,
		Age:   uint64(max(0, way.Age.Milliseconds())), //nolint:gosec // It is not negative.
		Where: cut(way.Where, wire.MaxWhere), Text: cut(way.Text, wire.MaxText),
	}
}

// visit reports whether a probe comes over a call for the first time.
func (m *Machine[X]) visit(v visit) bool {
	_, seen := m.seen[v]
	_, before := m.before[v]
	if seen || before || len(m.seen) >= maxSeen {
		return false
	}
	m.seen[v] = struct{}{}
	return true
}

// expire forgets what has taken too long.
func (m *Machine[X]) expire(now time.Time) {
	m.sent = slices.DeleteFunc(m.sent, func(j *journey[X]) bool { return now.Sub(j.began) >= Lifetime })
	m.found = slices.DeleteFunc(m.found, func(v verdict) bool { return now.Sub(v.used) >= 2*Lifetime })
	if now.Sub(m.turned) >= Lifetime {
		m.before, m.seen, m.turned = m.seen, make(map[visit]struct{}), now
	}
	m.expireGathers(now)
}

// wayOf returns the way of a root that a hop was made of, if it is the same still.
func wayOf[X any](root Root[X], hop *wire.Hop) (way Way[X], ok bool) {
	for _, way := range root.Ways() {
		if len(way.Exits) == 1 && way.Exits[0].ID == hop.Exit && way.Print == hop.Print {
			return way, true
		}
	}
	return way, false
}

// needed returns the ways of one call, at most MaxForks.
func needed[X any](ways []Way[X]) []Way[X] {
	n := slices.IndexFunc(ways, func(w Way[X]) bool { return len(w.Exits) > 1 })
	if n < 0 {
		n = len(ways)
	}
	return ways[:min(n, MaxForks)]
}

// lastOf returns the hop whose wait began last. Of one circle it always returns the same.
func (m *Machine[X]) lastOf(now time.Time, hops []wire.Hop) (last int) {
	for i := range m.found {
		if v := &m.found[i]; slices.EqualFunc(v.circle, hops, isSame) {
			v.used = now
			return v.last
		}
	}
	for i := range hops {
		if by := cmp.Compare(hops[i].Age, hops[last].Age); by < 0 || by == 0 && compare(&hops[i], &hops[last]) > 0 {
			last = i
		}
	}
	m.found = append(m.found, verdict{hops, last, now})
	return last
}

// isSame reports whether two hops are of the same waits.
func isSame(a, b wire.Hop) bool {
	return a.Node == b.Node && a.Root == b.Root && a.Exit == b.Exit && a.Print == b.Print
}

// compare orders calls between nodes.
func compare(a, b *wire.Hop) int {
	return cmp.Or(bytes.Compare(a.Node[:], b.Node[:]), cmp.Compare(a.Exit, b.Exit))
}

// cut returns the beginning of a text.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	const more = "..."
	return text[:most-len(more)] + more
}
