package sched

import (
	"errors"
	"slices"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// What follows is the thin shell around the state, line by line. It is that of
// scheduler.go, loop.go, park.go, yield.go, in_place.go, goroutines.go, borrowed.go and
// pinned.go. Where they take mu there is one step, and another one for each thing that
// follows without it. A step that is named does what comes after it, up to the next
// step.
//
// Beside each operation the model keeps its own account: what is in which lane, and who
// has the loop.

// started notes that an operation has returned where to start the loop.
func (m *model) started(start executor) executor {
	if start != nil {
		if m.role != nobody {
			m.w.failf("%s: a second loop is started", m)
		}
		m.role, m.holder = starting, nil
	}
	return start
}

// ensured is started for a loop that nobody has run: the dispatcher chooses the goroutine.
func (m *model) ensured(start executor) executor {
	if g, ok := start.(*goroutines); ok && !g.dispatched {
		m.w.failf("%s: the dispatcher does not choose the goroutine", m)
	}
	m.checkPlace(start)
	return m.started(start)
}

// replaced is started for a loop that goes on elsewhere, whatever the dispatcher does.
func (m *model) replaced(start executor) executor {
	if g, ok := start.(*goroutines); ok && g.dispatched {
		m.w.failf("%s: the dispatcher may run the loop on this goroutine", m)
	}
	m.checkPlace(start)
	return m.started(start)
}

// restarted notes that an operation may have recalled a start, and returned another one.
func (m *model) restarted(start executor) executor {
	if start != nil && m.role == starting {
		return start
	}
	return m.started(start)
}

func (m *model) acquire(p *proc, from role) {
	if m.role != from {
		m.w.failf("%s: %s runs the loop, which is not its own", m, p)
	}
	m.role, m.holder = held, p
}

func (m *model) release(p *proc) {
	if m.role != held || m.holder != p {
		m.w.failf("%s: %s ends a loop that is not its own", m, p)
	}
	m.role, m.holder = nobody, nil
}

// submit is Scheduler.Submit.
func (p *proc) submit(m *model, item any, limit int) error {
	return p.submitTo(m, item, limit, false)
}

// submitUrgent is Scheduler.SubmitUrgent.
func (p *proc) submitUrgent(m *model, item any, limit int) error {
	return p.submitTo(m, item, limit, true)
}

func (p *proc) submitTo(m *model, item any, limit int, urgent bool) error {
	p.step("Submit to", m, item, urgent)
	waiting := 0
	for _, i := range m.queued() {
		if !hasEnded(i) {
			waiting++
		}
	}
	submit := m.state.submit
	if urgent {
		submit = m.state.submitUrgent
	}
	start, err := submit(item, limit)
	switch {
	case err != nil:
	case urgent:
		m.urgent = append(slices.Clone(m.urgent), item)
	default:
		m.queue, m.last = append(slices.Clone(m.queue), item), nil
	}
	m.pruned()
	switch {
	case m.closedIntake != errors.Is(err, errClosed):
		m.w.failf("%s: Submit returned %v although closed is %v", m, err, m.closedIntake)
	case !m.closedIntake && limit > 0 && waiting >= limit && err == nil,
		err != nil && !m.closedIntake && waiting+m.dropping < limit: // those are about to be noted as ended
		m.w.failf("%s: Submit with limit %d returned %v with %d waiting", m, limit, err, waiting)
	}
	if err != nil {
		return err
	}
	p.start(m, m.ensured(start))
	return nil
}

// call submits a task, or rejects it if the scheduler is stopped.
func (p *proc) call(t *exTask) {
	t.submitted = true
	if p.submit(t.m, &t.task, 0) != nil {
		p.reject(t)
	}
}

// submitHook is Scheduler.SubmitHook.
func (p *proc) submitHook(t *exTask) error {
	m := t.m
	p.step("SubmitHook", t)
	start, err := m.state.submitHook(&t.task)
	if (err != nil) != (m.closedIntake && !t.task.Final) {
		m.w.failf("%s: SubmitHook returned %v", m, err)
	}
	if err == nil {
		m.hook = t
		if !t.done {
			m.gate = t
		}
	}
	p.start(m, m.ensured(start))
	return err
}

// openGate is Scheduler.OpenGate.
func (p *proc) openGate(t *exTask) {
	m := t.m
	p.step("OpenGate", t)
	start := m.state.openGate(&t.task)
	if m.gate == t {
		m.gate = nil
	}
	p.start(m, m.ensured(start))
}

// recallFinal is Scheduler.RecallFinal.
func (p *proc) recallFinal(m *model) *exTask {
	p.step("RecallFinal", m)
	var want *Task
	if m.hook != nil && m.hook.task.Final {
		want = &m.hook.task
		m.hook = nil
	} else if t, ok := p.starts(m).(*Task); ok && t.Final {
		want = t
	}
	wasStarting := m.state.starting != nil && want != nil && m.state.starting.first == any(want)
	t, start := m.state.recallFinal()
	switch {
	case t != want:
		m.w.failf("%s: RecallFinal returns the wrong task", m)
	case want == nil && start != nil:
		m.w.failf("%s: RecallFinal recalls a start, and no task", m)
	case wasStarting && (start == nil || m.state.starting != nil):
		m.w.failf("%s: RecallFinal leaves the start on the pinned goroutine", m)
	}
	p.start(m, m.restarted(start))
	if t == nil {
		return nil
	}
	return t.work.(*exTask)
}

// submitAhead is Scheduler.SubmitAhead.
func (p *proc) submitAhead(m *model, item any) {
	p.step("SubmitAhead to", m, item)
	start, err := m.state.submitAhead(item)
	if (err != nil) != m.closedIntake {
		m.w.failf("%s: SubmitAhead returned %v", m, err)
	}
	if err == nil {
		m.ahead = append(m.ahead, item)
	}
	p.start(m, m.ensured(start))
}

// submitControl is Scheduler.SubmitControl.
func (p *proc) submitControl(m *model, message *exMessage, d Decision) {
	p.step("SubmitControl to", m, message)
	start := m.state.submitControl(message, d)
	if d != DecisionUnchanged {
		m.awaiting = d == DecisionAwaited
	}
	m.control = append(m.control, message)
	p.start(m, m.ensured(start))
}

// ungate is Scheduler.Ungate.
func (p *proc) ungate(m *model) {
	p.step("Ungate", m)
	m.state.notStarted = false
	start := m.state.ensureLoop()
	p.start(m, m.ensured(start))
}

// pause is Scheduler.Pause.
func (p *proc) pause(m *model, on bool) {
	p.step("Pause", m, on)
	m.state.pause(on)
	m.paused = on
}

// deferMessage is Scheduler.Defer.
func (p *proc) deferMessage(m *model, message *exMessage, final bool) {
	p.step("Defer", m, message)
	m.state.deferMessage(message, final)
	if !m.deferredFinal {
		m.deferred, m.deferredFinal = message, final
	}
}

// hold is Scheduler.Hold.
func (p *proc) hold(m *model, n int) {
	p.step("Hold", m, n)
	m.state.holds += int32(n) //nolint:gosec // Small.
	m.holds += n
	p.start(m, m.ensured(m.state.ensureLoop()))
}

// close is Scheduler.Close.
func (p *proc) close(m *model) (rejected []any, active []*exTask) {
	p.step("Close", m)
	recalled := p.starts(m)
	n := 0
	if b := m.state.batch; b != nil {
		n = b.Len() - int(m.state.cursor.Load())
	}
	want := slices.Concat(m.urgent, m.queue[:n]) // those of the batch
	if m.hook != nil {
		want = append(want, &m.hook.task)
		m.hook = nil
	}
	want = slices.Concat(want, m.ahead, m.queue[n:])
	rejected, tasks, start := m.state.close()
	if item := recalled; item != nil && !m.state.options.anchored {
		want = append(want, item)
	}
	if !slices.Equal(rejected, want) {
		m.w.failf("%s: Close returned %d items, not the %d that are queued", m, len(rejected), len(want))
	}
	m.queue, m.ahead, m.urgent, m.last = nil, nil, nil, nil
	m.closedIntake, m.notifying = true, true
	p.checkActive(m, tasks)
	p.start(m, m.restarted(start))
	return rejected, exTasks(tasks)
}

// starts returns the item that a pinned executor is to begin with.
func (p *proc) starts(m *model) any {
	if m.state.starting == nil {
		return nil
	}
	return m.state.starting.first
}

func (p *proc) checkActive(m *model, tasks []*Task) {
	want := slices.Concat(m.parked, m.runnable)
	if t := m.Current(); t != nil {
		want = append(want, t.work.(*exTask))
	}
	if !slices.Equal(exTasks(tasks), want) {
		m.w.failf("%s: %v are active, not %v", m, exTasks(tasks), want)
	}
}

func exTasks(tasks []*Task) []*exTask {
	var of []*exTask
	for _, t := range tasks {
		of = append(of, t.work.(*exTask))
	}
	return of
}

// stopNotified is Scheduler.StopNotified.
func (p *proc) stopNotified(m *model) {
	p.step("StopNotified", m)
	start := m.state.stopNotified()
	m.notifying = false
	p.start(m, m.ensured(start))
}

// active is Scheduler.Active.
func (p *proc) active(m *model) []*exTask {
	p.step("Active", m)
	tasks := m.Active()
	p.checkActive(m, tasks)
	return exTasks(tasks)
}

var errAbandoned = errors.New("abandoned")

// abandon is Scheduler.Abandon.
func (p *proc) abandon(m *model, of []*exTask) {
	p.step("Abandon", m, of)
	tasks := make([]*Task, 0, len(of))
	for _, t := range of {
		tasks = append(tasks, &t.task)
		isParked, isRunnable := slices.Index(m.parked, t), slices.Index(m.runnable, t)
		switch {
		case t.abandoned:
		case m.Current() == &t.task:
			t.abandoned = true
			m.role, m.holder = nobody, nil
		case isParked >= 0:
			t.abandoned = true
			m.parked = slices.Delete(slices.Clone(m.parked), isParked, isParked+1)
		case isRunnable >= 0:
			t.abandoned = true
			m.runnable = slices.Delete(slices.Clone(m.runnable), isRunnable, isRunnable+1)
		}
	}
	main, alternate := m.state.main.load(), m.state.alternate.load()
	var onMain, onAlternate, lostLoop bool
	for _, t := range of {
		if t.abandoned && !t.task.abandoned { // just now
			onMain = onMain || !t.task.Alternate
			onAlternate = onAlternate || t.task.Alternate
			lostLoop = lostLoop || m.Current() == &t.task
		}
	}
	busy := m.state.loopOn.Load()
	woken, changed, start := m.state.abandon(tasks, errAbandoned)
	m.checkReplaced(main, alternate, onMain, onAlternate, changed)
	if lostLoop && busy != nil && !busy.busy {
		m.w.failf("%s: a borrowed goroutine whose task was abandoned is not busy", m)
	}
	for _, t := range of {
		if w := t.task.wait; t.abandoned && w != nil && !w.over && t.task.state != running {
			m.w.failf("%s: the wait of %s goes on, which was abandoned", m, t)
		}
	}
	for _, t := range of {
		if t.abandoned != t.task.abandoned {
			m.w.failf("%s: %s is abandoned: %v", m, t, t.task.abandoned)
		}
	}
	start = m.restarted(start)
	idleCh := m.state.idleCh()
	p.apply(m, changed)
	p.start(m, start)
	for _, w := range woken {
		p.wake(w)
	}
	p.notifyIdle(m, idleCh)
}

// checkReplaced looks whether pinned executors were replaced on which tasks were abandoned:
// a task may block its goroutine for ever.
func (m *model) checkReplaced(main, alternate executor, onMain, onAlternate bool, changed threads) {
	var want []thread
	begins := false
	if p, ok := alternate.(*pinned); ok && onAlternate {
		want = append(want, p)
		if m.state.alternate.load() != onGoroutines {
			m.w.failf("%s: the alternate executor is not replaced", m)
		}
	} else if m.state.alternate.load() != alternate {
		m.w.failf("%s: the alternate executor is replaced", m)
	}
	p, ok := main.(*pinned)
	switch {
	case !ok || !onMain || !m.closedIntake && p.foreign():
		if m.state.main.load() != main {
			m.w.failf("%s: the main executor is replaced", m)
		}
	case m.closedIntake:
		want = append(want, p)
		if m.state.main.load() != onGoroutines {
			m.w.failf("%s: the main executor is not replaced", m)
		}
	default:
		want = append(want, p)
		begins = true
		if next, ok := m.state.main.load().(*pinned); !ok || next == p || changed.begin != next {
			m.w.failf("%s: the thread is not replaced", m)
		}
	}
	if begins != (changed.begin != nil) || len(changed.close) != len(want) {
		m.w.failf("%s: abandon closes %d executors, not %d, and begins one: %v", m, len(changed.close), len(want), changed.begin != nil)
	}
	for _, p := range want {
		if !slices.Contains(changed.close, p) {
			m.w.failf("%s: abandon closes the wrong executor", m)
		}
	}
}

// length is Scheduler.Len.
func (p *proc) length(m *model) {
	p.step("Len", m)
	n := m.Len()
	m.pruned()
	want := 0
	for _, i := range m.queued() {
		if !hasEnded(i) {
			want++
		}
	}
	if n != want && m.dropping == 0 || n < want {
		m.w.failf("%s: Len is %d with %d waiting", m, n, want)
	}
}

// dropped is Scheduler.dropped.
func (p *proc) dropped(m *model) {
	p.step("dropped", m)
	m.dropping--
	drops, before := int(m.state.drops)+1, m.state.queue.Len()+m.state.urgentLen()
	m.state.drop()
	if after := m.state.queue.Len() + m.state.urgentLen(); after != before && (drops < pruneAt || 2*drops <= before) {
		m.w.failf("%s: the queue is pruned after %d drops", m, drops)
	}
	m.pruned()
	if drops := int(m.state.drops); drops >= pruneAt && 2*drops > m.state.queue.Len()+m.state.urgentLen() {
		m.w.failf("%s: %d of %d queued tasks have ended", m, drops, m.state.queue.Len())
	}
}

// pruned notes that the queue, but for the batch, may have been pruned.
func (m *model) pruned() {
	n := 0
	if b := m.state.batch; b != nil {
		n = max(0, b.Len()-int(m.state.cursor.Load()))
	}
	if m.state.urgentLen() < len(m.urgent) {
		m.urgent = slices.DeleteFunc(slices.Clone(m.urgent), hasEnded)
	}
	if n+m.state.queue.Len() < len(m.queue) && n <= len(m.queue) {
		kept := slices.Clone(m.queue[:n])
		for _, item := range m.queue[n:] {
			if !hasEnded(item) {
				kept = append(kept, item)
			}
		}
		m.queue = kept
	}
}

// start is Scheduler.start, with what the executors do.
func (p *proc) start(m *model, on executor) {
	if on == nil {
		return
	}
	p.step("start the loop of", m, on)
	p.startNow(m, on)
}

// startNow is start without a step before it.
func (p *proc) startNow(m *model, on executor) {
	switch on := on.(type) {
	case nil:
	case *goroutines:
		switch {
		case on.dispatched && m.sync:
			in := &submitter{}
			p.run(m, in, nil, nil)
			in.returned.Store(true)
		default:
			p.w.spawn("loop of "+m.name, func(p *proc) { p.run(m, onGoroutines, nil, on.item) })
		}
	case *submitter:
		p.startNow(m, onGoroutines)
	case *borrowed:
		if m.lentWork > 0 {
			m.w.failf("%s: the loop is started twice on the borrowed goroutine", m)
		}
		m.lentWork++
	case *pinned:
		p.post(on, job{})
	}
}

// exLoop is loop.
type exLoop struct {
	loop
	m *model
}

// run is Scheduler.run.
func (p *proc) run(m *model, on executor, b *borrowed, item any) {
	l := &exLoop{m: m}
	l.s, l.on, l.b, l.item, l.left = m.Scheduler, on, b, item, m.batch(on)
	p.loops = append(p.loops, l)
	defer func() {
		if !p.w.IsAborted() {
			p.endLoop(l)
		}
	}()
	if _, ok := on.(*pinned); ok { // from beginLoop on
		m.acquire(p, starting)
	} else {
		p.step("begin the loop of", m)
		m.acquire(p, starting)
	}
	if m.state.loopOn.Load() != b {
		m.state.loopOn.Store(b)
	}
	l.look()
	ok := item == nil || p.dispatch(l)
	for ok {
		if l.left--; l.left < 0 && !p.pauseLoop(l) {
			break
		}
		ok = p.nextItem(l) && p.dispatch(l)
	}
	l.returned = true
}

// endLoop is loop.end.
func (p *proc) endLoop(l *exLoop) {
	if !l.returned {
		p.recoverLoop(l.m, l.item, l.b)
	}
	p.loops = p.loops[:len(p.loops)-1]
}

// checkPlace looks whether the loop is started where it belongs.
func (m *model) checkPlace(start executor) {
	if start == nil {
		return
	}
	s := &m.state
	_, isPinned := s.main.load().(*pinned)
	isPinned = isPinned && (s.options.anchored || len(m.control) == 0 && m.deferred == nil && !m.closedIntake)
	lends := s.borrowed != nil && !s.borrowed.busy
	ok := false
	switch on := start.(type) {
	case *pinned:
		ok = isPinned && s.main.load() == on
	case *borrowed:
		ok = !isPinned && lends
	case *goroutines:
		ok = !isPinned && !lends
	}
	if !ok {
		m.w.failf("%s: the loop is started on %s", m, m.w.show(start))
	}
}

// pauseLoop is loop.pause.
func (p *proc) pauseLoop(l *exLoop) bool {
	m := l.m
	if isHosted(l.on) {
		p.step("yield to the host", m)
		stays := !m.closedIntake && m.state.main.load() == l.on
		start, ok := m.state.yieldToHost(l.on.(*pinned))
		if ok != stays {
			m.w.failf("%s: the loop comes back to its host: %v", m, ok)
		}
		if ok {
			m.release(p)
		}
		p.start(m, m.started(start))
		return !ok
	}
	l.left = m.batch(l.on)
	return true
}

// nextItem is loop.next, with Scheduler.next.
func (p *proc) nextItem(l *exLoop) (ok bool) {
	m := l.m
	p.step("take from the batch", m)
	if m.state.slowPath.Load() != m.slow() && m.slow() {
		m.w.failf("%s: the loop takes from the batch, and misses what comes first", m)
	}
	if l.main != m.state.main.p.Load() && !m.state.slowPath.Load() {
		m.w.failf("%s: the loop does not see that the main executor has changed", m)
	}
	b := m.state.batch
	has := b != nil && int(m.state.cursor.Load()) < b.Len() && !m.state.slowPath.Load()
	if l.item, ok = m.state.takeFromBatch(); ok != has {
		m.w.failf("%s: an item is taken from the batch: %v", m, ok)
	}
	if ok {
		m.took(p, l.item, true, true)
		return true
	}
	p.step("next", m)
	want, works := m.first()
	lane := m.state.control
	l.item, ok = m.state.next()
	idleCh := m.state.idleCh()
	m.checkForgotten(lane)
	if ok != works || ok && !isItem(l.item, want) {
		m.w.failf("%s: next is %s, not %s", m, m.w.show(l.item), m.w.show(want))
	}
	m.took(p, want, works, false)
	if m.state.slowPath.Load() != m.slow() {
		m.w.failf("%s: slowPath is %v after next", m, m.state.slowPath.Load())
	}
	l.look()
	if !ok {
		p.notifyIdle(m, idleCh)
	}
	return ok
}

// notifyIdle has those look again who wait for the scheduler to be idle.
func (p *proc) notifyIdle(m *model, ch chan struct{}) {
	if ch != nil {
		p.step("notify that it may be idle", m)
		notify(ch)
	}
}

// checkForgotten looks whether the control lane holds on to a message that was taken.
func (m *model) checkForgotten(before []any) {
	if len(before) > 0 && len(m.state.control) < len(before) && before[0] != nil {
		m.w.failf("%s: a control message that was taken is held on to", m)
	}
	if len(m.state.control) == 0 && m.state.control != nil {
		m.w.failf("%s: the control lane is empty, and holds on to its memory", m)
	}
}

// dispatch is loop.dispatch.
func (p *proc) dispatch(l *exLoop) bool {
	m := l.m
	switch item := l.item.(type) {
	case *Task:
		return p.dispatchTask(l, item)
	case *Source:
		t, more := p.nextOf(item)
		p.step("advance", item, t, more)
		m.advanced(item, more)
		m.state.advance(item, more)
		l.item = t
		return t == nil || p.dispatchTask(l, t)
	case *waitState:
		p.wake(item)
		return false
	case *coroutine:
		p.wake(item)
		return false
	case controlMessage:
		if m.state.options.anchored && !l.messages {
			return p.reroute(m, item)
		}
		p.handle(m, item.message)
	case deferredMessage:
		if m.state.options.anchored && !l.messages {
			return p.reroute(m, item)
		}
		p.quiesced(m, item.message.(*exMessage))
	default:
		if !l.messages {
			return p.reroute(m, item)
		}
		p.handle(m, item)
		m.messages++
	}
	return true
}

// handle is the handler of a message, on the turn.
func (p *proc) handle(m *model, message any) {
	p.step("handle", m, message)
	p.onTurn(m, nil)
	if do := message.(*exMessage).do; do != nil {
		do(p)
	}
}

func (p *proc) dispatchTask(l *exLoop, t *Task) bool {
	m := l.m
	if t.Alternate {
		p.step("start the alternate executor of", m)
		before := m.state.alternate.load()
		changed := m.state.startAlternate(m.Scheduler)
		begins := !m.state.options.thread && !m.closedIntake && before == onGoroutines
		if begins != (changed.begin != nil) || begins == (m.state.alternate.load() == before) {
			m.w.failf("%s: an alternate thread begins: %v", m, changed.begin != nil)
		}
		p.apply(m, changed)
	}
	if t.Alternate && m.state.alternate.load() != l.on || !t.Alternate && !l.onMain {
		return p.reroute(m, t)
	}
	return p.runTask(m, t)
}

// runTask is Scheduler.runTask.
func (p *proc) runTask(m *model, t *Task) bool {
	of := t.work.(*exTask)
	crashed := false
	p.step("make current", of)
	if m.role != held || m.holder != p {
		m.w.failf("%s: %s runs %s without the loop", m, p, of)
	}
	if m.Current() != nil {
		m.w.failf("%s: two tasks are current", m)
	}
	m.state.current.Store(t)
	p.step("is it closed", m)
	if m.state.closed.Load() && !t.Final {
		p.reject(of)
	} else {
		crashed = p.runWork(of)
	}
	returned := p.exit(of)
	if returned && crashed {
		p.panicked(m, of)
	}
	return returned
}

// runWork is Work.Run: that of scheduled.Call.
func (p *proc) runWork(t *exTask) (crashed bool) {
	p.step("begin", t)
	if t.done {
		return false
	}
	t.begun = true
	if t.m.w.graph {
		t.Begin()
	}
	if t.ran++; t.ran > 1 {
		t.w.failf("%s runs twice", t)
	}
	p.onTurn(t.m, t)
	returned := false
	defer func() {
		if !returned && !p.w.IsAborted() {
			t.left = true
			p.complete(t)
		}
	}()
	if t.fn != nil {
		t.fn(p, t)
	}
	returned = true
	t.left = true
	p.complete(t)
	return t.task.panicked
}

// use is a step of user code of t, which has the turn.
func (p *proc) use(t *exTask) {
	p.step("user code of", t)
	p.onTurn(t.m, t)
}

// onTurn is called where user code runs. It fails unless that has the turn.
func (p *proc) onTurn(m *model, t *exTask) {
	switch {
	case t != nil && t.abandoned:
		return
	case m.role != held || m.holder != p:
		m.w.failf("%s: user code runs on %s without the turn", m, p)
	case t != nil && m.Current() != &t.task:
		m.w.failf("%s: user code of %s runs, which is not current", m, t)
	}
	if m.state.loopOn.Load() != p.borrowedFor(m) {
		m.w.failf("%s: the loop counts as on another goroutine than %s", m, p)
	}
	if t != nil && t.task.state != running {
		m.w.failf("%s: user code of %s runs in state %d", m, t, t.task.state)
	}
	if b := m.state.loopOn.Load(); b != nil && b.busy {
		m.w.failf("%s: user code runs on a borrowed goroutine that counts as busy", m)
	}
}

// borrowedFor returns the borrowed goroutine that a process is when it runs the loop of m, or
// nil.
func (p *proc) borrowedFor(m *model) *borrowed {
	for _, l := range slices.Backward(p.loops) {
		if l.m == m {
			return l.b
		}
	}
	return nil
}

// complete makes a pending done, and notifies those who wait for it.
func (p *proc) complete(t *exTask) {
	p.step("done", t)
	p.completeNow(t)
}

func (p *proc) completeNow(t *exTask) {
	if t.done {
		return
	}
	t.setDone()
	if !t.begun && !t.isPromise {
		t.m.dropping++
		p.dropped(t.m)
	}
	if t.isHook {
		p.openGate(t)
	}
	waiters := t.waiters
	t.waiters = nil
	for _, w := range waiters {
		p.resume(w)
	}
}

func (t *exTask) setDone() {
	t.done = true
	if t.m.w.graph {
		t.End(0, nil)
	}
	if t.ended++; t.ended > 1 {
		t.w.failf("%s ends twice", t)
	}
}

// reject is Work.Reject: the pending is cancelled unless its function has started.
func (p *proc) reject(t *exTask) {
	p.step("reject", t)
	if t.begun || t.done {
		return
	}
	t.canceled = true
	p.completeNow(t)
}

// cancel is Handle.Cancel.
func (p *proc) cancel(t *exTask) {
	p.step("cancel", t)
	switch {
	case t.done || t.canceled:
	case !t.begun:
		t.canceled = true
		p.completeNow(t)
	default:
		t.canceled = true
		p.resume(t)
	}
}

// exit is Task.exit.
func (p *proc) exit(t *exTask) bool {
	p.step("leave the turn", t)
	returned := t.task.sched.Load().state.current.CompareAndSwap(&t.task, nil)
	if returned == t.abandoned {
		t.w.failf("%s has the turn at its end: %v", t, returned)
	}
	return returned
}

// reroute is Scheduler.reroute.
func (p *proc) reroute(m *model, item any) bool {
	p.step("reroute", m, item)
	start, ok := m.state.reroute(item)
	of, _ := item.(*Task)
	switch item.(type) {
	case controlMessage, deferredMessage:
		if !ok {
			m.w.failf("%s: %s is rejected", m, m.w.show(item))
		}
	default:
		if ok != (!m.closedIntake || of != nil && of.Final) {
			m.w.failf("%s: closed is %v, and %s is moved: %v", m, m.closedIntake, m.w.show(item), ok)
		}
	}
	if !ok {
		p.rejectAll([]any{item})
		return true
	}
	m.release(p)
	p.start(m, m.started(start))
	return false
}

// rejectAll is Owner.Rejected.
func (p *proc) rejectAll(items []any) {
	for _, item := range items {
		switch item := item.(type) {
		case *Task:
			p.reject(item.work.(*exTask))
		case *exMessage:
			p.messageRejected(item)
		case *Source:
			for t, _ := p.nextOf(item); t != nil; t, _ = p.nextOf(item) {
				p.reject(t.work.(*exTask))
			}
		}
	}
}

func (p *proc) messageRejected(*exMessage) {}

// recoverLoop is Scheduler.recoverLoop.
func (p *proc) recoverLoop(m *model, item any, b *borrowed) {
	p.step("recover the loop of", m)
	setBusy(b, true)
	abandoned := false
	defer func() {
		if !abandoned && !p.w.IsAborted() {
			p.step("replace the loop of", m)
			start := m.state.replaceLoop()
			m.release(p)
			p.start(m, m.replaced(start))
		}
	}()
	if t, ok := item.(*Task); ok && t != nil {
		abandoned = !p.taskExited(t.work.(*exTask))
	}
}

// taskExited is Scheduler.taskExited.
func (p *proc) taskExited(t *exTask) bool {
	exited := p.exit(t)
	if !exited {
		p.step("is it abandoned", t)
		if t.task.isAbandoned() {
			return false
		}
	}
	if exited && t.task.panicked {
		p.panicked(t.m, t)
	}
	return true
}

// open is Scheduler.Open.
func (p *proc) open(m *model) {
	p.step("Open", m)
	closed := m.state.notStarted
	if opens := m.state.open(); opens != closed {
		m.w.failf("%s: Open opens it: %v", m, opens)
	}
	if !closed {
		return
	}
	m.role = starting
	if m.state.closed.Load() {
		p.w.spawn("loop of "+m.name, func(p *proc) { p.run(m, onGoroutines, nil, nil) })
		return
	}
	m.acquire(p, starting)
	for p.openControl(m) {
	}
	if m.holder != p { // its handler has ended the goroutine
		return
	}
	p.step("end Open", m)
	start := m.state.endOpen()
	idleCh := m.state.idleCh()
	m.release(p)
	if m.state.slowPath.Load() != m.slow() {
		m.w.failf("%s: slowPath is %v after Open", m, m.state.slowPath.Load())
	}
	p.start(m, m.ensured(start))
	p.notifyIdle(m, idleCh)
}

// openControl is Scheduler.openControl.
func (p *proc) openControl(m *model) (ok bool) {
	p.step("next control message", m)
	lane := m.state.control
	message, ok := m.state.nextControl()
	m.checkForgotten(lane)
	if ok != (len(m.control) > 0) || ok && message != m.control[0] {
		m.w.failf("%s: nextControl", m)
	}
	if !ok {
		return false
	}
	m.control = m.control[1:]
	returned := false
	defer func() {
		if !returned && !p.w.IsAborted() {
			p.recoverLoop(m, controlMessage{message}, nil)
		}
	}()
	p.handle(m, message)
	returned = true
	return true
}

// wake wakes who waits.
func (p *proc) wake(w waker) {
	switch w := w.(type) {
	case nil:
	case *waitState:
		p.step("wake", w)
		p.signal(w)
	case *coroutine:
		p.step("wake", w)
		p.post(w.pinned, job{resume: w})
	}
}

// signal is sync.Cond.Signal: it wakes one goroutine that sleeps, if there is one.
func (p *proc) signal(w *waitState) {
	for _, q := range p.w.running() {
		if q.sleepsOn == w && !q.signaled {
			q.signaled = true
			return
		}
	}
}

// resume is Task.Resume.
func (p *proc) resume(t *exTask) {
	m := t.m
	p.step("Resume", t)
	w := m.resume(t)
	_, inPlaceWork := t.task.inPlace()
	inPlace := inPlaceWork != nil
	if inPlace != (t.task.state == lent) {
		m.w.failf("%s: %s has lent its goroutine, and Resume passes that on: %v", m, t, inPlace)
	}
	p.wake(w)
	if inPlace {
		p.passCancellation(t, t.waitsFor)
	}
}

// resume is state.resume.
func (m *model) resume(t *exTask) waker {
	before := t.task.state
	w := m.state.resume(&t.task)
	if i := slices.Index(m.parked, t); i >= 0 && before != lent {
		switch {
		case m.role != nobody || m.paused && m.deferred == nil:
			m.parked = slices.Delete(slices.Clone(m.parked), i, i+1)
			m.runnable = append(slices.Clone(m.runnable), t)
		default:
			m.parked = slices.Delete(slices.Clone(m.parked), i, i+1)
			m.role = handed
		}
	}
	return w
}

func (p *proc) passCancellation(t, inPlace *exTask) {
	if t.canceled && inPlace != nil {
		p.cancel(inPlace)
	}
}

// wait is Pending.Wait: it returns when on is done or t is cancelled.
func (p *proc) wait(t, on *exTask) error { return p.waitWith(t, on, false) }

// waitSync is Pending.WaitSync.
func (p *proc) waitSync(t, on *exTask) error { return p.waitWith(t, on, true) }

func (p *proc) waitWith(t, on *exTask, keep bool) error {
	p.step("look at", on)
	if on.done {
		return nil
	}
	on.waiters = append(slices.Clone(on.waiters), t)
	for {
		p.step("look again", on)
		if on.done || t.canceled && !t.shields {
			break
		}
		t.waitsFor = on
		err := p.park(t, future.Wait{For: &on.task}, keep)
		t.waitsFor = nil
		if err != nil {
			p.removeWaiter(t, on)
			return err
		}
	}
	p.removeWaiter(t, on)
	return nil
}

func (p *proc) removeWaiter(t, on *exTask) {
	p.step("forget the wait", t)
	if i := slices.Index(on.waiters, t); i >= 0 {
		on.waiters = slices.Delete(slices.Clone(on.waiters), i, i+1)
	}
}

// park is Task.Park.
func (p *proc) park(t *exTask, on future.Wait, keep bool) error {
	m := t.m
	keep = keep || m.state.options.nonReentrant
	w := p.getWait(m)
	p.step("Park", t)
	p.w.waits++
	on.Began = p.w.waits
	wasWoken, suspended := t.task.woken, len(m.parked)+len(m.runnable)
	waits, err := m.state.beginWait(&t.task, w, on, keep)
	switch {
	case t.abandoned != errors.Is(err, errAbandoned):
		m.w.failf("%s: the wait of an abandoned task: %v", m, err)
	case !t.abandoned && errors.Is(err, errNotCurrent):
		m.w.failf("%s: %s has the turn and must not wait", m, t)
	case !t.abandoned && !keep && m.state.options.maxSuspended > 0 && (suspended >= int(m.state.options.maxSuspended)) != errors.Is(err, errSuspended):
		m.w.failf("%s: with %d suspended Park returns %v", m, suspended, err)
	case err == nil && waits == wasWoken:
		m.w.failf("%s: Park of %s, woken: %v, waits: %v", m, t, wasWoken, waits)
	}
	if !waits {
		if err == nil && t.task.woken {
			m.w.failf("%s: one Resume ends two waits of %s", m, t)
		}
		p.putWait(w)
		return err
	}
	if loop := m.hostLoop(t); keep && loop != nil {
		loop.blocking.Store(&t.task)
		defer loop.blocking.CompareAndSwap(&t.task, nil)
		for _, other := range m.w.tasks {
			if loop.isKeptFrom(&other.task) != (other.m != m) {
				m.w.failf("%s keeps the goroutine of a host from %s: %v", t, other, other.m == m)
			}
		}
	}
	if m.w.graph && on.For != nil {
		p.detectDeadlock(t, on.Began)
	}
	p.step("give the turn away", t)
	switch {
	case t.task.abandoned:
		err = m.state.cold.abandonErr
	case t.task.woken:
		err = w.err
	default:
		err = p.waitLocked(m, t, keep)
	}
	m.state.endWait(&t.task)
	p.putWait(w)
	if errors.Is(err, future.ErrDeadlock) {
		t.circle = true
	}
	if t.abandoned != errors.Is(err, errAbandoned) {
		m.w.failf("%s: the wait of %s ends with %v", m, t, err)
	}
	p.onTurn(m, t)
	return err
}

// hostLoop returns the host's loop that a task runs on, or nil.
func (m *model) hostLoop(t *exTask) *hostLoop {
	var want *hostLoop
	if on, ok := m.state.executorOf(&t.task).(*pinned); ok {
		want = on.loop
	}
	if loop := m.state.hostLoopOf(&t.task); loop != want {
		m.w.failf("%s: the loop of the host is not that of %s", m, t)
	}
	return want
}

func (p *proc) getWait(m *model) *waitState {
	var w *waitState
	if last := len(p.w.freeWaits) - 1; last >= 0 {
		w = p.w.freeWaits[last]
		p.w.freeWaits = p.w.freeWaits[:last]
	} else {
		w = &waitState{}
	}
	w.cond.L = &m.mu
	return w
}

// putWait is waitState.recycle.
func (p *proc) putWait(w *waitState) {
	if w.next != nil || w.prev != nil {
		p.w.failf("a wait that is over is in a list")
	}
	*w = waitState{}
	p.w.freeWaits = append(p.w.freeWaits, w)
}

// detectDeadlock is Task.detectDeadlock. If waits are left to the search, it leaves this
// one. A wait that is too much to look at on a turn is left in this way.
func (p *proc) detectDeadlock(t *exTask, number uint64) {
	d := &p.w.deadlocks
	p.step("look for a circle of", t)
	if p.w.searches {
		p.w.leave(t, number)
		return
	}
	l := &exLook{}
	if l.graph.begin(&t.task) {
		return
	}
	p.w.looks = append(p.w.looks, l)
	p.step("look again for a circle of", t)
	if l.graph.nodes[0].live || !p.detect(func() bool { return d.breakCircle(&t.task, number, &l.graph) }) {
		p.w.leave(t, number)
	}
	p.w.forget(l)
}

// leave is Task.leave, without the timer of the search.
func (w *world) leave(t *exTask, number uint64) {
	w.deadlocks.armed = true
	t.task.leave(&w.deadlocks, number)
	t.deep = true
}

// search is Deadlocks.search, whenever there is something to search for.
func (p *proc) search() {
	d := &p.w.deadlocks
	for {
		p.Service = true
		p.await(func() bool { return len(d.suspects) > 0 }, "wait for a suspect")
		p.Service = false
		l := &exLook{}
		p.w.looks = append(p.w.looks, l)
		roots := d.firstLook(&l.graph)
		d.armed = true // no timer: the search is a step
		if roots != nil {
			p.step("look again for circles")
			p.detect(func() bool {
				d.secondLook(roots, &l.graph)
				return true
			})
		}
		p.w.forget(l)
	}
}

// exLook is an earlier look at the wait graph, which a process keeps from one step to the
// next.
type exLook struct{ graph waitGraph }

func (w *world) forget(l *exLook) {
	w.looks = slices.DeleteFunc(slices.Clone(w.looks), func(other *exLook) bool { return l == other })
}

// encode writes down what the second look compares.
func (l *exLook) encode(w *world, b []byte) []byte {
	for i := range l.graph.nodes {
		if t, ok := l.graph.nodes[i].node.(*Task); ok {
			b = w.encode(b, t, l.graph.nodes[i].live, t.waitNumber() == l.graph.nodes[i].began)
		}
	}
	return b
}

// recheck is Scheduler.RecheckDeadlock, and RecheckParked.
func (p *proc) recheck(m *model) {
	p.step("recheck the waits of", m)
	p.w.deadlocks.armed = true
	m.RecheckDeadlock()
	m.RecheckParked()
}

// detect looks for circles. It wakes those whose waits it has failed.
func (p *proc) detect(look func() bool) bool {
	var goesOn []bool
	for _, t := range p.w.tasks {
		goesOn = append(goesOn, t.goesOn(nil))
	}
	var waits []*waitState
	before, failed := make(map[*waitState]bool), make(map[*waitState]bool)
	for _, t := range p.w.tasks {
		if w := t.task.wait; w != nil {
			waits = append(waits, w)
			before[w], failed[w] = w.over, w.err != nil
		}
	}
	var was []taskState
	for _, t := range p.w.tasks {
		was = append(was, t.task.state)
	}
	p.w.deadlocks.armed = true // no timer: the search is a step
	result := look()
	p.w.deadlocks.armed = true
	for i, t := range p.w.tasks {
		w := t.task.wait
		if w == nil {
			continue
		}
		if goesOn[i] && w.err != nil && !failed[w] {
			p.w.failf("a wait of %s fails, which goes on", t)
		}
		if j := slices.Index(t.m.parked, t); j >= 0 && was[i] == parked && (t.task.state != parked || w.over) {
			t.m.parked = slices.Delete(slices.Clone(t.m.parked), j, j+1)
			if w.over {
				t.m.role = handed
			} else {
				t.m.runnable = append(slices.Clone(t.m.runnable), t)
			}
		}
	}
	for _, w := range waits {
		if w.over && !before[w] {
			p.wake(w)
		}
	}
	return result
}

// waitLocked is Scheduler.waitLocked.
func (p *proc) waitLocked(m *model, t *exTask, keep bool) error {
	if !keep {
		start := m.state.yield(&t.task)
		m.parked = append(slices.Clone(m.parked), t)
		if _, works := m.first(); works != (start != nil) {
			m.w.failf("%s: the loop goes on elsewhere: %v", m, start != nil)
		}
		m.release(p)
		p.startNow(m, m.replaced(start))
	}
	p.sleep(t)
	switch {
	case t.task.abandoned:
		return m.state.cold.abandonErr
	case !keep:
		m.acquire(p, handed)
	}
	return t.task.wait.err
}

// sleep is waitState.sleep.
func (p *proc) sleep(t *exTask) {
	w := t.task.wait
	if w.coroutine == nil {
		for !w.over {
			p.sleepsOn = w
			p.await(func() bool { return p.signaled }, "go on with", t)
			p.sleepsOn, p.signaled = nil, false
		}
		return
	}
	p.suspend(w.coroutine)
	p.step("go on with", t)
}

// yield is Task.Yield.
func (p *proc) yieldTurn(t *exTask) error {
	m := t.m
	if m.state.options.nonReentrant {
		return nil
	}
	w := p.getWait(m)
	p.step("Yield", t)
	_, works := m.first()
	waits, err := m.state.beginYield(&t.task, w)
	if err == nil && waits != works {
		m.w.failf("%s: Yield gives the turn away: %v", m, waits)
	}
	if t.abandoned != errors.Is(err, errAbandoned) || !t.abandoned && err != nil {
		m.w.failf("%s: Yield of %s returns %v", m, t, err)
	}
	if waits {
		start := m.state.yieldRunnable(&t.task)
		m.runnable = append(slices.Clone(m.runnable), t)
		m.queueNext = true
		m.release(p)
		p.startNow(m, m.replaced(start))
		p.sleep(t)
		if t.task.abandoned {
			err = m.state.cold.abandonErr
		} else {
			m.acquire(p, handed)
		}
		m.state.endWait(&t.task)
	}
	p.putWait(w)
	p.onTurn(m, t)
	return err
}

// callInPlace is Scheduler.RunInPlace, or a Submit if that cannot be.
func (p *proc) callInPlace(t *exTask) {
	t.submitted = true
	if !p.takeLoop(t) {
		p.call(t)
		return
	}
	p.runInPlace(t)
}

// takeLoop is Scheduler.takeLoop.
func (p *proc) takeLoop(t *exTask) bool {
	m := t.m
	p.step("take the loop for", t)
	free := m.isFree(t)
	took := m.state.takeLoop(&t.task)
	if want := m.role == nobody && free; took != want {
		m.w.failf("%s: the loop is taken for %s: %v", m, t, took)
	}
	if took {
		m.taken++
		m.role, m.holder = held, p
		if m.state.loopOn.Load() != nil {
			m.w.failf("%s: a goroutine that was borrowed is where the loop is", m)
		}
	}
	return took
}

// isFree says whether t would be next, by the account of the model.
func (m *model) isFree(t *exTask) bool {
	_, works := m.first()
	return !m.state.notStarted && !m.closedIntake && !m.paused && m.deferred == nil && !works && m.gate == nil && m.state.borrowed == nil &&
		m.state.executorOf(&t.task) == onGoroutines
}

// leaveLoop is Scheduler.leaveLoop.
func (p *proc) leaveLoop(m *model) {
	p.step("leave the loop of", m)
	start := m.state.leaveLoop()
	idleCh := m.state.idleCh()
	m.release(p)
	if m.state.slowPath.Load() != m.slow() {
		m.w.failf("%s: slowPath is %v after the loop was left", m, m.state.slowPath.Load())
	}
	p.start(m, m.ensured(start))
	p.notifyIdle(m, idleCh)
}

// runInPlace is Scheduler.runInPlace.
func (p *proc) runInPlace(t *exTask) {
	returned := false
	defer func() {
		if !returned && !p.w.IsAborted() {
			p.recoverLoop(t.m, &t.task, nil)
		}
	}()
	hasLoop := p.runTask(t.m, &t.task)
	returned = true
	if hasLoop {
		p.leaveLoop(t.m)
	}
}

// callFrom is Task.RunInPlace for the function of from, or a Submit and a wait.
func (p *proc) callFrom(from, t *exTask) error {
	ran, err := p.runInPlaceFrom(from, t)
	if ran || err != nil {
		if !ran {
			p.reject(t)
		}
		return err
	}
	p.call(t)
	return p.wait(from, t)
}

func (p *proc) runInPlaceFrom(from, t *exTask) (ran bool, err error) {
	m, home := t.m, from.m
	t.submitted = true
	own := m == home
	p.step("may lend", from)
	mayLend := home.state.executorOf(&from.task) == onGoroutines && home.state.loopOn.Load() == nil
	if !mayLend || own && home.state.options.nonReentrant || !own && !p.takeLoop(t) {
		return false, nil
	}
	var lent bool
	on := future.Wait{On: future.Of(t), For: &t.task}
	if own {
		lent, err = p.lendTo(from, t, on)
	} else {
		lent, err = p.lend(from, t, on)
	}
	if !lent {
		if !own {
			p.leaveLoop(m)
		}
		return false, err
	}
	from.waitsFor = t
	defer func() {
		if !p.w.IsAborted() {
			p.takeBackTurn(from)
		}
	}()
	p.passCancellation(from, t)
	p.runInPlace(t)
	return true, nil
}

// lend is Scheduler.lend.
func (p *proc) lend(from, t *exTask, on future.Wait) (lent bool, err error) {
	m := from.m
	w := p.getWait(m)
	w.lentTo = t
	p.step("lend the goroutine of", from)
	suspended := len(m.parked) + len(m.runnable)
	err = m.state.beginLend(&from.task, w, on)
	var start executor
	if err == nil && !m.state.options.nonReentrant {
		start = m.state.yield(&from.task)
		m.parked = append(slices.Clone(m.parked), from)
		m.release(p)
	}
	p.checkLend(m, from, suspended, err)
	if err != nil {
		p.putWait(w)
		return false, err
	}
	p.start(m, m.started(start))
	return true, nil
}

func (p *proc) checkLend(m *model, from *exTask, suspended int, err error) {
	limit := int(m.state.options.maxSuspended)
	if w := from.task.wait; err == nil && (w == nil || w.on.For == nil) {
		m.w.failf("%s: %s does not say what it waits for", m, from)
	}
	full := limit > 0 && suspended >= limit && !m.state.options.nonReentrant && !from.abandoned
	if full != errors.Is(err, errSuspended) {
		m.w.failf("%s: the loan of %s with %d suspended returns %v", m, from, suspended, err)
	}
	if from.abandoned != errors.Is(err, errAbandoned) || errors.Is(err, errNotCurrent) && !from.abandoned {
		m.w.failf("%s: the loan of %s returns %v", m, from, err)
	}
}

// lendTo is Scheduler.lendTo.
func (p *proc) lendTo(from, t *exTask, on future.Wait) (lent bool, err error) {
	m := from.m
	w := p.getWait(m)
	w.lentTo = t
	p.step("lend the goroutine of", from, "to", t)
	want := m.isFree(t)
	free := m.state.isFree(&t.task)
	if free != want {
		m.w.failf("%s: %s is free to run: %v", m, t, free)
	}
	if free {
		err = m.state.beginLend(&from.task, w, on)
		p.checkLend(m, from, len(m.parked)+len(m.runnable), err)
		if err == nil {
			m.state.lendTo(&from.task)
			m.taken++
			m.parked = append(slices.Clone(m.parked), from)
			lent = true
		}
	}
	if !lent {
		p.putWait(w)
	}
	return lent, err
}

// takeBackTurn is Scheduler.takeBackTurn.
func (p *proc) takeBackTurn(t *exTask) {
	m := t.m
	p.step("ask for the turn of", t)
	w := t.task.wait
	keeps := m.Current() == &t.task
	asked := m.state.endLend(&t.task)
	if asked != (!t.abandoned && !keeps) {
		m.w.failf("%s: %s asks for its turn: %v", m, t, asked)
	}
	t.waitsFor = nil
	if asked {
		if i := slices.Index(m.parked, t); i >= 0 {
			m.parked = slices.Delete(slices.Clone(m.parked), i, i+1)
			if m.role != nobody || m.paused && m.deferred == nil {
				m.runnable = append(slices.Clone(m.runnable), t)
			} else {
				m.role = handed
			}
		}
		p.sleep(t)
		if !t.task.abandoned {
			m.acquire(p, handed)
		}
	}
	woken := t.task.woken
	m.state.endWait(&t.task)
	t.task.woken = woken
	p.putWait(w)
	if !t.abandoned && !keeps {
		p.onTurn(m, t)
	}
}

// thread returns what the model knows of a pinned executor, which may be new.
func (w *world) thread(p *pinned) *exThread {
	for _, th := range w.threads {
		if th.pinned == p {
			return th
		}
	}
	th := &exThread{pinned: p, id: len(w.threads)}
	for _, m := range w.scheds {
		if m.Scheduler == p.sched {
			th.m = m
		}
	}
	w.threads = append(w.threads, th)
	return th
}

func (w *world) coroutine(c *coroutine) *exCoroutine {
	for _, th := range w.threads {
		for _, co := range th.cos {
			if co.coroutine == c {
				return co
			}
		}
	}
	return &exCoroutine{coroutine: c, id: -1}
}

// apply is threads.apply.
func (p *proc) apply(m *model, changed threads) {
	if changed.begin != nil {
		p.step("begin a thread of", m)
		p.begin(changed.begin.(*pinned))
	}
	for _, th := range changed.close {
		p.closeThread(th.(*pinned))
	}
}

func (p *proc) begin(of *pinned) {
	th := p.w.thread(of)
	p.w.spawn("thread of "+th.m.name, func(p *proc) { p.serve(th) })
}

// post is pinned.post.
func (p *proc) post(on *pinned, j job) {
	th := p.w.thread(on)
	th.jobs = append(slices.Clone(th.jobs), j)
	wake := !th.woken
	th.woken = true
	if wake {
		p.wakePinned(th)
	}
}

// wakePinned is pinned.wake.
func (p *proc) wakePinned(th *exThread) {
	if th.host == nil {
		p.step("wake the thread of", th.m)
		notify(th.wakeup)
		return
	}
	host := th.m.host
	p.w.spawn("post to the host of "+th.m.name, func(p *proc) {
		p.step("Post")
		host.posts++
	})
}

// serve is pinned.serve.
func (p *proc) serve(th *exThread) {
	for {
		for more := true; more; {
			var exited bool
			more, exited = p.runJob(th)
			if exited && th.lent {
				p.beginStop(th.m) // Owner.ExecutorLost
			}
		}
		p.step("has the thread ended", th.m)
		if th.closed && th.suspended == 0 && len(th.jobs) == 0 {
			break
		}
		p.Service = !th.closed
		p.await(func() bool {
			p.Service = !th.closed || th.isHeld()
			return len(th.wakeup) > 0
		}, "wait for a job of", th.m)
		<-th.wakeup
	}
	th.gone = true
}

// runThread is Scheduler.RunThread.
func (p *proc) runThread(m *model) {
	p.step("lend a thread to", m)
	on := newThread(m.Scheduler)
	on.lent = true
	m.state.main.store(on)
	p.open(m)
	p.serve(p.w.thread(on))
	p.await(func() bool {
		p.Service = !m.stopping
		return m.finished
	}, "wait for the end of", m)
}

// isHeld reports whether a function that was abandoned waits on the thread forever.
func (th *exThread) isHeld() bool { return th.suspended > 0 }

// runJob is pinned.runJob, with nextJob. It reports whether a task has ended the goroutine: then
// it has done no more than that.
func (p *proc) runJob(th *exThread) (more, exited bool) {
	p.step("next job of", th.m)
	if len(th.jobs) > 0 {
		j := th.jobs[0]
		th.jobs = th.jobs[1:]
		var c *exCoroutine
		if j.resume != nil {
			c = p.w.coroutine(j.resume)
		} else {
			p.step("begin the loop on the pinned goroutine of", th.m)
			if item, ok := th.m.state.beginLoop(th.pinned); ok {
				c = p.newCoroutine(th, item)
			}
		}
		if c != nil {
			th.current = c.coroutine
			c.active = true
			p.await(func() bool { return !c.active }, "is in a coroutine of", th.m)
			if c.exited {
				return true, true
			}
			th.current = nil
		}
	}
	p.step("are there more jobs of", th.m)
	th.woken = len(th.jobs) > 0
	return th.woken, false
}

// newCoroutine makes a coroutine that runs the loop. It is not kept: it ends as one of a
// host does.
func (p *proc) newCoroutine(th *exThread, item any) *exCoroutine {
	c := &exCoroutine{coroutine: &coroutine{pinned: th.pinned}, id: len(th.cos) + 16*th.id}
	th.cos = append(th.cos, c)
	p.w.spawn("coroutine of "+th.m.name, func(p *proc) {
		p.co = c
		defer func() { c.active, c.ended, c.exited = false, true, p.IsExiting() }()
		p.await(func() bool { return c.active }, "begin the loop of", th.m)
		p.run(th.m, th.pinned, nil, item)
	})
	return c
}

// suspend is coroutine.suspend.
func (p *proc) suspend(of *coroutine) {
	c := p.w.coroutine(of)
	if p.co != c {
		p.w.failf("%s leaves a coroutine that it is not", p)
	}
	of.pinned.suspended++
	c.active = false
	p.await(func() bool { return c.active }, "is resumed")
	of.pinned.suspended--
}

// leaveHost is Scheduler.LeaveHost.
func (p *proc) leaveHost(m *model) {
	p.step("which host is it", m)
	if on, ok := m.state.main.load().(*pinned); ok {
		p.step("go on without the host", m, on)
		start := m.state.loseExecutor(on)
		p.start(m, m.restarted(start))
	}
}

// closeThread is pinned.close.
func (p *proc) closeThread(of *pinned) {
	th := p.w.thread(of)
	p.step("close the pinned goroutine of", th.m)
	of.closed = true
	wake := !of.woken && of.host == nil
	of.woken = of.woken || wake
	if wake {
		p.wakePinned(th)
	}
}

// serveHost is the loop of a host, with hostCallback.
func (p *proc) serveHost(h *exHost) {
	p.Service = true
	for !h.ended {
		p.await(func() bool { return h.posts > 0 || h.ended }, "wait for a post")
		if h.posts == 0 || h.ended {
			return
		}
		h.posts--
		more, exited := p.runJob(h.th)
		if more {
			p.wakePinned(h.th)
		}
		if exited { // the host goes on, on another goroutine
			p.w.spawn("host of "+h.th.m.name, func(p *proc) { p.serveHost(h) })
			return
		}
	}
}

// runHere is Scheduler.RunHere.
func (p *proc) runHere(m *model) {
	b := &borrowed{work: make(chan struct{}, 1)}
	p.step("lend a goroutine to", m)
	m.state.borrowed = b
	p.open(m)
	for {
		p.Service = true
		p.await(func() bool { return m.lentWork > 0 || m.lentEnd }, "wait for the loop of", m)
		p.Service = false
		if m.lentEnd { // that work came first is another order
			break
		}
		m.lentWork--
		b.taken++
		p.run(m, onGoroutines, b, nil)
	}
	p.step("take the goroutine back from", m)
	m.state.borrowed = nil
	if b.asked > b.taken {
		p.w.spawn("loop of "+m.name, func(p *proc) {
			p.await(func() bool { return m.lentWork > 0 }, "wait for the loop of", m)
			m.lentWork--
			p.run(m, onGoroutines, nil, nil)
		})
	}
}
