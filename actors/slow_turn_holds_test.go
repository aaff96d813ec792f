package actors_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// holder is a function that hangs, and what it holds.
type holder struct {
	p       *pending.Pending[int]
	mutex   *pending.Mutex
	sem     *pending.Semaphore
	promise *pending.Pending[int]
}

// newGate returns a channel, and what closes it; which may be called several times.
func newGate() (free chan struct{}, open func()) {
	free = make(chan struct{})
	return free, sync.OnceFunc(func() { close(free) })
}

func lock(ctx context.Context, t *testing.T, m *pending.Mutex) {
	t.Helper()
	assert.NoError(t, m.Lock(ctx))
}

// newHolder has run start a function that locks and then hangs until free is closed.
func newHolder(
	ctx context.Context, free <-chan struct{}, run func(fn func(context.Context) (int, error)) *pending.Pending[int],
) *holder {
	h := &holder{mutex: pending.NewMutex(pending.Named("m")), sem: pending.NewSemaphore(2, pending.Named("s"))}
	h.p = run(func(ctx context.Context) (int, error) {
		if err := h.mutex.Lock(ctx); err != nil {
			return 0, err
		}
		defer h.mutex.Unlock()
		if err := h.sem.Acquire(ctx, 1); err != nil {
			return 0, err
		}
		defer h.sem.Release(1)
		<-free
		return 1, nil
	})
	h.promise = pending.New[int](ctx, pending.CompletedBy(h.p))
	h.p.OnDone(func(pending.Handle) { h.promise.SetResult(1) })
	return h
}

func itself(n int) (int, error) { return n, nil }

// waitsForHeld are ways to wait for what a function holds, with what the warning says.
var waitsForHeld = map[string]struct {
	wait func(ctx context.Context, h *holder)
	want string
}{
	"a mutex": {want: ", for mutex m", wait: func(ctx context.Context, h *holder) {
		if h.mutex.Lock(ctx) == nil {
			h.mutex.Unlock()
		}
	}},
	"a semaphore": {want: ", for semaphore s", wait: func(ctx context.Context, h *holder) {
		if h.sem.Acquire(ctx, 2) == nil {
			h.sem.Release(2)
		}
	}},
	"a promise":              {wait: func(ctx context.Context, h *holder) { _, _ = h.promise.Wait(ctx) }},
	"a promise, with a turn": {wait: func(ctx context.Context, h *holder) { _, _ = h.promise.WaitSync(ctx) }},
	"All of a promise":       {wait: func(ctx context.Context, h *holder) { _, _ = pending.All(ctx, h.promise, inAnHour(ctx)) }},
	"Any of a promise":       {wait: func(ctx context.Context, h *holder) { _, _ = pending.Any(ctx, inAnHour(ctx), h.promise) }},
	"Then of a promise":      {wait: func(ctx context.Context, h *holder) { _, _ = pending.Then(h.promise, itself).Wait(ctx) }},
	"a promise of a promise": {wait: func(ctx context.Context, h *holder) {
		p := pending.New[int](ctx, pending.CompletedBy(h.promise))
		h.promise.OnDone(func(pending.Handle) { p.SetResult(1) })
		_, _ = p.Wait(ctx)
	}},
	"a group of a promise": {wait: func(ctx context.Context, h *holder) {
		g, _ := pending.NewGroup(ctx)
		g.Add(h.promise)
		_ = g.Wait()
	}},
}

