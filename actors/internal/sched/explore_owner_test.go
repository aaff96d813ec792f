package sched

import "slices"

// What follows is the owner of a scheduler, as the callers of package actors are one:
// how they stop, restart, and abandon.

func (w *world) control(name string, do func(p *proc)) *exMessage { return w.message(name, do) }

// beginStop is Caller.beginStop.
func (p *proc) beginStop(m *model) {
	p.step("begin the stop of", m)
	if m.stopping {
		return
	}
	m.stopping = true
	rejected, active := p.close(m)
	for _, t := range active {
		p.reject(t)
		p.cancel(t)
	}
	p.rejectAll(rejected)
	for _, child := range m.children {
		p.beginStop(child)
	}
	p.stopNotified(m)
	p.submitControl(m, p.w.control("Stop", func(p *proc) {
		if h := m.finalHook; h != nil {
			h.task.Final, h.submitted = true, true
			_ = p.submitHook(h)
		}
		p.deferMessage(m, p.w.control("Stop", func(p *proc) {
			p.pause(m, false)
			p.childrenEnd(m)
		}), true)
	}), DecisionUnchanged)
	if m.state.notStarted && !m.claimed {
		p.open(m)
	}
}

// childrenEnd ends the actor when its children have ended.
func (p *proc) childrenEnd(m *model) {
	for _, child := range m.children {
		if !child.finished {
			return
		}
	}
	m.finalize(p)
}

// finalize is Caller.finalize.
func (m *model) finalize(p *proc) {
	for _, child := range m.children {
		if !child.finished {
			m.w.failf("%s ends before its child %s", m, child)
		}
	}
	for _, t := range m.w.tasks {
		if t.m == m && t.begun && !t.left && !t.abandoned {
			m.w.failf("%s ends before its task %s", m, t)
		}
		if t.m == m && t.submitted && !t.begun && !t.done && t.inLanes() {
			m.w.failf("%s ends, and %s is queued", m, t)
		}
	}
	m.finished = true
	p.step("CloseExecutors", m)
	var want []thread
	for _, on := range []executor{m.state.alternate.load(), m.state.main.load()} {
		if on, ok := on.(*pinned); ok {
			want = append(want, on)
		}
	}
	changed, start := m.state.closeExecutors()
	if !slices.Equal(changed.close, want) || changed.begin != nil || m.state.main.load() != onGoroutines || m.state.alternate.load() != onGoroutines {
		m.w.failf("%s: CloseExecutors closes %d executors, not %d", m, len(changed.close), len(want))
	}
	start = m.restarted(start)
	p.apply(m, changed)
	p.start(m, start)
	if parent := m.parent; parent != nil {
		p.submitControl(parent, p.w.control("Terminated", func(p *proc) {
			if parent.stopping && !parent.finished && parent.closedIntake {
				p.childrenEnd(parent)
			}
		}), DecisionUnchanged)
	}
}

func (t *exTask) inLanes() bool {
	for _, item := range t.m.queued() {
		if item == any(&t.task) {
			return true
		}
	}
	return false
}

// restart is the message that restarts the actor.
func (w *world) restart(m *model) *exMessage {
	return w.control("Restart", func(p *proc) {
		if m.stopping {
			return
		}
		p.deferMessage(m, w.control("Restart", func(p *proc) {
			p.pause(m, true)
			m.restarting = true
			p.submitControl(m, w.control("ResumeMailbox", func(p *proc) {
				m.restarting = false
				p.pause(m, false)
			}), DecisionUnchanged)
		}), false)
		for _, t := range p.active(m) {
			p.cancel(t)
		}
	})
}

// panicked is Owner.Panicked.
func (p *proc) panicked(m *model, _ *exTask) {
	if !m.restarts || m.stopping {
		return
	}
	p.pause(m, true)
	m.backoffs++
	p.w.spawn("timer of "+m.name, func(p *proc) {
		p.step("the backoff ends")
		m.backoffs--
		p.submitControl(m, p.w.restart(m), DecisionMade)
	})
}

// quiesced is Owner.Quiesced.
func (p *proc) quiesced(m *model, message *exMessage) {
	if !m.isQuiesced() {
		m.w.failf("%s: %s is handled too early", m, message)
	}
	p.handle(m, message)
}

// abandonLate is Caller.graceExpired, with abandonTasks.
func (p *proc) abandonLate(m *model) {
	tasks := p.active(m)
	for _, t := range tasks {
		p.step("abandon the pending of", t)
		t.canceled = true
		p.completeNow(t)
	}
	p.abandon(m, tasks)
}
