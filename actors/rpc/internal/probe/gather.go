package probe

import (
	"cmp"
	"slices"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// gather is the part that this node has in a question that goes from node to node.
type gather[X any] struct {
	nonce uint64
	began time.Time
	asked []uint64 // the calls that were asked about, in order
	// exits says to whom the answer about a call belongs. It is nil for an answer that has come, or
	// that nobody wants.
	exits map[uint64]*answer[X]
}

// answer is what this node has been told so far about a call, for the node that has asked.
type answer[X any] struct {
	search *search[X] // that has asked; nil for another node
	back   X          // where the other node is
	call   uint64     // the number that it has for the call
	lacks  int        // calls about which nothing was told yet
	needs  []wire.Need
	lie    bool // something was told twice
}

// search is one of this node for a circle in which a function needs one of several calls.
type search[X any] struct {
	root  Root[X]
	began time.Time
	ways  []Way[X]  // when it asked last
	print uint64    // of the way whose wait is to end; 0 before that is known
	named uint64    // the print of the circle that another node has found; 0 for none
	first uint64    // the print of the circle that this search has found; 0 before
	due   time.Time // when it asks again; zero for never
}

// ruling is which wait of a circle is to end.
type ruling struct {
	circle uint64
	last   wire.Waiter
	used   time.Time
}

// searchGraph begins a search for a root that needs one of several calls.
func (m *Machine[X]) searchGraph(now time.Time, root Root[X], ways []Way[X]) []Send[X] {
	ways = slices.DeleteFunc(asking(ways), isSingle)
	if len(ways) == 0 || m.isSearching(now, root, 0) {
		return nil
	}
	oldest := slices.MaxFunc(ways, func(a, b Way[X]) int { return cmp.Compare(a.Age, b.Age) })
	if oldest.Age < Patience {
		m.postpone(root, now.Add(Patience-oldest.Age))
		return nil
	}
	return m.begin(now, &search[X]{root: root}, wire.Asking)
}

// isSearching reports whether a search for a root has begun just now, which is to end the wait of a
// way or, with 0, does not know yet. An older one may go on still, or was not told all.
func (m *Machine[X]) isSearching(now time.Time, root Root[X], way uint64) bool {
	return slices.ContainsFunc(m.searches, func(s *search[X]) bool {
		return s.root.ID() == root.ID() && s.print == way && now.Sub(s.began) < again
	})
}

// begin asks what the root of a search needs.
func (m *Machine[X]) begin(now time.Time, s *search[X], phase wire.Phase) []Send[X] {
	m.end(s)
	s.began, s.due, s.ways = now, time.Time{}, asking(s.root.Ways())
	nonce := m.nonce()
	g := m.gather(now, nonce)
	if g == nil || len(m.searches) >= maxGathers || len(s.ways) == 0 {
		return nil
	}
	m.searches = append(m.searches, s)
	p := &wire.Probe{Phase: phase, Nonce: nonce, Left: wire.MaxHops, Of: wire.Waiter{Node: m.own, Root: s.root.ID()}}
	m.answers++
	return m.ask(g, &answer[X]{search: s}, p, s.ways)
}

// end forgets a search.
func (m *Machine[X]) end(s *search[X]) {
	m.searches = slices.DeleteFunc(m.searches, func(other *search[X]) bool { return other == s })
}

// gather returns the part that this node has in a question. It is nil if there are too many.
func (m *Machine[X]) gather(now time.Time, nonce uint64) *gather[X] {
	g := m.find(nonce)
	if g == nil && len(m.gathers) < maxGathers {
		g = &gather[X]{nonce: nonce, began: now, exits: make(map[uint64]*answer[X])}
		m.gathers = append(m.gathers, g)
	}
	return g
}

// find is gather without making one.
func (m *Machine[X]) find(nonce uint64) *gather[X] {
	for _, g := range m.gathers {
		if g.nonce == nonce {
			return g
		}
	}
	return nil
}

// ask has a question go on over the calls of some ways, once over each. What is told belongs to a,
// which is nil if nobody wants to know.
func (m *Machine[X]) ask(g *gather[X], a *answer[X], p *wire.Probe, ways []Way[X]) (sends []Send[X]) {
	for _, way := range ways {
		for _, exit := range way.Exits {
			if _, known := g.exits[exit.ID]; known {
				continue
			}
			g.exits[exit.ID], g.asked = a, append(g.asked, exit.ID)
			if a != nil {
				a.lacks++
			}
			next := *p
			next.Call, next.Left = exit.ID, p.Left-1
			sends = append(sends, Send[X]{exit.Over, &next})
		}
	}
	return sends
}

// asked deals with a question about a call whose function is root.
func (m *Machine[X]) asked(now time.Time, p *wire.Probe, root Root[X], back X) []Send[X] {
	a := &answer[X]{back: back, call: p.Call}
	ways := asking(root.Ways())
	if len(ways) == 0 || p.Left == 0 || p.Phase == wire.Asking && m.isBefore(root, ways, p.Of) {
		return m.tell(p.Nonce, a)
	}
	g := m.gather(now, p.Nonce)
	if g == nil || m.answers >= maxAnswers {
		return m.tell(p.Nonce, a)
	}
	needs := make([]wire.Need, len(ways))
	for i := range ways {
		needs[i] = m.need(root, &ways[i])
	}
	m.add(a, needs)
	sends := m.ask(g, a, p, ways)
	if a.lacks == 0 {
		return m.tell(p.Nonce, a)
	}
	m.answers++
	return sends
}

// isBefore reports whether a root searches itself, and before another function. Of all searches for
// a circle that of the smallest function finds it. The others end here.
func (m *Machine[X]) isBefore(root Root[X], ways []Way[X], other wire.Waiter) bool {
	several := slices.ContainsFunc(ways, func(w Way[X]) bool { return !isSingle(w) })
	return several && compareWaiters(wire.Waiter{Node: m.own, Root: root.ID()}, other) < 0
}

// Told deals with an answer.
func (m *Machine[X]) Told(now time.Time, p *wire.Probe) []Send[X] {
	m.expire(now)
	g := m.find(p.Nonce)
	if g == nil || g.exits[p.Call] == nil {
		return nil
	}
	return m.told(now, g, p)
}

// Lost deals with the calls that were asked about and are over: open reports whether a call is not.
// Nothing is told about them.
func (m *Machine[X]) Lost(now time.Time, open func(exit uint64) bool) (sends []Send[X]) {
	if m.answers == 0 {
		return nil
	}
	for _, g := range slices.Clone(m.gathers) {
		for _, exit := range g.asked {
			if g.exits[exit] != nil && !open(exit) {
				sends = append(sends, m.told(now, g, &wire.Probe{Nonce: g.nonce, Call: exit})...)
			}
		}
	}
	return sends
}

// told adds an answer to that which needs it.
func (m *Machine[X]) told(now time.Time, g *gather[X], p *wire.Probe) []Send[X] {
	a := g.exits[p.Call]
	g.exits[p.Call] = nil
	needs := slices.Clone(p.Needs)
	for i := range needs {
		if need := &needs[i]; need.Caller == (wire.Incarnation{}) {
			need.Caller, need.Call = m.own, p.Call
		}
	}
	a.lie = a.lie || overlap(a.needs, needs)
	m.add(a, needs)
	if a.lacks--; a.lacks > 0 {
		return nil
	}
	m.answers--
	if a.search == nil {
		return m.tell(p.Nonce, a)
	}
	m.held -= len(a.needs)
	if a.lie || !slices.Contains(m.searches, a.search) {
		m.end(a.search)
		return nil
	}
	return m.decide(now, a.search, a.needs)
}

// overlap reports whether two answers tell of the same call. A node asks about each of its calls
// once, so one of them lies.
func overlap(a, b []wire.Need) bool {
	return slices.ContainsFunc(a, func(x wire.Need) bool {
		return slices.ContainsFunc(b, func(y wire.Need) bool { return callOf(&x) == callOf(&y) })
	})
}

// add adds needs to an answer, unless there are too many. What is not in it counts as live.
func (m *Machine[X]) add(a *answer[X], needs []wire.Need) {
	room := max(0, min(wire.MaxNeeds-len(a.needs), maxHeld-m.held))
	needs = needs[:min(room, len(needs))]
	a.needs = append(a.needs, needs...)
	m.held += len(needs)
}

// tell answers.
func (m *Machine[X]) tell(nonce uint64, a *answer[X]) []Send[X] {
	m.held -= len(a.needs)
	if a.lie {
		a.needs = nil
	}
	fits, size := 0, 0
	for ; fits < len(a.needs); fits++ {
		if size += a.needs[fits].Size(); size > wire.MaxTold {
			break
		}
	}
	return []Send[X]{{a.back, &wire.Probe{Phase: wire.Telling, Nonce: nonce, Call: a.call, Needs: a.needs[:fits]}}}
}

// TellNothing answers that a function goes on, or may do so.
func TellNothing[X any](p *wire.Probe, back X) Send[X] {
	return Send[X]{back, &wire.Probe{Phase: wire.Telling, Nonce: p.Nonce, Call: p.Call}}
}

// need returns what an answer says of a way.
func (m *Machine[X]) need(root Root[X], way *Way[X]) wire.Need {
	n := wire.Need{Hop: m.hop(root, way)}
	n.Exit = 0
	for _, exit := range way.Exits {
		n.Exits = append(n.Exits, exit.ID)
	}
	return n
}

// asking returns the ways over all of whose calls one can ask, at most MaxForks.
func asking[X any](ways []Way[X]) (able []Way[X]) {
	for _, way := range ways {
		mute := slices.ContainsFunc(way.Exits, func(e Exit[X]) bool { return !e.Asks })
		if !mute && len(way.Exits) <= wire.MaxExits && len(able) < MaxForks {
			able = append(able, way)
		}
	}
	return able
}

func isSingle[X any](way Way[X]) bool { return len(way.Exits) == 1 }

// decide deals with all that a search was told.
func (m *Machine[X]) decide(now time.Time, s *search[X], needs []wire.Need) []Send[X] {
	g := graph{own: wire.Waiter{Node: m.own, Root: s.root.ID()}, needs: make(map[call][]*wire.Need)}
	for i := range s.ways {
		n := m.need(s.root, &s.ways[i])
		g.needs[call{}] = append(g.needs[call{}], &n)
	}
	g.add(needs)
	hops, next := g.circle()
	if hops == nil {
		m.end(s)
		return nil
	}
	circle := printOf(hops)
	if s.first != 0 {
		m.end(s)
		if s.first == circle {
			s.fail(hops, next)
		}
		return nil
	}
	if s.print == 0 {
		last := m.rule(now, circle, hops)
		if last.Node != m.own || last.Root != s.root.ID() {
			m.end(s)
			return m.name(now, s, circle, last)
		}
		s.print = last.Print
	}
	if s.print != hops[0].Print || s.named != 0 && s.named != circle {
		m.end(s)
		return nil
	}
	s.first, s.due = circle, now.Add(Pause)
	return nil
}

// fail ends the wait of a search, with which a circle begins.
func (s *search[X]) fail(hops []wire.Hop, next [][]int) {
	for _, way := range s.root.Ways() {
		if way.Print == hops[0].Print {
			way.Fail(hops, next)
			return
		}
	}
}

// confirm asks again about the circles that were found a Pause ago. It returns how long it is until
// there is more to do, 0 for nothing.
func (m *Machine[X]) confirm(now time.Time) (sends []Send[X], next time.Duration) {
	for _, s := range slices.Clone(m.searches) {
		if s.due.IsZero() {
			continue
		}
		if left := s.due.Sub(now); left > 0 {
			next = soonest(next, left)
			continue
		}
		sends = append(sends, m.begin(now, s, wire.Confirming)...)
	}
	return sends, next
}

// rule returns which wait of a circle is to end. Of one circle it is always the same, although ages
// change with each search.
func (m *Machine[X]) rule(now time.Time, circle uint64, hops []wire.Hop) wire.Waiter {
	for i := range m.rulings {
		if r := &m.rulings[i]; r.circle == circle {
			r.used = now
			return r.last
		}
	}
	last := slices.MinFunc(hops, func(a, b wire.Hop) int {
		return cmp.Or(cmp.Compare(a.Age, b.Age), compareWaiters(waiterOf(&b), waiterOf(&a)))
	})
	m.rulings = append(m.rulings, ruling{circle, waiterOf(&last), now})
	return waiterOf(&last)
}

// name tells the node of a wait that it is to ask, over all calls of the circle.
func (m *Machine[X]) name(now time.Time, s *search[X], circle uint64, last wire.Waiter) []Send[X] {
	p := &wire.Probe{Phase: wire.Naming, Nonce: m.nonce(), Left: wire.MaxHops, Of: last, Circle: circle}
	if g := m.gather(now, p.Nonce); g != nil {
		return m.ask(g, nil, p, s.ways)
	}
	return nil
}

// named deals with a probe that names a wait: of root, or further on.
func (m *Machine[X]) named(now time.Time, p *wire.Probe, root Root[X]) []Send[X] {
	if p.Of.Node == m.own && p.Of.Root == root.ID() {
		is := func(w Way[X]) bool { return w.Print == p.Of.Print }
		if !slices.ContainsFunc(asking(root.Ways()), is) || m.isSearching(now, root, p.Of.Print) {
			return nil
		}
		return m.begin(now, &search[X]{root: root, print: p.Of.Print, named: p.Circle}, wire.Confirming)
	}
	if g := m.gather(now, p.Nonce); g != nil && p.Left > 0 {
		return m.ask(g, nil, p, asking(root.Ways()))
	}
	return nil
}

// expireGathers forgets what has taken too long.
func (m *Machine[X]) expireGathers(now time.Time) {
	m.searches = slices.DeleteFunc(m.searches, func(s *search[X]) bool { return now.Sub(s.began) >= Lifetime })
	m.rulings = slices.DeleteFunc(m.rulings, func(r ruling) bool { return now.Sub(r.used) >= 2*Lifetime })
	m.gathers = slices.DeleteFunc(m.gathers, func(g *gather[X]) bool {
		old := now.Sub(g.began) >= Lifetime
		if old {
			m.drop(g)
		}
		return old
	})
}

// drop forgets the answers of a gather that are not complete.
func (m *Machine[X]) drop(g *gather[X]) {
	seen := make(map[*answer[X]]bool)
	for _, a := range g.exits {
		if a != nil && !seen[a] {
			seen[a] = true
			m.answers--
			m.held -= len(a.needs)
		}
	}
}
