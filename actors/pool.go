package actors

import (
	"container/list"
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/fifo"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/internal/goexit"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// pool holds the workers of a caller.
//
// MaxWorkers bounds the workers. A worker counts until it has stopped, or stops
// and has no job left. So there are never more functions at a time than workers
// allowed. A function that lends its worker while it waits does not count meanwhile.
//
// A call waits in the queue only while no worker is ready for it and no more may
// be spawned. Each change of that is followed by advance, with mu held all the
// time. No user code runs with mu held, so workers are spawned without it.
type pool struct {
	owner      *Caller
	unassigned sched.Scheduler // of calls that have no worker yet; it never runs
	config     *props.Config

	mu      sync.Mutex
	workers []*worker          // those that count
	idle    fifo.Ring[*worker] // those that have no job, the longest first
	lent    fifo.Ring[*worker] // those that have no job, but functions that are away
	queue   list.List          // of work: calls that wait for a worker and are not done
	closed  bool
	round   int         // of expireIdle
	timer   *time.Timer // of the next round; nil for none
}

// workers returns the pool of the caller's workers. The first call makes it.
func (c *Caller) workers() *pool {
	c.mu.Lock()
	defer c.mu.Unlock()
	cold := c.cold()
	if cold.workers == nil {
		config := *c.config
		config.Name, config.Protected, config.Host, config.OnStart, config.OnStop = "", false, nil, nil, nil
		p := &pool{owner: c, config: &config, closed: c.State() >= StateStopping}
		p.unassigned.Init(c.mailbox(), sched.Options{Explored: c.registry.steps != nil, Recorded: c.registry.recorder != nil})
		cold.workers = p
	}
	return cold.workers
}

// existingWorkers returns the pool, or nil if it was not made.
func (c *Caller) existingWorkers() *pool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.coldState == nil {
		return nil
	}
	return c.coldState.workers
}

// assign gives a call that was made with ctx to a worker, and may spawn that.
func (p *pool) assign(ctx context.Context, t work) {
	if err := p.owner.admit(ctx); err != nil {
		t.Fail(err)
		return
	}
	switch spawn, err := p.accept(t); {
	case err != nil:
		t.Fail(p.owner.withStopCause(err))
	case spawn != nil && p.config.Publisher != nil: // which is opened, and may block
		p.spawnApart(spawn, t)
	case spawn != nil:
		p.spawn(spawn, t)
	}
}

// submit is assign for a delayed call whose time has come. It never blocks.
func (p *pool) submit(t work) error {
	spawn, err := p.accept(t)
	if spawn != nil {
		p.spawnApart(spawn, t)
	}
	return err
}

// accept gives a call to a worker, or queues it. A returned worker must be spawned
// for the call.
func (p *pool) accept(t work) (spawn *worker, err error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, pending.ErrStopped
	}
	if p.queue.Len() == 0 { // else it would overtake those that wait, for a worker that has just become ready
		if spawn, placed := p.place(t); placed {
			p.mu.Unlock()
			return spawn, nil
		}
	}
	if limit := p.config.MaxQueued; limit > 0 && p.queue.Len() >= limit {
		p.mu.Unlock()
		return nil, fmt.Errorf("%w: %d calls wait for workers of %s", ErrOverloaded, limit, p.owner.path())
	}
	queued := p.queue.PushBack(t)
	p.mu.Unlock()
	p.owner.registry.watchdog.Wake()                     // the call waits for turns of workers
	t.OnDone(func(pending.Handle) { p.unqueue(queued) }) // it may be cancelled
	return nil, nil
}

// unqueue removes a call that is done from the queue, if it still waits.
func (p *pool) unqueue(queued *list.Element) {
	p.mu.Lock()
	before := p.queue.Len()
	p.queue.Remove(queued)
	removed := p.queue.Len() < before
	p.mu.Unlock()
	if removed {
		p.owner.sched.NotifyIdle()
	}
}

// place gives a call to the worker that is idle for longest, or to a new one. One that
// is lent is the last choice: its function waits for the call when it comes back. place
// returns a new worker, to be spawned. Without a worker it reports false. mu must be
// held.
func (p *pool) place(t work) (spawn *worker, placed bool) {
	if p.giveIdle(&p.idle, t) {
		return nil, true
	}
	if limit := p.config.WorkerLimit(); limit > 0 && len(p.workers) >= limit {
		return nil, p.giveIdle(&p.lent, t)
	}
	w := newWorker(p, len(p.workers), t)
	p.workers = append(p.workers, w)
	return w, true
}

