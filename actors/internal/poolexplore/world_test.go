//go:build explored

package poolexplore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/fifo"
	"github.com/seed-7fcaac1b/protocaller/internal/explore"
	"github.com/seed-7fcaac1b/protocaller/internal/explore/sim"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// exWorld is a pool, its owner, and its calls.
type exWorld struct {
	*sim.World
	boss         *Caller
	limit        int
	policy       supervision.Action // of the workers
	failingSpawn int                // which spawn fails; 0 for none
	spawned      int
	callers      []*Caller
	calls        []*exCall
	happened     int         // numbers when calls are made
	flags        [4]bool     // of the script
	isPatient    bool        // nothing is abandoned
	backoffEnds  func() bool // nil for at any time
}

// exCall is a call for a worker, and what is known of it.
type exCall struct {
	*pending.Pending[int]
	name    string
	task    *schedTask
	runs    int
	running bool
	began   int  // when it was made; 0 for a call that is given otherwise
	made    int  // when that has returned, 0 before
	placed  bool // it had a worker
}

// script builds a world.
type script struct {
	name  string
	build func(w *exWorld)
}

// setting is a pool of a script.
type setting struct {
	workers, idle, queued int
	policy                supervision.Action
	timeout               time.Duration
}

func (s setting) String() string {
	return fmt.Sprintf("at most %d workers, %d idle ones, %v", s.workers, s.idle, s.policy)
}

// settings are the pools that the pairs and triples are explored with.
var settings = []setting{
	{workers: 1, idle: 1, policy: supervision.ActionRestart},
	{workers: 1, idle: 0, policy: supervision.ActionStop},
	{workers: 2, idle: 1, policy: supervision.ActionEscalate},
	{workers: 2, idle: 2, policy: supervision.ActionRestart, timeout: time.Second},
}

func (s setting) world(in *sim.World) *exWorld {
	w := &exWorld{World: in, limit: s.workers, policy: s.policy}
	in.Always, in.AtEnd = w.check, w.checkEnd
	w.boss = w.caller("owner", &props.Config{
		MaxWorkers: s.workers, MaxIdleWorkers: s.idle, MaxQueued: s.queued, IdleTimeout: s.timeout,
	})
	w.boss.state.Store(int32(StateRunning))
	w.boss.workers()
	return w
}

func explored(scripts []script) []explore.Script {
	of := make([]explore.Script, 0, len(scripts))
	for _, s := range scripts {
		of = append(of, sim.Script(s.name, func(in *sim.World) { s.build(&exWorld{World: in}) }))
	}
	return of
}

func (w *exWorld) caller(name string, config *props.Config) *Caller {
	w.Note()
	c := &Caller{w: w, name: fmt.Sprintf("%s %d", name, len(w.callers)), config: config, registry: &registry{watchdog: &watchdog{}}}
	c.sched.c = c
	w.callers = append(w.callers, c)
	return c
}

func (w *exWorld) await(ready func() bool, label string) {
	w.Current().Await(ready, label)
	w.Note()
}

func (w *exWorld) pool() *pool { return w.boss.coldState.workers }

// call has a function called on a worker.
func (w *exWorld) call(fn func(c *exCall) error) *exCall {
	w.Note()
	c := &exCall{name: fmt.Sprintf("call %d", len(w.calls)+1)}
	w.calls = append(w.calls, c)
	w.happened++
	c.began = w.happened
	p := w.pool()
	t := newCall(context.Background(), nil, &p.unassigned, func(context.Context) (int, error) {
		w.Note()
		c.runs++
		c.running = true
		if of := c.task.sched.c.worker; of == nil || of.job == nil || of.job.schedulable() != c.task {
			w.Failf("%s runs, and is not the job of the worker", c.name)
		}
		defer func() {
			w.Note()
			c.running = false
		}()
		sim.Step(c.name + " runs")
		return 1, fn(c)
	})
	t.task.Tag = tagPooled
	c.Pending, c.task = &t.Pending, &t.task
	isDraining := w.boss.draining
	p.assign(context.Background(), t)
	if isDraining && (!c.IsDone() || c.task.sched != &p.unassigned) {
		w.Failf("%s is accepted while the owner drains", c.name)
	}
	w.Note()
	w.happened++
	c.made = w.happened
	return c
}

// cancels makes a call and cancels it.
func (w *exWorld) cancels(fn func(c *exCall) error) {
	c := w.call(fn)
	c.Cancel(nil)
	for e := w.pool().queue.Front(); e != nil; e = e.Next() {
		if e.Value.(work).schedulable() == c.task {
			w.Failf("%s is cancelled, and waits for a worker", c.name)
		}
	}
}

