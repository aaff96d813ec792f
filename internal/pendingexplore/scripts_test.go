//go:build explored

package pendingexplore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-7fcaac1b/protocaller/internal/explore/sim"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

var background = context.Background()

func returns(v int) func(context.Context) (int, error) {
	return func(context.Context) (int, error) { return v, nil }
}

func returnsError(err error) func(context.Context) (int, error) {
	return func(context.Context) (int, error) { return 0, err }
}

// scripts are those with a name of their own.
var scripts = []script{
	{"a result, and a wait", func(w *exWorld) {
		p := w.pending(background)
		w.Go("completes", func() { p.completes(1) })
		w.Go("waits", func() { p.waits(background) })
	}},
	{"two results, and an error", func(w *exWorld) {
		p := w.pending(background)
		w.Go("completes", func() { p.completes(1) })
		w.Go("completes again", func() { p.completes(2) })
		w.Go("fails", func() { p.fails(errA) })
	}},
	{"a result, a cancel and a wait", func(w *exWorld) {
		p := w.pending(background)
		w.Go("completes", func() { p.completes(1) })
		w.Go("cancels", func() { p.cancels(errA) })
		w.Go("waits", func() { p.waits(background) })
	}},
	{"two cancels with causes, and one without", func(w *exWorld) {
		p := w.pending(background)
		w.Go("cancels", func() { p.cancels(errA) })
		w.Go("cancels too", func() { p.cancels(errB) })
		w.Go("cancels without a cause", func() { p.cancels(nil) })
	}},
	{"two waits whose context never ends", func(w *exWorld) {
		p := w.pending(background)
		w.Go("waits", func() { p.waits(background) })
		w.Go("waits too", func() { p.waits(background) })
		w.Go("completes", func() { p.completes(1) })
	}},
	{"the context of a wait ends", func(w *exWorld) {
		p, ctx := w.pending(background), w.context()
		w.Go("waits", func() { p.waits(ctx) })
		w.ends(ctx)
	}},
	{"the context of a wait ends, and a result", func(w *exWorld) {
		p, ctx := w.pending(background), w.context()
		w.Go("waits", func() { p.waits(ctx) })
		w.Go("completes", func() { p.completes(1) })
		w.ends(ctx)
	}},
	{"the context of a protected wait ends, and a result", func(w *exWorld) {
		p, ctx := w.pending(background), w.context()
		w.Go("waits", func() { p.waits(ctx, pending.Protect()) })
		w.Go("completes", func() { p.completes(1) })
		w.ends(ctx)
	}},
	{"the context of a protected wait ends, and the pending stays", func(w *exWorld) {
		w.mayBeOpen = true
		p, ctx := w.pending(background), w.context()
		w.Go("waits", func() {
			p.waits(ctx, pending.Protect())
			if p.IsDone() {
				w.Failf("a protected wait has ended the pending")
			}
		})
		w.ends(ctx)
	}},
	{"the context of a wait for a protected pending ends, and the pending stays", func(w *exWorld) {
		w.mayBeOpen = true
		p, ctx := w.pending(background, pending.Protected()), w.context()
		w.Go("waits", func() {
			p.waits(ctx)
			if p.IsDone() {
				w.Failf("a wait has ended a protected pending")
			}
		})
		w.ends(ctx)
	}},
	{"the context of one of two waits ends", func(w *exWorld) {
		p, ctx := w.pending(background), w.context()
		w.Go("waits", func() { p.waits(ctx) })
		w.Go("waits too", func() { p.waits(background) })
		w.ends(ctx)
	}},
	{"the context of one of two waits ends, which is protected", func(w *exWorld) {
		p, ctx := w.pending(background), w.context()
		w.Go("waits", func() { p.waits(ctx, pending.Protect()) })
		w.Go("waits too", func() {
			if v, err := p.waitsFor(background); v != 1 || err != nil {
				w.Failf("a wait has returned %v, %v", v, err)
			}
		})
		w.Go("completes", func() { p.completes(1) })
		w.ends(ctx)
	}},
	{"a wait with a timeout, and a result", func(w *exWorld) {
		p := w.pending(background)
		w.Go("waits", func() { p.waits(background, pending.Timeout(1)) })
		w.Go("completes", func() { p.completes(1) })
	}},
	{"a wait with a timeout, a context that ends, and a result", func(w *exWorld) {
		p, ctx := w.pending(background), w.context()
		w.Go("waits", func() { p.waits(ctx, pending.Timeout(1)) })
		w.Go("completes", func() { p.completes(1) })
		w.ends(ctx)
	}},
	{"a shielded wait, whose context ends, and a result", func(w *exWorld) {
		p, ctx := w.pending(background), w.context()
		w.Go("waits", func() {
			if v, err := p.waitsFor(ctx, pending.Shield()); v != 1 || err != nil {
				w.Failf("a shielded wait has returned %v, %v", v, err)
			}
		})
		w.Go("completes", func() { p.completes(1) })
		w.ends(ctx)
	}},
	{"a wait ends, and another one begins", func(w *exWorld) {
		p, q, ctx := w.pending(background), w.pending(background), w.context()
		w.Go("waits", func() {
			p.waits(ctx, pending.Protect())
			q.waits(background)
		})
		w.Go("completes both", func() {
			p.completes(1)
			q.completes(2)
		})
		w.ends(ctx)
	}},
	{"the context of a pending ends, and a wait", func(w *exWorld) {
		ctx := w.context()
		p := w.pending(ctx)
		w.Go("waits", func() { p.waits(background) })
		w.ends(ctx)
	}},
	{"the context of a pending ends, a wait and a result", func(w *exWorld) {
		ctx := w.context()
		p := w.pending(ctx)
		w.Go("waits", func() { p.waits(background) })
		w.Go("completes", func() { p.completes(1) })
		w.ends(ctx)
	}},
	{"the context of a pending ends, and two watch it", func(w *exWorld) {
		ctx := w.context()
		p := w.pending(ctx)
		w.Go("waits", func() { p.waits(background) })
		w.Go("observes", func() { p.observes() })
		w.ends(ctx)
	}},
	{"the context of a pending has ended before a wait", func(w *exWorld) {
		ctx := w.context()
		p := w.pending(ctx)
		w.Go("ends and waits", func() {
			ctx.cancel(errEnd)
			if _, err := p.waitsFor(background); !errors.Is(err, errEnd) && !errors.Is(err, errA) {
				w.Failf("a wait has returned %v", err)
			}
		})
		w.Go("cancels", func() { p.cancels(errA) })
	}},
	{"the context of a pending ends, a cancel and Done", func(w *exWorld) {
		ctx := w.context()
		p := w.pending(ctx)
		w.Go("observes", func() { p.observes() })
		w.Go("cancels", func() { p.cancels(errA) })
		w.ends(ctx)
	}},
	{"a wait with the context of the pending, which ends", func(w *exWorld) {
		ctx := w.context()
		p := w.pending(ctx)
		w.Go("waits", func() { p.waits(ctx) })
		w.ends(ctx)
	}},
	{"Done, a result and a look", func(w *exWorld) {
		p := w.pending(background)
		w.Go("observes", func() { p.observes() })
		w.Go("completes", func() { p.completes(1) })
		w.Go("looks", func() { p.looks() })
	}},
	{"two callbacks and a result", func(w *exWorld) {
		p := w.pending(background)
		w.Go("calls", func() {
			p.calls("first", nil)
			p.calls("second", nil)
		})
		w.Go("completes", func() { p.completes(1) })
	}},
	{"two callbacks of two goroutines, and a cancel", func(w *exWorld) {
		p := w.pending(background)
		w.Go("calls", func() { p.calls("first", nil) })
		w.Go("calls too", func() { p.calls("second", nil) })
		w.Go("cancels", func() { p.cancels(errA) })
	}},
	{"a callback is removed, and a result", func(w *exWorld) {
		p := w.pending(background)
		w.Go("calls", func() {
			remove := p.calls("first", nil)
			p.calls("second", nil)
			remove()
		})
		w.Go("completes", func() { p.completes(1) })
	}},
	{"a callback is removed twice, and the pending stays", func(w *exWorld) {
		w.mayBeOpen = true
		p := w.pending(background)
		remove := p.calls("first", nil)
		w.Go("calls", func() { p.calls("second", nil) })
		w.Go("removes", remove)
		w.Go("removes too", remove)
	}},
	{"a callback adds another one", func(w *exWorld) {
		p := w.pending(background)
		p.calls("first", func() { p.calls("late", nil) })
		p.calls("second", nil)
		w.Go("completes", func() { p.completes(1) })
		w.Go("calls", func() { p.calls("third", nil) })
	}},
	{"a callback panics, and others wait", func(w *exWorld) {
		p := w.pending(background)
		p.calls("panics", func() { panic(errA) })
		p.calls("second", nil)
		w.Go("waits", func() { p.waits(background) })
		w.Go("completes", func() { p.completes(1) })
	}},
	{"a callback ends the goroutine, and others wait", func(w *exWorld) {
		p := w.pending(background)
		p.calls("exits", sim.Goexit)
		p.calls("second", nil)
		w.Go("waits", func() { p.waits(background) })
		w.Go("completes", func() { p.SetResult(1) })
	}},
	{"a callback waits for another pending", func(w *exWorld) {
		p, q := w.pending(background), w.pending(background)
		p.calls("waits", func() { q.waits(background) })
		w.Go("completes the first", func() { p.completes(1) })
		w.Go("completes the second", func() { q.completes(2) })
		w.Go("waits", func() { p.waits(background) })
	}},
	{"a callback cancels another pending, whose callback cancels the first", func(w *exWorld) {
		p, q := w.pending(background), w.pending(background)
		p.calls("cancels", func() { q.cancels(errA) })
		q.calls("cancels back", func() { p.cancels(errB) })
		w.Go("cancels the first", func() { p.cancels(errA) })
		w.Go("completes the second", func() { q.completes(2) })
	}},
	{"a canceller completes the pending", func(w *exWorld) {
		p := w.pending(background)
		p.SetCanceller(func(error) { w.Go("work", func() { p.fails(errB) }) })
		w.Go("cancels", func() { p.cancels(errA) })
		w.Go("waits", func() { p.waits(background) })
	}},
	{"a canceller completes the pending at once, and a result", func(w *exWorld) {
		p := w.pending(background)
		p.SetCanceller(func(error) { p.fails(errB) })
		w.Go("cancels", func() { p.cancels(errA) })
		w.Go("completes", func() { p.completes(1) })
		w.Go("waits", func() { p.waits(background) })
	}},
	{"a canceller is set, a cancel and a result", func(w *exWorld) {
		p := w.pending(background)
		w.Go("sets", func() { p.SetCanceller(func(error) {}) })
		w.Go("cancels", func() { p.cancels(errA) })
		w.Go("completes", func() { p.completes(1) })
	}},
	{"every cancel reaches the canceller", func(w *exWorld) {
		p := w.pending(background)
		reached, calls := error(nil), 0
		p.SetCanceller(func(cause error) {
			w.Note()
			reached = errors.Join(reached, cause)
			calls++
		})
		for _, cause := range []error{errA, errB} {
			w.Go("cancels", func() { p.cancels(cause) })
		}
		end := w.AtEnd
		w.mayBeOpen = true
		w.AtEnd = func() {
			end()
			if calls != 2 || !errors.Is(reached, errA) || !errors.Is(reached, errB) {
				w.Failf("%d cancels have reached the canceller: %v", calls, reached)
			}
			if p.IsDone() {
				w.Failf("a pending with a canceller is done")
			}
		}
	}},
	{"a canceller panics", func(w *exWorld) {
		p := w.pending(background)
		p.SetCanceller(func(error) { panic(errB) })
		w.Go("cancels", func() {
			p.cancels(errA)
			p.completes(1)
		})
		w.Go("waits", func() { p.waits(background) })
	}},
	{"an observed pending is cancelled, and has a result", func(w *exWorld) {
		var p *exPending
		p = w.pending(background, pending.ObservedBy(exObserver{&p}))
		p.isObserved = true
		w.Go("cancels", func() { p.cancels(errA) })
		w.Go("completes", func() { p.completes(1) })
		w.Go("waits", func() { p.waits(background) })
	}},
	{"CancelWait, and a function that returns", func(w *exWorld) {
		p := w.call(background, returns(1))
		w.runs(p)
		w.Go("cancels", func() {
			p.waiting++
			err := p.CancelWait(background, errA)
			p.waiting--
			if err != nil || !p.IsDone() || len(p.values) == 0 && p.runs == 0 && !p.Cancelled() {
				w.Failf("CancelWait has returned %v", err)
			}
		})
	}},
	{"IDs are asked for, and a cause is joined", func(w *exWorld) {
		p := w.pending(background)
		var ids [2]uint64
		for i := range ids {
			w.Go("asks", func() {
				ids[i] = p.ID()
				w.Note()
				if ids[i] == 0 || ids[1-i] != 0 && ids[0] != ids[1] {
					w.Failf("the pending has two IDs")
				}
			})
		}
		w.Go("cancels", func() { p.cancels(errA) })
	}},
	{"metadata is asked for twice", func(w *exWorld) {
		w.mayBeOpen = true
		described := 0
		p := w.pending(background, pending.With("k", 1), future.DescribedBy(func(m map[string]any) {
			w.Note()
			described++
			m["k"], m["n"] = 2, described
		}))
		var seen [2]map[string]any
		for i := range seen {
			w.Go("asks", func() {
				seen[i] = p.Metadata()
				w.Note()
				if seen[i]["k"] != 1 || seen[0] != nil && seen[1] != nil && seen[0]["n"] != seen[1]["n"] {
					w.Failf("metadata: %v", seen)
				}
			})
		}
	}},

	// Functions.
	{"a function runs, and a wait", func(w *exWorld) {
		p := w.call(background, returns(1))
		w.runs(p)
		w.Go("waits", func() { p.waits(background) })
	}},
	{"a function runs, and two cancels", func(w *exWorld) {
		p := w.call(background, returns(1))
		w.runs(p)
		w.Go("cancels", func() { p.cancels(errA) })
		w.Go("cancels too", func() { p.cancels(errB) })
	}},
	{"a function asks for its context, and a cancel", func(w *exWorld) {
		p := w.call(background, func(ctx context.Context) (int, error) {
			if ctx.Err() != nil {
				return 0, sim.Cause(ctx)
			}
			return 1, nil
		})
		w.runs(p)
		w.Go("cancels", func() { p.cancels(errA) })
		w.Go("waits", func() { p.waits(background) })
	}},
	{"a function waits for the end of its context, and is cancelled", func(w *exWorld) {
		p := w.call(background, func(ctx context.Context) (int, error) {
			sim.Recv(ctx.Done())
			return 0, ctx.Err()
		})
		w.runs(p)
		w.Go("cancels", func() { p.cancels(errA) })
	}},
	{"a function waits for the end of its context, which ends", func(w *exWorld) {
		ctx := w.context()
		p := w.call(ctx, func(ctx context.Context) (int, error) {
			sim.Recv(ctx.Done())
			return 0, ctx.Err()
		})
		w.runs(p)
		w.ends(ctx)
		w.Go("waits", func() { p.waits(background) })
	}},
	{"two ask for the context of a function, which returns", func(w *exWorld) {
		p := w.call(background, func(ctx context.Context) (int, error) {
			w.Go("asks", func() { sim.Recv(ctx.Done()) })
			ctx.Done()
			return 1, nil
		})
		w.runs(p)
		w.Go("cancels", func() { p.cancels(errA) })
	}},
	{"a function runs, and its context ends before", func(w *exWorld) {
		ctx := w.context()
		p := w.call(ctx, returns(1))
		w.runs(p)
		w.ends(ctx)
		w.Go("waits", func() { p.waits(background) })
	}},
	{"a function is rejected, and runs", func(w *exWorld) {
		p := w.call(background, returns(1))
		w.runs(p)
		w.Go("rejects", func() { p.task.Reject(errA) })
		w.Go("waits", func() { p.waits(background) })
	}},
	{"a function is rejected, fails and is cancelled", func(w *exWorld) {
		p := w.call(background, returns(1))
		w.Go("rejects", func() { p.task.Reject(errA) })
		w.Go("fails", func() { p.task.Fail(errB) })
		w.Go("cancels", func() { p.cancels(errA) })
	}},
	{"a queued function with a canceller is cancelled, and runs", func(w *exWorld) {
		p := w.call(background, returns(1))
		p.SetCanceller(func(error) {})
		w.Go("cancels", func() { p.cancels(errA) })
		w.runs(p)
		w.Go("waits", func() { p.waits(background) })
	}},
	{"a running function is abandoned", func(w *exWorld) {
		p := w.call(background, returns(1))
		w.runs(p)
		w.abandons(p)
		w.Go("waits", func() { p.waits(background) })
	}},
	{"a running function is abandoned, and cancelled", func(w *exWorld) {
		p := w.call(background, returns(1))
		w.runs(p)
		w.abandons(p)
		w.Go("cancels", func() { p.cancels(errA) })
	}},
	{"a running function is interrupted, and returns the cause", func(w *exWorld) {
		p := w.call(background, func(ctx context.Context) (int, error) { return 0, sim.Cause(ctx) })
		w.runs(p)
		w.Go("interrupts", func() { p.task.Interrupt(errA) })
		w.Go("waits", func() { p.waits(background) })
	}},
	{"a function panics, and a cancel", func(w *exWorld) {
		p := w.call(background, func(context.Context) (int, error) { panic(errA) })
		w.runs(p)
		w.Go("cancels", func() { p.cancels(errB) })
		w.Go("waits", func() { p.waits(background) })
	}},
	{"a function ends its goroutine, and a wait", func(w *exWorld) {
		p := w.call(background, func(context.Context) (int, error) { sim.Goexit(); return 1, nil })
		w.runs(p)
		w.Go("waits", func() { p.waits(background) })
		p.calls("first", nil)
	}},
	{"a function returns, and somebody asks whether it has", func(w *exWorld) {
		p := w.call(background, returns(1))
		w.runs(p)
		w.Go("asks", func() { p.asks() })
	}},
	{"a function fails, and somebody asks whether it has returned", func(w *exWorld) {
		p := w.call(background, returnsError(errA))
		w.runs(p)
		w.Go("asks", func() { p.asks() })
	}},
	{"a function ends its goroutine, and somebody asks whether it has returned", func(w *exWorld) {
		p := w.call(background, func(context.Context) (int, error) { sim.Goexit(); return 1, nil })
		w.runs(p)
		w.Go("asks", func() {
			if p.asks() {
				w.Failf("%s has ended its goroutine, and has returned", p.name)
			}
		})
	}},
	{"a function fails, and nobody looks", func(w *exWorld) {
		p := w.call(background, returnsError(errA))
		w.runs(p)
	}},
	{"a function fails, and two look", func(w *exWorld) {
		p := w.call(background, returnsError(errA))
		w.runs(p)
		w.Go("looks", func() { p.looks() })
		w.Go("looks too", func() { p.looks() })
	}},
	{"a function fails, and a callback looks", func(w *exWorld) {
		p := w.call(background, returnsError(errA))
		p.calls("looks", p.looks)
		w.runs(p)
	}},
	{"a function fails, and a wait", func(w *exWorld) {
		p := w.call(background, returnsError(errA))
		w.runs(p)
		w.Go("waits", func() { p.waits(background) })
	}},
	{"a function fails, and a callback that does not look", func(w *exWorld) {
		p := w.call(background, returnsError(errA))
		p.calls("first", nil)
		w.runs(p)
		w.Go("looks", func() { p.looks() })
	}},
	{"a function waits for a pending", func(w *exWorld) {
		p := w.pending(background)
		c := w.call(background, func(ctx context.Context) (int, error) { return p.waitsFor(ctx) })
		w.runs(c)
		w.Go("completes", func() { p.completes(1) })
	}},
	{"a function waits for a pending, and is cancelled", func(w *exWorld) {
		p := w.pending(background)
		c := w.call(background, func(ctx context.Context) (int, error) { return p.waitsFor(ctx) })
		w.runs(c)
		w.Go("completes", func() { p.completes(1) })
		w.Go("cancels", func() { c.cancels(errA) })
	}},
	{"a function waits twice, and is cancelled", func(w *exWorld) {
		p, q := w.pending(background), w.pending(background)
		c := w.call(background, func(ctx context.Context) (int, error) {
			p.waits(ctx, pending.Protect())
			return q.waitsFor(ctx)
		})
		w.runs(c)
		w.Go("completes", func() {
			p.completes(1)
			q.completes(1)
		})
		w.Go("cancels", func() { c.cancels(errA) })
	}},
	{"a function waits for a pending, and its context ends", func(w *exWorld) {
		p, ctx := w.pending(background), w.context()
		c := w.call(ctx, func(ctx context.Context) (int, error) { return p.waitsFor(ctx) })
		w.runs(c)
		w.ends(ctx)
		w.Go("completes", func() { p.completes(1) })
	}},
	{"a function waits with a timeout, and a result", func(w *exWorld) {
		p := w.pending(background)
		c := w.call(background, func(ctx context.Context) (int, error) { return p.waitsFor(ctx, pending.Timeout(1)) })
		w.runs(c)
		w.Go("completes", func() { p.completes(1) })
	}},
	{"a function waits with a context of its own, which ends", func(w *exWorld) {
		p := w.pending(background)
		c := w.call(background, func(ctx context.Context) (int, error) {
			inside, cancel := sim.WithCancelCause(ctx)
			defer cancel(nil)
			w.Go("context", func() { cancel(errEnd) })
			return p.waitsFor(inside)
		})
		w.runs(c)
		w.Go("completes", func() { p.completes(1) })
	}},
	{"a shielded function waits, and is cancelled", func(w *exWorld) {
		p := w.pending(background)
		c := w.call(background, func(ctx context.Context) (int, error) { return p.waitsFor(ctx, pending.Shield()) })
		w.runs(c)
		w.Go("completes", func() { p.completes(1) })
		w.Go("cancels", func() { c.cancels(errA) })
	}},
	{"a function waits for another function, which is cancelled", func(w *exWorld) {
		b := w.call(background, returns(2))
		a := w.call(background, func(ctx context.Context) (int, error) { return b.waitsFor(ctx) })
		w.runs(a)
		w.runs(b)
		w.Go("cancels", func() { a.cancels(errA) })
	}},

	{"a function waits, and nothing but its cancel ends that", func(w *exWorld) {
		p := w.pending(background)
		c := w.call(background, func(ctx context.Context) (int, error) { return p.waitsFor(ctx) })
		w.runs(c)
		w.Go("cancels", func() { c.cancels(errA) })
		w.Go("waits", func() { p.waits(w.afterAll(c)) })
	}},
	{"a function waits twice, and nothing but the end of its context ends that", func(w *exWorld) {
		p, q, ctx := w.pending(background), w.pending(background), w.context()
		c := w.call(ctx, func(ctx context.Context) (int, error) {
			p.waits(ctx)
			return q.waitsFor(ctx)
		})
		w.runs(c)
		w.ends(ctx)
		w.Go("cancels what is left", func() {
			sim.Recv(c.Done())
			p.cancels(errB)
			q.cancels(errB)
		})
	}},
	{"a function waits for two pendings on two goroutines, and its context ends", func(w *exWorld) {
		p, q, ctx := w.pending(background), w.pending(background), w.context()
		c := w.call(ctx, func(ctx context.Context) (int, error) {
			w.Go("waits without Detach", func() {
				q.waiting++
				_, _ = q.Wait(future.WithTurn(ctx, nil))
				q.waiting--
			})
			return p.waitsFor(ctx)
		})
		w.runs(c)
		w.ends(ctx)
		w.Go("cancels what is left", func() {
			sim.Recv(c.Done())
			p.cancels(errB)
			q.cancels(errB)
		})
	}},
	{"a function waits, and nothing but a timeout ends that", func(w *exWorld) {
		p := w.pending(background)
		c := w.call(background, func(ctx context.Context) (int, error) { return p.waitsFor(ctx, pending.Timeout(1)) })
		w.runs(c)
	}},
	{"a wait that nothing but a timeout ends", func(w *exWorld) {
		p := w.pending(background)
		w.Go("waits", func() { p.waits(background, pending.Timeout(1)) })
	}},
	{"a function waits with a context of its own, and nothing else ends that", func(w *exWorld) {
		p := w.pending(background)
		c := w.call(background, func(ctx context.Context) (int, error) {
			inside, cancel := sim.WithCancelCause(ctx)
			defer cancel(nil)
			w.Go("context", func() { cancel(errEnd) })
			return p.waitsFor(inside)
		})
		w.runs(c)
	}},
	{"a function waits with a context of its own, and is cancelled", func(w *exWorld) {
		p := w.pending(background)
		c := w.call(background, func(ctx context.Context) (int, error) {
			inside, cancel := sim.WithCancelCause(ctx)
			defer cancel(nil)
			return p.waitsFor(inside)
		})
		w.runs(c)
		w.Go("cancels", func() {
			c.cancels(errA)
			p.cancels(errB)
		})
	}},
	{"a shielded function waits, and its cancel does not end that", func(w *exWorld) {
		p := w.pending(background)
		c := w.call(background, func(ctx context.Context) (int, error) {
			v, err := p.waitsFor(ctx, pending.Shield())
			if v != 1 || err != nil {
				w.Failf("a shielded wait has returned %v, %v", v, err)
			}
			return v, err
		})
		w.runs(c)
		w.Go("cancels and completes", func() {
			c.cancels(errA)
			p.completes(1)
		})
	}},
	{"an observed function waits, and is cancelled", func(w *exWorld) {
		p := w.pending(background)
		var c *exPending
		c = w.call(background, func(ctx context.Context) (int, error) { return p.waitsFor(ctx, pending.Protect()) }, pending.ObservedBy(exObserver{&c}))
		c.isObserved = true
		w.runs(c)
		w.Go("cancels", func() {
			c.cancels(errA)
			p.completes(1)
		})
	}},
	{"two waits, one after the other", func(w *exWorld) {
		p, q := w.pending(background), w.pending(background)
		w.Go("waits", func() {
			p.waits(background)
			q.waits(background)
		})
		w.Go("completes", func() { p.completes(1) })
		w.Go("completes the other", func() { q.completes(2) })
	}},
	{"a context is that of its function, until that has returned", func(w *exWorld) {
		var of context.Context
		c := w.call(background, func(ctx context.Context) (int, error) {
			of = ctx
			w.Note()
			if h, ok := pending.Current(ctx); !ok || future.FlagsNow(future.Of(h))&future.FlagStarted == 0 || future.TurnOf(ctx) == nil || ctx.Err() != nil && !h.Cancelled() {
				w.Failf("the context of a function is not its own")
			}
			return 1, nil
		})
		w.runs(c)
		w.Go("cancels", func() {
			c.cancels(errA)
			w.Note()
			if of != nil && of.Err() == nil {
				w.Failf("a function is cancelled, and its context has not ended")
			}
		})
		w.Go("looks", func() {
			sim.Recv(c.Done())
			w.Note()
			if of != nil && (of.Err() == nil || future.TurnOf(of) != nil) {
				w.Failf("a function has returned, and its context has not ended")
			}
			if of != nil {
				sim.Recv(of.Done())
			}
		})
	}},
	{"a function returns what has ended its context", func(w *exWorld) {
		c := w.call(background, func(ctx context.Context) (int, error) {
			sim.Recv(ctx.Done())
			return 0, sim.Cause(ctx)
		})
		w.runs(c)
		w.interrupts(c, func() bool { return errors.Is(c.errNow(), errA) && c.cancelled })
	}},
	{"a function returns that its context has ended", func(w *exWorld) {
		c := w.call(background, func(ctx context.Context) (int, error) {
			sim.Recv(ctx.Done())
			return 0, ctx.Err()
		})
		w.runs(c)
		w.interrupts(c, func() bool { return errors.Is(c.errNow(), errA) && c.cancelled })
	}},
	{"a function wraps that its context has ended", func(w *exWorld) {
		c := w.call(background, func(ctx context.Context) (int, error) {
			sim.Recv(ctx.Done())
			return 0, fmt.Errorf("b: %w", errors.Join(errB, ctx.Err()))
		})
		w.runs(c)
		w.interrupts(c, func() bool { return errors.Is(c.errNow(), errA) && errors.Is(c.errNow(), errB) && c.cancelled })
	}},
	{"a function has an error of its own when its context has ended", func(w *exWorld) {
		c := w.call(background, func(ctx context.Context) (int, error) {
			sim.Recv(ctx.Done())
			return 0, errB
		})
		w.runs(c)
		w.interrupts(c, func() bool { return errors.Is(c.errNow(), errB) && !errors.Is(c.errNow(), errA) && !c.cancelled })
	}},
	{"a function of a context that has ended does not run", func(w *exWorld) {
		ctx := w.context()
		c := w.call(ctx, returns(1))
		w.Go("ends and runs", func() {
			ctx.cancel(errEnd)
			_ = c.task.Run()
			if c.runs > 0 || !errors.Is(c.Err(), errEnd) {
				w.Failf("a function has run, and its context had ended")
			}
		})
	}},
	{"a queued function with a canceller is rejected", func(w *exWorld) {
		c := w.call(background, returns(1))
		c.SetCanceller(func(error) {})
		w.Go("rejects", func() { c.task.Reject(errA) })
		w.Go("waits", func() { c.waits(background) })
	}},
	{"a running function whose canceller ends the goroutine is abandoned", func(w *exWorld) {
		p := w.pending(background)
		c := w.call(background, func(context.Context) (int, error) { return p.waitsFor(background) })
		c.SetCanceller(func(error) { sim.Goexit() })
		w.runs(c)
		w.Go("abandons", func() {
			defer func() {
				if !c.IsDone() {
					w.Failf("an abandoned function is not done")
				}
				p.completes(1)
			}()
			c.task.Abandon(errAbandoned)
		})
	}},
	{"two cancel for the same reason, and one for another", func(w *exWorld) {
		p := w.pending(background)
		p.SetCanceller(func(error) {})
		w.mayBeOpen = true
		for _, why := range []error{errA, errA, errB} {
			w.Go("cancels", func() { future.CancelFor(future.Of(p), why) })
		}
		end := w.AtEnd
		w.AtEnd = func() {
			end()
			if future.LaterCauses(future.Of(p)) != 1 || !errors.Is(p.errNow(), errA) || !errors.Is(p.errNow(), errB) {
				w.Failf("two reasons are joined %d times: %v", future.LaterCauses(future.Of(p)), p.errNow())
			}
		}
	}},
	{"the context of a pending ends, and nobody but Done watches it", func(w *exWorld) {
		ctx := w.context()
		p := w.pending(ctx)
		w.Go("observes", func() { p.observes() })
		w.ends(ctx)
	}},
	{"the context of a pending ends, and nobody but a callback watches it", func(w *exWorld) {
		ctx := w.context()
		p := w.pending(ctx)
		w.Go("calls", func() { p.calls("first", nil) })
		w.ends(ctx)
	}},
	{"the context of a pending ends, and nobody but a canceller watches it", func(w *exWorld) {
		ctx := w.context()
		p := w.pending(ctx)
		w.Go("sets", func() { p.SetCanceller(func(error) { p.fails(errB) }) })
		w.ends(ctx)
		w.Go("waits", func() { p.waits(background) })
	}},
	{"the context of a pending ends, and nobody but a canceller watches it for now", func(w *exWorld) {
		ctx := w.context()
		p := w.pending(ctx)
		p.SetCanceller(nil)
		w.ends(ctx)
	}},

	// What is made of other pendings.
	{"a chain is cancelled, and nothing else ends it", func(w *exWorld) {
		p := w.pending(background)
		q := p.then(func(v int) (int, error) { return v + 1, nil })
		r := q.then(func(v int) (int, error) { return v + 1, nil })
		w.Go("cancels", func() {
			r.cancels(errA)
			if !p.IsDone() || !errors.Is(p.Err(), errA) || !errors.Is(q.Err(), errA) {
				w.Failf("the cancel of the last of a chain has not reached the first: %v", p.Err())
			}
		})
		w.Go("waits", func() { q.waits(background) })
	}},
	{"three are derived of one, and a result", func(w *exWorld) {
		p := w.pending(background)
		for i := range 3 {
			q := p.then(func(v int) (int, error) { return v + i, nil })
			q.calls("first", nil)
		}
		w.Go("completes", func() { p.completes(1) })
		w.Go("derives another one", func() { p.then(func(v int) (int, error) { return v, nil }).waits(background) })
	}},
	{"WaitAll for the first, and nothing ends the other", func(w *exWorld) {
		w.mayBeOpen = true
		p, q := w.pending(background), w.pending(background)
		w.Go("waits", func() {
			done, rest, err := pending.WaitAll(background, []*pending.Pending[int]{p.Pending, q.Pending}, pending.FirstCompleted())
			if len(done) != 1 || len(rest) != 1 || err != nil {
				w.Failf("WaitAll has returned %d, %d, %v", len(done), len(rest), err)
			}
		})
		w.Go("completes", func() { p.completes(1) })
	}},
	{"Then, and a result", func(w *exWorld) {
		p := w.pending(background)
		w.Go("derives", func() {
			q := p.then(func(v int) (int, error) { return v + 1, nil })
			if v, err := q.waitsFor(background); v != 2 || err != nil {
				w.Failf("Then makes %v, %v of 1", v, err)
			}
		})
		w.Go("completes", func() { p.completes(1) })
	}},
	{"what Then has made is cancelled, and a result", func(w *exWorld) {
		p := w.pending(background)
		q := p.then(func(v int) (int, error) { return v + 1, nil })
		w.Go("cancels", func() { q.cancels(errA) })
		w.Go("completes", func() { p.completes(1) })
		w.Go("waits", func() { q.waits(background) })
	}},
	{"a chain of three, whose last is cancelled", func(w *exWorld) {
		p := w.pending(background)
		q := p.then(func(v int) (int, error) { return v + 1, nil })
		r := q.then(func(v int) (int, error) { return v + 1, nil })
		w.Go("cancels", func() { r.cancels(errA) })
		w.Go("completes", func() { p.completes(1) })
		q.calls("first", nil)
	}},
	{"what Then makes is named after the first of its chain", func(w *exWorld) {
		p := w.pending(background, pending.Named("first"))
		q := p.then(func(v int) (int, error) { return v, nil })
		r := q.then(func(v int) (int, error) { return v, nil })
		if q.Name() != "then first" || r.Name() != "then first" {
			w.Failf("Then has made %q, and %q of that", q.Name(), r.Name())
		}
		w.Go("completes", func() { p.completes(1) })
	}},
	{"the context of a pending ends, and what Then has made is waited for", func(w *exWorld) {
		ctx := w.context()
		p := w.pending(ctx)
		q := p.then(func(v int) (int, error) { return v, nil })
		if q.Context().Done() != nil {
			w.Failf("what Then has made has a context that ends")
		}
		w.Go("waits", func() { q.waits(background) })
		w.ends(ctx)
	}},
	{"Then keeps a context that never ends as it is", func(w *exWorld) {
		p := w.pending(background)
		q := p.then(func(v int) (int, error) { return v, nil })
		if q.Context() != background {
			w.Failf("the contexts of a chain nest")
		}
		w.Go("completes", func() { p.completes(1) })
	}},
	{"the function of Then panics, and a wait", func(w *exWorld) {
		p := w.pending(background)
		q := p.then(func(int) (int, error) { panic(errA) })
		p.calls("after", nil)
		w.Go("waits", func() {
			_, err := q.waitsFor(background)
			if crash := (*pending.PanicError)(nil); !errors.As(err, &crash) || crash.Value != errA { //nolint:errorlint // The very value.
				w.Failf("the function of Then has panicked, and the error is %v", err)
			}
		})
		w.Go("completes", func() { p.completes(1) })
	}},
	{"the function of Then ends the goroutine, and two wait", func(w *exWorld) {
		p := w.pending(background)
		q := p.then(func(int) (int, error) { sim.Goexit(); return 0, nil })
		w.Go("waits", func() { q.waits(background) })
		w.Go("waits for the first", func() { p.waits(background) })
		w.Go("completes", func() { p.SetResult(1) })
	}},
	{"WaitAll, and two results", func(w *exWorld) {
		p, q := w.pending(background), w.pending(background)
		w.Go("waits", func() {
			done, rest, err := pending.WaitAll(background, []*pending.Pending[int]{p.Pending, q.Pending})
			if len(done) != 2 || len(rest) != 0 || err != nil {
				w.Failf("WaitAll has returned %d, %d, %v", len(done), len(rest), err)
			}
		})
		w.Go("completes", func() { p.completes(1) })
		w.Go("completes the other", func() { q.completes(2) })
	}},
	{"WaitAll for the first, and two results", func(w *exWorld) {
		p, q := w.pending(background), w.pending(background)
		w.Go("waits", func() {
			done, rest, err := pending.WaitAll(background, []*pending.Pending[int]{p.Pending, q.Pending}, pending.FirstCompleted())
			if len(done) == 0 || len(done)+len(rest) != 2 || err != nil {
				w.Failf("WaitAll has returned %d, %d, %v", len(done), len(rest), err)
			}
		})
		w.Go("completes", func() { p.completes(1) })
		w.Go("completes the other", func() { q.completes(2) })
	}},
	{"WaitAll in a function, whose context ends", func(w *exWorld) {
		p, q, ctx := w.pending(background), w.pending(background), w.context()
		c := w.call(ctx, func(ctx context.Context) (int, error) {
			_, _, err := pending.WaitAll(ctx, []*pending.Pending[int]{p.Pending, q.Pending}, pending.FirstError())
			return 0, err
		})
		w.runs(c)
		w.ends(ctx)
		w.Go("completes", func() {
			p.completes(1)
			q.fails(errA)
		})
	}},
	{"WaitAll with a timeout", func(w *exWorld) {
		p := w.pending(background)
		w.Go("waits", func() {
			if _, _, err := pending.WaitAll(background, []*pending.Pending[int]{p.Pending}, pending.Timeout(1)); err != nil {
				w.Failf("WaitAll has returned %v", err)
			}
		})
		w.Go("completes", func() { p.completes(1) })
	}},
	{"All, one of which fails", func(w *exWorld) {
		p, q := w.pending(background), w.pending(background)
		w.Go("waits", func() {
			if _, err := pending.All(background, p.Pending, q.Pending); !errors.Is(err, errA) {
				w.Failf("All has returned %v", err)
			}
			if !q.IsDone() {
				w.Failf("All has not cancelled what was left")
			}
		})
		w.Go("fails", func() { p.fails(errA) })
	}},
	{"Any in a function, and two results", func(w *exWorld) {
		p, q := w.pending(background), w.pending(background)
		c := w.call(background, func(ctx context.Context) (int, error) { return pending.Any(ctx, p.Pending, q.Pending) })
		w.runs(c)
		w.Go("completes", func() { p.SetResult(1) })
		w.Go("completes the other", func() { q.SetResult(2) })
	}},
	{"a loop over two, one of which comes twice", func(w *exWorld) {
		p, q := w.pending(background), w.pending(background)
		w.Go("loops", func() {
			n := 0
			for _, err := range pending.AsCompletedOf(background, []*pending.Pending[int]{p.Pending, q.Pending, p.Pending}) {
				if err != nil {
					w.Failf("the loop has failed: %v", err)
				}
				n++
			}
			if n != 3 {
				w.Failf("the loop has handed out %d", n)
			}
		})
		w.Go("completes", func() { p.completes(1) })
		w.Go("completes the other", func() { q.completes(2) })
	}},
	{"a loop whose context ends", func(w *exWorld) {
		p, ctx := w.pending(background), w.context()
		w.Go("loops", func() {
			for h, err := range pending.AsCompletedOf(ctx, []*pending.Pending[int]{p.Pending}) {
				if h == nil && !errors.Is(err, errEnd) {
					w.Failf("the loop has failed: %v", err)
				}
			}
		})
		w.ends(ctx)
		w.Go("completes", func() { p.SetResult(1) })
	}},

	// Groups.
	{"a group with a member that fails", func(w *exWorld) {
		p := w.pending(background)
		w.Go("waits", func() {
			g, _ := pending.NewGroup(background)
			g.Add(p)
			if err := g.Wait(); !errors.Is(err, errA) {
				w.Failf("the group has returned %v", err)
			}
		})
		w.Go("fails", func() { p.fails(errA) })
	}},
	{"a group is cancelled, and its member has a result", func(w *exWorld) {
		p := w.pending(background)
		g, _ := pending.NewGroup(background)
		g.Add(p)
		w.Go("waits", func() { _ = g.Wait() })
		w.Go("cancels", func() { g.Cancel(errA) })
		w.Go("completes", func() { p.SetResult(1) })
	}},
	{"the context of a group ends, and its member has a result", func(w *exWorld) {
		p, ctx := w.pending(background), w.context()
		g, inside := pending.NewGroup(ctx)
		g.Add(p)
		w.Go("waits", func() {
			_ = g.Wait()
			if inside.Err() == nil {
				w.Failf("the context of a group that is over has not ended")
			}
		})
		w.ends(ctx)
		w.Go("completes", func() { p.SetResult(1) })
	}},
	{"a group with a timeout, and a member that has a result", func(w *exWorld) {
		p := w.pending(background)
		g, _ := pending.NewGroup(background, pending.WithTimeout(1))
		g.Add(p)
		w.Go("waits", func() { _ = g.Wait() })
		w.Go("completes", func() { p.SetResult(1) })
	}},
	{"a group in a group, and a member that fails", func(w *exWorld) {
		p := w.pending(background)
		outer, inside := pending.NewGroup(background)
		inner, _ := pending.NewGroup(inside)
		inner.Add(p)
		w.Go("waits", func() {
			if err := outer.Wait(); !errors.Is(err, errA) {
				w.Failf("the outer group has returned %v", err)
			}
		})
		w.Go("waits for the inner one", func() {
			if err := inner.Wait(); !errors.Is(err, errA) {
				w.Failf("the inner group has returned %v", err)
			}
		})
		w.Go("fails", func() { p.fails(errA) })
	}},
	{"a group in a function, and a member joins", func(w *exWorld) {
		p, q := w.pending(background), w.pending(background)
		c := w.call(background, func(ctx context.Context) (int, error) {
			g, _ := pending.NewGroup(ctx)
			g.Add(p)
			p.calls("adds", func() { g.Add(q) })
			return 0, g.Wait()
		})
		w.runs(c)
		w.Go("completes", func() {
			p.completes(1)
			q.completes(2)
		})
	}},
	{"a manager, and two results", func(w *exWorld) {
		p := w.pending(background)
		m := pending.NewManager()
		w.Go("adds", func() { m.Add(p) })
		w.Go("completes", func() { p.completes(1) })
		end := w.AtEnd
		w.AtEnd = func() {
			end()
			if len(m.Pending()) != 0 {
				w.Failf("the manager lists what is done")
			}
		}
	}},

	// Locks.
	{"three take a lock", func(w *exWorld) {
		m := w.mutex()
		for range 3 {
			w.Go("locks", func() { _ = w.uses(background, m) })
		}
	}},
	{"two take a lock, and the context of one ends", func(w *exWorld) {
		m, ctx := w.mutex(), w.context()
		w.Go("locks", func() { _ = w.uses(background, m) })
		w.Go("locks too", func() { _ = w.uses(ctx, m) })
		w.ends(ctx)
	}},
	{"three take parts of a semaphore, and the context of the largest ends", func(w *exWorld) {
		s, ctx := pending.NewSemaphore(2), w.context()
		w.locks = append(w.locks, s)
		for i, n := range []int64{1, 2, 1} {
			of := background
			if i == 1 {
				of = ctx
			}
			w.Go(fmt.Sprintf("acquires %d", n), func() {
				if s.Acquire(of, n) == nil {
					s.Release(n)
				}
			})
		}
		w.ends(ctx)
	}},
	{"two functions take a lock, and one is cancelled", func(w *exWorld) {
		m := w.mutex()
		use := func(ctx context.Context) (int, error) { return 0, w.uses(ctx, m) }
		a, b := w.call(background, use), w.call(background, use)
		w.runs(a)
		w.runs(b)
		w.Go("cancels", func() { a.cancels(errA) })
	}},
}