// giveIdle gives a call to one of the workers without a job, and reports whether there
// is one. mu must be held.
func (p *pool) giveIdle(from *fifo.Ring[*worker], t work) bool {
	for w := p.takeIdle(from); w != nil; w = p.takeIdle(from) {
		if w.give(t) {
			return true
		}
	}
	return false
}

// takeIdle returns the worker that is idle for longest and ready, or nil. mu must be
// held.
func (p *pool) takeIdle(from *fifo.Ring[*worker]) *worker {
	for range from.Len() { // once round
		w := from.Shift()
		switch {
		case w.isStopping():
			w.isIdle = false
			p.remove(w)
		case w.isReady():
			w.isIdle = false
			return w
		default: // it restarts
			from.Push(w)
		}
	}
	return nil
}

// advance gives the calls that wait to the workers that are available now. mu must
// be held.
func (p *pool) advance() {
	for queued := p.queue.Front(); queued != nil && !p.closed; queued = p.queue.Front() {
		t := queued.Value.(work)
		spawn, placed := p.place(t)
		if !placed {
			return
		}
		p.queue.Remove(queued)
		p.owner.sched.NotifyIdle()
		if spawn != nil {
			p.spawnApart(spawn, t) // which may call advance
		}
	}
}

// spawnApart is spawn on a goroutine of its own, because it may block.
func (p *pool) spawnApart(w *worker, t work) {
	go p.owner.step("spawns a worker", func() { p.spawn(w, t) })()
}

// spawn spawns a worker for a call. The call fails if the spawn fails.
func (p *pool) spawn(w *worker, t work) {
	err := pending.ErrStopped
	given := false
	defer func() { // even if user code ends the goroutine
		if !given {
			p.drop(w)
			t.Fail(p.owner.withStopCause(err))
		}
		p.owner.sched.NotifyIdle()
	}()
	if _, err = p.owner.child(p.config, w); err != nil {
		return
	}
	p.mu.Lock()
	requeued := func() {}
	w.isSpawning = false
	switch given = w.give(t); {
	case !given: // it was stopped just now
		err = pending.ErrStopped
	case !p.closed && !w.isReady(): // it restarts, and reassign came before the job
		requeued = p.requeue(w)
	}
	p.mu.Unlock()
	requeued()
}

// drop removes a worker that has stopped, or that could not be spawned.
func (p *pool) drop(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.isGiven.Store(false)
	w.job, w.isSpawning, w.away, w.back = nil, false, nil, nil
	p.remove(w)
	p.advance()
}

// remove takes a worker from those that count. mu must be held.
func (p *pool) remove(w *worker) {
	if w.slot < 0 {
		return
	}
	end := len(p.workers) - 1
	last := p.workers[end]
	p.workers[w.slot], last.slot = last, w.slot
	p.workers[end] = nil
	p.workers = p.workers[:end]
	if end == 0 {
		p.workers = nil // and its memory
	}
	w.slot = -1
}

// releaseWorker is called when the function of a task has returned or will not
// run. It is called again when the pending is done. The first call returns the
// worker to the pool before waiters are notified. The second yields once, so
// that a waiter can submit its next call before the worker goes to sleep.
func (c *Caller) releaseWorker(t *sched.Task) {
	switch {
	case c.worker == nil:
	case t.Tag&tagPooled == 0:
		c.worker.pool.reassign(c.worker) // it may have failed the worker
	case t.Tag&tagReleased != 0:
		runtime.Gosched()
	default:
		t.Tag |= tagReleased
		c.worker.pool.release(c.worker, t)
	}
}

// releaseAbandoned returns the worker of an abandoned function to the pool.
func (c *Caller) releaseAbandoned(t *sched.Task) {
	if c.worker != nil {
		c.worker.pool.release(c.worker, t)
	}
}

// release ends the job of a worker, if that is t, and gives the worker the next
// call.
func (p *pool) release(w *worker, t *sched.Task) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.job != nil && w.job.schedulable() == t {
		w.job = nil
		p.reuse(w)
	} else if len(w.away)+len(w.back) > 0 {
		p.forget(w, t)
	}
}

// ready takes a worker back that has restarted.
func (p *pool) ready(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case w.isIdle:
		p.advance()
	case w.job == nil:
		p.reuse(w)
	}
}

// reassign gives the job of a worker to another one. It does nothing if the job
// has begun or the worker is ready.
func (p *pool) reassign(w *worker) {
	p.mu.Lock()
	if p.closed || w.isReady() {
		p.mu.Unlock()
		return
	}
	requeued := p.requeue(w)
	p.mu.Unlock()
	requeued()
}

