package actors

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/fifo"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// pool has the workers of a caller.
//
// MaxWorkers bounds the workers. A worker counts until it has stopped, or stops and has
// no job left. So there are never more functions at a time than workers allowed.
type pool struct {
	owner      *Caller
	unassigned sched.Scheduler // of calls that have no worker yet; it never runs
	config     *props.Config

	mu        sync.Mutex
	workers   []*worker          // those that count
	idle      fifo.Ring[*worker] // those that have no job, the longest first
	queue     fifo.Ring[work]    // calls that wait for a worker
	drops     int                // calls that have ended unstarted since the last prune
	closed    bool
	advancing bool        // a goroutine is in advance
	round     int         // of expireIdle
	timer     *time.Timer // of the next round; nil for none
}

// workers returns the pool of the caller's workers, made when first asked for.
func (c *Caller) workers() *pool {
	c.mu.Lock()
	defer c.mu.Unlock()
	cold := c.cold()
	if cold.workers == nil {
		config := *c.config
		config.Name, config.Protected, config.Host = "", false, nil
		p := &pool{owner: c, config: &config, closed: c.State() >= StateStopping}
		p.unassigned.Init(c.mailbox(), sched.Options{})
		cold.workers = p
	}
	return cold.workers
}

// existingWorkers returns the pool, or nil if nobody has asked for it.
func (c *Caller) existingWorkers() *pool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.coldState == nil {
		return nil
	}
	return c.coldState.workers
}

// assign has a call that was made with ctx run on a worker.
func (p *pool) assign(ctx context.Context, t work) {
	if err := p.owner.admit(ctx); err != nil {
		t.Fail(err)
	} else if err := p.submit(t); err != nil {
		t.Fail(p.owner.withStopCause(err))
	}
}

// submit gives a call to the worker that is idle for longest, to a new one, or to the
// queue.
func (p *pool) submit(t work) error {
	for {
		p.mu.Lock()
		w, err := p.place(t)
		if w == nil && err == nil {
			err = p.enqueue(t)
		}
		p.mu.Unlock()
		if w == nil || err != nil {
			return err
		}
		if retry, err := p.run(w, t); !retry {
			return err
		}
	}
}

// place returns the worker whose job t is now, nil if none may be had. The worker may
// have to be spawned. mu must be held.
func (p *pool) place(t work) (*worker, error) {
	if p.closed {
		return nil, pending.ErrStopped
	}
	w := p.takeIdle()
	if w == nil && p.isFull() {
		return nil, nil
	}
	if w == nil {
		w = &worker{pool: p, slot: len(p.workers)}
		p.workers = append(p.workers, w)
	}
	w.job = t
	return w, nil
}

// takeIdle returns the worker that is idle for longest, or nil. mu must be held.
func (p *pool) takeIdle() *worker {
	for range p.idle.Len() { // once round
		w := p.idle.Shift()
		if w.isReady() {
			w.isIdle = false
			return w
		}
		p.idle.Push(w) // it restarts
	}
	return nil
}

// isFull reports whether there are as many workers as there may be. mu must be held.
func (p *pool) isFull() bool {
	limit := p.config.WorkerLimit()
	return limit > 0 && len(p.workers) >= limit
}

// enqueue has a call wait for a worker. mu must be held.
func (p *pool) enqueue(t work) error {
	if limit := p.config.MaxQueued; limit > 0 && p.queue.Len() >= limit && p.waiting() >= limit {
		return fmt.Errorf("%w: %d calls wait for workers of %s", ErrOverloaded, limit, p.owner.path())
	}
	p.queue.Push(t)
	return nil
}

// run has a worker do its job. With retry somebody has stopped the worker just now.
func (p *pool) run(w *worker, t work) (retry bool, err error) {
	if w.caller == nil {
		if _, err := p.owner.child(p.config, w); err != nil {
			p.drop(w)
			return false, err
		}
	}
	if w.give(t) == nil {
		return false, nil
	}
	p.drop(w)
	return true, nil
}

// drop is called when a worker has stopped, or could not be had.
func (p *pool) drop(w *worker) {
	p.mu.Lock()
	w.job = nil
	p.remove(w)
	p.mu.Unlock()
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
	w.slot = -1
}

// releaseWorker is called when the function of a task has returned, or will not run, and
// again when the pending is done. The first call returns the worker to the pool before
// waiters are notified. The second yields once, so that a waiter can submit its next
// call before the worker goes to sleep.
func (c *Caller) releaseWorker(t *sched.Task) {
	switch {
	case t.Tag&tagPooled == 0 || c.worker == nil:
	case t.Tag&tagReleased != 0:
		runtime.Gosched()
	default:
		t.Tag |= tagReleased
		c.worker.pool.release(c.worker, t)
	}
}

// releaseAbandoned returns a worker to the pool whose function was abandoned.
func (c *Caller) releaseAbandoned(t *sched.Task) {
	if c.worker != nil {
		c.worker.pool.release(c.worker, t)
	}
}

// release notes that a worker is through with its job, if that is t, and gives it the
// next call.
func (p *pool) release(w *worker, t *sched.Task) {
	p.mu.Lock()
	if w.job == nil || w.job.schedulable() != t {
		p.mu.Unlock()
		return
	}
	w.job = nil
	p.reuse(w)
}

// ready takes a worker back that has restarted.
func (p *pool) ready(w *worker) {
	p.mu.Lock()
	if w.job != nil || w.isIdle {
		p.mu.Unlock()
		return
	}
	p.reuse(w)
}