// hangs is a function that never returns.
func (w *exWorld) hangs(*exCall) error {
	w.Current().Service = true
	w.await(func() bool { return false }, "hang")
	return nil
}

// returns is a function that returns at once.
func returns(*exCall) error { return nil }

var errPanic = errors.New("panic")

func panics(*exCall) error { panic(errPanic) }

// waits is a function that waits, with its turn given away, until something is so.
func (w *exWorld) waits(until func() bool) func(c *exCall) error {
	return func(c *exCall) error {
		s := c.task.sched
		s.park(c.task, until)
		return nil
	}
}

// lends is a function that waits as in waits, and lends its worker meanwhile.
func (w *exWorld) lends(until func() bool) func(c *exCall) error {
	return func(c *exCall) error {
		s := c.task.sched
		takeBack := s.c.lendWorker(c.task)
		w.Note()
		c.running = false // it may be beside another one from now on, in turns
		s.park(c.task, until)
		takeBack()
		return nil
	}
}

// holdsOut is a function that keeps its turn until something is so, whatever its context
// says.
func (w *exWorld) holdsOut(until func() bool) func(c *exCall) error {
	return func(*exCall) error {
		w.await(until, "the function goes on")
		return nil
	}
}

// worker returns the worker that was made first and has not stopped. It waits for one.
func (w *exWorld) worker() *Caller {
	var c *Caller
	w.await(func() bool {
		for _, of := range w.boss.children {
			if of.now() == StateRunning {
				c = of
				return true
			}
		}
		return w.isQuiet()
	}, "wait for a worker")
	return c
}

// isQuiet reports whether no call is left.
func (w *exWorld) isQuiet() bool {
	for _, c := range w.calls {
		if c.Pending == nil || !c.IsDone() {
			return false
		}
	}
	return true
}

// onWorker has a function called on a worker, as others than the pool can do it.
func (w *exWorld) onWorker(fn func() error) {
	if c := w.worker(); c != nil {
		c.calls(fn)
	}
}

// calls is CallSoon.
func (c *Caller) calls(fn func() error) {
	t := newCall(context.Background(), nil, &c.sched, func(context.Context) (int, error) { return 1, fn() })
	if c.sched.Submit(&t.task, 0) != nil {
		t.Fail(pending.ErrStopped)
	}
}

func (c *Caller) panics() { c.calls(func() error { panic(errPanic) }) }

func (c *Caller) now() State { return State(c.state.Peek()) }

// check looks whether what must always be so is so.
func (w *exWorld) check() {
	p := w.pool()
	running := 0
	for _, c := range w.calls {
		if c.runs > 1 {
			w.Failf("%s has run %d times", c.name, c.runs)
		}
		if c.running && !c.IsDone() && !c.task.given && !c.task.abandoned { // else it was given up
			running++
		}
	}
	if running > w.limit {
		w.Failf("%d functions run, and there may be %d workers", running, w.limit)
	}
	if heldOf(p) {
		return
	}
	switch {
	case len(p.workers) == 0 && p.workers != nil:
		w.Failf("a pool without workers keeps their memory")
	case slices.ContainsFunc(p.workers[len(p.workers):cap(p.workers)], func(of *worker) bool { return of != nil }):
		w.Failf("a pool keeps the memory of a worker")
	case p.closed && p.timer != nil && p.timer.IsRunning():
		w.Failf("a pool that is closed has a timer")
	case len(p.workers) > w.limit:
		w.Failf("there are %d workers", len(p.workers))
	case p.queue.Len() > 0 && !p.closed && len(p.workers) < w.limit:
		w.Failf("%d calls wait, and there are only %d workers", p.queue.Len(), len(p.workers))
	case w.boss.config.MaxQueued > 0 && p.queue.Len() > w.boss.config.MaxQueued:
		w.Failf("%d calls wait, and %d may", p.queue.Len(), w.boss.config.MaxQueued)
	case p.closed && p.queue.Len() > 0:
		w.Failf("%d calls wait for workers of a pool that is closed", p.queue.Len())
	case p.idle.Len() > w.boss.config.MaxIdleWorkers:
		w.Failf("%d workers are idle", p.idle.Len())
	}
	jobs := make(map[work]bool)
	add := func(t work) {
		if jobs[t] {
			w.Failf("%v is there twice", t)
		}
		jobs[t] = true
	}
	for e := p.queue.Front(); e != nil; e = e.Next() {
		add(e.Value.(work))
		if e.Value.(work).schedulable().sched != &p.unassigned {
			w.Failf("a call that waits for a worker is that of a worker")
		}
	}
	w.checkOrder(jobs)
	var counted []*worker
	for i, of := range p.workers {
		if of.slot != i || slices.Contains(counted, of) {
			w.Failf("a worker has place %d, and counts in place %d", of.slot, i)
		}
		counted = append(counted, of)
		if of.job != nil {
			add(of.job)
		}
	}
	idle := 0
	for _, ring := range []*fifo.Ring[*worker]{&p.idle, &p.lent} {
		for range ring.Len() {
			of := ring.Shift()
			ring.Push(of)
			idle++
			if !of.isIdle || of.job != nil || !slices.Contains(counted, of) {
				w.Failf("a worker is idle that is not idle, has a job, or does not count")
			}
			if (len(of.away) > 0) != (ring == &p.lent) || len(of.back) > 0 {
				w.Failf("a worker is in the wrong list")
			}
		}
	}
	for _, c := range w.callers {
		if of := c.worker; of != nil && of.isIdle {
			idle--
		}
	}
	if idle != 0 {
		w.Failf("there are %d more idle workers in the list than there are", idle)
	}
}

