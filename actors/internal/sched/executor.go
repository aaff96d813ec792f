package sched

import "sync/atomic"

// executor is where the loop and its tasks run. There are three: [goroutines] of the Go
// scheduler, a [borrowed] goroutine, and one goroutine that tasks are [pinned] to.
type executor interface {
	// start runs the loop of s. It is called without mu.
	start(s *Scheduler)
}

// executorVar is an executor that changes. It is safe for concurrent use.
type executorVar struct{ p atomic.Pointer[executor] }

func (v *executorVar) load() executor { return *v.p.Load() }

func (v *executorVar) store(e executor) {
	if e == onGoroutines {
		v.p.Store(&onGoroutines) // nearly all schedulers share that memory
		return
	}
	v.p.Store(&e)
}

// goroutines is the executor that runs the loop on a goroutine of its own.
type goroutines struct {
	dispatched bool // the dispatcher chooses the goroutine
	item       any  // to begin with; nil for none
}

// All schedulers share these, which compare by their addresses.
var (
	onGoroutines executor = &goroutines{}
	onDispatcher executor = &goroutines{dispatched: true}
)

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

// submitter is the goroutine that submits an item to a scheduler whose dispatcher runs
// the loop there, as protoactor's synchronized one does. Tasks are never run on it.
type submitter struct{ returned atomic.Bool }

// executor returns where the loop is that the dispatcher runs.
func (s *submitter) executor() executor {
	if s.returned.Load() { // the dispatcher has chosen another goroutine
		return onGoroutines
	}
	return s
}

func (s *submitter) start(sched *Scheduler) { onGoroutines.start(sched) }
