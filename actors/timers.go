package actors

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	"weak"
)

// timers are the delayed calls and the sleeping functions of one caller. They fire in the
// order of their due times. Where these are equal, they fire in the order of add.
type timers struct {
	owner *Caller

	mu     sync.Mutex
	heap   timerHeap
	last   uint64
	calls  int  // of those in the heap, how many are delayed calls
	queues work // the delayed call that is being queued; nil for none
	closed bool // no more delayed calls are taken
	timer  *time.Timer
	firing bool // a goroutine is in fire
}

// timer is one entry of timers.
type timer struct {
	due    time.Time
	number uint64 // in the order of the calls of add
	index  int    // in the heap; -1 when it is not there
	call   work   // nil for a sleep
	fire   func() // runs no user code, which might block the others
}

func (t *timer) compare(other *timer) int {
	return cmp.Or(t.due.Compare(other.due), cmp.Compare(t.number, other.number))
}

// timerHeap implements [heap.Interface].
type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool { return h[i].compare(h[j]) < 0 }

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements [heap.Interface].
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}

// Pop implements [heap.Interface].
func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	if cap(*h) > minHeap && last <= cap(*h)/4 {
		*h = append(make(timerHeap, 0, cap(*h)/2), *h...)
	}
	t.index = -1
	return t
}

// minHeap is a capacity whose memory is kept.
const minHeap = 32

// errTimersClosed is the error for a delayed call after close.
var errTimersClosed = errors.New("closed")

// add adds t, to be fired after d. It fails with [errTimersClosed], or with
// [ErrOverloaded] if there are limit delayed calls already, unless limit is 0. For
// a sleep it never fails.
func (ts *timers) add(t *timer, d time.Duration, limit int) error {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t.call != nil {
		switch {
		case ts.closed:
			return errTimersClosed
		case limit > 0 && ts.calls >= limit:
			return fmt.Errorf("%w: %d calls are delayed on %s", ErrOverloaded, limit, ts.owner.path())
		}
		ts.calls++
	}
	ts.last++
	t.number = ts.last
	t.due = time.Now().Add(max(0, d))
	heap.Push(&ts.heap, t)
	if t.index == 0 {
		ts.arm()
	}
	return nil
}

// remove removes t, if it has not been fired.
func (ts *timers) remove(t *timer) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t.index < 0 {
		return
	}
	first := t.index == 0
	heap.Remove(&ts.heap, t.index)
	if t.call != nil {
		ts.calls--
		ts.owner.sched.NotifyIdle()
	}
	if first {
		ts.arm()
	}
}

// arm sets the timer to the first due time. mu must be held.
func (ts *timers) arm() {
	switch {
	case ts.firing: // fire arms it at its end
	case len(ts.heap) == 0:
		if ts.timer != nil {
			ts.timer.Stop()
		}
	case ts.timer == nil:
		ts.timer = time.AfterFunc(time.Until(ts.heap[0].due), fireWeakly(weak.Make(ts)))
	default:
		ts.timer.Reset(time.Until(ts.heap[0].due))
	}
}

// fireWeakly returns what fires timers unless they are gone. The runtime may keep a timer that
// was stopped for as long as it would have lasted: it must not keep a caller that has stopped.
func fireWeakly(self weak.Pointer[timers]) func() {
	return func() {
		if ts := self.Value(); ts != nil {
			ts.owner.step("has a timer that fires", ts.fire)()
		}
	}
}

// fire fires what is due, in order and one at a time.
func (ts *timers) fire() {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.firing {
		return
	}
	ts.firing = true
	defer func() {
		ts.firing = false
		ts.arm()
	}()
	for len(ts.heap) > 0 && !time.Now().Before(ts.heap[0].due) {
		ts.fireFirst()
	}
}

// fireFirst fires the first timer. It releases mu, which must be held, meanwhile.
func (ts *timers) fireFirst() {
	t := heap.Pop(&ts.heap).(*timer)
	if t.call != nil {
		ts.calls--
		ts.queues = t.call
	}
	ts.mu.Unlock()
	defer func() { // even if an observer ends the goroutine
		ts.mu.Lock()
		if t.call != nil {
			ts.queues = nil
			ts.owner.sched.NotifyIdle()
		}
	}()
	t.fire()
}

// hasCalls reports whether there are calls that were not queued yet.
func (ts *timers) hasCalls() bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return ts.calls > 0 || ts.queues != nil
}

// close rejects further delayed calls, and returns the calls that were not queued
// yet. They are removed when they are done. Functions may still sleep.
func (ts *timers) close() []work {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.closed = true
	var left []work
	if ts.queues != nil {
		left = append(left, ts.queues)
	}
	for _, t := range slices.SortedFunc(slices.Values(ts.heap), (*timer).compare) {
		if t.call != nil {
			left = append(left, t.call)
		}
	}
	return left
}

// timers returns the timers of the caller. The first call makes them.
func (c *Caller) timers() *timers {
	c.mu.Lock()
	defer c.mu.Unlock()
	cold := c.cold()
	if cold.timers == nil {
		cold.timers = &timers{owner: c, closed: c.State() >= StateStopping}
	}
	return cold.timers
}
