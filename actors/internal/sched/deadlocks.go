package sched

import (
	"math"
	"reflect"
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// searchBudget is how many nodes of the wait graph are looked at on a turn.
const searchBudget = 64

// searchDelay is the time between a wait and the search over all that it needs. It is for
// waits that are too much to look at on a turn.
const searchDelay = 50 * time.Millisecond

// Deadlocks looks for the circles of waits that the search on a turn does not find. They
// are large, or no wait has closed them. There is one for each actor system. It does nothing
// until there is something to look at. Its zero value is ready for use.
type Deadlocks struct {
	verdict sync.Mutex // held while a circle is broken, so that one wait of it fails

	mu       sync.Mutex
	suspects []suspect
	armed    bool          // a search is about to begin
	took     time.Duration // the last search; the next one does not follow at once
	loops    map[Host]*hostLoop
}

// loopOf returns the loop of a host. Hosts are few, and are kept for the next caller.
func (d *Deadlocks) loopOf(h Host) *hostLoop {
	if !reflect.ValueOf(h).Comparable() {
		return &hostLoop{} // shared with nobody, as far as can be seen
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.loops == nil {
		d.loops = make(map[Host]*hostLoop)
	}
	if d.loops[h] == nil {
		d.loops[h] = &hostLoop{}
	}
	return d.loops[h]
}

// suspect is a wait that may never end.
type suspect struct {
	task   *Task
	number uint64
}

// suspect has the next search look at a wait.
func (d *Deadlocks) suspect(t *Task, number uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.suspects = append(d.suspects, suspect{t, number})
	if !d.armed {
		d.armed = true
		time.AfterFunc(max(searchDelay, 8*d.took), d.search)
	}
}

// RecheckDeadlock has the task looked at that waits and keeps the turn. Something needs that
// turn now: a decision on the failure of a child, or a delayed call.
func (s *Scheduler) RecheckDeadlock() {
	s.mu.Lock()
	t := s.state.blockingTask()
	number := t.waitNumber()
	s.mu.Unlock()
	if number != 0 {
		s.owner.Deadlocks().suspect(t, number)
	}
}

// RecheckTurn has the task looked at that keeps the turn of t while it waits.
func (t *Task) RecheckTurn() { t.sched.Load().RecheckDeadlock() }

// RecheckParked has all waits looked at whose tasks have given the turn away. Until now
// something was about to end them.
func (s *Scheduler) RecheckParked() {
	s.mu.Lock()
	var suspects []suspect
	for _, t := range s.state.parked.appendTo(nil, math.MaxInt) {
		if number := t.waitNumber(); number != 0 {
			suspects = append(suspects, suspect{t, number})
		}
	}
	s.mu.Unlock()
	for _, w := range suspects {
		s.owner.Deadlocks().suspect(w.task, w.number)
	}
}

// search looks at all that the suspects need, and breaks the circles.
func (d *Deadlocks) search() {
	began := time.Now()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.took = time.Since(began)
	}()
	var earlier waitGraph
	if roots := d.firstLook(&earlier); roots != nil {
		d.secondLook(roots, &earlier)
	}
}

// firstLook looks at all that the suspects need. It returns those that are in their waits
// still, or nil if each of them goes on.
func (d *Deadlocks) firstLook(earlier *waitGraph) (roots []suspect) {
	d.mu.Lock()
	suspects := d.suspects
	d.suspects, d.armed = nil, false
	d.mu.Unlock()
	roots = suspects[:0]
	for _, s := range suspects {
		if s.task.isIn(s.number) {
			earlier.add(s.task)
			roots = append(roots, s)
		}
	}
	if earlier.explore(-1, 0); !earlier.isDead(len(roots)) {
		return nil
	}
	return roots
}

// secondLook looks again, and breaks the circles that were there at the first look.
func (d *Deadlocks) secondLook(roots []suspect, earlier *waitGraph) {
	d.verdict.Lock()
	defer d.verdict.Unlock()
	var now waitGraph
	for _, s := range roots {
		now.add(s.task)
	}
	now.explore(-1, 0)
	for again := true; again; {
		again = false
		now.circles(func(c circle) bool {
			last := &now.nodes[c.last]
			again = true
			if now.isSame(c, earlier) {
				last.node.(*Task).fail(last.began, now.explain(c))
			} else { // the waits are not those of before
				t := last.node.(*Task)
				d.suspect(t, last.began)
			}
			now.setLive(c.last)
			return true
		})
	}
}

// isIn reports whether the wait of that number goes on.
func (t *Task) isIn(number uint64) bool {
	s := t.sched.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.waitNumber() == number
}

// fail ends the wait of that number, if it goes on still.
func (t *Task) fail(number uint64, err error) {
	s := t.sched.Load()
	var woken waker
	s.mu.Lock()
	if t.waitNumber() == number {
		t.wait.err = err
		woken = s.state.resume(t)
	}
	s.mu.Unlock()
	wake(woken)
}

var graphs = sync.Pool{New: func() any { return new(waitGraph) }}

// detectDeadlock looks for a circle that t closes with the wait of that number. It fails
// the last wait of the circle. A wait that is too much to look at here is left to a search.
func (t *Task) detectDeadlock(number uint64) {
	d := t.Owner().Deadlocks()
	if w := t.wait.on; w.On != nil {
		if on, ok := future.RunnerOf(w.On).(*Task); ok && on.isDeep() { // and so is this one
			t.leave(d, number)
			return
		}
	}
	earlier := graphs.Get().(*waitGraph)
	defer earlier.recycle()
	if earlier.begin(t) {
		return
	}
	if earlier.nodes[0].live || !d.breakCircle(t, number, earlier) {
		t.leave(d, number)
	}
}

// leave leaves a wait of t to a search.
func (t *Task) leave(d *Deadlocks, number uint64) {
	s := t.sched.Load()
	s.mu.Lock()
	t.wait.deep = true
	s.mu.Unlock()
	d.suspect(t, number)
}

// isDeep reports whether the task is in a wait that was left to a search.
func (t *Task) isDeep() bool {
	s := t.sched.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.wait != nil && t.wait.deep
}

// breakCircle fails the last wait of a circle that t needs, and that an earlier look has
// found. It reports whether that was the wait of t, of that number.
func (d *Deadlocks) breakCircle(t *Task, number uint64, earlier *waitGraph) (own bool) {
	d.verdict.Lock()
	defer d.verdict.Unlock()
	now := graphs.Get().(*waitGraph)
	defer now.recycle()
	if now.begin(t) {
		return true // it goes on
	}
	now.circles(func(c circle) bool {
		if last := &now.nodes[c.last]; now.isSame(c, earlier) {
			last.node.(*Task).fail(last.began, now.explain(c))
			own = last.began == number
		}
		return false // the rest is looked at anew
	})
	return own
}

// recheck has the next search look at a wait of t that needs node now, unless node goes on.
func (d *Deadlocks) recheck(t *Task, number uint64, node future.Node) {
	g := graphs.Get().(*waitGraph)
	defer g.recycle()
	if !g.begin(node) {
		d.suspect(t, number)
	}
}

// begin explores a part of what a node needs. It reports whether the node goes on for
// certain.
func (g *waitGraph) begin(node future.Node) bool {
	g.add(node)
	g.explore(0, searchBudget)
	return g.nodes[0].live && !g.cut
}

func (g *waitGraph) recycle() {
	g.reset()
	graphs.Put(g)
}
