package future

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// Set collects pendings as they are done, for a function or goroutine that waits for the next
// one.
type Set[H Sealed] struct {
	ctx  context.Context
	own  *Core // the pending whose function waits, or nil outside of functions
	turn Turn
	wake chan struct{} // notified instead of the turn, without one
	stop func() bool   // stops wakeOnDone

	// Constant while the set waits.
	All     bool // a wait ends when all pendings are done, not when the next one is
	Failing bool // with All: or when one has failed
	Bounded bool // a wait ends by itself

	// Used by the waiting function or goroutine alone.
	n     int         // the number of pendings added and not returned by Next
	began uint64      // the number of the wait; 0 between waits
	taken *watched[H] // done, in order
	free  *watched[H] // for reuse

	mu          sync.Mutex
	open        *watched[H] // not done, in no order
	ready, last *watched[H] // done and not in taken, in order
	waiting     bool
}

// watched is a pending that was added, and its waiter.
type watched[H Sealed] struct {
	handle     H
	waiter     waiter
	next, prev *watched[H]
}

// NewSet returns an empty set, which waits with ctx.
func NewSet[H Sealed](ctx context.Context) *Set[H] {
	c := &Set[H]{ctx: ctx, own: running(ctx), turn: TurnOf(ctx), stop: noStop}
	if c.turn == nil {
		c.wake = make(chan struct{}, 1)
	} else {
		c.stop = wakeOnDone(ctx, c.own, c.turn)
	}
	return c
}

// Len returns how many pendings were added and not returned by Next.
func (c *Set[H]) Len() int { return c.n }

// Add collects h when h is done. It fails if h is the pending whose function is
// waiting.
func (c *Set[H]) Add(h H) error {
	b := h.sealed()
	if b == c.own {
		return fmt.Errorf("%w: %s waits for itself", ErrDeadlock, b.label())
	}
	if c.turn != nil {
		b.touch(c.turn)
	}
	w := c.unused()
	w.handle = h
	c.n++
	c.mu.Lock()
	w.prev, w.next = nil, c.open
	if c.open != nil {
		c.open.prev = w
	}
	c.open = w
	c.mu.Unlock()
	b.watch()
	if !b.addWaiter(&w.waiter) {
		c.completed(w)
	}
	return nil
}

func (c *Set[H]) unused() *watched[H] {
	w := c.free
	if w != nil {
		c.free = w.next
		return w
	}
	w = &watched[H]{}
	w.waiter.done = func() { c.completed(w) }
	return w
}

// completed is called when a pending that was added is done.
func (c *Set[H]) completed(w *watched[H]) {
	c.mu.Lock()
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		c.open = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	}
	w.next, w.prev = nil, nil
	if c.ready == nil {
		c.ready = w
	} else {
		c.last.next = w
	}
	c.last = w
	waiting := c.waiting && c.isEnough(w)
	if waiting {
		c.waiting = false
	}
	c.mu.Unlock()
	switch {
	case !waiting:
	case c.turn != nil:
		c.turn.Resume()
	default:
		select {
		case c.wake <- struct{}{}:
		default: // an earlier notification was not received yet
		}
	}
}

// isEnough reports whether a wait ends now that w is done. mu must be held.
func (c *Set[H]) isEnough(w *watched[H]) bool {
	return !c.All || c.open == nil || c.Failing && w.handle.sealed().Err() != nil
}

// Next returns, of the pendings it has not returned yet, the first that was
// done.
func (c *Set[H]) Next() (h H, ok bool) {
	if c.taken == nil {
		c.mu.Lock()
		c.taken, c.ready = c.ready, nil
		c.mu.Unlock()
	}
	w := c.taken
	if w == nil {
		return h, false
	}
	c.n--
	if !c.All {
		c.began = 0
	}
	c.taken, w.next, c.free = w.next, c.free, w
	var none H
	h, w.handle = w.handle, none
	return h, true
}

// Wait returns when another pending may be ready. It returns an error when the
// context has ended or when the wait could never end.
func (c *Set[H]) Wait() error {
	runtime.Gosched() // several pendings may be about to be done: wait once for all
	c.mu.Lock()
	c.waiting = !c.isReady()
	wait := c.waiting
	c.mu.Unlock()
	switch {
	case !wait:
		return nil
	case c.ctx.Err() != nil:
		return c.endedUnlessReady()
	case c.turn != nil:
		return c.waitTurn()
	}
	defer steps.At(steps.Of(c.ctx), nil, "has waited")
	select {
	case <-c.wake:
		return nil
	case <-c.ctx.Done():
		return c.endedUnlessReady()
	}
}

// endedUnlessReady returns nil as long as there are pendings for Next.
func (c *Set[H]) endedUnlessReady() error {
	c.mu.Lock()
	ready := c.ready != nil
	c.mu.Unlock()
	if ready {
		return nil
	}
	return c.Ended()
}

func (c *Set[H]) waitTurn() error {
	o := c.own.observed()
	if o.Observation != nil {
		o.Suspended(nil)
		defer o.Resumed()
	}
	if c.began == 0 {
		c.began = waits.Add(1)
	}
	err := c.own.park(c.turn, Wait{For: c, Bounded: c.Bounded, Began: c.began}, false, !c.own.runsWith(c.ctx))
	if err != nil {
		o.WaitFailed(err)
	}
	return err
}

// isReady reports whether there is no need to wait. mu must be held.
func (c *Set[H]) isReady() bool {
	if !c.All || c.open == nil {
		return c.ready != nil
	}
	for w := c.ready; w != nil && c.Failing; w = w.next {
		if w.handle.sealed().Err() != nil {
			return true
		}
	}
	return false
}

// Needs implements [Node].
func (c *Set[H]) Needs(n *Needs) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n.Any = !c.All
	n.Live = !c.waiting // it has ended, and is about to look
	for w := c.open; w != nil; w = w.next {
		if !n.AddPending(w.handle.sealed()) {
			return
		}
	}
}

// What implements [Node].
func (*Set[H]) What() string { return "" }

// Ended returns the error of a wait that the end of the context ends.
func (c *Set[H]) Ended() error {
	var left []*Core
	c.mu.Lock()
	for w := c.open; w != nil; w = w.next {
		left = append(left, w.handle.sealed())
	}
	c.mu.Unlock()
	return &endedError{
		what: "pendings", progress: progressOf(left), err: c.ctx.Err(), cause: context.Cause(c.ctx),
	}
}

// Leave ends the collection and returns the pendings that are not done.
func (c *Set[H]) Leave() []H {
	c.stop()
	var watching []*watched[H]
	c.mu.Lock()
	for w := c.open; w != nil; w = w.next {
		watching = append(watching, w)
	}
	c.waiting = false
	c.mu.Unlock()
	left := make([]H, len(watching))
	for i, w := range watching {
		left[i] = w.handle
		w.handle.sealed().removeWaiter(&w.waiter)
	}
	return left
}