// runs is a scheduler that runs a function.
func (w *exWorld) runs(p *exPending) { w.Go("runs "+p.name, func() { _ = p.task.Run() }) }

// interrupts ends the context of a function when that runs, and looks at how it ends.
func (w *exWorld) interrupts(c *exPending, isRight func() bool) {
	w.Go("interrupts", func() {
		w.Current().Await(func() bool { return c.runs > 0 }, "wait until the function runs")
		w.Note()
		c.task.Interrupt(errA)
	})
	end := w.AtEnd
	w.AtEnd = func() {
		end()
		if !isRight() {
			w.Failf("the function was interrupted, and its error is %v", c.errNow())
		}
	}
}

// afterAll returns a context that ends when a pending is done.
func (w *exWorld) afterAll(p *exPending) context.Context {
	ctx := w.context()
	w.Go("ends a context", func() {
		sim.Recv(p.Done())
		ctx.cancel(errEnd)
	})
	return ctx
}

// abandons is the end of the grace period of a stop.
func (w *exWorld) abandons(p *exPending) {
	w.Go("abandons "+p.name, func() { p.task.Abandon(errAbandoned) })
}

// mutex makes a lock.
func (w *exWorld) mutex() *pending.Mutex {
	m := pending.NewMutex()
	w.locks = append(w.locks, pending.LockOf(m))
	return m
}