func TestLongTurnIsLoggedWhileSomethingWaitsForWhatItHolds(t *testing.T) {
	type test struct {
		wait func(ctx context.Context, h *holder)
		want string
	}
	tests := map[string]test{
		"a function with a timeout": {wait: func(ctx context.Context, h *holder) {
			_, _ = h.p.Wait(ctx, pending.Timeout(10*time.Hour), pending.Protect())
		}},
		"WaitAll with a timeout": {wait: func(ctx context.Context, h *holder) {
			_, _, _ = pending.WaitAll(ctx, []*pending.Pending[int]{h.p}, pending.Timeout(10*time.Hour))
		}},
		"a group with a timeout": {wait: func(ctx context.Context, h *holder) {
			g, _ := pending.NewGroup(ctx, pending.WithTimeout(10*time.Hour))
			g.Add(pending.Then(h.p, itself))
			_ = g.Wait()
		}},
		"one of a function and another": {wait: func(ctx context.Context, h *holder) {
			_, _, _ = pending.WaitAll(ctx, []*pending.Pending[int]{inAnHour(ctx), h.p}, pending.FirstCompleted())
		}},
	}
	for name, tt := range waitsForHeld {
		tests[name] = test(tt)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				free, release := newGate()
				defer release()
				log, logTo := warned()
				other := start(t, system, props.Name("other"))
				c := start(t, system, logTo)
				h := newHolder(t.Context(), free, func(fn func(context.Context) (int, error)) *pending.Pending[int] {
					return actors.Schedule(t.Context(), c, fn, actors.Named("hanging"))
				})
				time.Sleep(time.Hour)
				assert.Empty(t, log.get(), "nothing waits yet")
				waits := actors.Schedule(t.Context(), other, func(ctx context.Context) (any, error) {
					tt.wait(ctx, h)
					return nil, nil
				}, actors.Named("waiter"))
				time.Sleep(time.Minute)
				w := log.only(t)
				assert.Equal(t, "hanging", w.function)
				assert.Equal(t, "the function waiter of callers/other"+tt.want, w.waiting)
				assert.Equal(t, 1, w.goroutines(), w.stack)
				release()
				result(t, waits)
				assert.Len(t, log.get(), 1)
			})
		})
	}
}

// Who waits for a long job has asked for it. Who waits for what the job holds has not.
func TestLongJobIsLoggedOnlyWhileSomethingWaitsForWhatItHolds(t *testing.T) {
	for name, tt := range waitsForHeld {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				free, release := newGate()
				defer release()
				log, logTo := warned()
				other := start(t, system, props.Name("other"))
				c := start(t, system, logTo)
				h := newHolder(t.Context(), free, func(fn func(context.Context) (int, error)) *pending.Pending[int] {
					return actors.ToThread(t.Context(), c, fn)
				})
				for _, wait := range []func(ctx context.Context){
					func(ctx context.Context) { _, _ = h.p.Wait(ctx) },
					func(ctx context.Context) { _, _ = pending.All(ctx, h.p) },
					func(ctx context.Context) { _, _ = pending.Then(h.p, itself).Wait(ctx) },
				} {
					do(t.Context(), other, wait)
				}
				time.Sleep(time.Hour)
				assert.Empty(t, log.get(), "who has asked for the job waits for it")
				waits := actors.Schedule(t.Context(), other, func(ctx context.Context) (any, error) {
					tt.wait(ctx, h)
					return nil, nil
				}, actors.Named("waiter"))
				time.Sleep(time.Minute)
				w := log.only(t)
				assert.Equal(t, "the function waiter of callers/other"+tt.want, w.waiting)
				assert.Equal(t, 1, w.goroutines(), w.stack)
				release()
				result(t, waits)
			})
		})
	}
}

// A goroutine that waits for a call has asked for it. One that waits for a lock has not.
func TestLongTurnIsLoggedWhileAGoroutineWaitsForItsLock(t *testing.T) {
	for name, run := range map[string]func(ctx context.Context, c *actors.Caller, fn func(context.Context) (int, error)) *pending.Pending[int]{
		"call": actors.CallSoon[int],
		"job":  actors.ToThread[int],
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				free, release := newGate()
				defer release()
				log, logTo := warned()
				c := start(t, system, logTo)
				h := newHolder(t.Context(), free, func(fn func(context.Context) (int, error)) *pending.Pending[int] {
					return run(t.Context(), c, fn)
				})
				waits := func(lock func(context.Context) error, unlock func()) (done chan struct{}) {
					done = make(chan struct{})
					go func() {
						defer close(done)
						ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
						defer cancel()
						assert.ErrorIs(t, lock(ctx), context.DeadlineExceeded)
						assert.NoError(t, lock(context.Background()))
						unlock()
					}()
					return done
				}
				time.Sleep(time.Hour)
				assert.Empty(t, log.get(), "nothing waits yet")
				first := waits(h.mutex.Lock, h.mutex.Unlock)
				synctest.Wait()
				second := waits(func(ctx context.Context) error { return h.sem.Acquire(ctx, 2) }, func() { h.sem.Release(2) })
				time.Sleep(time.Hour)
				w := log.only(t)
				assert.Equal(t, "1 goroutines that wait for mutex m | 1 goroutines that wait for semaphore s", w.waiting)
				assert.Equal(t, 1, w.goroutines(), w.stack)
				release()
				<-first
				<-second
				result(t, h.p)
			})
		})
	}
}