// stopWorker notes that a worker stops: it takes no more calls.
func (p *pool) stopWorker(w *worker) {
	p.mu.Lock()
	if w.isIdle {
		w.isIdle = false
		for range p.idle.Len() { // once round
			if i := p.idle.Shift(); i != w {
				p.idle.Push(i)
			}
		}
	}
	if w.job == nil {
		p.remove(w)
	}
	p.mu.Unlock()
	p.advance()
}

// reuse gives a worker that has no job the next call, or keeps it, or stops it. It
// releases mu, which must be held.
func (p *pool) reuse(w *worker) {
	switch t, ok := p.nextFor(w); {
	case w.isStopping():
		p.remove(w)
		p.mu.Unlock()
		p.advance()
	case p.closed || !w.isReady(): // ready is called later if the worker restarts
		p.mu.Unlock()
	case ok:
		w.job = t
		p.mu.Unlock()
		p.owner.sched.NotifyIdle()
		p.mustRun(w, t)
	case p.idle.Len() >= p.config.MaxIdleWorkers:
		p.mu.Unlock()
		w.caller.stop(nil)
	default:
		p.keep(w)
		p.mu.Unlock()
	}
}

// keep adds a worker to those that are idle. mu must be held.
func (p *pool) keep(w *worker) {
	w.isIdle, w.since = true, p.round
	p.idle.Push(w)
	if p.timer == nil && p.config.IdleTimeout > 0 {
		p.timer = time.AfterFunc(p.config.IdleTimeout, p.expireIdle)
	}
}

// nextFor returns the next call that waits, if the worker can take one. mu must be held.
func (p *pool) nextFor(w *worker) (t work, ok bool) {
	if p.closed || !w.isReady() {
		return nil, false
	}
	return p.nextQueued()
}

// waiting returns how many calls wait for a worker. mu must be held.
func (p *pool) waiting() int {
	if p.drops > 0 {
		p.prune()
	}
	return p.queue.Len()
}

// callEnded notes that a call of the owner, or of a worker, has ended before it was started.
// Half of the queue at most is such calls.
func (p *pool) callEnded() {
	p.mu.Lock()
	p.drops++
	if p.drops >= pruneAt && 2*p.drops > p.queue.Len() {
		p.prune()
	}
	p.mu.Unlock()
	p.owner.sched.NotifyIdle()
}

// pruneAt is how many calls end unstarted, at least, before the queue is pruned.
const pruneAt = 64

// prune removes the calls that have ended. mu must be held.
func (p *pool) prune() {
	p.queue.Retain(func(t work) bool { return !t.IsDone() })
	p.drops = 0
}

// nextQueued removes and returns the first call that waits for a worker. mu must be held.
func (p *pool) nextQueued() (t work, ok bool) {
	for p.queue.Len() > 0 {
		if t := p.queue.Shift(); !t.IsDone() {
			return t, true
		}
	}
	return nil, false
}

// advance has the calls that wait run on workers that may be had now. Spawning a worker
// may fail, which makes room for another one: the first who is here sees to that.
func (p *pool) advance() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.advancing {
		return
	}
	p.advancing = true
	returned := false
	defer func() {
		p.advancing = false
		if !returned { // user code has ended the goroutine
			go p.advance()
		}
	}()
	for !p.closed && !p.isFull() {
		t, ok := p.nextQueued()
		if !ok {
			break
		}
		w, _ := p.place(t)
		p.runUnlocked(w, t)
	}
	returned = true
}

// runUnlocked has a worker run a call. mu, which must be held, is released meanwhile.
func (p *pool) runUnlocked(w *worker, t work) {
	p.mu.Unlock()
	defer p.mu.Lock()
	p.owner.sched.NotifyIdle()
	p.mustRun(w, t)
}

// mustRun has a call run that was accepted: it fails if no worker can be had.
func (p *pool) mustRun(w *worker, t work) {
	retry, err := p.run(w, t)
	if retry {
		err = p.submit(t)
	}
	if err != nil {
		t.Fail(p.owner.withStopCause(err))
	}
}

// expireIdle stops the workers that were idle for the whole of a round, and begins the
// next round if any is left.
func (p *pool) expireIdle() {
	p.mu.Lock()
	var expired []*worker
	for p.idle.Len() > 0 && p.idle.Peek().since < p.round {
		w := p.idle.Shift()
		w.isIdle = false
		expired = append(expired, w)
	}
	p.round++
	if p.idle.Len() > 0 && !p.closed {
		p.timer.Reset(p.config.IdleTimeout)
	} else {
		p.timer = nil
	}
	p.mu.Unlock()
	for _, w := range expired {
		w.caller.stop(nil)
	}
}

// hasQueue reports whether calls wait for a worker.
func (p *pool) hasQueue() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting() > 0
}

// closePool rejects the calls that wait for a worker. The workers themselves are stopped
// as children.
func (c *Caller) closePool(err error) {
	p := c.existingWorkers()
	if p == nil {
		return
	}
	p.mu.Lock()
	p.closed = true
	rejected := make([]work, 0, p.queue.Len())
	for p.queue.Len() > 0 {
		rejected = append(rejected, p.queue.Shift())
	}
	p.idle = fifo.Ring[*worker]{}
	if p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Unlock()
	forEachDespiteGoexit(rejected, func(t work) { t.Reject(err) })
}
