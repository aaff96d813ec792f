package actors_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// crossCalls are how a function calls another caller.
var crossCalls = map[string]func(ctx context.Context, c *actors.Caller) *pending.Pending[string]{
	"Call": func(ctx context.Context, c *actors.Caller) *pending.Pending[string] {
		value, err := actors.Call(ctx, c, second)
		return completed(value, err)
	},
	"CallSoon": func(ctx context.Context, c *actors.Caller) *pending.Pending[string] {
		return actors.CallSoon(ctx, c, second)
	},
	"CallLater": func(ctx context.Context, c *actors.Caller) *pending.Pending[string] {
		return actors.CallLater(ctx, c, time.Second, second)
	},
	"ToThread": func(ctx context.Context, c *actors.Caller) *pending.Pending[string] {
		return actors.ToThread(ctx, c, second)
	},
	"Urgent": func(ctx context.Context, c *actors.Caller) *pending.Pending[string] {
		return actors.Schedule(ctx, c, second, actors.Urgent())
	},
	"OnWorker": func(ctx context.Context, c *actors.Caller) *pending.Pending[string] {
		return actors.Schedule(ctx, c, second, actors.OnWorker())
	},
	"PutContext": func(ctx context.Context, c *actors.Caller) *pending.Pending[string] {
		return handled(c, func(q *actors.Queue[int]) error { return q.PutContext(ctx, 1) })
	},
	"PutWait": func(ctx context.Context, c *actors.Caller) *pending.Pending[string] {
		return handled(c, func(q *actors.Queue[int]) error { return q.PutWait(ctx, 1) })
	},
}

func completed(value string, err error) *pending.Pending[string] {
	p := pending.New[string](context.Background())
	if err != nil {
		p.SetError(err)
	} else {
		p.SetResult(value)
	}
	return p
}

// handled puts an item into a new queue of c. The pending is done when that is handled.
func handled(c *actors.Caller, put func(*actors.Queue[int]) error) *pending.Pending[string] {
	p := pending.New[string](context.Background())
	q := actors.NewQueue(c, func(ctx context.Context, _ int) error {
		p.SetResult("done")
		return actors.Sleep(ctx, time.Second)
	})
	if err := put(q); err != nil {
		p.SetError(err)
	}
	return p
}

// meanwhile starts a drain, and returns how it has ended when that has begun.
func meanwhile(drain func() error) <-chan error {
	drained := make(chan error, 1)
	go func() { drained <- drain() }()
	synctest.Wait()
	return drained
}

func TestShutdownFinishesCallsOnIdleCallers(t *testing.T) {
	for name, call := range crossCalls {
		for _, waits := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					account, other := start(t, system), child(t, start(t, system))
					called := pending.New[string](t.Context())
					first := actors.CallSoon(t.Context(), account, then(second, func(ctx context.Context) (string, error) {
						p := call(ctx, other)
						forward(p, called)
						if waits {
							return p.Wait(ctx)
						}
						return "done", nil
					}))
					require.NoError(t, actors.Shutdown(t.Context(), system))
					assert.Equal(t, "done", result(t, first))
					assert.Equal(t, "done", result(t, called))
				})
			})
		}
	}
}

func TestDrainFinishesCallsWithinItsTree(t *testing.T) {
	for name, call := range crossCalls {
		for from, work := range map[string]func(ctx context.Context, c, cousin *actors.Caller) *pending.Pending[string]{
			"a child calls its cousin": func(ctx context.Context, _, cousin *actors.Caller) *pending.Pending[string] { return call(ctx, cousin) },
			"a child calls the parent, which calls the other child": func(ctx context.Context, c, cousin *actors.Caller) *pending.Pending[string] {
				return actors.CallSoon(ctx, c, func(ctx context.Context) (string, error) { return call(ctx, cousin).Wait(ctx) })
			},
		} {
			t.Run(from+", "+name, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					c := start(t, system)
					cousin := child(t, child(t, c))
					called := pending.New[string](t.Context())
					actors.CallSoon(t.Context(), child(t, c), then(second, func(ctx context.Context) (string, error) {
						forward(work(ctx, c, cousin), called)
						return "", nil
					}))
					require.NoError(t, c.Drain(t.Context()))
					assert.Equal(t, "done", result(t, called))
				})
			})
		}
	}
}

func TestDrainRefusesWhatOthersAskForInItsTree(t *testing.T) {
	for how, drain := range drains {
		for name, call := range crossCalls {
			t.Run(how+", "+name, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					stranger := start(t, newSystem(t))
					c := start(t, system)
					idle, busy := child(t, c), child(t, c)
					work := actors.CallSoon(t.Context(), busy, second)
					synctest.Wait()
					drained := meanwhile(func() error { return drain(t.Context(), c) })
					for _, to := range []*actors.Caller{c, idle, busy} {
						require.ErrorIs(t, failure(call(t.Context(), to)), pending.ErrStopped)
						require.ErrorIs(t, failure(actors.CallSoon(t.Context(), stranger, func(ctx context.Context) (string, error) {
							return call(ctx, to).Wait(ctx)
						})), pending.ErrStopped)
						require.ErrorIs(t, to.CallDirect(func() { t.Error("it ran") }), pending.ErrStopped)
						assert.Equal(t, actors.StateRunning, to.State(), "a function that is at work may call it")
					}
					require.NoError(t, <-drained)
					assert.Equal(t, "done", result(t, work))
				})
			})
		}
	}
}