// The function gets the lock while the goroutine waits already.
func TestLongTurnIsLoggedWhileAGoroutineWaitsForALockThatWasHandedOver(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		free, release := newGate()
		defer release()
		log, logTo := warned()
		m := pending.NewMutex(pending.Named("m"))
		assert.True(t, m.TryLock())
		p := do(t.Context(), start(t, system, logTo), func(ctx context.Context) {
			lock(ctx, t, m)
			<-free
			m.Unlock()
		})
		synctest.Wait()
		done := make(chan struct{})
		go func() {
			defer close(done)
			assert.NoError(t, m.Lock(context.Background()))
			m.Unlock()
		}()
		time.Sleep(time.Hour)
		assert.Empty(t, log.get(), "nobody knows who has the lock")
		m.Unlock()
		time.Sleep(time.Hour)
		assert.Equal(t, "1 goroutines that wait for mutex m", log.only(t).waiting)
		release()
		<-done
		result(t, p)
	})
}

// A lock that was handed back, or that somebody else holds, is nothing to wait for here.
func TestLongTurnIsNotLoggedForALockThatItHasReleased(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		free, release := newGate()
		defer release()
		log, logTo := warned()
		m := pending.NewMutex()
		long := do(t.Context(), start(t, system, logTo), func(ctx context.Context) {
			lock(ctx, t, m)
			m.Unlock()
			<-free
		})
		synctest.Wait()
		held := do(t.Context(), start(t, system), func(ctx context.Context) {
			lock(ctx, t, m)
			defer m.Unlock()
			_ = actors.Sleep(ctx, time.Hour)
		})
		waits := do(t.Context(), start(t, system), func(ctx context.Context) {
			lock(ctx, t, m)
			m.Unlock()
		})
		result(t, held)
		result(t, waits)
		assert.Empty(t, log.get())
		release()
		result(t, long)
	})
}

// A function that calls in place waits, and so do those who wait for it.
func TestLongTurnOfACallInPlaceIsLogged(t *testing.T) {
	if again() { // calls are queued on other backends
		return
	}
	for name, opts := range map[string][]props.Option{"": nil, "non-reentrant": {props.NonReentrant()}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				free, release := newGate()
				defer release()
				log, logTo := warned()
				a := start(t, system, append(opts, logTo, props.Name("a"))...)
				b := start(t, system, logTo, props.Name("b"))
				p := actors.Schedule(t.Context(), a, func(ctx context.Context) (int, error) {
					return actors.Call(ctx, b, func(context.Context) (int, error) {
						<-free
						return 1, nil
					}, actors.Named("inner"))
				}, actors.Named("outer"))
				time.Sleep(time.Minute)
				w := log.only(t)
				assert.Equal(t, "callers/b", w.caller)
				assert.Equal(t, "inner", w.function)
				assert.Equal(t, "the function outer of callers/a", w.waiting)
				assert.Equal(t, 1, w.goroutines(), w.stack)
				assert.Contains(t, w.stack[len(w.stack)-1], "TestLongTurnOfACallInPlaceIsLogged.func")
				release()
				result(t, p)
			})
		})
	}
}

