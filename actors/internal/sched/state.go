package sched

import (
	"errors"
	"sync/atomic"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/fifo"
)

// state is the state of one scheduler. Its operations are called with the scheduler's mu
// held, unless they say otherwise. They change the state and return what is to follow once
// mu is released: on which executor to start the loop, nil for none; whom to wake, nil for
// nobody; which threads to begin or to close.
//
// There are seven lanes, in the order in which the loop looks at them: control messages;
// the deferred message; runnable tasks, which want their turn back; the hook; urgent items;
// items that go ahead; and the run queue.
type state struct {
	// The order of the fields gives three kinds of them cache lines of their own:
	// what the loop writes for each item, what a submit writes, and what both only
	// read.

	// slowPath makes the loop take mu before each item. Invariant: it is set while there
	// is anything to look at before the batch, or the scheduler is paused. It is also
	// set from a look of the watchdog to the next item. Written with mu held, read
	// without.
	slowPath atomic.Bool

	// closed ends the intake of the run queue. Written with mu held, read without.
	closed atomic.Bool

	// main is where tasks and messages run; alternate where tasks run that ask for it.
	// Both are written with mu held, and slowPath is set then. They are read without.
	main, alternate executorVar

	// loopOn is the borrowed goroutine that the loop is on; nil for another goroutine.
	loopOn atomic.Pointer[borrowed]

	control  []any
	deferred any // waits until the scheduler is quiesced

	// batch is the chunk of the run queue that the loop takes items from. cursor is the
	// position of the next one. The loop replaces the batch with mu held. It takes an
	// item without mu, by a compare-and-swap of the cursor: close takes what is left by
	// swapping the cursor to the end. So each item is taken by exactly one of them.
	cursor atomic.Int32
	took   uint32 // items of the run queue, before those of the batch, modulo 1<<32
	batch  *fifo.Chunk

	// current is the task that has the turn. The loop stores a task that it starts, and
	// a task that returns removes itself, without mu. All else changes it with mu held.
	current atomic.Pointer[Task]

	runnable taskList
	parked   taskList
	cold     *coldState // made when first needed

	borrowed *borrowed // the goroutine lent by RunHere; nil for none
	// starting is the pinned executor that was asked to run the loop and has not begun.
	// A stop takes that back.
	starting *pinned

	holds int32 // keep the deferred message from being handled
	drops int32 // tasks that have ended unstarted, since the last prune or before

	options options

	notStarted     bool
	paused         bool // by a failure that is being decided on
	awaitingParent bool // the parent decides on it
	notifyingStop  bool // those whom the stop concerns are being notified
	deferredFinal  bool // the deferred message cannot be replaced
	queueNext      bool // the run queue's turn, so that runnable tasks do not starve it

	// looping says that the loop runs, or was asked for and is about to. Invariant: it
	// is set while hasWork.
	looping bool
	queue   fifo.Chunks
}

// coldState is what most schedulers never have.
type coldState struct {
	urgent     urgentLane
	ahead      fifo.Ring[any] // items that come before those of the run queue
	hook       *Task          // comes before them all, once; nil for none
	gate       *Task          // the hook that they wait for; nil for none
	last       *Source        // submitted last to the run queue; nil for anything else
	wraps      uint64         // how often took has started anew
	more       atomic.Uint64  // tasks of sources that had more, added by the loop without mu
	abandonErr error          // of the waits of abandoned tasks
	idleCh     chan struct{}  // gets a value when there may be nothing left to do; nil unless asked for
}

// makeCold returns what most schedulers never have.
func (s *state) makeCold() *coldState {
	if s.cold == nil {
		s.cold = &coldState{}
	}
	return s.cold
}

// slowPath reports whether there is anything to look at before the batch.
func (c *coldState) slowPath() bool {
	return c.ahead.Len() > 0 || c.urgent.items.Len() > 0 || c.gate != nil
}

// aheadLen returns how many items go ahead of the run queue.
func (s *state) aheadLen() int {
	if s.cold == nil {
		return 0
	}
	return s.cold.ahead.Len()
}

// idleCh returns the channel of those who wait for the scheduler to be idle, or nil.
func (s *state) idleCh() chan struct{} {
	if s.cold == nil {
		return nil
	}
	return s.cold.idleCh
}