func TestDrainRefusesItemsOfOthers(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		full := actors.NewQueue(c, func(ctx context.Context, _ int) error { return actors.Sleep(ctx, time.Second) }, actors.QueueCapacity(1))
		require.NoError(t, full.Put(1))
		synctest.Wait()
		require.NoError(t, full.Put(2))
		waits := make(chan error, 1)
		go func() { waits <- full.PutWait(t.Context(), 3) }()
		synctest.Wait()
		drained := meanwhile(func() error { return c.Drain(t.Context()) })
		require.ErrorIs(t, full.PutContext(t.Context(), 4), pending.ErrStopped)
		require.ErrorIs(t, <-waits, pending.ErrStopped, "there was room, in the drain")
		begin := time.Now()
		require.NoError(t, <-drained)
		assert.Equal(t, time.Second, time.Since(begin))
		assert.Zero(t, full.Failed())
	})
}

func TestDrainEndsDespiteAProducer(t *testing.T) {
	for how, drain := range drains {
		t.Run(how, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system)
				var taken, handled atomic.Int32
				q := actors.NewQueue(c, func(ctx context.Context, _ int) error {
					handled.Add(1)
					return actors.Sleep(ctx, time.Millisecond)
				}, actors.QueueCapacity(10))
				ended := make(chan error, 1)
				go func() {
					for {
						if err := q.PutWait(context.Background(), 1); err != nil {
							ended <- err
							return
						}
						taken.Add(1)
					}
				}()
				synctest.Wait()
				require.NoError(t, drain(t.Context(), c))
				require.ErrorIs(t, <-ended, pending.ErrStopped)
				assert.Equal(t, taken.Load(), handled.Load())
			})
		})
	}
}

func TestDrainTakesWhatItsFunctionsPut(t *testing.T) {
	for how, drain := range drains {
		t.Run(how, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system)
				var handled atomic.Int32
				q := actors.NewQueue(c, func(context.Context, int) error {
					handled.Add(1)
					return nil
				})
				work := actors.CallSoon(t.Context(), c, actors.NoResult(func(ctx context.Context) error {
					if err := actors.Sleep(ctx, time.Second); err != nil {
						return err
					}
					return errors.Join(q.Put(1), q.PutContext(ctx, 2), q.PutWait(ctx, 3))
				}))
				synctest.Wait()
				require.NoError(t, drain(t.Context(), c))
				require.NoError(t, failure(work))
				assert.EqualValues(t, 3, handled.Load())
			})
		})
	}
}

// Whoever adds something at the moment at which the drain ends is refused, or it is handled.
func TestDrainDropsNothingThatItHasTaken(t *testing.T) {
	for name, add := range map[string]func(c *actors.Caller, done func()) func() error{
		"Put": func(c *actors.Caller, done func()) func() error {
			q := actors.NewQueue(c, func(context.Context, int) error { done(); return nil })
			return func() error { return q.Put(1) }
		},
		"CallDirect": func(c *actors.Caller, done func()) func() error {
			return func() error { return c.CallDirect(done) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			system := newSystem(t)
			for range 100 {
				c := start(t, system)
				var taken, handled atomic.Int32
				put := add(c, func() { handled.Add(1) })
				var all sync.WaitGroup
				for range 2 {
					all.Go(func() {
						for put() == nil {
							taken.Add(1)
							for k := 0; k < 2000 && handled.Load() < taken.Load(); k++ {
								runtime.Gosched()
							}
						}
					})
				}
				for range 100 {
					runtime.Gosched()
				}
				require.NoError(t, c.Drain(t.Context()))
				all.Wait()
				require.Equal(t, taken.Load(), handled.Load())
			}
		})
	}
}

// A drain looks at one caller after the other. What goes to one that it has looked at is not
// missed.
func TestShutdownMissesNothingThatGoesFromCallerToCaller(t *testing.T) {
	for range 100 {
		system := newSystem(t)
		var all []*actors.Caller
		for range 5 {
			c := start(t, system, props.MaxIdleWorkers(0), props.MaxWorkers(1))
			all = append(all, c, child(t, c))
		}
		p := pending.New[string](t.Context())
		var hop func(n int) func(ctx context.Context) (string, error)
		hop = func(n int) func(ctx context.Context) (string, error) {
			return func(ctx context.Context) (string, error) {
				next := all[n*7%len(all)]
				var called pending.Handle
				switch {
				case n == 0:
					p.SetResult("done")
					return "", nil
				case n%9 == 0:
					called = actors.ToThread(ctx, next, hop(n-1))
				case n%9 == 1:
					called = actors.CallLater(ctx, next, time.Microsecond, hop(n-1))
				default:
					called = actors.CallSoon(ctx, next, hop(n-1))
				}
				if called.IsDone() && called.Err() != nil {
					p.SetError(called.Err())
				}
				return "", nil
			}
		}
		actors.CallSoon(t.Context(), all[0], hop(200))
		require.NoError(t, actors.Shutdown(t.Context(), system))
		require.True(t, p.IsDone())
		assert.Equal(t, "done", result(t, p))
	}
}

