//go:build explored

package pendingexplore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/explore/sim"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// The scripts that look at what is made and at what is left, and those of arguments.
func init() { scripts = append(scripts, leaving...) }

// atEnd adds a check of the end of a script.
func (w *exWorld) atEnd(check func()) {
	end := w.AtEnd
	w.AtEnd = func() {
		end()
		check()
	}
}

// whenParked makes a step once a function has given its turn away so many times.
func (w *exWorld) whenParked(c *exPending, times int, do func()) {
	w.Go(fmt.Sprintf("goes on when %s waits, %d", c.name, times), func() {
		w.Current().Await(func() bool { return c.turn.parks == times || c.done }, "wait until the function waits")
		w.Note()
		do()
	})
}

// watchesOnly checks how many contexts were watched and derived in all.
func (w *exWorld) watchesOnly(watched, derived int) {
	w.atEnd(func() {
		_, ever := w.Watches()
		_, contexts := w.Contexts()
		if ever != watched || contexts-len(w.contexts) != derived {
			w.Failf("%d contexts were watched, and %d derived, not %d and %d", ever, contexts-len(w.contexts), watched, derived)
		}
	})
}

// logs checks how many errors are to be logged, as nobody has looked at them.
func (w *exWorld) logs(want int) {
	w.atEnd(func() {
		if n := len(w.Cleanups()); n != want {
			w.Failf("%d errors are to be logged, not %d", n, want)
		}
	})
}