// uses takes a lock, and looks whether nobody else has it.
func (w *exWorld) uses(ctx context.Context, m *pending.Mutex) error {
	if err := m.Lock(ctx); err != nil {
		return err
	}
	w.Note()
	w.inside++
	sim.Step("has the lock")
	if w.inside != 1 {
		w.Failf("%d have the lock", w.inside)
	}
	w.inside--
	m.Unlock()
	return nil
}

// operation is one of those of which each pair, and each three with a wait, make a script.
type operation struct {
	name string
	do   func(w *exWorld, p *exPending, ctx *exContext)
}

// onPending are the operations on a pending without a function, and onCall those on a call.
// ctx is the context of the pending.
var (
	onAny = []operation{
		{"a cancel", func(_ *exWorld, p *exPending, _ *exContext) { p.cancels(errA) }},
		{"another cancel", func(_ *exWorld, p *exPending, _ *exContext) { p.cancels(errB) }},
		{"the end of the context", func(_ *exWorld, _ *exPending, ctx *exContext) { ctx.cancel(errEnd) }},
		{"a wait", func(_ *exWorld, p *exPending, _ *exContext) { p.waits(background) }},
		{"a wait with the context", func(_ *exWorld, p *exPending, ctx *exContext) { p.waits(ctx) }},
		{"a protected wait with a timeout", func(_ *exWorld, p *exPending, _ *exContext) {
			p.waits(background, pending.Protect(), pending.Timeout(1))
		}},
		{"a wait with a timeout", func(_ *exWorld, p *exPending, _ *exContext) { p.waits(background, pending.Timeout(1)) }},
		{"Done", func(_ *exWorld, p *exPending, _ *exContext) { p.observes() }},
		{"a callback", func(_ *exWorld, p *exPending, _ *exContext) { p.calls("callback", nil) }},
		{"a callback that is removed", func(_ *exWorld, p *exPending, _ *exContext) {
			remove := p.calls("removed", nil)
			remove()
		}},
		{"a callback that panics", func(_ *exWorld, p *exPending, _ *exContext) {
			p.calls("panics", func() { panic(errA) })
		}},
		{"a look", func(_ *exWorld, p *exPending, _ *exContext) { p.looks() }},
		{"a wait in a function", func(w *exWorld, p *exPending, ctx *exContext) {
			_ = w.call(ctx, func(ctx context.Context) (int, error) { return p.waitsFor(ctx) }).task.Run()
		}},
		{"Then", func(w *exWorld, p *exPending, _ *exContext) {
			p.then(func(v int) (int, error) { return v + 1, nil })
		}},
		{"Then, which is cancelled", func(w *exWorld, p *exPending, _ *exContext) {
			p.then(func(v int) (int, error) { return v + 1, nil }).cancels(errB)
		}},
	}
	onPending = append([]operation{
		{"a result", func(_ *exWorld, p *exPending, _ *exContext) { p.completes(1) }},
		{"an error", func(_ *exWorld, p *exPending, _ *exContext) { p.fails(errA) }},
		{"a canceller", func(_ *exWorld, p *exPending, _ *exContext) {
			p.SetCanceller(func(error) { p.fails(errB) })
		}},
	}, onAny...)
	onCall = append([]operation{
		{"a reject", func(_ *exWorld, p *exPending, _ *exContext) { p.task.Reject(errB) }},
		{"an abandon", func(_ *exWorld, p *exPending, _ *exContext) { p.task.Abandon(errAbandoned) }},
		{"an interrupt", func(_ *exWorld, p *exPending, _ *exContext) { p.task.Interrupt(errB) }},
	}, onAny...)
)