// requeue makes the job of a worker the first to run on another one, unless the
// job has begun. mu must be held. The returned function must be called without mu.
func (p *pool) requeue(w *worker) func() {
	t, ok := w.takeBack()
	if !ok {
		return func() {}
	}
	queued := p.queue.PushFront(t)
	p.advance()
	return func() {
		p.owner.registry.watchdog.Wake() // the call waits for turns of other workers
		t.OnDone(func(pending.Handle) { p.unqueue(queued) })
	}
}

// stopWorker records that a worker stops: it takes no more calls.
func (p *pool) stopWorker(w *worker) {
	requeued := func() {}
	defer func() { requeued() }()
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.isIdle {
		p.unidle(w)
	}
	if !p.closed {
		requeued = p.requeue(w)
	}
	if w.job == nil {
		p.remove(w)
	}
	p.advance()
}

// unidle removes a worker from those without a job. mu must be held.
func (p *pool) unidle(w *worker) {
	w.isIdle = false
	from := &p.idle
	if len(w.away) > 0 {
		from = &p.lent
	}
	for range from.Len() { // once round
		if i := from.Shift(); i != w {
			from.Push(i)
		}
	}
}

// reuse gives the next call to a worker without a job. Without a call it keeps or
// stops the worker. mu must be held.
func (p *pool) reuse(w *worker) {
	switch {
	case len(w.back) > 0:
		w.job, w.back = w.back[0], w.back[1:]
	case w.isStopping():
		p.remove(w)
		p.advance()
	case p.closed || !w.isReady(): // its stop or the end of its restart is still to come
	case p.queue.Len() > 0:
		queued := p.queue.Front()
		if w.give(queued.Value.(work)) { // else stopWorker is still to come
			p.queue.Remove(queued)
			p.owner.sched.NotifyIdle()
		}
	case len(w.away) > 0:
		w.isIdle = true
		p.lent.Push(w)
	case p.idle.Len() >= p.config.MaxIdleWorkers:
		w.stop()
	default:
		p.keep(w)
	}
}

// keep adds a worker to the idle ones. mu must be held.
func (p *pool) keep(w *worker) {
	w.isIdle, w.since = true, p.round
	p.idle.Push(w)
	if p.timer == nil && p.config.IdleTimeout > 0 {
		p.timer = time.AfterFunc(p.config.IdleTimeout, p.owner.step("lets idle workers go", p.expireIdle))
	}
}

// expireIdle stops the workers that were idle for the whole of a round. It begins the
// next round if any is left.
func (p *pool) expireIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.idle.Len() > 0 && (*p.idle.First()).since < p.round {
		w := p.idle.Shift()
		w.isIdle = false
		w.stop()
	}
	p.round++
	switch {
	case p.idle.Len() == 0:
		p.idle, p.timer = fifo.Ring[*worker]{}, nil // and its memory
	default:
		p.timer.Reset(p.config.IdleTimeout)
	}
}

// waitFor reports whether a task is the job of a worker, and how many calls wait for a
// worker.
func (p *pool) waitFor(w *worker, t *sched.Task) (isJob bool, calls int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return w.job != nil && w.job.schedulable() == t, p.queue.Len()
}

// hasQueue reports whether calls wait for a worker, or for one that is being spawned.
func (p *pool) hasQueue() bool { return p.waiting() > 0 }

// waiting returns how many calls wait for a worker, or for one that is being spawned.
func (p *pool) waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.queue.Len()
	for _, w := range p.workers {
		if w.isSpawning {
			n++
		}
	}
	return n
}

// closePool rejects the calls without a worker. The workers themselves are stopped
// as children.
func (c *Caller) closePool(err error) {
	p := c.existingWorkers()
	if p == nil {
		return
	}
	p.mu.Lock()
	p.closed = true
	var rejected []work
	for queued := p.queue.Front(); queued != nil; queued = p.queue.Front() {
		rejected = append(rejected, p.queue.Remove(queued).(work)) // not Init: unqueue has the elements
	}
	for _, w := range p.workers {
		w.isIdle = false
		if w.isGiven.Load() || w.isSpawning {
			rejected = append(rejected, w.job)
		}
	}
	p.idle, p.lent = fifo.Ring[*worker]{}, fifo.Ring[*worker]{}
	if p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Unlock()
	goexit.ForEach(rejected, func(t work) { t.Reject(err) })
}
