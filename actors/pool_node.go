package actors

import "github.com/seed-7fcaac1b/protocaller/internal/future"

// poolNode is what a call needs that has no worker yet: that one of the functions at work
// returns. A worker whose function waits keeps its place.
type poolNode pool

// Needs implements [future.Node].
func (p *poolNode) Needs(n *future.Needs) {
	p.mu.Lock()
	defer p.mu.Unlock()
	limit := p.config.WorkerLimit()
	n.Any = true
	n.Live = p.closed || limit <= 0 || len(p.workers) < limit
	for _, w := range p.workers {
		if n.Live || !w.addNeeds(n) {
			return
		}
	}
}

// What implements [future.Node].
func (p *poolNode) What() string { return "a worker of " + p.owner.path() }

// addNeeds adds what has to go on before the worker can take another call. It reports
// whether the other workers matter. The pool's mu must be held.
func (w *worker) addNeeds(n *future.Needs) (more bool) {
	switch {
	case w.isSpawning, w.isStopping():
		return n.Add(nil)
	case w.hasEscalated.Load():
		return n.Add(w.caller.sched.Turn())
	case !w.isReady(), w.job == nil:
		return n.Add(nil)
	default:
		return n.AddPending(future.Of(w.job))
	}
}
