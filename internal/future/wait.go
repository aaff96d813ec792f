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
func Await(ctx context.Context, b *Core, o WaitOptions, keep bool) error {
	return b.wait(ctx, o, keep)
}

func (b *Core) wait(ctx context.Context, o WaitOptions, keep bool) error {
	own := running(ctx)
	o.Protect = o.Protect || b.is(flagProtected)
	if b.ctx.Done() != nil && (o.Protect || o.Shield || !b.endsWith(ctx, own)) {
		b.watch()
	}
	w := newWaiter(TurnOf(ctx))
	if w.turn != nil {
		b.touch(w.turn)
	}
	waitsForMore := w.turn == nil && (o.Limited || !o.Shield && ctx.Done() != nil)
	if waitsForMore {
		w.wake = make(chan struct{}, 1)
	}
	b.mu.Lock()
	if b.is(flagDone) {
		b.mu.Unlock()
		w.free()
		return nil
	}
	b.waiters.add(w)
	if w.turn == nil && !waitsForMore {
		b.waitCond(w)
		b.step(ctx)
		return nil
	}
	b.mu.Unlock()

	var err error
	if w.turn == nil {
		err = b.waitSelect(ctx, o, w)
		b.step(ctx)
	} else {
		err = b.waitTurn(ctx, o, w, own, keep)
	}
	if err == nil || b.is(flagDone) {
		return nil
	}
	if ended := (*endedError)(nil); !o.Protect && errors.As(err, &ended) {
		b.Cancel(err)
	}
	return err
}

// waitCond blocks the goroutine until the pending is done. Nothing else ends
// the wait. mu must be held, and is released.
func (b *Core) waitCond(w *waiter) {
	w.woken.L = &b.mu
	for !w.notified.Load() {
		w.woken.Wait()
	}
	b.mu.Unlock()
	w.free()
}

// waitSelect blocks the goroutine until the pending is done, ctx ends, or the
// time is up.
func (b *Core) waitSelect(ctx context.Context, o WaitOptions, w *waiter) (err error) {
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
		err = b.contextEnded(ctx)
	case <-expired:
		err = b.timedOut(o.Timeout)
	}
	if b.removeWaiter(w) {
		w.free() // else notify may still use it
	}
	return err
}

// waitTurn waits in a caller's function, which gives its turn away unless keep
// is set.
func (b *Core) waitTurn(ctx context.Context, o WaitOptions, w *waiter, own *Core, keep bool) error {
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
		observation.Suspended(b)
		defer observation.Resumed()
	}
	defer func() {
		if w.notified.Load() || b.removeWaiter(w) {
			w.free()
		}
	}()
	parks := Wait{On: b, Bounded: o.Limited && !o.Unbounded, Began: waits.Add(1)}
	for {
		switch {
		case b.is(flagDone):
			return nil
		case !o.Shield && ctx.Err() != nil:
			return b.contextEnded(ctx)
		case expired():
			return b.timedOut(o.Timeout)
		}
		if err := own.park(turn, parks, keep, o.Shield || !own.runsWith(ctx)); err != nil {
			observation.WaitFailed(err)
			return err
		}
	}
}

// park parks the function of b. A nil b stands for no function. waitsOn says that the wait
// does not end with the context of the function.
func (b *Core) park(turn Turn, w Wait, keep, waitsOn bool) error {
	if b != nil && waitsOn && !b.isWaiting() { // else another goroutine waits, and fails
		b.set(flagWaitsOn)
		defer b.unset(flagWaitsOn)
	}
	return turn.Park(w, keep)
}

// runsWith reports whether ctx is the context of the function of b, and not one that is
// derived from it.
func (b *Core) runsWith(ctx context.Context) bool {
	c, ok := ctx.(*runContext)
	return ok && c.core() == b
}

// isWaiting reports whether the function of b waits. If it does, the current
// goroutine does not run that function.
func (b *Core) isWaiting() bool { return b != nil && b.runner != nil && b.runner.IsWaiting() }

// removeWaiter removes w and reports whether w was not notified yet.
func (b *Core) removeWaiter(w *waiter) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waiters.remove(w)
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
func (b *Core) observed() Guarded {
	if b == nil || !b.is(flagObserved) {
		return Guarded{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return Guarded{b.details.observation, b}
}
