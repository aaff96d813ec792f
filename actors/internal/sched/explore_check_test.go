package sched

import (
	"slices"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// slow says, by the account of the model, whether anything comes before the batch.
func (m *model) slow() bool {
	return len(m.control) > 0 || len(m.runnable) > 0 || len(m.ahead) > 0 || len(m.urgent) > 0 ||
		m.deferred != nil || m.paused || m.gate != nil
}

// queued are the items of the run queue, and of the lanes before it, in their order.
func (m *model) queued() []any {
	rest := slices.Concat(m.ahead, m.queue)
	if len(m.urgent) > 0 && len(rest) > 0 && m.inRow >= mostUrgent {
		return slices.Concat(rest[:1], m.urgent, rest[1:])
	}
	return slices.Concat(m.urgent, rest)
}

// isQuiesced reports whether a deferred message can be handled.
func (m *model) isQuiesced() bool {
	return !m.notifying && len(m.parked)+len(m.runnable)+m.holds == 0 && (m.hook == nil || !m.hook.task.Final)
}

// first says, by the account of the model, what the loop is to handle next.
func (m *model) first() (item any, ok bool) {
	if m.state.notStarted {
		return nil, false
	}
	if len(m.control) > 0 {
		return controlMessage{m.control[0]}, true
	}
	if m.deferred != nil {
		switch {
		case m.isQuiesced():
			return deferredMessage{m.deferred}, true
		case len(m.runnable) > 0:
			return m.runnable[0], true
		case m.hook != nil && m.hook.task.Final:
			return &m.hook.task, true
		}
		return nil, false
	}
	if m.paused {
		return nil, false
	}
	queued := m.queued()
	if m.gate != nil {
		queued = nil
	}
	switch {
	case len(m.runnable) > 0 && (!m.queueNext || len(queued) == 0):
		return m.runnable[0], true
	case m.hook != nil:
		return &m.hook.task, true
	case len(queued) > 0:
		return queued[0], true
	}
	return nil, false
}

// isItem reports whether an item is the one that first returned.
func isItem(item, want any) bool {
	t, ok := want.(*exTask)
	if !ok {
		return item == want
	}
	w := t.task.wait
	return w != nil && (item == any(w) || w.coroutine != nil && item == any(w.coroutine))
}

// took notes that the loop has taken an item.
func (m *model) took(p *proc, item any, ok, fromBatch bool) {
	switch item := item.(type) {
	case controlMessage:
		m.control = m.control[1:]
		return
	case deferredMessage:
		m.deferred, m.deferredFinal = nil, false
		return
	case *exTask: // a runnable one
		m.runnable = m.runnable[1:]
		m.queueNext = true
		m.release(p)
		m.role = handed
		if m.Current() != &item.task {
			m.w.failf("%s: %s has not got the turn", m, item)
		}
		return
	}
	if !ok {
		m.release(p)
	}
	if m.hook != nil && item == any(&m.hook.task) {
		m.hook = nil
		return
	}
	if !m.paused && m.deferred == nil && m.gate == nil && !fromBatch {
		m.queueNext = false
	}
	if ok && !stays(item) {
		m.taken++
	}
	switch {
	case !ok:
	case stays(item):
		if len(m.ahead) > 0 || len(m.queue) == 0 || m.queue[0] != item {
			m.w.failf("%s: the loop has looked at %s, which is not first", m, m.w.show(item))
		}
		if len(m.urgent) > 0 {
			m.inRow = 0
		}
	case len(m.urgent) > 0 && m.urgent[0] == item:
		m.urgent = m.urgent[1:]
		m.inRow++
	case len(m.urgent) > 0 && m.inRow < mostUrgent:
		m.w.failf("%s: %s is taken before an urgent item", m, m.w.show(item))
	case len(m.ahead) > 0:
		if len(m.urgent) > 0 {
			m.inRow = 0
		}
		m.ahead = m.ahead[1:]
	case len(m.queue) == 0 || m.queue[0] != item:
		m.w.failf("%s: the loop has taken %s, which is not first in its lane", m, m.w.show(item))
	default:
		if len(m.urgent) > 0 {
			m.inRow = 0
		}
		m.queue = m.queue[1:]
	}
}

// checkEachQueued looks whether eachQueued yields what is queued, and ends when it is told to.
func (m *model) checkEachQueued() {
	var want []any
	if m.hook != nil {
		want = append(want, &m.hook.task)
	}
	want = slices.Concat(want, m.urgent, m.ahead, m.queue)
	for most := range len(want) + 1 {
		var got []any
		m.state.eachQueued(func(item any) bool {
			got = append(got, item)
			return len(got) <= most
		})
		if !slices.Equal(got, want[:min(most+1, len(want))]) {
			m.w.failf("%s: eachQueued yields %d items up to %d, of %d", m, len(got), most+1, len(want))
		}
	}
}

// advanced notes that the loop has a task of a source. It takes the source if that has
// no more tasks, unless a stop has taken it.
func (m *model) advanced(source *Source, more bool) {
	if more {
		m.taken++
	} else if source.Stays && len(m.queue) > 0 && m.queue[0] == any(source) {
		m.queue = m.queue[1:]
		m.taken++
	}
}

// check looks whether what must always be so is so.
func (m *model) check() {
	s := &m.state
	fail := func(format string, args ...any) { m.w.failf("%s: "+format, append([]any{m}, args...)...) }
	_, works := m.first()
	switch {
	case works && m.role == nobody:
		fail("there is work, and nobody is about to run the loop")
	case s.looping != (m.role != nobody):
		fail("looping is %v, and the loop is in role %d", s.looping, m.role)
	case s.hasWork() != works:
		fail("hasWork is %v, and there is work: %v", s.hasWork(), works)
	case m.slow() && !s.slowPath.Load():
		fail("something comes before the batch, and slowPath is not set")
	case s.deferred != m.deferred && (s.deferred != nil || m.deferred != nil), s.deferredFinal != m.deferredFinal:
		fail("deferred is %v, not %v", s.deferred, m.deferred)
	case s.paused != m.paused, s.awaitingParent != m.awaiting, s.notifyingStop != m.notifying,
		s.closed.Load() != m.closedIntake, int(s.holds) != m.holds, s.queueNext != m.queueNext:
		fail("the flags are not those of the model")
	case !slices.Equal(s.control, m.control):
		fail("%v are in the control lane, not %v", s.control, m.control)
	case s.queued() != len(m.queue)+len(m.ahead)+len(m.urgent):
		fail("%d are queued, not %d", s.queued(), len(m.queue)+len(m.ahead)+len(m.urgent))
	case s.urgentLen() != len(m.urgent):
		fail("%d are urgent, not %d", s.urgentLen(), len(m.urgent))
	case (m.gate == nil) != (s.gate() == nil) || m.gate != nil && s.gate() != &m.gate.task:
		fail("the gate is not %v", m.gate)
	case s.awaitsFinal() != (m.hook != nil && m.hook.task.Final):
		fail("it awaits a final hook: %v", s.awaitsFinal())
	case s.awaitsDecision() != (m.awaiting && m.deferred == nil):
		fail("it awaits a decision: %v", s.awaitsDecision())
	case s.taken() != m.taken:
		fail("%d items count as taken, not %d", s.taken(), m.taken)
	case s.cold != nil && s.cold.last != m.last || s.cold == nil && m.last != nil:
		fail("the source that was submitted last is not %p", m.last)
	case s.aheadLen() != len(m.ahead):
		fail("%d go ahead, not %d", s.aheadLen(), len(m.ahead))
	}
	m.checkEachQueued()
	for _, q := range m.w.queues {
		if q.m == m && q.source.IsLast() != (m.last == &q.source) {
			fail("a source is the last one: %v", q.source.IsLast())
		}
	}
	m.checkList("parked", &s.parked, m.parked)
	m.checkList("runnable", &s.runnable, m.runnable)
	wantIdle := s.notStarted || m.role == nobody && len(m.parked)+len(m.runnable)+len(m.queue)+len(m.ahead)+len(m.urgent) == 0 && m.gate == nil
	if s.idle() != wantIdle {
		fail("idle is %v", s.idle())
	}
	for _, t := range m.w.tasks {
		var want uint64
		if w := t.task.wait; w != nil && !w.over && (t.task.state == lent || (t.task.state == parked || t.task.state == blocking) && !t.task.woken) {
			want = w.on.Began
		}
		if n := t.task.waitNumber(); n != want {
			fail("%s is in wait %d, not %d", t, n, want)
		}
		if t.m != m {
			continue
		}
		needs := m.gate != nil && m.gate != t && t.task.wait == nil && m.Current() != &t.task
		if g := s.needsGate(&t.task); (g != nil) != needs || needs && g != &m.gate.task {
			fail("%s needs the gate: %v", t, g != nil)
		}
		if _, _, _, live := s.needs(&t.task, false); !live && (t.task.abandoned || s.notStarted || m.paused && !m.awaiting && m.deferred == nil) {
			fail("%s counts as one that may need something", t)
		}
	}
	t := m.Current()
	if t == nil {
		return
	}
	of := t.work.(*exTask)
	switch {
	case of.abandoned:
		fail("%s is abandoned, and current", of)
	case m.role == nobody || m.role == starting:
		fail("%s is current, and nobody runs the loop", of)
	case slices.Contains(m.parked, of) && t.state != lent, slices.Contains(m.runnable, of):
		fail("%s is current and has given its turn away", of)
	}
}

// checkList looks whether a list of tasks is the one of the model, both ways round.
func (m *model) checkList(name string, l *taskList, want []*exTask) {
	if l.n != len(want) || (l.first == nil) != (len(want) == 0) {
		m.w.failf("%s: %d are %s, not %v", m, l.n, name, want)
		return
	}
	t := l.first
	for i, w := range want {
		if t != &w.task || t.wait == nil || t.wait.prev != &want[(i+len(want)-1)%len(want)].task {
			m.w.failf("%s: the %s tasks are not %v", m, name, want)
			return
		}
		if is := t.state; (name == "runnable") != (is == runnable) {
			m.w.failf("%s: %s is in state %d, and %s", m, w, is, name)
		}
		t = t.wait.next
	}
	if got := exTasks(l.appendTo(nil, len(want))); !slices.Equal(got, want) {
		m.w.failf("%s: the %s tasks are %v, not %v", m, name, got, want)
	}
}

// CheckEnd implements [explore.Model]: all is quiet when no process can make a step.
func (w *world) CheckEnd() {
	for _, p := range w.running() {
		if !p.Service && !p.isLost() {
			w.failf("stuck for ever: %s", p.Describe())
		}
	}
	for _, t := range w.tasks {
		if t.submitted && t.ended != 1 {
			w.failf("%s has ended %d times", t, t.ended)
		}
	}
	for _, m := range w.scheds {
		s := &m.state
		switch {
		case m.role != nobody || s.looping:
			w.failf("%s: the loop has not ended", m)
		case len(m.queue)+len(m.ahead)+len(m.urgent)+len(m.control)+len(m.runnable)+len(m.parked) > 0:
			w.failf("%s is not empty", m)
		case m.hook != nil || m.gate != nil:
			w.failf("%s waits for a hook for ever", m)
		case m.deferred != nil:
			w.failf("%s: %v is deferred for ever", m, m.deferred)
		case m.Current() != nil:
			w.failf("%s: %s is current for ever", m, w.show(m.Current()))
		case s.starting != nil:
			w.failf("%s: a pinned executor is about to run the loop, for ever", m)
		case !s.notStarted && m.paused && !m.stopping:
			w.failf("%s is paused for ever", m)
		case m.stopping && !m.finished:
			w.failf("%s stops for ever", m)
		}
	}
	for _, th := range w.threads {
		if th.m.finished && !th.gone && th.host == nil && !th.isHeld() {
			w.failf("a thread of %s has not ended", th.m)
		}
	}
	for _, t := range w.tasks {
		if t.task.wait != nil && !t.abandoned {
			w.failf("%s waits for ever", t)
		}
	}
}

// isLost reports whether a process is on a host that has ended.
func (p *proc) isLost() bool {
	return p.co != nil && p.co.pinned.host != nil && p.w.thread(p.co.pinned).m.host.ended
}

// checkGraph compares what the wait graph says of each task with a naive search.
func (w *world) checkGraph() {
	var g waitGraph
	for _, t := range w.tasks {
		if t.begun && !t.done {
			g.add(&t.task)
		}
	}
	g.explore(-1, 0)
	for i := range g.nodes {
		t, ok := g.nodes[i].node.(*Task)
		if !ok {
			continue
		}
		of := t.work.(*exTask)
		if _, _, _, live := of.m.state.needs(t, true); t.state == running && !t.isWaiting() && !live {
			w.failf("%s has nothing to do, and needs something", of)
		}
		if live := of.goesOn(nil); live != g.nodes[i].live {
			w.failf("the graph says that %s goes on: %v", of, g.nodes[i].live)
		}
	}
}

// goesOn is the naive search: it follows everything that a task needs, and reports false
// if that leads back to a task on the way.
func (t *exTask) goesOn(way []*exTask) bool {
	if t.done {
		return true
	}
	if slices.Contains(way, t) {
		return false
	}
	way = append(way, t)
	m := t.m
	waits := t.task.wait != nil && !t.task.wait.over && !t.task.woken && t.waitsFor != nil
	switch {
	case t.abandoned, m.state.notStarted, m.paused && !m.awaiting && m.deferred == nil:
		return true
	case m.Current() == &t.task && !waits:
		return true
	}
	if waits && t.task.state != runnable && t.task.state != running && !t.waitsFor.goesOn(way) {
		return false
	}
	if m.Current() == &t.task {
		return true
	}
	if c := m.Current(); c != nil && (c.state == blocking || c.state == lent) {
		return c.work.(*exTask).goesOn(way)
	}
	return true
}

var _ future.Node = (*Task)(nil)
