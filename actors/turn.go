package actors

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// frame is the part of a call that holds its function's turn.
type frame struct {
	task task
	box  atomic.Pointer[mailbox] // changes once, when a call gets its worker

	forWorker bool // and not for any other caller
	handedIn  bool // by the worker, to its pool
	panicked  bool
	guest     bool // runs on the other backend than the caller's own

	// Under the mailbox's mu.
	state     frameState
	woken     bool // a Resume came before the Park it is for
	abandoned bool
	parking   *parking // while the function waits
}

type frameState uint8

const (
	notWaiting frameState = iota
	parked                // has given its turn away
	ready                 // wants it back
	keeping               // waits and keeps its turn
)

// parking is what a function needs to wait.
type parking struct {
	on         pending.Handle // nil for something that is no pending
	over       bool
	err        error      // why it is over, if it could never end
	woken      sync.Cond  // when over is set; uses the mailbox's mu
	next, prev *frame     // the others that have given their turn away
	home       *home      // on whose goroutine the function is, nil for none
	coroutine  *coroutine // that the function is on, nil for a goroutine that blocks
}

var parkingPool = sync.Pool{New: func() any { return &parking{} }}

var _ pending.Runner = (*frame)(nil)

// Logger implements [pending.Runner].
func (f *frame) Logger() *slog.Logger { return f.caller().Logger() }

// Describe implements [pending.Runner].
func (f *frame) Describe(m pending.Metadata) { m["caller"] = f.caller() }

// Left implements [pending.Runner]. It logs a panic before anybody who waits for
// the call can know. A worker that a panic may end takes no other call before
// that is decided.
func (f *frame) Left(crash *pending.PanicError) {
	c := f.caller()
	if crash != nil { // else it may be a queue that is closed on another goroutine
		f.panicked = true
		c.logCrash(f.task.Context(), "function", crash, slog.String("function", f.task.Name()))
	}
	if crash == nil || c.config.Policy.Action() == supervision.ActionCapture {
		c.workDone(f)
	}
}

// WorkerID returns the id of the worker that runs the function, or "". It is
// what package telemetry asks for.
func (f *frame) WorkerID() string {
	if c := f.caller(); c.employer != nil {
		return c.ID()
	}
	return ""
}

func (f *frame) caller() *Caller { return f.box.Load().caller }

// Park implements [pending.Turn].
func (f *frame) Park(on pending.Handle, keep bool) error {
	m := f.box.Load()
	keep = keep || m.caller.config.NonReentrant
	m.mu.Lock()
	if err := f.mayWait(keep); err != nil || f.woken {
		f.woken = false
		m.mu.Unlock()
		return err
	}
	f.startWaiting(on, keep)
	m.mu.Unlock()

	// Whoever closes a circle of waits sees it, because each wait is known
	// before its circle is looked for.
	err := f.findCircle(on)

	m.mu.Lock()
	defer m.mu.Unlock()
	defer f.stopWaiting()
	if err == nil {
		err = f.abandonment() // it may have been abandoned just now
	}
	if err != nil || f.woken {
		return err
	}
	if !keep {
		f.giveTurnAway()
	}
	f.parking.wait()
	err = f.abandonment()
	if !keep && err == nil {
		f.startTurn()
	}
	if err == nil {
		err = f.parking.err
	}
	return err
}

// mayWait returns why the function must not wait. The caller holds mu.
func (f *frame) mayWait(keep bool) error {
	m := f.box.Load()
	if f.abandoned {
		return f.abandonment()
	}
	if m.holder.Load() != f {
		return fmt.Errorf("actors: %s waits already: a goroutine that its function has started must use actors.Detach", f.task.Name())
	}
	if limit := m.caller.config.MaxSuspended; !keep && limit > 0 && m.parked.n+m.ready.n >= limit {
		return fmt.Errorf("%w: %d functions are suspended on %s", ErrOverloaded, limit, m.caller.path())
	}
	return nil
}

// abandonment is the error of a function that waits after it was abandoned.
func (f *frame) abandonment() error {
	c := f.caller()
	switch {
	case !f.abandoned:
		return nil
	case c.State() < StateStopping:
		return errRestarted
	default:
		return c.stopError()
	}
}

// giveTurnAway leaves the mailbox to somebody else, if there is work. The
// caller holds mu.
func (f *frame) giveTurnAway() {
	m := f.box.Load()
	f.endTurn()
	m.holder.Store(nil)
	m.parked.add(f)
	f.parking.home = m.here.Load()
	f.parking.home.setAway(true)
	if s := m.stageOf(f); s != nil {
		f.parking.coroutine = s.current
	}
	m.running = m.hasWork()
	if m.running {
		m.replace()
	}
}

