package future

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// WaitOptions say how a wait ends.
type WaitOptions struct {
	Protect   bool // its end does not cancel the pending
	Shield    bool // the end of its context does not end it
	Limited   bool // it ends after Timeout
	Unbounded bool // the time limit is a last resort: the wait should end before
	Timeout   time.Duration
}

// Await waits for a pending, with the turn if keep is set. It returns nil when the pending is
// done, else the reason why it stopped waiting.
func Await(ctx context.Context, c *Core, o WaitOptions, keep bool) error {
	return c.wait(ctx, o, keep)
}

func (c *Core) wait(ctx context.Context, o WaitOptions, keep bool) error {
	own := running(ctx)
	o.Protect = o.Protect || c.is(flagProtected)
	if c.ctx.Done() != nil && (o.Protect || o.Shield || !c.endsWith(ctx, own)) {
		c.watch()
	}
	w := newWaiter(TurnOf(ctx))
	if w.turn != nil {
		c.touch(w.turn)
	}
	waitsForMore := w.turn == nil && (o.Limited || !o.Shield && ctx.Done() != nil)
	if waitsForMore {
		w.wake = make(chan struct{}, 1)
	}
	c.mu.Lock()
	if c.is(flagDone) {
		c.mu.Unlock()
		w.free()
		return nil
	}
	c.waiters.add(w)
	if w.turn == nil && !waitsForMore {
		c.waitCond(w)
		c.step(ctx)
		return nil
	}
	c.mu.Unlock()

	var err error
	if w.turn == nil {
		err = c.waitSelect(ctx, o, w)
		c.step(ctx)
	} else {
		err = c.waitTurn(ctx, o, w, own, keep)
	}
	if err == nil || c.is(flagDone) {
		return nil
	}
	if ended := (*endedError)(nil); !o.Protect && errors.As(err, &ended) {
		c.cancelUnless(flagDone, err, false)
	}
	return err
}

// waitCond blocks the goroutine until the pending is done. Nothing else ends
// the wait. mu must be held, and is released.
func (c *Core) waitCond(w *waiter) {
	w.woken.L = &c.mu
	for !w.notified.Load() {
		w.woken.Wait()
	}
	c.mu.Unlock()
	w.free()
}

// waitSelect blocks the goroutine until the pending is done, ctx ends, or the
// time is up.
func (c *Core) waitSelect(ctx context.Context, o WaitOptions, w *waiter) (err error) {
	var ended <-chan struct{}
	if !o.Shield {
		ended = ctx.Done()
	}
	var expired <-chan time.Time
	if o.Limited {
		timer := time.NewTimer(o.Timeout)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-w.wake:
		w.free()
		return nil
	case <-ended:
		err = c.contextEnded(ctx)
	case <-expired:
		err = c.timedOut(o.Timeout)
	}
	if c.removeWaiter(w) {
		w.free() // else notify may still use it
	}
	return err
}

// waitTurn waits in a caller's function, which gives its turn away unless keep
// is set.
func (c *Core) waitTurn(ctx context.Context, o WaitOptions, w *waiter, own *Core, keep bool) error {
	turn := w.turn
	expired := func() bool { return false }
	if o.Limited {
		var alarm atomic.Bool
		timer := time.AfterFunc(o.Timeout, steps.Before(steps.SourceOf(turn), turn, "times out", func() {
			alarm.Store(true)
			turn.Resume()
		}))
		defer timer.Stop()
		expired = alarm.Load
	}
	if !o.Shield {
		defer wakeOnDone(ctx, own, turn)()
	}
	observation := own.observed()
	if observation.Observation != nil {
		observation.Suspended(c)
		defer observation.Resumed()
	}
	defer func() {
		if w.notified.Load() || c.removeWaiter(w) {
			w.free()
		}
	}()
	parks := Wait{On: c, Bounded: o.Limited && !o.Unbounded, Began: waits.Add(1)}
	for {
		switch {
		case c.is(flagDone):
			return nil
		case !o.Shield && ctx.Err() != nil:
			return c.contextEnded(ctx)
		case expired():
			return c.timedOut(o.Timeout)
		}
		if err := own.park(turn, parks, keep, o.Shield || !own.runsWith(ctx)); err != nil {
			observation.WaitFailed(err)
			return err
		}
	}
}

// park parks the function of c. A nil c stands for no function. waitsOn says that the wait
// does not end with the context of the function.
func (c *Core) park(turn Turn, w Wait, keep, waitsOn bool) error {
	if c != nil && waitsOn && !c.isWaiting() { // else another goroutine waits, and fails
		c.set(flagWaitsOn)
		defer c.unset(flagWaitsOn)
	}
	return turn.Park(w, keep)
}

// runsWith reports whether ctx is the context of the function of c, and not one that is
// derived from it.
func (c *Core) runsWith(ctx context.Context) bool {
	run, ok := ctx.(*runContext)
	return ok && run.core() == c
}

// isWaiting reports whether the function of c waits. If it does, the current
// goroutine does not run that function.
func (c *Core) isWaiting() bool { return c != nil && c.runner != nil && c.runner.IsWaiting() }

// removeWaiter removes w and reports whether w was not notified yet.
func (c *Core) removeWaiter(w *waiter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiters.remove(w)
}

// wakeOnDone wakes a parked function when ctx ends, until the returned function
// is called.
func wakeOnDone(ctx context.Context, own *Core, turn Turn) (stop func() bool) {
	if own.runsWith(ctx) {
		own.wakeOnDone()
		return noStop
	}
	if ctx.Done() == nil {
		return noStop
	}
	return context.AfterFunc(ctx, steps.Before(steps.SourceOf(turn), turn, "sees its context end", turn.Resume))
}

func noStop() bool { return false }

// observed returns the observation of the pending, or none.
func (c *Core) observed() Guarded {
	if c == nil || !c.is(flagObserved) {
		return Guarded{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return Guarded{c.details.observation, c}
}
