package actors

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// pool holds the workers of a caller.
type pool struct {
	owner  *Caller
	lobby  mailbox // never run: where calls are that have no worker yet
	config *props.Config

	mu     sync.Mutex
	n      int // workers, idle or not
	idle   ring[idleWorker]
	queue  []task // calls for which there was no worker
	closed bool
	round  int // of the sweeper
	timer  *time.Timer
}

// idleWorker is one that has had nothing to do since some round of the sweeper.
type idleWorker struct {
	*Caller
	since int
}

// ToThread has fn called on a worker of c: a child of its own, at the same time
// as whatever c and the other workers do. Workers are kept for the next calls,
// as many and as long as [props.MaxIdleWorkers] and [props.IdleTimeout] say; if
// there are [props.MaxWorkers] of them the call is queued. Contexts and errors
// are as in [Schedule]. It may be called from any goroutine. The seed's
// to_thread.
func ToThread[T any](ctx context.Context, c *Caller, fn func(context.Context) (T, error)) *pending.Pending[T] {
	requireCall(ctx, c, fn == nil, "ToThread")
	p := c.pooled()
	t := newCall(ctx, &p.lobby, fn, c.observed(telemetry.ToThread, 0, nil))
	p.assign(ctx, t)
	return &t.Pending
}

// assign has a call that was made with ctx run on a worker.
func (p *pool) assign(ctx context.Context, t task) {
	if err := p.owner.admit(ctx); err != nil {
		t.Fail(err)
	} else if err := p.submit(t); err != nil {
		t.Fail(p.owner.explain(err))
	}
}

// pooled returns the pool of the caller's workers.
func (c *Caller) pooled() *pool {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.rarely()
	if r.pool == nil {
		config := *c.config
		config.Name, config.Protected, config.Host = "", false, nil
		r.pool = &pool{owner: c, config: &config, closed: c.State() >= StateStopping}
		r.pool.lobby.caller = c
	}
	return r.pool
}

// submit gives a call to the worker that is idle for longest, to a new one, or
// to the queue.
func (p *pool) submit(t task) error {
	p.mu.Lock()
	for p.idle.n > 0 && !p.closed {
		if p.idle.shift().work(t) == nil {
			p.mu.Unlock()
			return nil
		} // else somebody has stopped it just now
	}
	if p.closed {
		p.mu.Unlock()
		return pending.ErrStopped
	}
	if limit := p.config.MaxWorkers; limit > 0 && p.n >= limit {
		defer p.mu.Unlock()
		return p.wait(t)
	}
	p.n++
	p.mu.Unlock()
	return p.hire(t)
}

// wait queues a call until a worker is free. The caller holds mu.
func (p *pool) wait(t task) error {
	if limit := p.config.MaxQueued; limit > 0 && len(p.queue) >= limit {
		return fmt.Errorf("%w: %d calls wait for workers of %s", ErrOverloaded, limit, p.owner.path())
	}
	p.queue = append(p.queue, t)
	return nil
}

// hire makes a new worker for a call. It is counted already.
func (p *pool) hire(t task) error {
	w, err := p.owner.child(p.config, p)
	switch {
	case w == nil:
		p.mu.Lock()
		p.n--
		p.mu.Unlock()
		return err
	case err != nil:
		return err // it is lost already
	default:
		return w.work(t)
	}
}

// work has a worker do a call. What others have queued on the worker does not
// count: the limit is that of the pool.
func (c *Caller) work(t task) error {
	f := t.frame()
	f.box.Store(&c.box)
	return c.box.post(f, 0)
}

// workDone is called when the function of f has returned, or will not run, and
// again when the call is done. The first frees a worker before anybody who waits
// for the call can know. The second lets the one who waits make another call: it
// is cheaper for the worker to find that than to be woken for it.
func (c *Caller) workDone(f *frame) {
	switch {
	case !f.forWorker:
	case f.handedIn:
		runtime.Gosched()
	default:
		f.handedIn = true
		c.employer.release(c)
	}
}

// release gives a worker its next call, or keeps it, or stops it.
func (p *pool) release(w *Caller) {
	if !p.occupy(w) {
		w.stop(nil)
	}
}

// occupy reports whether there is work or room for a worker that is free.
func (p *pool) occupy(w *Caller) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || w.State() >= StateStopping {
		return true // it is being stopped
	}
	if len(p.queue) > 0 && w.work(p.queue[0]) == nil {
		p.queue = shift(p.queue)
		p.owner.box.noteIdle()
		return true
	}
	if p.idle.n >= p.config.MaxIdleWorkers {
		return false
	}
	p.idle.push(idleWorker{w, p.round})
	if p.timer == nil && p.config.IdleTimeout > 0 {
		p.timer = time.AfterFunc(p.config.IdleTimeout, p.sweep)
	}
	return true
}

// sweep stops the workers that were idle for the whole of a round, and begins
// the next one if any is left.
func (p *pool) sweep() {
	p.mu.Lock()
	var expired []*Caller
	for p.idle.n > 0 && p.idle.peek().since < p.round {
		expired = append(expired, p.idle.shift().Caller)
	}
	p.round++
	if p.idle.n > 0 && !p.closed {
		p.timer.Reset(p.config.IdleTimeout)
	} else {
		p.timer = nil
	}
	p.mu.Unlock()
	for _, w := range expired {
		w.stop(nil)
	}
}

// lost is called when a worker stops, whoever stopped it.
func (p *pool) lost(w *Caller) {
	p.mu.Lock()
	p.n--
	for range p.idle.n { // once round
		if i := p.idle.shift(); i.Caller != w {
			p.idle.push(i)
		}
	}
	if p.closed || len(p.queue) == 0 {
		p.mu.Unlock()
		return
	}
	t := p.queue[0]
	p.queue = shift(p.queue)
	p.n++
	p.mu.Unlock()
	if err := p.hire(t); err != nil {
		t.Fail(err)
	}
}

// leaveEmployer says that the caller stops, if it is a worker.
func (c *Caller) leaveEmployer() {
	if c.employer != nil {
		c.employer.lost(c)
	}
}

func (p *pool) hasQueue() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue) > 0
}

// closePool rejects the calls that wait for a worker. The workers themselves
// are stopped as children.
func (c *Caller) closePool(err error) {
	c.mu.Lock()
	var p *pool
	if c.rare != nil {
		p = c.rare.pool
	}
	c.mu.Unlock()
	if p == nil {
		return
	}
	p.mu.Lock()
	p.closed = true
	rejected := p.queue
	p.queue, p.idle = nil, ring[idleWorker]{}
	if p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Unlock()
	each(rejected, func(t task) { t.Reject(err) })
}
