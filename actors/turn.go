package actors

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// frame is the part of a call that holds its function's turn.
type frame struct {
	task task
	box  atomic.Pointer[mailbox] // changes once, when a queued call gets its worker

	// Under the mailbox's mu.
	state     frameState
	woken     bool // a Resume came before the Park it is for
	abandoned bool
	handedIn  bool     // by a worker, to its pool
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
	wake       chan struct{}
	next, prev *frame // the others that have given their turn away
}

var parkingPool = sync.Pool{New: func() any { return &parking{wake: make(chan struct{}, 1)} }}

var _ pending.Runner = (*frame)(nil)

// Logger implements [pending.Runner].
func (f *frame) Logger() *slog.Logger { return f.caller().Logger() }

// Describe implements [pending.Runner].
func (f *frame) Describe(m pending.Metadata) { m["caller"] = f.caller() }

// Left implements [pending.Runner].
func (f *frame) Left() { f.caller().workDone(f) }

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
	f.parking = parkingPool.Get().(*parking)
	f.parking.on = on
	f.state = parked
	if keep {
		f.state = keeping
	}
	m.mu.Unlock()

	// Whoever closes a circle of waits sees it, because each wait is known
	// before its circle is looked for.
	err := f.findCircle(on)

	m.mu.Lock()
	if err != nil || f.woken {
		f.stopWaiting()
		m.mu.Unlock()
		return err
	}
	wake := f.parking.wake
	if keep {
		m.mu.Unlock()
	} else {
		f.giveTurnAway()
	}
	<-wake

	m.mu.Lock()
	defer m.mu.Unlock()
	f.stopWaiting()
	if !keep {
		f.startTurn()
	}
	return f.abandonment()
}

// mayWait returns why the function must not wait. The caller holds mu.
func (f *frame) mayWait(keep bool) error {
	m := f.box.Load()
	if f.abandoned {
		return f.abandonment()
	}
	if m.holder != f {
		return fmt.Errorf("actors: %s waits already: a goroutine that its function has started must use actors.Detach", f.task)
	}
	if limit := m.caller.config.MaxSuspended; !keep && limit > 0 && m.parked.n >= limit {
		return fmt.Errorf("%w: %d functions are suspended on %s", ErrOverloaded, limit, m.caller.path())
	}
	return nil
}

// abandonment is the error of a function that waits after it was abandoned.
func (f *frame) abandonment() error {
	if f.abandoned {
		return f.caller().stopError()
	}
	return nil
}

// giveTurnAway leaves the mailbox to somebody else, if there is work. The
// caller holds mu, which is released.
func (f *frame) giveTurnAway() {
	m := f.box.Load()
	f.endTurn()
	m.holder = nil
	m.parked.add(f)
	m.running = m.hasWork()
	takeOver := m.running
	m.mu.Unlock()
	if takeOver {
		go m.run()
	}
}

// stopWaiting makes the function one that runs. The caller holds mu.
func (f *frame) stopWaiting() {
	f.state, f.woken = notWaiting, false
	p := f.parking
	f.parking = nil
	select {
	case <-p.wake: // woken twice
	default:
	}
	*p = parking{wake: p.wake}
	parkingPool.Put(p)
}

// Resume implements [pending.Turn].
func (f *frame) Resume() {
	m := f.box.Load()
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case f.state == keeping && m.holder == f, f.abandoned && f.state != notWaiting:
		f.unpark()
	case f.state != parked, m.holder == f:
		f.woken = f.state != ready
	case m.running || m.paused && m.held == nil:
		f.state = ready
		m.ready = append(m.ready, f)
		m.urgent.Store(true)
	default:
		m.running = true
		f.grant()
	}
}

// grant hands the turn, and with it the role of the runner, to a function that
// had given it away. The caller holds mu.
func (f *frame) grant() {
	m := f.box.Load()
	m.parked.remove(f)
	m.holder = f
	f.unpark()
}

func (f *frame) unpark() {
	select {
	case f.parking.wake <- struct{}{}:
	default: // it is awake already, but has not come to take note
	}
}

// leaveLocked ends the turn of a function that has returned. It reports false
// if that was abandoned before. The caller holds mu.
func (f *frame) leaveLocked() bool {
	if f.abandoned {
		return false
	}
	f.endTurn()
	f.box.Load().holder = nil
	return true
}

// startTurn has the length of the turn watched, on the goroutine that has it.
// The caller holds mu.
func (f *frame) startTurn() {
	m := f.box.Load()
	limit := m.caller.config.TurnWarning
	if limit == 0 {
		return
	}
	if m.watch == nil {
		m.watch = &turnWatch{caller: m.caller, limit: limit}
	}
	m.watch.start(f.task)
}

// endTurn ends that. The caller holds mu.
func (f *frame) endTurn() {
	if w := f.box.Load().watch; w != nil {
		w.stop()
	}
}

// frameList holds the functions that have given their turn away, ready or not.
type frameList struct {
	first *frame
	n     int
}

func (l *frameList) add(f *frame) {
	f.parking.next = l.first
	if l.first != nil {
		l.first.parking.prev = f
	}
	l.first = f
	l.n++
}

func (l *frameList) remove(f *frame) {
	p := f.parking
	if p.prev != nil {
		p.prev.parking.next = p.next
	} else {
		l.first = p.next
	}
	if p.next != nil {
		p.next.parking.prev = p.prev
	}
	p.next, p.prev = nil, nil
	l.n--
}

func (l *frameList) all() []*frame {
	var all []*frame
	for f := l.first; f != nil; f = f.parking.next {
		all = append(all, f)
	}
	return all
}
