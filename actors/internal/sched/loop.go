package sched

import (
	"runtime"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// hostBatch is how many items one function that is posted to a host handles at most. The
// host has other things to do.
const hostBatch = 16

// controlMessage is an item of the control lane.
type controlMessage struct{ message any }

// deferredMessage is a message whose time has come.
type deferredMessage struct{ message any }

// run is the loop. It runs on an executor, and on the goroutine b if that is not nil. It
// begins with an item, unless that is nil. It reports whether a task was observed, with
// options.deepStack.
func (s *Scheduler) run(on executor, b *borrowed, item any) (observed bool) {
	var l loop // not as a literal, which takes twice its room on the stack of a host's coroutine
	l.s, l.on, l.b, l.item, l.left = s, on, b, item, s.batch(on)
	l.shallow = s.state.options.deepStack
	defer l.end()
	if s.state.loopOn.Load() != b {
		s.state.loopOn.Store(b)
	}
	l.look()
	if item != nil { // else next notes the turn
		s.watchTurn()
	}
	if item != nil {
		s.step(s, stepMoved)
	}
	if l.shallow && isObserved(item) {
		growStack(false)
		l.shallow = false
	}
	ok := item == nil || l.dispatch()
	for ok {
		if l.left--; l.left < 0 && !l.pause() {
			break
		}
		s.stepNext()
		if l.item, ok = s.state.takeFromBatch(); !ok {
			ok = l.next()
		}
		if l.shallow && ok && isObserved(l.item) { // here, where the stack is still empty
			growStack(false)
			l.shallow = false
		}
		ok = ok && l.dispatch()
	}
	l.returned = true
	return s.state.options.deepStack && !l.shallow
}

// batch returns how many items are handled before others run.
func (s *Scheduler) batch(on executor) int {
	n := max(s.dispatcher.Throughput(), 1)
	if isHosted(on) {
		return min(n, hostBatch)
	}
	return n
}

// loop is what the run loop knows of where it is.
type loop struct {
	s    *Scheduler
	on   executor
	b    *borrowed
	item any // at hand

	left     int // how many items are handled before others run
	returned bool
	shallow  bool // the stack is to be made large before a task that is observed

	// onMain says that tasks and messages belong here, messages that messages do. They
	// are those of main, and up to date after look, until slowPath is set.
	main             *executor
	onMain, messages bool
}

// look notes what belongs where the loop is.
func (l *loop) look() {
	main := l.s.state.main.p.Load()
	if main == l.main {
		return
	}
	l.main = main
	_, isSubmitter := l.on.(*submitter)
	l.onMain = *main == l.on
	l.messages = l.onMain || isSubmitter && main == &onGoroutines
}

// end is deferred. An item whose handler has ended the goroutine by Goexit is still at
// hand.
func (l *loop) end() {
	if !l.returned {
		l.s.recoverLoop(l.item, l.b)
	}
}

// pause lets others run. It reports false if the loop goes on elsewhere.
func (l *loop) pause() bool {
	if isHosted(l.on) {
		return !l.s.yieldToHost(l.on.(*pinned))
	}
	l.left = l.s.batch(l.on)
	runtime.Gosched()
	return true
}

// next takes the next item with mu, and reports false if there is none, which ends the
// loop.
func (l *loop) next() (ok bool) {
	l.item, ok = l.s.next()
	l.look()
	return ok
}

func (s *Scheduler) next() (item any, ok bool) {
	s.mu.Lock()
	item, ok = s.state.next()
	if ok {
		s.watchTurn() // with mu held: see Look and Overdue
	}
	idleCh := s.state.idleCh()
	s.mu.Unlock()
	if !ok && idleCh != nil {
		notify(idleCh)
	}
	return item, ok
}

// dispatch handles the item at hand. It reports whether the loop goes on here.
func (l *loop) dispatch() bool {
	s := l.s
	switch item := l.item.(type) {
	case *Task:
		if l.onMain && !item.Alternate { // as most do
			return s.runTask(item)
		}
		return l.dispatchTask(item)
	case *Source:
		t, more := item.Next()
		s.state.advance(item, more)
		l.item = t
		return t == nil || l.dispatchTask(t)
	case Func:
		if !l.messages {
			return s.reroute(item)
		}
		s.owner.Call(item)
	case *waitState:
		item.wake() // the task has the turn now, and its goroutine the loop
		return false
	case *coroutine:
		item.wake()
		return false
	case controlMessage:
		if s.state.options.anchored && !l.messages {
			return s.reroute(item)
		}
		s.owner.Control(item.message)
	case deferredMessage:
		if s.state.options.anchored && !l.messages {
			return s.reroute(item)
		}
		s.owner.Quiesced(item.message)
	default:
		if !l.messages {
			return s.reroute(item)
		}
		s.owner.Message(item)
	}
	return true
}

func (l *loop) dispatchTask(t *Task) bool {
	if t.Alternate {
		l.s.startAlternate()
	}
	if t.Alternate && l.s.state.alternate.load() != l.on || !t.Alternate && !l.onMain {
		return l.s.reroute(t)
	}
	return l.s.runTask(t)
}

// runTask runs a task from its start. It reports false if the task was abandoned, and
// the turn is elsewhere.
func (s *Scheduler) runTask(t *Task) bool {
	var crash error
	s.state.current.Store(t)
	if s.state.closed.Load() && !t.Final { // the task was taken from the run queue before that
		t.work.Reject(s.owner.StopError())
	} else {
		s.beginTurn(t)
		s.note(t, steps.Begins)
		crash = t.work.Run()
		s.note(t, steps.Ends)
	}
	returned := s.state.current.CompareAndSwap(t, nil)
	if returned && crash != nil {
		s.owner.Panicked(t, crash)
	}
	s.owner.Finished(t)
	return returned
}

// reroute moves the loop to where an item belongs. It reports whether the loop goes on
// here, which it does when the item was rejected.
func (s *Scheduler) reroute(item any) bool {
	s.mu.Lock()
	start, ok := s.state.reroute(item)
	s.mu.Unlock()
	if !ok {
		s.owner.Rejected([]any{item})
		return true
	}
	s.start(start)
	return false
}

// yieldToHost lets a host do other things before the loop goes on there. It reports
// false if the loop must not come back.
func (s *Scheduler) yieldToHost(p *pinned) bool {
	s.mu.Lock()
	start, ok := s.state.yieldToHost(p)
	s.mu.Unlock()
	s.start(start)
	return ok
}

// recoverLoop runs the loop on another goroutine, after the handler of item has ended
// this one by Goexit.
func (s *Scheduler) recoverLoop(item any, b *borrowed) {
	s.mu.Lock()
	setBusy(b, true) // forever
	s.mu.Unlock()
	abandoned := false
	defer func() { // user code called on the way, as log handlers, may end the goroutine again
		if !abandoned {
			s.replaceLoop()
		}
	}()
	switch item := item.(type) {
	case *Task:
		abandoned = !s.taskExited(item)
	case *Source: // user code that Next calls has ended the goroutine
	default:
		s.owner.Goexit(item)
	}
}

// Open starts the scheduler, and handles the control messages until now on the goroutine
// that calls. It has no effect if the scheduler was started before.
func (s *Scheduler) Open() {
	s.mu.Lock()
	if !s.state.open() {
		s.mu.Unlock()
		return
	}
	if s.state.closed.Load() {
		s.mu.Unlock()
		s.loop() // no user code is left that could run here
		return
	}
	s.mu.Unlock()
	for s.openControl() {
	}
	s.mu.Lock()
	start := s.state.endOpen()
	idleCh := s.state.idleCh()
	s.mu.Unlock()
	s.start(start)
	notify(idleCh) // who has looked meanwhile has seen that the loop runs
}

// openControl handles the first control message, if there is one. If its handler ends the
// goroutine by Goexit, the loop runs on another one.
func (s *Scheduler) openControl() (ok bool) {
	s.mu.Lock()
	message, ok := s.state.nextControl()
	s.mu.Unlock()
	if !ok {
		return false
	}
	returned := false
	defer func() {
		if !returned {
			s.recoverLoop(controlMessage{message}, nil)
		}
	}()
	s.owner.Control(message)
	returned = true
	return true
}

func (s *Scheduler) replaceLoop() {
	s.mu.Lock()
	start := s.state.replaceLoop()
	s.mu.Unlock()
	s.start(start)
}

// taskExited does what is left to do for a task whose goroutine has ended. The
// function has ended it, or a callback after the function. It reports false if
// the task was abandoned.
func (s *Scheduler) taskExited(t *Task) bool {
	exited := t.exit()
	if !exited && t.isAbandoned() {
		return false
	}
	defer s.owner.Finished(t)
	if exited && t.panicked {
		s.owner.Panicked(t, future.Of(t.work).Err())
	}
	return true
}

// isObserved reports whether an item is a task that is observed, or may turn out to be one. A
// task whose trace is not sampled is not, and needs no more room than any other.
func isObserved(item any) bool {
	switch item := item.(type) {
	case *Task:
		return future.TaskOf(item.work).IsObserved()
	case *Source:
		return true
	default:
		return false
	}
}

// growStack makes the stack large enough for functions, and for the SDK of OpenTelemetry,
// at once. Later, from deep within the calls of a function, that takes three times as long.
// It need not use the room, which would take time to clear.
//
//go:noinline
func growStack(use bool) {
	if use {
		var room [3072]byte
		sink(&room)
	}
}

//go:noinline
func sink(*[3072]byte) {}