// together makes a script of operations. In the end the pending is completed.
func together(isCall bool, ops ...operation) script {
	var names []string
	for _, op := range ops {
		names = append(names, op.name)
	}
	what := "a pending: "
	if isCall {
		what = "a call: "
	}
	return script{what + strings.Join(names, ", and "), func(w *exWorld) {
		ctx := w.context()
		var p *exPending
		if isCall {
			p = w.call(ctx, func(ctx context.Context) (int, error) {
				if ctx.Err() != nil {
					return 0, sim.Cause(ctx)
				}
				return 0, errA
			})
			w.runs(p)
		} else {
			p = w.pending(ctx)
		}
		for _, op := range ops {
			w.Go(op.name, func() { op.do(w, p, ctx) })
		}
		if !isCall {
			w.Go("completes at last", func() { p.completes(2) })
		}
	}}
}

func pairs() (of []script) {
	for i, ops := range [][]operation{onPending, onCall} {
		for j, a := range ops {
			for _, b := range ops[j:] {
				of = append(of, together(i == 1, a, b))
			}
		}
	}
	return of
}

func triples() (of []script) {
	for i, ops := range [][]operation{onPending, onCall} {
		for j, a := range ops {
			for k, b := range ops[j:] {
				for _, c := range ops[j+k:] {
					of = append(of, together(i == 1, a, b, c))
				}
			}
		}
	}
	return of
}
