package pending

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// WaitOption changes how a wait ends.
type WaitOption struct {
	protect, shield, limited bool
	unbounded                bool // the time limit is a last resort: the wait should end before
	timeout                  time.Duration
	until                    until // for WaitAll
}

// Protect prevents the wait from cancelling the pending when its context or its timeout
// ends it. [Protected] does so for all waits.
func Protect() WaitOption { return WaitOption{protect: true} }

// Shield makes the wait ignore the end of its context. A [Timeout] still counts.
func Shield() WaitOption { return WaitOption{shield: true} }

// Timeout ends the wait after d, with an error that matches [context.DeadlineExceeded]. A
// pending that is done is returned even if d is zero or less.
//
// It limits one wait. To limit a call, use [actors.Timeout].
//
// [actors.Timeout]:
// https://pkg.go.dev/github.com/seed-7fcaac1b/protocaller/actors#Timeout
func Timeout(d time.Duration) WaitOption { return WaitOption{limited: true, timeout: d} }

func joinOptions(opts []WaitOption) WaitOption {
	var all WaitOption
	for _, o := range opts {
		all.protect = all.protect || o.protect
		all.shield = all.shield || o.shield
		if o.limited {
			all.limited, all.timeout = true, o.timeout
		}
		all.until = max(all.until, o.until)
	}
	return all
}

func waitName(keep bool) string {
	if keep {
		return "WaitSync"
	}
	return "Wait"
}

// wait returns nil when the pending is done, else the reason why it stopped
// waiting.
func (b *base) wait(ctx context.Context, o WaitOption, keep bool) error {
	own := taskOf(ctx)
	o.protect = o.protect || b.is(flagProtected)
	if b.ctx.Done() != nil && (o.protect || o.shield || !b.endsWith(ctx, own)) {
		b.watch()
	}
	w := newWaiter(TurnOf(ctx))
	waitsForMore := w.turn == nil && (o.limited || !o.shield && ctx.Done() != nil)
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
	if ended := (*endedError)(nil); !o.protect && errors.As(err, &ended) {
		b.Cancel(err)
	}
	return err
}

// waitCond blocks the goroutine until the pending is done. Nothing else ends
// the wait. mu must be held, and is released.
func (b *base) waitCond(w *waiter) {
	w.woken.L = &b.mu
	for !w.notified.Load() {
		w.woken.Wait()
	}
	b.mu.Unlock()
	w.free()
}

// waitSelect blocks the goroutine until the pending is done, ctx ends, or the
// time is up.
func (b *base) waitSelect(ctx context.Context, o WaitOption, w *waiter) (err error) {
	var ended <-chan struct{}
	if !o.shield {
		ended = ctx.Done()
	}
	var expired <-chan time.Time
	if o.limited {
		timer := time.NewTimer(o.timeout)
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
		err = b.timedOut(o.timeout)
	}
	if b.removeWaiter(w) {
		w.free() // else notify may still use it
	}
	return err
}

// waitTurn waits in a caller's function, which gives its turn away unless keep
// is set.
func (b *base) waitTurn(ctx context.Context, o WaitOption, w *waiter, own *base, keep bool) error {
	turn := w.turn
	expired := func() bool { return false }
	if o.limited {
		var alarm atomic.Bool
		timer := time.AfterFunc(o.timeout, steps.Before(steps.SourceOf(turn), turn, "times out", func() {
			alarm.Store(true)
			turn.Resume()
		}))
		defer timer.Stop()
		expired = alarm.Load
	}
	if !o.shield {
		defer wakeOnDone(ctx, own, turn)()
	}
	observation := own.observed()
	if observation.Observation != nil {
		observation.Suspended(b.handle)
		defer observation.Resumed()
	}
	defer func() {
		if w.notified.Load() || b.removeWaiter(w) {
			w.free()
		}
	}()
	parks := Wait{On: b.handle, Bounded: o.limited && !o.unbounded, Began: waits.Add(1)}
	for {
		switch {
		case b.is(flagDone):
			return nil
		case !o.shield && ctx.Err() != nil:
			return b.contextEnded(ctx)
		case expired():
			return b.timedOut(o.timeout)
		}
		if err := own.park(turn, parks, keep, o.shield || !own.runsWith(ctx)); err != nil {
			observation.WaitFailed(err)
			return err
		}
	}
}

// park parks the function of b. A nil b stands for no function. waitsOn says that the wait
// does not end with the context of the function.
func (b *base) park(turn Turn, w Wait, keep, waitsOn bool) error {
	if b != nil && waitsOn && !b.isWaiting() { // else another goroutine waits, and fails
		b.set(flagWaitsOn)
		defer b.unset(flagWaitsOn)
	}
	return turn.Park(w, keep)
}

// runsWith reports whether ctx is the context of the function of b, and not one that is
// derived from it.
func (b *base) runsWith(ctx context.Context) bool {
	c, ok := ctx.(*runContext)
	return ok && c.base() == b
}

// isWaiting reports whether the function of b waits. If it does, the current
// goroutine does not run that function.
func (b *base) isWaiting() bool { return b != nil && b.runner != nil && b.runner.IsWaiting() }

// removeWaiter removes w and reports whether w was not notified yet.
func (b *base) removeWaiter(w *waiter) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waiters.remove(w)
}

// wakeOnDone wakes a parked function when ctx ends, until the returned function
// is called.
func wakeOnDone(ctx context.Context, own *base, turn Turn) (stop func() bool) {
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
func (b *base) observed() guarded {
	if b == nil || !b.is(flagObserved) {
		return guarded{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return guarded{b.lazy.observation, b}
}