var leaving = []script{
	{"a waiter is used again after a wait without an end", func(w *exWorld) {
		w.reuses = true
		p := w.pending(background)
		w.Go("waits", func() { p.waits(background) })
		w.Go("waits too", func() { p.waits(background) })
		w.Go("completes", func() { p.completes(1) })
	}},
	{"a waiter is used again after a wait that could end", func(w *exWorld) {
		w.reuses = true
		p, ctx := w.pending(background), w.context()
		w.Go("waits", func() { p.waits(ctx) })
		w.Go("completes", func() { p.completes(1) })
	}},
	{"a waiter is used again after a wait that has ended", func(w *exWorld) {
		w.reuses, w.mayBeOpen = true, true
		p, ctx := w.pending(background), w.context()
		w.Go("waits", func() { p.waits(ctx, pending.Protect()) })
		w.ends(ctx)
	}},
	{"a waiter is used again after a wait in a function", func(w *exWorld) {
		w.reuses = true
		p := w.pending(background)
		c := w.call(background, func(ctx context.Context) (int, error) { return p.waitsFor(ctx) })
		w.runs(c)
		w.whenParked(c, 1, func() { p.completes(1) })
		w.watchesOnly(0, 0)
	}},
	{"a waiter is used again after a wait in a function that has ended", func(w *exWorld) {
		w.reuses, w.mayBeOpen = true, true
		p, ctx := w.pending(background), w.context()
		c := w.call(ctx, func(ctx context.Context) (int, error) { return p.waitsFor(ctx, pending.Protect()) })
		w.runs(c)
		w.whenParked(c, 1, func() { ctx.cancel(errEnd) })
	}},
	{"a function waits twice, and its context is watched once", func(w *exWorld) {
		w.reuses = true
		p, q, ctx := w.pending(background), w.pending(background), w.context()
		c := w.call(ctx, func(ctx context.Context) (int, error) {
			p.waits(ctx)
			return q.waitsFor(ctx)
		})
		w.runs(c)
		w.whenParked(c, 1, func() { p.completes(1) })
		w.whenParked(c, 2, func() { q.completes(2) })
		w.watchesOnly(1, 1)
		w.atEnd(func() {
			if c.turn.woken != 2 {
				w.Failf("a function has waited twice, and was woken %d times", c.turn.woken)
			}
		})
	}},
	{"a function waits for a pending with the same context", func(w *exWorld) {
		ctx := w.context()
		p := w.pending(ctx)
		c := w.call(ctx, func(ctx context.Context) (int, error) { return p.waitsFor(ctx) })
		w.runs(c)
		w.whenParked(c, 1, func() { p.completes(1) })
		w.watchesOnly(1, 1)
	}},
	{"a function waits for a pending of another context, which ends", func(w *exWorld) {
		ctx, other := w.context(), w.context()
		p := w.pending(other)
		c := w.call(ctx, func(ctx context.Context) (int, error) { return p.waitsFor(ctx) })
		w.runs(c)
		w.ends(other)
	}},
	{"a function waits with a context that never ends", func(w *exWorld) {
		p := w.pending(background)
		c := w.call(background, func(ctx context.Context) (int, error) {
			return p.waitsFor(sim.WithoutCancel(ctx))
		})
		w.runs(c)
		w.whenParked(c, 1, func() { p.completes(1) })
		w.watchesOnly(0, 0)
	}},
	{"a function asks twice for the end of its context", func(w *exWorld) {
		c := w.call(background, func(ctx context.Context) (int, error) {
			if first := ctx.Done(); first != ctx.Done() {
				w.Failf("a function has two contexts")
			}
			return 1, nil
		})
		w.runs(c)
		w.watchesOnly(0, 1)
	}},
	{"a function panics, and its context ends", func(w *exWorld) {
		var of context.Context
		c := w.call(background, func(ctx context.Context) (int, error) {
			of = ctx
			ctx.Done()
			panic(errA)
		})
		w.runs(c)
		w.Go("looks", func() {
			sim.Recv(c.Done())
			w.Note()
			if of.Err() == nil || future.TurnOf(of) != nil || !future.TaskOf(c).Panicked() {
				w.Failf("a function has panicked, and its context has not ended")
			}
		})
	}},
	{"a function looks why its context has ended", func(w *exWorld) {
		ctx := w.context()
		c := w.call(ctx, func(ctx context.Context) (int, error) {
			ctx.Done()
			if ctx.Err() != nil && sim.Cause(ctx) == nil {
				w.Failf("a context has ended, and has no cause")
			}
			return 1, nil
		})
		w.runs(c)
		w.ends(ctx)
	}},
	{"a function has a context of its own, which is that of the function", func(w *exWorld) {
		p := w.pending(background)
		var c *exPending
		c = w.call(background, func(ctx context.Context) (int, error) {
			inside, cancel := sim.WithCancelCause(ctx)
			defer cancel(nil)
			if h, ok := pending.Current(inside); !ok || h != pending.Handle(c.Pending) {
				w.Failf("a context in a function is not that of the function")
			}
			return p.waitsFor(inside)
		}, pending.ObservedBy(exObserver{&c}))
		c.isObserved = true
		w.runs(c)
		w.whenParked(c, 1, func() {
			if !future.TaskOf(c).IsWaiting() || future.TaskOf(p).IsWaiting() {
				w.Failf("a function waits, and is said not to")
			}
			p.completes(1)
		})
		w.atEnd(func() {
			if c.suspended != 1 {
				w.Failf("a function has waited once, and the observer knows of %d waits", c.suspended)
			}
		})
	}},
	{"a function waits for what waits for it", func(w *exWorld) {
		w.mayBeOpen, w.reuses = true, true
		p := w.pending(background)
		var c *exPending
		c = w.call(background, func(ctx context.Context) (int, error) {
			v, err := p.Wait(ctx)
			if !errors.Is(err, pending.ErrDeadlock) || p.IsDone() {
				w.Failf("a wait that could never end has returned %v", err)
			}
			return v, nil
		}, pending.ObservedBy(exObserver{&c}))
		c.turn.fails = pending.ErrDeadlock
		w.runs(c)
		w.atEnd(func() {
			if c.refusedWaits != 1 {
				w.Failf("a wait could never end, and the observer knows of %d", c.refusedWaits)
			}
		})
	}},
	{"a cancel does not wake a shielded wait, and ends the next one", func(w *exWorld) {
		p, q := w.pending(background), w.pending(background)
		c := w.call(background, func(ctx context.Context) (int, error) {
			p.waits(ctx, pending.Shield())
			return q.waitsFor(ctx)
		})
		w.runs(c)
		w.whenParked(c, 1, func() {
			c.cancels(errA)
			if c.turn.woken > 0 {
				w.Failf("a cancel has woken a shielded wait")
			}
			p.completes(1)
		})
	}},
	{"a shielded wait, and then a wait that a cancel ends", func(w *exWorld) {
		p, q := w.pending(background), w.pending(background)
		c := w.call(background, func(ctx context.Context) (int, error) {
			p.waits(ctx, pending.Shield())
			return q.waitsFor(ctx)
		})
		w.runs(c)
		w.whenParked(c, 1, func() { p.completes(1) })
		w.whenParked(c, 2, func() { c.cancels(errA) })
	}},
	{"a function has the name of another one", func(w *exWorld) {
		c := w.call(background, returns(1), future.ImplementedBy(returns))
		w.runs(c)
		w.atEnd(func() {
			if !strings.HasSuffix(c.Name(), "pendingexplore.returns") {
				w.Failf("a function has the name %s", c.Name())
			}
		})
	}},
	{"a function schedules something", func(w *exWorld) {
		w.mayBeOpen = true
		c := w.call(background, func(ctx context.Context) (int, error) {
			inside, cancel := sim.WithCancelCause(ctx)
			defer cancel(nil)
			w.pending(inside)
			return 1, nil
		})
		w.runs(c)
		w.atEnd(func() {
			if c.flagsNow()&future.FlagCalled == 0 {
				w.Failf("a function has scheduled something, and that is not noted")
			}
		})
	}},
	{"CancelWait, and nothing else ends the pending", func(w *exWorld) {
		p := w.pending(background)
		w.Go("cancels", func() {
			p.waiting++
			if err := p.CancelWait(background, errA); err != nil || !errors.Is(p.Err(), errA) {
				w.Failf("CancelWait has returned %v", err)
			}
			p.waiting--
		})
	}},
	{"what Then has made is cancelled twice, and both causes reach the first", func(w *exWorld) {
		p := w.pending(background)
		p.SetCanceller(func(error) {})
		q := p.then(func(v int) (int, error) { return v, nil })
		w.Go("cancels", func() {
			q.cancels(errA)
			q.cancels(errB)
			if err := p.Err(); !errors.Is(err, errA) || !errors.Is(err, errB) {
				w.Failf("two causes have become %v", err)
			}
			p.completes(1)
		})
	}},
	{"a call is delayed and limited, until it is not", func(w *exWorld) {
		var c *exPending
		c = w.call(background, returns(1), pending.ObservedBy(exObserver{&c}))
		const all = future.FlagDelayed | future.FlagTimed | future.FlagQueueTimed
		w.Go("limits", func() {
			c.task.Delay()
			c.task.Limit(true)
			if c.flagsNow()&all != future.FlagDelayed|future.FlagQueueTimed {
				w.Failf("a call that is limited has the flags %b", c.flagsNow())
			}
			c.task.Limit(false)
			c.task.Due()
			c.task.Unlimit(true)
			if c.flagsNow()&all != future.FlagTimed || c.due != 1 {
				w.Failf("a call that is limited has the flags %b", c.flagsNow())
			}
			c.task.Unlimit(false)
			if c.flagsNow()&all != 0 {
				w.Failf("a call that is limited no more has the flags %b", c.flagsNow())
			}
			_ = c.task.Run()
		})
	}},
	{"an error is passed on by Then, and nobody looks", func(w *exWorld) {
		p := w.call(background, returnsError(errA))
		p.then(func(v int) (int, error) { return v, nil })
		w.runs(p)
		w.logs(1)
	}},
	{"an error is passed on by Then, and somebody looks", func(w *exWorld) {
		p := w.call(background, returnsError(errA))
		q := p.then(func(v int) (int, error) { return v, nil })
		w.runs(p)
		w.Go("waits", func() { q.waits(background) })
		w.logs(0)
	}},
	{"an error is passed on twice by Then, and nobody looks", func(w *exWorld) {
		p := w.call(background, returnsError(errA))
		p.then(func(v int) (int, error) { return v, nil }).then(func(v int) (int, error) { return v, nil })
		w.runs(p)
		w.logs(1)
	}},
	{"an error is passed on twice by Then, and somebody looks", func(w *exWorld) {
		p := w.call(background, returnsError(errA))
		q := p.then(func(v int) (int, error) { return v, nil }).then(func(v int) (int, error) { return v, nil })
		w.runs(p)
		w.Go("waits", func() { q.waits(background) })
		w.logs(0)
	}},
	{"an error is passed on to two by Then, and somebody looks at one", func(w *exWorld) {
		p := w.call(background, returnsError(errA))
		q := p.then(func(v int) (int, error) { return v, nil })
		p.then(func(v int) (int, error) { return v, nil })
		w.runs(p)
		w.Go("waits", func() { q.waits(background) })
		w.logs(0)
	}},
	{"an error is passed on to two by Then, and nobody looks", func(w *exWorld) {
		p := w.call(background, returnsError(errA))
		p.then(func(v int) (int, error) { return v, nil })
		p.then(func(v int) (int, error) { return v, nil })
		w.runs(p)
		w.logs(1)
	}},
	{"an error is passed on once and twice by Then, and nobody looks", func(w *exWorld) {
		p := w.call(background, returnsError(errA))
		p.then(func(v int) (int, error) { return v, nil })
		p.then(func(v int) (int, error) { return v, nil }).then(func(v int) (int, error) { return v, nil })
		w.runs(p)
		w.logs(1)
	}},
	{"a function of Then fails, and nobody looks", func(w *exWorld) {
		p := w.call(background, returns(1))
		p.then(func(int) (int, error) { return 0, errB })
		w.runs(p)
		w.logs(1)
	}},
	{"a function of Then fails, and somebody looks at what it was made of", func(w *exWorld) {
		p := w.call(background, returns(1))
		p.then(func(int) (int, error) { return 0, errB }).then(func(v int) (int, error) { return v, nil })
		w.runs(p)
		w.Go("looks", func() { p.looks() })
		w.logs(1)
	}},
	{"a function of Then fails, that is passed on, and somebody looks", func(w *exWorld) {
		p := w.call(background, returns(1))
		q := p.then(func(int) (int, error) { return 0, errB }).then(func(v int) (int, error) { return v, nil })
		w.runs(p)
		w.Go("waits", func() { q.waits(background) })
		w.logs(0)
	}},
	{"arguments that are nil", func(w *exWorld) {
		p := w.pending(background)
		w.Go("calls", func() {
			p.completes(1)
			for name, call := range map[string]func(){ // any order will do
				"New with a nil context":        func() { pending.New[int](nil) }, //nolint:staticcheck // It is what is looked at.
				"New with a nil option":         func() { pending.New[int](background, nil) },
				"Wait with a nil context":       func() { _, _ = p.Wait(nil) },         //nolint:staticcheck // As above.
				"WaitSync with a nil context":   func() { _, _ = p.WaitSync(nil) },     //nolint:staticcheck // As above.
				"CancelWait with a nil context": func() { _ = p.CancelWait(nil, nil) }, //nolint:staticcheck // As above.
				"OnDone of a nil function":      func() { p.OnDone(nil) },
			} {
				if r := recovered(call); !strings.Contains(r, name) {
					w.Failf("%s: %s", name, r)
				}
			}
		})
	}},
}

// recovered returns what a function has panicked with, or "".
func recovered(fn func()) (r string) {
	defer func() { r = fmt.Sprint(recover()) }()
	fn()
	return ""
}

// TestScriptsHaveNamesOfTheirOwn is for replays, which find a script by its name.
func TestScriptsHaveNamesOfTheirOwn(t *testing.T) {
	names := make(map[string]bool)
	for _, s := range allScripts() {
		require.False(t, names[s.name], s.name)
		names[s.name] = true
	}
}