func TestShutdownDrainsCallersThatAreStartedMeanwhile(t *testing.T) {
	for name, begin := range map[string]func(t *testing.T, system *actor.ActorSystem) *actors.Caller{
		"Start": func(t *testing.T, system *actor.ActorSystem) *actors.Caller { return start(t, system) },
		"Main":  func(_ *testing.T, system *actor.ActorSystem) *actors.Caller { return actors.Main(system) },
		"adopted": func(t *testing.T, system *actor.ActorSystem) *actors.Caller {
			return adopted(t, system, nil, "late", puppet, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				var late *actors.Caller
				var work *pending.Pending[string]
				actors.CallSoon(t.Context(), start(t, system), then(second, func(ctx context.Context) (string, error) {
					late = begin(t, system)
					work = actors.CallSoon(ctx, late, second)
					return "", nil
				}))
				require.NoError(t, actors.Shutdown(t.Context(), system))
				assert.Equal(t, "done", result(t, work))
				assert.Equal(t, actors.StateStopped, late.State())
				for c := range actors.All(system) {
					t.Error(c)
				}
			})
		})
	}
}

func TestShutdownThatRunsOutStopsCallersThatAreStartedMeanwhile(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		actors.CallSoon(t.Context(), start(t, system), asleep)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		drained := meanwhile(func() error { return actors.Shutdown(ctx, system) })
		late := start(t, system)
		require.ErrorIs(t, <-drained, context.DeadlineExceeded)
		<-late.Stopped()
		after := stopAtEnd(t, start(t, system))
		assert.Equal(t, "again", result(t, actors.CallSoon(t.Context(), after, returns("again"))), "the system goes on")
	})
}

// Both drains wait for the same caller, and the first of them waits for the second.
func TestDrainsThatWaitForTheSameCallerGoOn(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c, other := start(t, system), start(t, system)
		work := actors.CallSoon(t.Context(), c, second)
		drained := make(chan error, 1)
		actors.CallSoon(t.Context(), other, func(ctx context.Context) (string, error) {
			drained <- c.Drain(ctx)
			return "", nil
		})
		synctest.Wait()
		require.NoError(t, actors.Shutdown(t.Context(), system))
		require.NoError(t, <-drained)
		assert.Equal(t, "done", result(t, work))
	})
}

func TestDrainFinishesWhatTheEndOfAChildAsksFor(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		saved := pending.New[string](t.Context())
		child(t, c, props.OnStop(func(ctx context.Context) error {
			forward(actors.CallSoon(ctx, c, second), saved)
			return nil
		}))
		require.NoError(t, c.Drain(t.Context()))
		assert.Equal(t, "done", result(t, saved))
	})
}

func TestShutdownLetsMessagesGoFromActorToActor(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		a, b := adopted(t, system, nil, "a", puppet, nil), adopted(t, system, nil, "b", puppet, nil)
		handled := false
		system.Root.Send(a.PID(), func(ctx actor.Context) {
			time.Sleep(time.Second)
			ctx.Send(b.PID(), func(actor.Context) {
				time.Sleep(time.Second)
				handled = true
			})
		})
		require.NoError(t, actors.Shutdown(t.Context(), system))
		assert.True(t, handled)
	})
}

func TestShutdownDoesNotWaitForACallThatNobodyRuns(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		never := unstarted(t, system)
		waits := actors.CallSoon(t.Context(), start(t, system), func(ctx context.Context) (string, error) {
			return actors.CallSoon(ctx, never, second).Wait(ctx)
		})
		synctest.Wait()
		require.NoError(t, actors.Shutdown(t.Context(), system))
		require.ErrorIs(t, failure(waits), pending.ErrStopped)
	})
}

func TestShutdownLetsAFunctionStartCallers(t *testing.T) {
	for range 50 {
		system := newSystem(t)
		p := actors.CallSoon(t.Context(), start(t, system), func(ctx context.Context) (string, error) {
			late, err := actors.Start(system)
			if err != nil {
				return "", err
			}
			kid, err := late.Child()
			if err != nil {
				return "", err
			}
			return actors.Call(ctx, kid, returns("done"))
		})
		require.NoError(t, actors.Shutdown(t.Context(), system))
		assert.Equal(t, "done", result(t, p))
	}
}
