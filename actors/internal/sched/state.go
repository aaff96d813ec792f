package sched

import (
	"errors"
	"sync/atomic"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/fifo"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// state is the state of one scheduler. Its operations are called with the scheduler's mu
// held, unless they say otherwise. They change the state and return what is to follow.
//
// There are five lanes, in the order in which the loop looks at them: control messages;
// the deferred message; runnable tasks, which want their turn back; items that go ahead;
// and the run queue.
type state struct {
	options Options

	// slowPath makes the loop take mu before each item. Invariant: it is set while there
	// is anything to look at before the batch, and while the scheduler is paused. Written
	// with mu held, read without.
	slowPath atomic.Bool

	// closed ends the intake of the run queue. Written with mu held, read without.
	closed atomic.Bool

	// current is the task that has the turn. The loop stores a task that it starts, and
	// a task that returns removes itself, without mu. All else changes it with mu held.
	current atomic.Pointer[Task]

	// batch is the chunk of the run queue that the loop takes items from, and cursor the
	// position of the next one. The loop replaces the batch with mu held. It takes an
	// item without mu, by a compare-and-swap of the cursor: close takes what is left by
	// swapping the cursor to the end. So each item is taken by exactly one of them.
	batch  *fifo.Chunk
	cursor atomic.Int32

	// main is where tasks and messages run; alternate where tasks run that ask for it.
	// Both are written with mu held, and read without.
	main, alternate executorVar

	// turns counts who has had the turn: items, and tasks that had it back. It belongs to
	// whoever has the turn, or is about to give it.
	turns uint32

	// loopOn is the borrowed goroutine that the loop is on; nil for another goroutine.
	loopOn atomic.Pointer[borrowed]

	control  []any
	deferred any // waits until the scheduler is quiesced
	runnable taskList
	parked   taskList
	ahead    fifo.Ring[any] // items that come before those of the run queue
	queue    fifo.Chunks

	// looping says that the loop runs, or was asked for and is about to. Invariant: it
	// is set while hasWork.
	looping bool
	// starting is the pinned executor that was asked to run the loop and has not begun;
	// startItem is the item to begin with. A stop takes both back.
	starting  *pinned
	startItem any

	borrowed *borrowed // the goroutine lent by RunHere; nil for none
	holds    int       // keep the deferred message from being handled

	notStarted     bool
	paused         bool // by a failure that is being decided on
	awaitingParent bool // the parent decides on it
	notifyingStop  bool // those whom the stop concerns are being notified
	deferredFinal  bool // the deferred message cannot be replaced
	queueNext      bool // the run queue's turn, so that runnable tasks do not starve it

	abandonErr error         // of the waits of abandoned tasks
	idleCh     chan struct{} // gets a value when there may be nothing left to do; nil unless asked for
}

// effects is what follows from an operation once mu is released.
type effects struct {
	loop  executor  // run the loop there; nil for nowhere
	item  any       // with this item first; nil for none
	fresh bool      // nobody ran the loop: the dispatcher may choose the goroutine
	begin *pinned   // start this thread
	close []*pinned // let these threads end
}

var (
	errClosed     = errors.New("closed")
	errFull       = errors.New("full")
	errNotCurrent = errors.New("not current")
	errSuspended  = errors.New("too many suspended tasks")
)

// queued returns how many items of the run queue have not been taken.
func (s *state) queued() int {
	n := s.ahead.Len() + s.queue.Len()
	if s.batch != nil {
		n += s.batch.Len() - int(s.cursor.Load())
	}
	return n
}

// submit adds an item to the run queue, unless that holds limit items; 0 is no limit.
func (s *state) submit(item any, limit int) (effects, error) {
	if s.closed.Load() {
		return effects{}, errClosed
	}
	if limit > 0 && s.queued() >= limit {
		return effects{}, errFull
	}
	s.queue.Push(item)
	return s.ensureLoop(), nil
}

// submitAhead adds an item before those of the run queue.
func (s *state) submitAhead(item any) (effects, error) {
	if s.closed.Load() {
		return effects{}, errClosed
	}
	s.ahead.Push(item)
	s.slowPath.Store(true)
	return s.ensureLoop(), nil
}

// submitControl adds a control message.
func (s *state) submitControl(message any, d Decision) effects {
	switch d {
	case DecisionAwaited:
		s.awaitingParent = true
	case DecisionMade:
		s.awaitingParent = false
	}
	s.control = append(s.control, message)
	s.slowPath.Store(true)
	return s.ensureLoop()
}

// hasWork reports whether the loop would find something to do.
func (s *state) hasWork() bool {
	switch {
	case s.notStarted:
		return false
	case len(s.control) > 0:
		return true
	case s.deferred != nil:
		return s.runnable.n > 0 || s.quiesced()
	case s.paused:
		return false
	default:
		return s.runnable.n > 0 || s.queued() > 0
	}
}

// quiesced reports whether the deferred message can be handled.
func (s *state) quiesced() bool {
	return !s.notifyingStop && s.parked.n+s.runnable.n+s.holds == 0
}

// idle reports whether nothing is queued and nothing runs.
func (s *state) idle() bool {
	return s.notStarted || !s.looping && s.parked.n+s.runnable.n+s.queued() == 0
}

// ensureLoop starts the loop if there is work and nobody runs it.
func (s *state) ensureLoop() effects {
	if s.looping || !s.hasWork() {
		return effects{}
	}
	e := s.startLoop(s.place(), nil)
	e.fresh = true
	return e
}

// replaceLoop starts the loop on another goroutine than the one it was on.
func (s *state) replaceLoop() effects { return s.startLoop(s.place(), nil) }

// startLoop starts the loop on an executor, with item unless that is nil.
func (s *state) startLoop(on executor, item any) effects {
	s.looping = true
	if p, ok := on.(*pinned); ok {
		s.starting, s.startItem = p, item
		return effects{loop: p}
	}
	return effects{loop: on, item: item}
}

// place returns where the loop is best started.
func (s *state) place() executor {
	main := s.main.load()
	// Control messages run no user code unless the scheduler is anchored, and after a
	// stop no user code starts. Neither needs the pinned goroutine, which may be slow.
	if _, ok := main.(*pinned); ok && (s.options.Anchored || len(s.control) == 0 && s.deferred == nil && !s.closed.Load()) {
		return main
	}
	if s.borrowed != nil && !s.borrowed.busy {
		return s.borrowed
	}
	return goroutines{}
}

// beginLoop starts the loop on p, unless that was taken back.
func (s *state) beginLoop(p *pinned) (item any, ok bool) {
	if s.starting != p {
		return nil, false
	}
	item = s.startItem
	s.starting, s.startItem = nil, nil
	return item, true
}

// recallLoop starts the loop on another goroutine if a pinned executor was to run it and
// has not begun. It returns the item to begin with.
func (s *state) recallLoop() (item any, e effects) {
	if s.starting == nil {
		return nil, effects{}
	}
	item = s.startItem
	s.starting, s.startItem = nil, nil
	return item, effects{loop: goroutines{}}
}

// open ends the time before the start. The loop handles control messages first, on the
// goroutine that opens, until endOpen.
func (s *state) open() {
	s.notStarted = false
	s.looping = true
}

func (s *state) endOpen() effects {
	s.looping = false
	s.slowPath.Store(s.deferred != nil)
	return s.ensureLoop()
}

// nextControl removes and returns the first control message.
func (s *state) nextControl() (message any, ok bool) {
	if len(s.control) == 0 {
		return nil, false
	}
	message = s.control[0]
	s.control[0] = nil
	s.control = s.control[1:]
	if len(s.control) == 0 {
		s.control = nil // and its memory
	}
	return message, true
}

func (s *state) pause(on bool) {
	s.paused = on
	s.slowPath.Store(true)
}

// deferMessage keeps a message until the scheduler is quiesced. A final one is not
// replaced.
func (s *state) deferMessage(message any, final bool) {
	if s.deferredFinal {
		return
	}
	s.deferred, s.deferredFinal = message, final
	s.slowPath.Store(true)
}

// close ends the intake. It returns the items that have not been taken, and the tasks
// that have not returned.
func (s *state) close() (rejected []any, active []*Task, e effects) {
	s.closed.Store(true)
	s.notifyingStop = true
	if s.batch != nil {
		i := s.cursor.Swap(int32(s.batch.Len())) //nolint:gosec // At most the size of a chunk.
		rejected = append(rejected, s.batch.Slice(int(i))...)
	}
	for s.ahead.Len() > 0 {
		rejected = append(rejected, s.ahead.Shift())
	}
	if item := s.queue.TakeFirst(); item != nil {
		rejected = append(rejected, item)
	}
	for c := s.queue.Take(); c != nil; c = s.queue.Take() {
		rejected = append(rejected, c.Slice(0)...)
		c.Recycle()
	}
	if !s.options.Anchored {
		var item any
		if item, e = s.recallLoop(); item != nil {
			rejected = append(rejected, item)
		}
	}
	return rejected, s.active(), e
}

// stopNotified lets the deferred message come: those whom the stop concerns know.
func (s *state) stopNotified() effects {
	s.notifyingStop = false
	return s.ensureLoop()
}

// active returns the tasks that have started and not returned.
func (s *state) active() []*Task {
	active := s.runnable.appendTo(s.parked.appendTo(nil))
	if t := s.current.Load(); t != nil {
		active = append(active, t)
	}
	return active
}

// abandon takes the turn away from those of the tasks that have not returned, and ends
// their waits with err. It returns whom to wake.
func (s *state) abandon(tasks []*Task, err error) (woken []waker, e effects) {
	s.abandonErr = err
	loopLost := false
	lost := make(map[*pinned]bool)
	for _, t := range tasks {
		p, isPinned := s.executorOf(t).(*pinned)
		switch {
		case s.current.CompareAndSwap(t, nil):
			loopLost = true
		case t.state == parked:
			s.parked.remove(t)
		case t.state == runnable:
			s.runnable.remove(t)
		default:
			continue
		}
		if isPinned {
			lost[p] = true
		}
		t.abandoned = true
		if t.wait != nil {
			if w := t.unpark(); w != nil {
				woken = append(woken, w)
			}
		}
	}
	var replaced effects
	for p := range lost {
		s.replaceExecutor(p, &replaced)
	}
	if loopLost {
		setBusy(s.loopOn.Load(), true)
		e = s.replaceLoop() // the task has the goroutine of the loop
	} else {
		e = s.ensureLoop()
	}
	e.close, e.begin = replaced.close, replaced.begin
	return woken, e
}

// replaceExecutor drops an executor whose tasks were abandoned: they may block it
// forever. A scheduler that goes on gets another thread, but keeps a goroutine that
// belongs to somebody else.
func (s *state) replaceExecutor(p *pinned, e *effects) {
	switch {
	case p == s.alternate.load():
		s.alternate.store(goroutines{})
	case p != s.main.load():
		return
	case s.closed.Load():
		s.main.store(goroutines{})
	case p.foreign():
		return
	default:
		e.begin = newThread(p.sched)
		s.main.store(e.begin)
	}
	e.close = append(e.close, p)
}

// startAlternate makes a thread the alternate executor, unless there is one or tasks run
// on a thread anyway.
func (s *state) startAlternate(sched *Scheduler) effects {
	if s.options.Thread || s.closed.Load() || s.alternate.load() != onGoroutines {
		return effects{}
	}
	p := newThread(sched)
	s.alternate.store(p)
	return effects{begin: p}
}

// loseExecutor goes on without an executor whose goroutine has ended.
func (s *state) loseExecutor(p *pinned) effects {
	if s.main.load() != p {
		return effects{}
	}
	s.main.store(goroutines{})
	if s.starting != p {
		return effects{}
	}
	item, e := s.recallLoop()
	e.item = item
	return e
}

// executorOf returns where a task is to run. It may be called without mu.
func (s *state) executorOf(t *Task) executor {
	if t.Alternate {
		return s.alternate.load()
	}
	return s.main.load()
}

// reroute moves the loop, with the item at hand, to where the item is to be handled. It
// reports false if the item is to be rejected instead, because no user code starts after
// a stop.
func (s *state) reroute(item any) (e effects, ok bool) {
	to := s.main.load()
	switch item := item.(type) {
	case *Task:
		to = s.executorOf(item)
	case controlMessage, deferredMessage:
		return s.startLoop(to, item), true
	}
	if s.closed.Load() {
		return effects{}, false
	}
	return s.startLoop(to, item), true
}

// yieldToHost has the loop go on later on the same host, which has other things to do.
func (s *state) yieldToHost(p *pinned) (e effects, ok bool) {
	if s.closed.Load() || s.main.load() != p {
		return effects{}, false
	}
	return s.startLoop(p, nil), true
}

// next returns the next item for the loop. Without one the loop ends.
func (s *state) next() (item any, ok bool) {
	item, ok = s.choose()
	s.slowPath.Store(len(s.control) > 0 || s.runnable.n > 0 || s.ahead.Len() > 0 || s.deferred != nil || s.paused)
	s.looping = ok
	return item, ok
}

// takeFromBatch is next without mu, for the loop, while slowPath is not set.
func (s *state) takeFromBatch() (item any, ok bool) {
	if s.slowPath.Load() || s.batch == nil {
		return nil, false
	}
	i := s.cursor.Load()
	if int(i) < s.batch.Len() && s.cursor.CompareAndSwap(i, i+1) { // else close has taken the rest
		return s.batch.At(int(i)), true
	}
	return nil, false
}

func (s *state) choose() (item any, ok bool) {
	if message, ok := s.nextControl(); ok {
		return controlMessage{message}, true
	}
	if s.deferred != nil && s.quiesced() {
		item, s.deferred, s.deferredFinal = s.deferred, nil, false
		return deferredMessage{item}, true
	}
	open := !s.paused && s.deferred == nil
	if s.runnable.n > 0 && (s.deferred != nil || open && !s.preferQueue()) {
		s.queueNext = true
		return s.handOff(s.runnable.shift()), true
	}
	if open {
		s.queueNext = false
		return s.nextQueued()
	}
	return nil, false
}

// preferQueue reports whether it is the run queue's turn.
func (s *state) preferQueue() bool { return s.queueNext && s.queued() > 0 }

// nextQueued takes the next item of the run queue.
func (s *state) nextQueued() (item any, ok bool) {
	if s.ahead.Len() > 0 {
		return s.ahead.Shift(), true
	}
	i := int(s.cursor.Load())
	if s.batch != nil && i == s.batch.Len() {
		s.batch.Recycle()
		s.batch = nil
	}
	if s.batch == nil {
		if item := s.queue.TakeFirst(); item != nil {
			return item, true
		}
		if s.batch, i = s.queue.Take(), 0; s.batch == nil {
			return nil, false
		}
	}
	s.cursor.Store(int32(i + 1)) //nolint:gosec // At most the size of a chunk.
	return s.batch.At(i), true
}

// beginWait publishes that t waits with w. It reports false if t must not wait, with the
// reason, or was resumed already.
func (s *state) beginWait(t *Task, w *waitState, on pending.Handle, keep bool) (waits bool, err error) {
	woken := t.woken
	t.woken = false
	switch limit := s.options.MaxSuspended; {
	case t.abandoned:
		return false, s.abandonErr
	case s.current.Load() != t:
		return false, errNotCurrent
	case !keep && limit > 0 && s.parked.n+s.runnable.n >= limit:
		return false, errSuspended
	case woken:
		return false, nil
	}
	w.on = on
	t.wait = w
	t.state = parked
	if keep {
		t.state = blocking
	}
	return true, nil
}

// yield gives away the turn of a task that waits, and starts the loop if there is work.
func (s *state) yield(t *Task) effects {
	s.current.Store(nil)
	s.parked.push(t)
	t.wait.borrowed = s.loopOn.Load()
	setBusy(t.wait.borrowed, true)
	if p, ok := s.executorOf(t).(*pinned); ok {
		t.wait.coroutine = p.current
	}
	s.looping = false
	if !s.hasWork() {
		return effects{}
	}
	return s.replaceLoop()
}

// endWait makes t a task that runs.
func (s *state) endWait(t *Task) { t.state, t.woken, t.wait = running, false, nil }

// resume ends the wait of t, or the next one if t does not wait. It returns whom to
// wake, or nil.
func (s *state) resume(t *Task) waker {
	isCurrent := s.current.Load() == t
	switch {
	case t.state == blocking && isCurrent, t.abandoned && t.state != running:
		return t.unpark()
	case t.state != parked, isCurrent:
		t.woken = t.state != runnable
	case s.looping || s.paused && s.deferred == nil:
		t.state = runnable
		s.parked.remove(t)
		s.runnable.push(t)
		s.slowPath.Store(true)
	default:
		s.looping = true
		s.parked.remove(t)
		return s.handOff(t)
	}
	return nil
}

// handOff gives the turn, and the loop with it, to a task that had given it away. It
// returns whom to wake.
func (s *state) handOff(t *Task) waker {
	s.turns++
	s.current.Store(t)
	s.loopOn.Store(t.wait.borrowed)
	setBusy(t.wait.borrowed, false)
	return t.unpark()
}

// unpark ends the wait of t, and returns whom to wake; nil if the wait was over before.
func (t *Task) unpark() waker {
	w := t.wait
	if w.over {
		return nil
	}
	w.over = true
	if w.coroutine != nil {
		return w.coroutine
	}
	return w
}