// startWaiting makes the function one that waits. The caller holds mu.
func (f *frame) startWaiting(on pending.Handle, keep bool) {
	p := parkingPool.Get().(*parking)
	p.on, p.over, p.err = on, false, nil
	p.woken.L = &f.box.Load().mu
	f.parking = p
	f.state = parked
	if keep {
		f.state = keeping
	}
}

// stopWaiting makes the function one that runs. The caller holds mu.
func (f *frame) stopWaiting() {
	f.state, f.woken = notWaiting, false
	p := f.parking
	f.parking = nil
	p.on, p.next, p.prev, p.home, p.coroutine, p.woken.L = nil, nil, nil, nil, nil, nil
	parkingPool.Put(p)
}

// Resume implements [pending.Turn].
func (f *frame) Resume() {
	m := f.box.Load()
	m.mu.Lock()
	woken := f.resume()
	m.mu.Unlock()
	wake(woken)
}

// resume returns whom to wake, or nil. The caller holds mu.
func (f *frame) resume() sleeper {
	m := f.box.Load()
	switch {
	case f.state == keeping && m.holder.Load() == f, f.abandoned && f.state != notWaiting:
		return f.unpark()
	case f.state != parked, m.holder.Load() == f:
		f.woken = f.state != ready
	case m.running || m.paused && m.held == nil:
		f.state = ready
		m.parked.remove(f)
		m.ready.add(f)
		m.urgent.Store(true)
	default:
		m.running = true
		m.parked.remove(f)
		return f.grant()
	}
	return nil
}

// grant hands the turn, and with it the role of the runner, to a function that
// had given it away, and returns whom to wake. The caller holds mu.
func (f *frame) grant() sleeper {
	f.box.Load().holder.Store(f)
	f.box.Load().here.Store(f.parking.home)
	f.parking.home.setAway(false)
	return f.unpark()
}

// unpark ends the wait of a function, and returns whom to wake, nil if that was
// done before. The caller holds mu.
func (f *frame) unpark() sleeper {
	p := f.parking
	switch {
	case p.over:
		return nil
	case p.coroutine != nil:
		p.over = true
		return p.coroutine
	default:
		p.over = true
		return p
	}
}

// sleeper is who waits for the end of a parking: the goroutine of the function,
// or the coroutine that it is on. It is better woken without mu, which it is
// going to need.
type sleeper interface{ wake() }

func wake(s sleeper) {
	if s != nil {
		s.wake()
	}
}

func (p *parking) wake() { p.woken.Signal() }

// wait returns when the wait is over. The caller holds mu, which is not held
// meanwhile.
func (p *parking) wait() {
	if p.coroutine == nil {
		for !p.over {
			p.woken.Wait()
		}
		return
	}
	p.woken.L.Unlock()
	p.coroutine.suspend()
	p.woken.L.Lock()
}

// leave ends the turn of a function that has returned. It reports false if that
// was abandoned before, and has no turn.
func (f *frame) leave() bool {
	m := f.box.Load()
	if !m.holder.CompareAndSwap(f, nil) {
		return false
	}
	f.endTurn()
	return true
}

// isAbandoned reports whether the turn was taken away from the function.
func (f *frame) isAbandoned() bool {
	m := f.box.Load()
	m.mu.Lock()
	defer m.mu.Unlock()
	return f.abandoned
}

// startTurn has the length of the turn watched, on the goroutine that has it.
func (f *frame) startTurn() {
	if w := f.box.Load().watch; w != nil {
		w.start(f.task)
	}
}

// endTurn ends that.
func (f *frame) endTurn() {
	if w := f.box.Load().watch; w != nil {
		w.stop()
	}
}

// frameList holds functions that have no turn, in the order they came, as a
// ring: first.parking.prev is the last one.
type frameList struct {
	first *frame
	n     int
}

func (l *frameList) add(f *frame) {
	l.n++
	if l.first == nil {
		f.parking.next, f.parking.prev = f, f
		l.first = f
		return
	}
	last := l.first.parking.prev
	f.parking.next, f.parking.prev = l.first, last
	last.parking.next, l.first.parking.prev = f, f
}

func (l *frameList) remove(f *frame) {
	l.n--
	p := f.parking
	p.next.parking.prev, p.prev.parking.next = p.prev, p.next
	if l.first == f {
		l.first = p.next
	}
	if l.n == 0 {
		l.first = nil
	}
	p.next, p.prev = nil, nil
}

// all appends the functions to s.
func (l *frameList) all(s []*frame) []*frame {
	for f, n := l.first, l.n; n > 0; f, n = f.parking.next, n-1 {
		s = append(s, f)
	}
	return s
}
