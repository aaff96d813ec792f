package actors_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// model works out, one event after the other, what has to become of a program.
type model struct {
	now     time.Duration
	events  []modelEvent // in the order of their times
	members map[int]memberEnd
	groups  map[int]errorKind
	unclear map[int]bool // of the groups
}

type modelEvent struct {
	at time.Duration
	do func()
}

// errorKind is what is known of the error of a group. What the causes of a
// cancellation are is not.
type errorKind struct {
	cancelled bool // matches context.Canceled, if and only if
	reported  bool // as the mode of a group asks for
	boom      bool // matches errBoom, at least
	deadline  bool // matches context.DeadlineExceeded, at least
}

func (e errorKind) or(other errorKind) errorKind {
	return errorKind{
		e.cancelled || other.cancelled, e.reported || other.reported, e.boom || other.boom, e.deadline || other.deadline,
	}
}

func (e errorKind) isNone() bool { return e == errorKind{} }

// agrees reports whether an error is of that kind.
func (e errorKind) agrees(err error) bool {
	return e.isNone() == (err == nil) &&
		e.cancelled == errors.Is(err, context.Canceled) &&
		(!e.boom || errors.Is(err, errBoom)) &&
		(!e.deadline || errors.Is(err, context.DeadlineExceeded))
}

// modelGroup is a group that has begun.
type modelGroup struct {
	*groupPlan
	parent    *modelGroup
	inside    []*modelGroup // whose contexts are derived from that of this one
	members   []*modelMember
	outside   bool // the context around it has ended
	cancelled bool
	failed    errorKind
	report    errorKind
	left      bool // by the body
	body      errorKind
	loop      *modelLoop
	over      bool
	then      func(errorKind)

	cancelledAt, overAt time.Duration
}

type modelMember struct {
	id        int
	groups    []*modelGroup // from the inner to the outer one
	shields   int           // the groups from this one on do not cancel it; 0 for none
	stubborn  bool
	group     *modelGroup // of a function
	cancelled bool
	done      bool
	then      func()
}

type modelLoop struct {
	*loopPlan
	next, handedOut int
	open            []*modelMember
	then            func()
}

// predict runs a program.
func predict(g *groupPlan) *model {
	m := &model{members: make(map[int]memberEnd), groups: make(map[int]errorKind), unclear: make(map[int]bool)}
	m.begin(g, nil, func(errorKind) {})
	for len(m.events) > 0 {
		next := m.events[0]
		m.events = m.events[1:]
		m.now = next.at
		next.do()
	}
	return m
}

// after has something happen, after what else happens at that time.
func (m *model) after(d time.Duration, do func()) {
	at := m.now + d
	i := 0
	for i < len(m.events) && m.events[i].at <= at {
		i++
	}
	m.events = slices.Insert(m.events, i, modelEvent{at, do})
}

func (m *model) begin(plan *groupPlan, parent *modelGroup, then func(errorKind)) *modelGroup {
	g := &modelGroup{groupPlan: plan, parent: parent, then: then}
	if parent != nil {
		parent.inside = append(parent.inside, g)
	}
	if g.timeout > 0 {
		m.after(g.timeout, func() { m.end(g, errorKind{deadline: true}) })
	}
	if g.groupPlan.cancelled > 0 {
		m.after(g.groupPlan.cancelled, func() { m.end(g, g.reportOfCancel()) })
	}
	for _, l := range g.leaves {
		m.start(g, l, func() {})
	}
	for _, f := range g.functions {
		member := m.join(g, -f.id)
		member.group = m.begin(f, g, func(err errorKind) { m.done(member, err) })
		member.stubborn = true // it ends when its group does
	}
	m.iterate(g, func() {
		if g.inner == nil || g.cancelled {
			m.leave(g, errorKind{cancelled: g.cancelled})
			return
		}
		m.begin(g.inner, g, func(err errorKind) {
			if g.swallow {
				err = errorKind{}
			}
			m.leave(g, err)
		})
	})
	return g
}

func (g *modelGroup) reportOfCancel() errorKind {
	reports := g.mode == pending.CancelAndReport || g.mode == pending.ReportCancelled
	return errorKind{cancelled: reports, reported: reports}
}

// join adds a member to a group and to those around it.
func (m *model) join(g *modelGroup, id int) *modelMember {
	member := &modelMember{id: id, then: func() {}}
	for ; g != nil; g = g.parent {
		member.groups = append(member.groups, g)
		g.members = append(g.members, member)
		if g.shield && member.shields == 0 {
			member.shields = len(member.groups)
		}
	}
	return member
}

func (m *model) start(g *modelGroup, l *leafPlan, then func()) *modelMember {
	member := m.join(g, l.id)
	member.stubborn, member.then = l.stubborn, then
	m.after(l.takes, func() {
		m.done(member, []errorKind{{}, {boom: true}, {cancelled: true}}[l.outcome])
	})
	return member
}