// checkOrder looks whether a call has overtaken another one. The queue has these calls.
func (w *exWorld) checkOrder(queue map[work]bool) {
	for _, c := range w.calls {
		c.placed = c.placed || c.began > 0 && c.task != nil && !queue[c.task.of] && (c.task.sched != &w.pool().unassigned || c.made > 0)
	}
	for _, c := range w.calls {
		for _, other := range w.calls {
			if c.placed && !c.IsDone() && other.made > 0 && other.made < c.began && !other.placed && queue[other.task.of] {
				w.Failf("%s waits for a worker, and %s has one, which is later", other.name, c.name)
			}
		}
	}
}

// heldOf reports whether the mutex of a pool is held.
func heldOf(p *pool) bool {
	m, ok := any(&p.mu).(interface{ IsHeld() bool })
	return ok && m.IsHeld()
}

func (w *exWorld) checkEnd() {
	w.check()
	p := w.pool()
	for _, c := range w.calls {
		if !c.IsDone() {
			w.Failf("%s is not done at the end", c.name)
		}
		if c.runs == 0 && c.Err() == nil {
			w.Failf("%s has not run, and has no error", c.name)
		}
		if c.runs == 1 && !c.running && !c.task.given && !c.task.abandoned && c.task.Tag&tagReleased == 0 {
			w.Failf("%s has run, and it is not noted that its worker was released", c.name)
		}
	}
	switch {
	case p.queue.Len() > 0:
		w.Failf("%d calls wait for workers at the end", p.queue.Len())
	case !p.closed && w.boss.now() >= StateStopping:
		w.Failf("the owner stops, and the pool is not closed")
	case w.boss.registry.watchdog.woken < p.queue.added:
		w.Failf("calls have begun to wait for a worker %d times, and the watchdog was woken %d times", p.queue.added, w.boss.registry.watchdog.woken)
	case p.closed && p.idle.Len() > 0:
		w.Failf("a pool that is closed has idle workers")
	case p.config.IdleTimeout > 0 && p.idle.Len() > 0:
		w.Failf("%d workers are idle for ever", p.idle.Len())
	}
	for _, of := range p.workers {
		if len(of.away)+len(of.back) > 0 {
			w.Failf("%s is lent at the end", of.caller.name)
		}
		if of.job != nil || of.isSpawning || of.isGiven.Peek() {
			w.Failf("%s has a job at the end", of.caller.name)
		}
		if !of.isIdle && !p.closed {
			w.Failf("%s has nothing to do, and is not idle", of.caller.name)
		}
	}
	for _, c := range w.callers {
		switch state := c.now(); {
		case c == w.boss:
		case c.worker.isGiven.Peek():
			w.Failf("%s is given a job at the end", c.name)
		case state == StateStopping, state == StateStarting:
			w.Failf("%s is in state %d at the end", c.name, state)
		case state == StateRunning && (c.worker.slot < 0 || p.closed):
			w.Failf("%s runs, and does not count or is left over", c.name)
		case state == StateStopped && (c.worker.slot >= 0 || c.worker.job != nil):
			w.Failf("%s has stopped, and counts", c.name)
		}
	}
}
