package pending

import (
	"context"
	"fmt"
	"sync"
)

// completions collects pendings as they are done, for one who waits for the
// next of them.
type completions[H Handle] struct {
	ctx   context.Context
	own   *base // whose function waits, nil outside of functions
	turn  Turn
	bell  chan struct{} // rung where there is no turn
	stop  func() bool   // of the wake-up at the end of ctx
	mu    sync.Mutex
	ready []H
	open  map[*watched[H]]struct{}
}

// watched is a pending that is not done, and the waiter for it.
type watched[H Handle] struct {
	handle H
	waiter waiter
}

func newCompletions[H Handle](ctx context.Context) *completions[H] {
	c := &completions[H]{
		ctx:  ctx,
		own:  taskOf(ctx),
		turn: TurnOf(ctx),
		open: make(map[*watched[H]]struct{}),
		stop: neverStops,
	}
	if c.turn == nil {
		c.bell = make(chan struct{}, 1)
	} else {
		c.stop = wakeAtEnd(ctx, c.own, c.turn)
	}
	return c
}

// add has h collected when it is done. It fails for the pending whose function
// is waiting.
func (c *completions[H]) add(h H) error {
	b := h.core()
	if b == c.own {
		return fmt.Errorf("%w: %v waits for itself", ErrDeadlock, b)
	}
	if c.watch(b, h) {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready = append(c.ready, h)
	return nil
}

// watch reports false if b is done already.
func (c *completions[H]) watch(b *base, h H) bool {
	b.watch()
	w := &watched[H]{handle: h}
	w.waiter.done = func() { c.completed(w) }
	c.mu.Lock()
	c.open[w] = struct{}{}
	c.mu.Unlock()
	b.mu.Lock()
	done := b.is(flagDone)
	if !done {
		b.waiters.add(&w.waiter)
	}
	b.mu.Unlock()
	if done {
		c.mu.Lock()
		delete(c.open, w)
		c.mu.Unlock()
	}
	return !done
}

func (c *completions[H]) completed(w *watched[H]) {
	c.mu.Lock()
	delete(c.open, w)
	c.ready = append(c.ready, w.handle)
	c.mu.Unlock()
	if c.turn != nil {
		c.turn.Resume()
		return
	}
	select {
	case c.bell <- struct{}{}:
	default:
	}
}

// next returns the pending that was done first of those not returned yet.
func (c *completions[H]) next() (h H, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ready) == 0 {
		return h, false
	}
	h = c.ready[0]
	var none H
	c.ready[0] = none
	c.ready = c.ready[1:]
	return h, true
}

// load returns how many were added and not returned by next, and how many of
// them are not done.
func (c *completions[H]) load() (all, open int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open) + len(c.ready), len(c.open)
}

// wait returns when another one may be ready, or with an error when the context
// has ended or the wait makes no sense.
func (c *completions[H]) wait() error {
	if c.ctx.Err() != nil {
		return c.ended()
	}
	if c.turn != nil {
		return c.park()
	}
	select {
	case <-c.bell:
		return nil
	case <-c.ctx.Done():
		return c.ended()
	}
}

func (c *completions[H]) park() error {
	if o := c.own.observed(); o != nil {
		o.Suspended(nil)
		defer o.Resumed()
	}
	return c.turn.Park(nil, false)
}

func (c *completions[H]) ended() error {
	return &endedError{what: "pendings", err: c.ctx.Err(), cause: context.Cause(c.ctx)}
}

// leave ends the collection and returns the pendings that are not done.
func (c *completions[H]) leave() []H {
	c.stop()
	c.mu.Lock()
	open := c.open
	c.open = nil
	c.mu.Unlock()
	left := make([]H, 0, len(open))
	for w := range open {
		w.handle.core().forget(&w.waiter)
		left = append(left, w.handle)
	}
	return left
}