// done ends a member, unless it has ended.
func (m *model) done(member *modelMember, err errorKind) {
	if member.done {
		return
	}
	member.done = true
	kind := succeeding
	switch {
	case member.cancelled || err.cancelled:
		kind = cancelling
	case !err.isNone():
		kind = failing
	}
	m.members[member.id] = memberEnd{kind, m.now}
	ends := make([]bool, len(member.groups))
	for i, g := range member.groups {
		g.members = slices.DeleteFunc(g.members, func(other *modelMember) bool { return other == member })
		if g.cancelled || g.over {
			continue
		}
		switch kind {
		case failing:
			g.failed = g.failed.or(err)
			ends[i] = m.note(g, true, errorKind{})
		case cancelling:
			cancels := g.mode == pending.CancelAndReport || g.mode == pending.CancelQuietly
			ends[i] = m.note(g, cancels, g.reportOfCancel())
		}
	}
	for i, g := range slices.Backward(member.groups) {
		if ends[i] {
			m.tell(g)
		}
	}
	for _, g := range member.groups {
		m.finish(g)
	}
	m.after(0, member.then)
}

// note cancels a group, and reports whether it was not cancelled before.
func (m *model) note(g *modelGroup, cancels bool, report errorKind) bool {
	if g.over {
		return false
	}
	ends := cancels && !g.cancelled
	if ends || g.report.isNone() {
		g.report = g.report.or(report)
	}
	if ends {
		g.cancelled, g.cancelledAt = true, m.now
	}
	return ends
}

func (m *model) end(g *modelGroup, report errorKind) {
	if m.note(g, true, report) {
		m.tell(g)
	}
}

// outerEnded is the end of the context around a group. If something else has
// cancelled or ended that at the same moment, it may report it or not.
func (m *model) outerEnded(g *modelGroup) {
	if g.shield || g.outside {
		return
	}
	g.outside = true
	if g.cancelled && g.cancelledAt == m.now || g.over && g.overAt == m.now {
		m.unclear[g.id] = true
	}
	m.end(g, errorKind{cancelled: true})
	for _, inside := range g.inside {
		m.outerEnded(inside)
	}
}

// tell ends the contexts inside a group, and cancels its members.
func (m *model) tell(g *modelGroup) {
	l := g.loop
	g.loop = nil
	for _, inside := range g.inside {
		m.outerEnded(inside)
	}
	for _, member := range slices.Clone(g.members) {
		i := slices.Index(member.groups, g)
		if member.shields == 0 || i < member.shields {
			m.cancel(member)
		}
	}
	if l != nil {
		m.abandon(l)
		m.after(0, l.then)
	}
}

func (m *model) cancel(member *modelMember) {
	if member.done {
		return
	}
	member.cancelled = true
	if member.group != nil {
		m.outerEnded(member.group)
	}
	if !member.stubborn {
		m.done(member, errorKind{cancelled: true})
	}
}

// leave is the end of the body.
func (m *model) leave(g *modelGroup, err errorKind) {
	g.left, g.body = true, err
	if !g.isEcho() {
		m.end(g, errorKind{})
	}
	m.finish(g)
}

// isEcho reports whether the body has nothing to say of its own.
func (g *modelGroup) isEcho() bool {
	return g.body.isNone() || g.body.cancelled && !g.body.reported && g.cancelled
}

// finish ends a group that waits for nobody any more.
func (m *model) finish(g *modelGroup) {
	if g.over || !g.left || len(g.members) > 0 {
		return
	}
	g.over, g.overAt = true, m.now
	result := g.report
	switch {
	case !g.isEcho():
		result = g.body.or(g.failed)
	case !g.failed.isNone():
		result = g.failed
	}
	m.groups[g.id] = result
	m.after(0, func() { g.then(result) }) // on another goroutine
}

// iterate goes through the loop of a group.
func (m *model) iterate(g *modelGroup, then func()) {
	if g.groupPlan.loop == nil {
		then()
		return
	}
	l := &modelLoop{loopPlan: g.groupPlan.loop, then: then}
	g.loop = l
	m.pull(g, l)
}

func (m *model) pull(g *modelGroup, l *modelLoop) {
	for g.loop == l && l.next < len(l.leaves) && len(l.open) < l.limit {
		var member *modelMember
		member = m.start(g, l.leaves[l.next], func() { m.handOut(g, l, member) })
		l.open = append(l.open, member)
		l.next++
	}
	if g.loop == l && len(l.open) == 0 {
		m.rest(g, l)
	}
}

// rest is what the body does after a loop.
func (m *model) rest(g *modelGroup, l *modelLoop) {
	m.after(l.rest, func() {
		if g.loop == l {
			g.loop = nil
			l.then()
		}
	})
}

func (m *model) handOut(g *modelGroup, l *modelLoop, member *modelMember) {
	l.open = slices.DeleteFunc(l.open, func(other *modelMember) bool { return other == member })
	if g.loop != l || l.handedOut == l.leave {
		return
	}
	if l.handedOut++; l.handedOut < l.leave {
		m.pull(g, l)
		return
	}
	m.abandon(l)
	m.rest(g, l)
}

// abandon cancels what a loop has left behind.
func (m *model) abandon(l *modelLoop) {
	for _, member := range slices.Clone(l.open) {
		m.cancel(member)
	}
}