// The goroutine runs two functions. Each is found, also where both are the same.
func TestStackOfAFunctionThatCallsInPlaceIsFound(t *testing.T) {
	if again() {
		return
	}
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		free, release := newGate()
		defer release()
		logA, toA := warned()
		logB, toB := warned()
		a := start(t, system, toA, props.Name("a"), props.NonReentrant())
		b := start(t, system, toB, props.Name("b"))
		var nested func(ctx context.Context) (int, error)
		nested = func(ctx context.Context) (int, error) {
			if c, _ := actors.Current(ctx); c == a {
				return actors.Call(ctx, b, nested, actors.Named("inner"))
			}
			<-free
			return 1, nil
		}
		p := actors.Schedule(t.Context(), a, nested, actors.Named("outer"))
		synctest.Wait()
		queued := actors.CallSoon(t.Context(), a, returns(1))
		time.Sleep(time.Minute)
		outer, inner := logA.only(t), logB.only(t)
		assert.Equal(t, "outer", outer.function)
		assert.Equal(t, "1 queued calls or messages", outer.waiting)
		assert.Equal(t, "inner", inner.function)
		assert.Equal(t, "the function outer of callers/a", inner.waiting)
		for w, calls := range map[*warning]int{&outer: 2, &inner: 1} {
			assert.Equal(t, 1, w.goroutines(), w.stack)
			lines := strings.Join(w.stack, "\n")
			assert.Equal(t, calls, strings.Count(lines, "TestStackOfAFunctionThatCallsInPlaceIsFound."), lines)
			assert.Equal(t, calls-1, strings.Count(lines, "actors.Call["), lines)
		}
		release()
		result(t, p)
		result(t, queued)
	})
}

// A function that has returned has the turn until its callbacks have. Its stack is not that
// of another call of the same function.
func TestStackOfALongCallbackIsFound(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		free, release := newGate()
		defer release()
		log, logTo := warned()
		waits := make(chan bool, 2)
		same := func(context.Context) (int, error) {
			if <-waits {
				<-free
			}
			return 1, nil
		}
		elsewhere := actors.CallSoon(t.Context(), start(t, system), same)
		waits <- true
		synctest.Wait()
		a := start(t, system, logTo)
		long := actors.Schedule(t.Context(), a, same, actors.Named("subject"))
		long.OnDone(func(pending.Handle) { compute(time.Hour) })
		waits <- false
		synctest.Wait()
		queued := actors.CallSoon(t.Context(), a, returns(1))
		time.Sleep(time.Minute)
		w := log.only(t)
		assert.Equal(t, "subject", w.function)
		assert.Equal(t, 1, w.goroutines(), w.stack)
		assert.Contains(t, w.record, "actors_test.compute(")
		release()
		result(t, queued)
		result(t, elsewhere)
	})
}

func TestLongHookIsLoggedWhileCallsWait(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log, logTo := warned()
		c := unstarted(t, system, logTo, props.OnStart(func(ctx context.Context) error {
			compute(time.Hour)
			return nil
		}))
		queued := actors.CallSoon(t.Context(), c, returns(1))
		go func() { _ = c.Start() }()
		time.Sleep(time.Minute)
		w := log.only(t)
		assert.Equal(t, "1 queued calls or messages", w.waiting)
		assert.Equal(t, 1, w.goroutines(), w.stack)
		assert.Contains(t, w.record, "actors_test.compute(")
		result(t, queued)
	})
}

// Callers on one loop share its goroutine.
func TestLongTurnIsLoggedWhileAnotherCallerWaitsForTheLoopOfTheHost(t *testing.T) {
	if again() {
		return
	}
	for name, begin := range map[string]func(t *testing.T, c *actors.Caller) pending.Handle{
		"queued": func(t *testing.T, c *actors.Caller) pending.Handle {
			return actors.CallSoon(t.Context(), c, returns(1))
		},
		"suspended": func(t *testing.T, c *actors.Caller) pending.Handle {
			return do(t.Context(), c, func(ctx context.Context) { _ = actors.Sleep(ctx, time.Hour) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				loop := newLoop(t)
				free, release := newGate()
				defer release()
				log, logTo := warned()
				a := start(t, system, props.HostedBy(loop), logTo)
				b, c := start(t, system, props.HostedBy(loop)), start(t, system, props.HostedBy(newLoop(t)))
				suspended := name == "suspended"
				var waits pending.Handle
				if suspended {
					waits = begin(t, b)
					synctest.Wait()
				}
				long := actors.Schedule(t.Context(), a, hang(free), actors.Named("hanging"))
				time.Sleep(time.Minute)
				result(t, actors.CallSoon(t.Context(), c, returns(1)))
				time.Sleep(time.Minute)
				assert.Empty(t, log.get(), "the loop of another host")
				if !suspended {
					waits = begin(t, b)
				}
				time.Sleep(2 * time.Hour)
				w := log.only(t)
				assert.Equal(t, "hanging", w.function)
				assert.Equal(t, "1 callers that need the loop of the host", w.waiting)
				release()
				result(t, long)
				<-waits.Done()
			})
		})
	}
}
