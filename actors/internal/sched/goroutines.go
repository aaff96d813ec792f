package sched

import "sync/atomic"

// Attach sets the dispatcher, before the start. With async it never calls a function on
// the goroutine that asks for it.
func (s *Scheduler) Attach(d Dispatcher, async bool) {
	s.dispatcher, s.state.options.async = d, async
	s.loop = func() { s.run(onGoroutines, nil, nil) }
	if s.state.options.deepStack {
		s.loop = s.deepLoop()
	}
}

// deepLoop returns the loop of a scheduler whose tasks are observed. If one was in the loop
// before, the stack is made large at once: that takes the least time while it is empty.
func (s *Scheduler) deepLoop() func() {
	var deep atomic.Bool
	return func() {
		if deep.Load() {
			growStack(false)
		}
		deep.Store(s.run(onGoroutines, nil, nil))
	}
}

func (g *goroutines) start(s *Scheduler) {
	switch {
	case g.dispatched:
		s.dispatch()
	case g.item != nil:
		go s.run(onGoroutines, nil, g.item)
	default:
		go s.loop()
	}
}

// dispatch has the dispatcher run the loop. A dispatcher that runs it at once, on the
// goroutine that submits, gets the messages: functions run elsewhere, because that
// goroutine may hold a turn that they wait for.
func (s *Scheduler) dispatch() {
	if s.state.options.async {
		s.dispatcher.Schedule(s.loop)
		return
	}
	in := &submitter{}
	s.dispatcher.Schedule(func() { s.run(in.executor(), nil, nil) })
	in.returned.Store(true)
}

// submitter is the goroutine that submits an item, if the dispatcher runs the loop
// there. protoactor's synchronized dispatcher does so. Tasks are never run on it.
type submitter struct{ returned atomic.Bool }

// executor returns where the loop is that the dispatcher runs.
func (s *submitter) executor() executor {
	if s.returned.Load() { // the dispatcher has chosen another goroutine
		return onGoroutines
	}
	return s
}

func (s *submitter) start(sched *Scheduler) { onGoroutines.start(sched) }
