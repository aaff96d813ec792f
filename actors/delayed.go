package actors

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// timers are the delayed calls and the sleeping functions of one caller. They come up in
// the order of their due times and, where these are equal, in the order in which they
// were added.
type timers struct {
	mu     sync.Mutex
	heap   timerHeap
	last   uint64
	calls  int // of those in the heap, how many are delayed calls
	timer  *time.Timer
	firing bool // a goroutine fires what is due
}

// timer is one entry of timers.
type timer struct {
	due    time.Time
	number uint64 // in the order of the calls of add
	index  int    // in the heap; -1 when it is not there
	isCall bool
	fire   func()
}

// timerHeap implements [heap.Interface].
type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	if c := h[i].due.Compare(h[j].due); c != 0 {
		return c < 0
	}
	return h[i].number < h[j].number
}

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
	if last == 0 {
		*h = nil // and its memory
	}
	t.index = -1
	return t
}

// add has fire called after d. It reports false if there are limit delayed calls
// already, unless limit is 0.
func (ts *timers) add(t *timer, d time.Duration, limit int) bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t.isCall {
		if limit > 0 && ts.calls >= limit {
			return false
		}
		ts.calls++
	}
	ts.last++
	t.number = ts.last
	t.due = time.Now().Add(d)
	heap.Push(&ts.heap, t)
	if t.index == 0 {
		ts.arm()
	}
	return true
}

// remove takes t back, and reports whether that was in time.
func (ts *timers) remove(t *timer) bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t.index < 0 {
		return false
	}
	first := t.index == 0
	heap.Remove(&ts.heap, t.index)
	ts.removed(t)
	if first {
		ts.arm()
	}
	return true
}

func (ts *timers) removed(t *timer) {
	if t.isCall {
		ts.calls--
	}
}

// arm sets the timer to the first due time. mu must be held.
func (ts *timers) arm() {
	switch {
	case ts.firing:
	case len(ts.heap) == 0:
		if ts.timer != nil {
			ts.timer.Stop()
		}
	case ts.timer == nil:
		ts.timer = time.AfterFunc(time.Until(ts.heap[0].due), ts.fire)
	default:
		ts.timer.Reset(time.Until(ts.heap[0].due))
	}
}

// fire calls what is due, in order and one at a time.
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
		t := heap.Pop(&ts.heap).(*timer)
		ts.removed(t)
		ts.call(t)
	}
}

// call calls one function. mu, which must be held, is released meanwhile.
func (ts *timers) call(t *timer) {
	ts.mu.Unlock()
	defer ts.mu.Lock() // also if user code ends the goroutine
	t.fire()
}

// hasCalls reports whether there are delayed calls.
func (ts *timers) hasCalls() bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return ts.calls > 0
}

// timers returns those of the caller, made when first asked for.
func (c *Caller) timers() *timers {
	c.mu.Lock()
	defer c.mu.Unlock()
	cold := c.cold()
	if cold.timers == nil {
		cold.timers = &timers{}
	}
	return cold.timers
}

// scheduleLater queues a call after d.
func (c *Caller) scheduleLater(ctx context.Context, t work, d time.Duration, submit func(work) error) {
	if err := c.admit(ctx); err != nil {
		t.Fail(err)
		return
	}
	ts := c.timers()
	entry := &timer{isCall: true, fire: func() {
		t.Due()
		if err := submit(t); err != nil {
			// A callback of the pending must not hold up the other timers.
			go t.Fail(c.withStopCause(err))
		}
		c.removeDelayed(t)
	}}
	c.mu.Lock()
	if c.State() >= StateStopping {
		c.mu.Unlock()
		t.Fail(c.stopError())
		return
	}
	if !ts.add(entry, d, c.config.MaxQueued) {
		c.mu.Unlock()
		t.Fail(fmt.Errorf("%w: %d calls are delayed on %s", ErrOverloaded, c.config.MaxQueued, c.path()))
		return
	}
	cold := c.cold()
	if cold.delayed == nil {
		cold.delayed = make(map[work]struct{})
	}
	cold.delayed[t] = struct{}{}
	c.mu.Unlock()
	t.OnDone(func(pending.Handle) {
		ts.remove(entry)
		c.removeDelayed(t)
	})
}

// removeDelayed forgets a delayed call that was queued or is done.
func (c *Caller) removeDelayed(t work) {
	c.mu.Lock()
	_, ok := c.coldState.delayed[t]
	delete(c.coldState.delayed, t)
	c.mu.Unlock()
	if ok {
		c.sched.NotifyIdle()
	}
}

// Sleep waits for d, giving the turn away inside a caller's function. Functions of one
// caller that sleep wake in the order of their due times. The error is that of ctx if ctx
// ends first. A d of zero or less lets the other functions of the caller have their turn.
func Sleep(ctx context.Context, d time.Duration) error {
	requireContext(ctx, "Sleep")
	p := pending.New[struct{}](ctx, pending.Named("actors.Sleep"))
	wake := func() { p.SetResult(struct{}{}) }
	if c, ok := Current(ctx); ok && pending.TurnOf(ctx) != nil {
		ts, t := c.timers(), &timer{fire: wake}
		ts.add(t, d, 0)
		defer ts.remove(t)
	} else {
		defer time.AfterFunc(d, wake).Stop()
	}
	_, err := p.Wait(ctx)
	return err
}
