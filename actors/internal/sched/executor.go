package sched

import (
	"sync"
	"sync/atomic"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/fifo"
)

// executor is where the loop and its tasks run. There are three: [goroutines] of the Go
// scheduler, a [borrowed] goroutine, and one goroutine that tasks are [pinned] to.
type executor interface {
	// start runs the loop of s. It is called without mu.
	start(s *Scheduler)
}

// thread is a goroutine of ours that begins and ends.
type thread interface {
	begin()
	close()
}

// threads are to begin or to end.
type threads struct {
	begin thread // nil for none
	close []thread
}

// apply begins and closes the threads. It is called without mu.
func (t threads) apply() {
	if t.begin != nil {
		t.begin.begin()
	}
	for _, p := range t.close {
		p.close()
	}
}

// executorVar is an executor that changes. It is safe for concurrent use.
type executorVar struct{ p atomic.Pointer[executor] }

func (v *executorVar) load() executor { return *v.p.Load() }

// isGoroutines reports whether the executor is onGoroutines.
func (v *executorVar) isGoroutines() bool { return v.p.Load() == &onGoroutines }

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

// borrowed is a goroutine that has lent itself to a scheduler. It runs the loop whenever
// it is free.
type borrowed struct {
	work  chan struct{} // a value starts the loop; has room for one
	taken int           // how often the goroutine has run the loop; used by it alone

	// Guarded by the scheduler's mu.
	busy  bool // a task that waits is on the goroutine
	asked int  // how often the loop was to run on the goroutine
}

// setBusy notes whether a task that waits is on a borrowed goroutine. A nil b is another
// goroutine. The scheduler's mu must be held.
func setBusy(b *borrowed, busy bool) {
	if b != nil {
		b.busy = busy
	}
}

// pinned is the executor of one goroutine: that of an OS thread, or of a host's loop.
// Each task runs on a coroutine. A task that gives its turn away leaves the goroutine to
// the others, and comes back to it.
//
// What the goroutine is to do arrives as jobs. Only who has the turn runs, so there is
// one job at a time, except for tasks that were abandoned.
type pinned struct {
	sched  *Scheduler
	host   Host          // nil for a thread
	loop   *hostLoop     // of the host; nil for a thread
	lent   bool          // by RunThread; the loop ends with its goroutine
	wake   func()        // has the goroutine look for jobs; it never blocks
	wakeup chan struct{} // by which wake does that for a thread; has room for one

	first any // the item that the loop is to begin with; guarded by the scheduler's mu

	// Used by the goroutine alone.
	current   *coroutine
	idle      []*coroutine // that run no task
	suspended int          // coroutines of tasks that wait

	mu     sync.Mutex
	jobs   fifo.Ring[job]
	woken  bool
	closed bool // no more jobs will come
}

// hostLoop is the goroutine of a host, which several schedulers may share.
type hostLoop struct {
	// blocking is the task that waits on the goroutine and keeps its turn. Nothing else
	// runs there meanwhile.
	blocking atomic.Pointer[Task]
}

// job resumes a coroutine or, if resume is nil, starts the loop.
type job struct{ resume *coroutine }

// coroutine runs tasks that can be left and come back to.
type coroutine struct {
	pinned *pinned
	item   any // for the loop to begin with
	next   func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
}

// maxIdleCoroutines is how many a pinned executor keeps: as a rule more than are in use
// at a time.
const maxIdleCoroutines = 64

// newThread returns an executor whose goroutine is to call serve.
func newThread(s *Scheduler) *pinned {
	p := &pinned{sched: s, wakeup: make(chan struct{}, 1)}
	p.wake = func() { notify(p.wakeup) }
	return p
}

// isHosted reports whether an executor is a host's loop.
func isHosted(e executor) bool {
	p, ok := e.(*pinned)
	return ok && p.host != nil
}

// foreign reports whether the goroutine belongs to somebody else.
func (p *pinned) foreign() bool { return p.host != nil || p.lent }

func (p *pinned) post(j job) {
	p.mu.Lock()
	p.jobs.Push(j)
	wake := !p.woken
	p.woken = true
	p.mu.Unlock()
	if wake {
		p.wake()
	}
}

// suspend leaves the goroutine to others until the job that resumes c.
func (c *coroutine) suspend() {
	c.pinned.suspended++
	c.yield(struct{}{})
	c.pinned.suspended--
}

func (c *coroutine) wake() { c.pinned.post(job{resume: c}) }

// notify sends to a channel with room for one value, unless it is full or nil.
func notify(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
