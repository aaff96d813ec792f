package sched

import "sync/atomic"

// executor is where the loop and its tasks run. There are three: [goroutines] of the Go
// scheduler, a [borrowed] goroutine, and one goroutine that tasks are [pinned] to.
type executor interface {
	// start runs the loop of s, with item first unless that is nil. It never blocks, and
	// is called without mu.
	start(s *Scheduler, item any)
}

// executorVar is an executor that changes. It is safe for concurrent use.
type executorVar struct{ p atomic.Pointer[executor] }

// onGoroutines is what nearly all schedulers run on; they share the memory.
var onGoroutines executor = goroutines{}

func (v *executorVar) load() executor { return *v.p.Load() }

func (v *executorVar) store(e executor) {
	if e == onGoroutines {
		v.p.Store(&onGoroutines)
		return
	}
	v.p.Store(&e)
}

// goroutines is the executor that runs the loop on a goroutine of its own.
type goroutines struct{}

func (goroutines) start(s *Scheduler, item any) {
	if item == nil {
		go s.loop()
		return
	}
	go s.run(goroutines{}, nil, item)
}

// submitter is the goroutine that submits an item to a scheduler whose dispatcher runs
// the loop there, as protoactor's synchronized one does. Tasks are never run on it.
type submitter struct{ returned atomic.Bool }

// executor returns where the loop is that the dispatcher runs.
func (s *submitter) executor() executor {
	if s.returned.Load() { // the dispatcher has chosen another goroutine
		return goroutines{}
	}
	return s
}

func (s *submitter) start(sched *Scheduler, item any) { goroutines{}.start(sched, item) }
