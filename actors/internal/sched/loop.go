package sched

import (
	"cmp"
	"runtime"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// hostBatch is how many items are handled in one function posted to a host, which has
// other things to do.
const hostBatch = 16

// controlMessage is an item of the control lane.
type controlMessage struct{ message any }

// deferredMessage is a message whose time has come.
type deferredMessage struct{ message any }

// run is the loop. It runs on an executor, and on the goroutine b if that is not nil. It
// begins with an item, unless that is nil.
func (s *Scheduler) run(on executor, b *borrowed, item any) {
	if s.state.options.DeepStack {
		growStack()
	}
	returned := false
	defer func() {
		if !returned {
			s.recoverLoop(item, b)
		}
	}()
	if s.state.loopOn.Load() != b {
		s.state.loopOn.Store(b)
	}
	throughput := s.dispatcher.Throughput()
	ok := true
	if item != nil {
		ok = s.dispatchItem(item, on)
	}
	for sinceHost, sinceYield := 0, 0; ok; sinceHost, sinceYield = sinceHost+1, sinceYield+1 {
		if sinceHost >= hostBatch && s.yieldToHost(on) {
			break
		}
		if sinceYield > throughput {
			sinceYield = 0
			runtime.Gosched()
		}
		if item, ok = s.next(); ok {
			ok = s.dispatchItem(item, on)
		}
	}
	returned = true
}

// next returns the next item, or false if there is none, which ends the loop.
func (s *Scheduler) next() (item any, ok bool) {
	if item, ok := s.state.takeFromBatch(); ok {
		return item, true
	}
	s.mu.Lock()
	item, ok = s.state.next()
	idleCh := s.state.idleCh
	s.mu.Unlock()
	if !ok {
		notify(idleCh)
	}
	return item, ok
}

// dispatchItem handles an item. It reports whether the loop goes on here.
func (s *Scheduler) dispatchItem(item any, on executor) bool {
	switch item := item.(type) {
	case *Task:
		s.state.turns++
		return s.dispatchTask(item, on)
	case Source:
		s.state.turns++
		t := item.Next()
		return t == nil || s.dispatchTask(t, on)
	case waker:
		item.wake() // the task has the turn now, and its goroutine the loop
		return false
	case controlMessage:
		if s.state.options.Anchored && !s.isHere(s.state.main.load(), on) {
			return s.reroute(item)
		}
		s.owner.Control(item.message)
		return true
	case deferredMessage:
		if s.state.options.Anchored && !s.isHere(s.state.main.load(), on) {
			return s.reroute(item)
		}
		s.owner.Quiesced(item.message)
		return true
	}
	if !s.isHere(s.state.main.load(), on) {
		return s.reroute(item)
	}
	s.state.turns++
	if fn, ok := item.(Func); ok {
		s.owner.Call(fn)
	} else {
		s.owner.Message(item)
	}
	return true
}

// isHere reports whether what belongs on an executor can be handled where the loop is.
// Messages can be handled by who submits them.
func (s *Scheduler) isHere(belongs, on executor) bool {
	if belongs == on {
		return true
	}
	_, isSubmitter := on.(*submitter)
	return isSubmitter && belongs == onGoroutines
}

func (s *Scheduler) dispatchTask(t *Task, on executor) bool {
	if t.Alternate {
		s.startAlternate()
	}
	if s.state.executorOf(t) != on {
		return s.reroute(t)
	}
	return s.runTask(t)
}

// runTask runs a task from its start. It reports false if the task was abandoned, and
// the turn is elsewhere.
func (s *Scheduler) runTask(t *Task) bool {
	var p *pending.PanicError
	s.state.current.Store(t)
	if s.state.closed.Load() { // the task was taken from the run queue before that
		t.work.Reject(s.owner.StopError())
	} else {
		s.slow.begin(t)
		p = t.work.Run()
	}
	returned := t.exit()
	if returned && p != nil {
		s.owner.Panicked(t, p)
	}
	s.owner.Finished(t)
	return returned
}

// reroute moves the loop to where an item belongs. It reports whether the loop goes on
// here, which it does when the item was rejected.
func (s *Scheduler) reroute(item any) bool {
	s.mu.Lock()
	e, ok := s.state.reroute(item)
	s.mu.Unlock()
	if !ok {
		s.owner.Rejected([]any{item})
		return true
	}
	s.do(e)
	return false
}

// yieldToHost lets a host do other things before the loop goes on there. It reports
// false if the loop is not on a host, or must not come back.
func (s *Scheduler) yieldToHost(on executor) bool {
	p, ok := on.(*pinned)
	if !ok || p.host == nil {
		return false
	}
	s.mu.Lock()
	e, ok := s.state.yieldToHost(p)
	s.mu.Unlock()
	s.do(e)
	return ok
}

// recoverLoop runs the loop on another goroutine, after the handler of item has ended
// this one by Goexit.
func (s *Scheduler) recoverLoop(item any, b *borrowed) {
	s.mu.Lock()
	setBusy(b, true) // forever
	s.mu.Unlock()
	abandoned := false
	defer func() { // even if user code ends the goroutine once more
		if abandoned {
			return
		}
		s.mu.Lock()
		e := s.state.replaceLoop()
		s.mu.Unlock()
		s.do(e)
	}()
	switch item := item.(type) {
	case *Task:
		abandoned = !s.taskExited(item)
	case Source:
		abandoned = !s.taskExited(item.Last())
	default:
		s.owner.Goexit(item)
	}
}

// taskExited does what is left to do for a task whose goroutine has ended, by its
// function or by a callback after it. It reports false if the task was abandoned.
func (s *Scheduler) taskExited(t *Task) bool {
	exited := t.exit()
	if !exited && t.isAbandoned() {
		return false
	}
	defer s.owner.Finished(t)
	if exited && t.panicked {
		p, _ := t.work.Err().(*pending.PanicError) //nolint:errorlint // That of another pending counts as any error.
		s.owner.Panicked(t, cmp.Or(p, &pending.PanicError{Value: t.work.Err()}))
	}
	return true
}

// growStack makes the stack large enough for the SDK of OpenTelemetry at once. Later,
// from deep within the calls of a function, that takes three times as long.
//
//go:noinline
func growStack() {
	var room [3072]byte
	sink(&room)
}

//go:noinline
func sink(*[3072]byte) {}
