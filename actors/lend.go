package actors

import (
	"slices"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
)

// A function on a worker may lend that while it waits, as a stream does that waits for
// credit. The worker runs other calls meanwhile. The function goes on there, because its
// goroutine belongs to the scheduler of the worker.
//
// A function that is back has the turn of the worker. So the call that the worker was
// given has not begun, and goes to another worker; or it waits without the turn, and
// both use the worker in turns.

// lendWorker lets the pool use the worker of a function that is about to wait. After the
// wait the function calls takeBack.
func (c *Caller) lendWorker(t *sched.Task) (takeBack func()) {
	w := c.worker
	if w == nil || t.Tag&tagPooled == 0 {
		return func() {}
	}
	job := workOf(t)
	w.pool.lend(w, job)
	return func() { w.pool.takeBack(w, job) }
}

// lend notes that a function waits without its worker, which gets the next call. It does
// nothing if the function was abandoned.
func (p *pool) lend(w *worker, t work) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case w.job == t:
		w.away = append(w.away, t)
		w.job = nil
		p.reuse(w)
	case removeWork(&w.back, t):
		w.away = append(w.away, t)
	}
}

// takeBack has a function that was away use its worker again. A job of the worker that
// has not begun goes to another one.
func (p *pool) takeBack(w *worker, t work) {
	p.mu.Lock()
	if !slices.Contains(w.away, t) { // it was abandoned
		p.mu.Unlock()
		return
	}
	if w.isIdle {
		p.unidle(w)
	}
	removeWork(&w.away, t)
	requeued := func() {}
	if !p.closed {
		requeued = p.requeue(w)
	}
	if w.job == nil {
		w.job = t
	} else {
		w.back = append(w.back, t)
	}
	p.mu.Unlock()
	requeued()
}

// forget removes a function that was away, or was back, and has ended. mu must be held.
func (p *pool) forget(w *worker, t *sched.Task) {
	if wasIdle := w.isIdle; wasIdle {
		p.unidle(w)
		defer p.reuse(w)
	}
	removeWork(&w.away, workOf(t))
	removeWork(&w.back, workOf(t))
}

// removeWork removes a call from a list, and reports whether it was there.
func removeWork(list *[]work, t work) bool {
	i := slices.Index(*list, t)
	if i >= 0 {
		*list = slices.Delete(*list, i, i+1)
	}
	return i >= 0
}