var (
	errClosed     = errors.New("closed")
	errFull       = errors.New("full")
	errNotCurrent = errors.New("not current")
	errSuspended  = errors.New("too many suspended tasks")
)

// submit adds an item to the run queue, unless limit items wait there; 0 is no limit.
func (s *state) submit(item any, limit int) (start executor, err error) {
	if err := s.checkIntake(limit); err != nil {
		return nil, err
	}
	s.queue.Push(item)
	if s.cold != nil {
		s.cold.replaceLast(nil)
	}
	return s.ensureLoop(), nil
}

// submitSource is submit for a source without a limit. After it isLast reports true.
func (s *state) submitSource(source *Source) (start executor, err error) {
	start, err = s.submit(source, 0)
	if err == nil {
		s.makeCold().replaceLast(source)
	}
	return start, err
}

// replaceLast notes what was submitted last to the run queue: a source, or nil for
// anything else.
func (c *coldState) replaceLast(source *Source) {
	if c.last == source {
		return
	}
	if c.last != nil {
		c.last.isLast.Store(false)
	}
	if c.last = source; source != nil {
		source.isLast.Store(true)
	}
}

// checkIntake returns why no item can be added.
func (s *state) checkIntake(limit int) error {
	if limit == 0 && !s.closed.Load() {
		return nil
	}
	return s.checkLimit(limit)
}

// checkLimit is checkIntake for a scheduler that has a limit, or is closed.
func (s *state) checkLimit(limit int) error {
	switch {
	case s.closed.Load():
		return errClosed
	case limit > 0 && s.queued() >= limit && s.waiting() >= limit:
		return errFull
	default:
		return nil
	}
}

// submitAhead adds an item before those of the run queue.
func (s *state) submitAhead(item any) (start executor, err error) {
	if s.closed.Load() {
		return nil, errClosed
	}
	s.makeCold().ahead.Push(item)
	s.slowPath.Store(true)
	return s.ensureLoop(), nil
}

// submitControl adds a control message.
func (s *state) submitControl(message any, d Decision) (start executor) {
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
		return s.runnable.n > 0 || s.hookReady() || s.quiesced()
	case s.paused:
		return false
	default:
		return s.runnable.n > 0 || s.hookReady() || s.gate() == nil && s.queued() > 0
	}
}

// quiesced reports whether the deferred message can be handled.
func (s *state) quiesced() bool {
	return !s.notifyingStop && s.parked.n+s.runnable.n+int(s.holds) == 0 && !s.awaitsFinal()
}

// idle reports whether nothing is queued and nothing runs.
func (s *state) idle() bool {
	return s.notStarted || !s.looping && s.parked.n+s.runnable.n+s.queued() == 0 && s.gate() == nil
}

// ensureLoop starts the loop if there is work and nobody runs it.
func (s *state) ensureLoop() (start executor) {
	if s.looping {
		return nil
	}
	return s.startForWork()
}

// startForWork starts the loop, which nobody runs, if there is work.
func (s *state) startForWork() (start executor) {
	if !s.hasWork() {
		return nil
	}
	start = s.startLoop(s.place(), nil)
	if _, ok := start.(*goroutines); ok {
		return onDispatcher // nobody ran the loop: the dispatcher may choose the goroutine
	}
	return start
}

// replaceLoop starts the loop on another goroutine than the one it was on.
func (s *state) replaceLoop() (start executor) { return s.startLoop(s.place(), nil) }

// open ends the time before the start. The loop handles control messages first, on the
// goroutine that opens, until endOpen. It reports false if the scheduler was started.
func (s *state) open() bool {
	if !s.notStarted {
		return false
	}
	s.notStarted = false
	s.looping = true
	return true
}

func (s *state) endOpen() (start executor) {
	s.looping = false
	s.updateSlowPath()
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

// next returns the next item for the loop. Without one the loop ends.
func (s *state) next() (item any, ok bool) {
	item, ok = s.choose()
	s.updateSlowPath()
	s.looping = ok
	return item, ok
}

func (s *state) updateSlowPath() {
	s.slowPath.Store(len(s.control) > 0 || s.runnable.n > 0 || s.deferred != nil || s.paused ||
		s.cold != nil && s.cold.slowPath())
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
	if t, ok := s.takeHook(); ok {
		return t, true
	}
	if open && s.gate() == nil {
		s.queueNext = false
		return s.nextQueued()
	}
	return nil, false
}
