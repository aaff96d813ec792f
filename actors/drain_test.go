package actors_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// second is a function that waits for a second.
func second(ctx context.Context) (string, error) { return "done", actors.Sleep(ctx, time.Second) }

// busy is a function that keeps the turn for a second.
func busy(context.Context) (string, error) {
	time.Sleep(time.Second)
	return "done", nil
}

// drains are what lets a caller finish.
var drains = map[string]func(ctx context.Context, c *actors.Caller) error{
	"Drain":    func(ctx context.Context, c *actors.Caller) error { return c.Drain(ctx) },
	"Shutdown": func(ctx context.Context, c *actors.Caller) error { return actors.Shutdown(ctx, c.System()) },
}

// accepted are calls that a caller has accepted, and must finish.
var accepted = map[string]struct {
	opts []props.Option
	make func(ctx context.Context, t *testing.T, c *actors.Caller) []*pending.Pending[string]
	took time.Duration
}{
	"nothing": {make: func(context.Context, *testing.T, *actors.Caller) []*pending.Pending[string] { return nil }},
	"queued": {took: 3 * time.Second, make: func(ctx context.Context, _ *testing.T, c *actors.Caller) []*pending.Pending[string] {
		return several(3, func() *pending.Pending[string] { return actors.CallSoon(ctx, c, busy) })
	}},
	"suspended": {took: time.Second, make: func(ctx context.Context, _ *testing.T, c *actors.Caller) []*pending.Pending[string] {
		return several(3, func() *pending.Pending[string] { return actors.CallSoon(ctx, c, second) })
	}},
	"delayed": {took: 4 * time.Second, make: func(ctx context.Context, _ *testing.T, c *actors.Caller) []*pending.Pending[string] {
		return several(3, func() *pending.Pending[string] { return actors.CallLater(ctx, c, 3*time.Second, second) })
	}},
	"on workers": {took: time.Second, make: func(ctx context.Context, _ *testing.T, c *actors.Caller) []*pending.Pending[string] {
		return several(3, func() *pending.Pending[string] { return actors.ToThread(ctx, c, busy) })
	}},
	"queued for workers": {
		opts: []props.Option{props.MaxWorkers(2), props.MaxIdleWorkers(0)}, took: 3 * time.Second,
		make: func(ctx context.Context, _ *testing.T, c *actors.Caller) []*pending.Pending[string] {
			return several(6, func() *pending.Pending[string] { return actors.ToThread(ctx, c, busy) })
		},
	},
	"of children": {took: 2 * time.Second, make: func(ctx context.Context, t *testing.T, c *actors.Caller) []*pending.Pending[string] {
		kid := child(t, child(t, c), props.Protected())
		return several(2, func() *pending.Pending[string] { return actors.CallSoon(ctx, kid, busy) })
	}},
	"in the backoff of a restart": {
		opts: supervised(supervision.Restart(supervision.Backoff(time.Minute, time.Minute))), took: time.Minute + time.Second,
		make: func(ctx context.Context, t *testing.T, c *actors.Caller) []*pending.Pending[string] {
			do(ctx, c, func(context.Context) { panic(errBoom) })
			return several(1, func() *pending.Pending[string] { return actors.CallSoon(ctx, c, busy) })
		},
	},
	"made by a function": {took: 3 * time.Second, make: func(ctx context.Context, t *testing.T, c *actors.Caller) []*pending.Pending[string] {
		kid := child(t, c)
		return several(1, func() *pending.Pending[string] {
			return actors.CallSoon(ctx, c, then(second, func(ctx context.Context) (string, error) {
				return finishAll(ctx, actors.CallSoon(ctx, c, second), actors.CallSoon(ctx, kid, second),
					actors.ToThread(ctx, c, second), actors.CallLater(ctx, c, time.Second, second))
			}))
		})
	}},
	"made by a function, which does not wait": {took: 4 * time.Second, make: func(ctx context.Context, t *testing.T, c *actors.Caller) []*pending.Pending[string] {
		kid := child(t, c)
		later := pending.New[string](ctx)
		do(ctx, c, func(ctx context.Context) {
			_ = actors.Sleep(ctx, time.Second)
			actors.CallLater(ctx, c, time.Second, then(second, func(ctx context.Context) (string, error) {
				forward(actors.CallSoon(ctx, kid, second), later)
				return "", nil
			}))
		})
		return []*pending.Pending[string]{later}
	}},
	"made by a child": {took: 2 * time.Second, make: func(ctx context.Context, t *testing.T, c *actors.Caller) []*pending.Pending[string] {
		later := pending.New[string](ctx)
		do(ctx, child(t, child(t, c)), func(ctx context.Context) {
			_ = actors.Sleep(ctx, time.Second)
			forward(actors.CallSoon(ctx, c, second), later)
		})
		return []*pending.Pending[string]{later}
	}},
	"made by a worker": {opts: []props.Option{props.MaxIdleWorkers(0)}, took: 2 * time.Second, make: func(ctx context.Context, _ *testing.T, c *actors.Caller) []*pending.Pending[string] {
		later := pending.New[string](ctx)
		work := actors.ToThread(ctx, c, then(second, func(ctx context.Context) (string, error) {
			forward(actors.ToThread(ctx, c, second), later)
			return actors.CallSoon(ctx, c, second).Wait(ctx)
		}))
		return []*pending.Pending[string]{work, later}
	}},
}

func several(n int, call func() *pending.Pending[string]) (all []*pending.Pending[string]) {
	for range n {
		all = append(all, call())
	}
	return all
}

// then makes a function out of two.
func then(first, next func(context.Context) (string, error)) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		if _, err := first(ctx); err != nil {
			return "", err
		}
		return next(ctx)
	}
}

// finishAll waits for pendings one after the other.
func finishAll(ctx context.Context, all ...*pending.Pending[string]) (value string, err error) {
	for _, p := range all {
		var each error
		value, each = p.Wait(ctx)
		err = errors.Join(err, each)
	}
	return value, err
}

// forward gives the outcome of one pending to another.
func forward(from, to *pending.Pending[string]) {
	from.OnDone(func(pending.Handle) {
		value, err := from.Result()
		if err != nil {
			to.SetError(err)
			return
		}
		to.SetResult(value)
	})
}

func TestDrainLetsWhatWasAcceptedFinish(t *testing.T) {
	for how, drain := range drains {
		for what, tt := range accepted {
			for _, actorOfUser := range []bool{false, true} {
				name := how + ", " + what
				if actorOfUser {
					name += ", adopted"
				}
				t.Run(name, func(t *testing.T) {
					bubble(t, func(t *testing.T, system *actor.ActorSystem) {
						c := callerOrActor(t, system, actorOfUser, append(tt.opts, props.Protected()))
						calls := tt.make(t.Context(), t, c)
						synctest.Wait()
						begin := time.Now()
						require.NoError(t, drain(t.Context(), c))
						assert.Equal(t, tt.took, time.Since(begin))
						for _, p := range calls {
							assert.Equal(t, "done", result(t, p))
						}
						assert.Equal(t, actors.StateStopped, c.State())
						for c := range actors.All(system) {
							t.Error(c)
						}
					})
				})
			}
		}
	}
}

// callerOrActor returns a caller that is stopped when the test ends, made out
// of an actor or not.
func callerOrActor(t *testing.T, system *actor.ActorSystem, actorOfUser bool, opts []props.Option) *actors.Caller {
	if actorOfUser {
		return adopted(t, system, nil, "c", puppet, opts)
	}
	return start(t, system, opts...)
}

func TestDrainOfAnActorLetsItsMessagesFinish(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := adopted(t, system, nil, "actor", puppet, nil)
		handled := 0
		for range 3 {
			system.Root.Send(c.PID(), func(actor.Context) {
				time.Sleep(time.Second)
				handled++
			})
		}
		require.NoError(t, c.Drain(t.Context()))
		assert.Equal(t, 3, handled)
	})
}

func TestDrainRefusesWhatOthersCall(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c, other := start(t, system), start(t, system)
		kid := child(t, c)
		calls := several(1, func() *pending.Pending[string] { return actors.CallSoon(t.Context(), c, asleep) })
		calls = append(calls, actors.CallSoon(t.Context(), kid, asleep))
		synctest.Wait()
		drained := make(chan error, 1)
		go func() { drained <- c.Drain(t.Context()) }()
		synctest.Wait()

		refused := func(ctx context.Context) []*pending.Pending[string] {
			return []*pending.Pending[string]{
				actors.CallSoon(ctx, c, returns("")), actors.CallLater(ctx, c, time.Second, returns("")), actors.ToThread(ctx, c, returns("")),
			}
		}
		p := actors.CallSoon(t.Context(), other, func(ctx context.Context) ([]*pending.Pending[string], error) { return refused(ctx), nil })
		for _, p := range append(refused(t.Context()), result(t, p)...) {
			assert.True(t, p.IsDone())
			require.ErrorIs(t, p.Err(), pending.ErrStopped)
		}
		require.ErrorIs(t, c.CallDirect(func() { t.Error("it ran") }), pending.ErrStopped)
		assert.Equal(t, actors.StateRunning, c.State())
		assert.Equal(t, "open", result(t, actors.CallSoon(t.Context(), kid, returns("open"))), "its turn comes when the parent is idle")
		require.NoError(t, <-drained)
		for _, p := range calls {
			assert.Equal(t, "slept", result(t, p))
		}
	})
}

func TestDrainThatRunsOutStops(t *testing.T) {
	for how, drain := range drains {
		for name, work := range map[string]func(ctx context.Context, c *actors.Caller) *pending.Pending[string]{
			"function of its own": func(ctx context.Context, c *actors.Caller) *pending.Pending[string] {
				return actors.CallSoon(ctx, c, asleep)
			},
			"function of a worker": func(ctx context.Context, c *actors.Caller) *pending.Pending[string] {
				return actors.ToThread(ctx, c, untilItsEnd)
			},
			"delayed call": func(ctx context.Context, c *actors.Caller) *pending.Pending[string] {
				return actors.CallLater(ctx, c, time.Hour, asleep)
			},
			"function of the child": func(ctx context.Context, c *actors.Caller) *pending.Pending[string] {
				return actors.CallSoon(ctx, c.Children()[0], asleep)
			},
		} {
			t.Run(how+", "+name, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					c := start(t, system)
					child(t, c)
					p := work(t.Context(), c)
					ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errBoom)
					defer cancel()
					begin := time.Now()
					err := drain(ctx, c)
					assert.Equal(t, time.Minute, time.Since(begin))
					require.ErrorIs(t, err, context.DeadlineExceeded)
					require.ErrorIs(t, err, errBoom)
					<-c.Stopped()
					require.ErrorIs(t, p.Err(), pending.ErrStopped)
				})
			})
		}
	}
}

func TestStopEndsADrain(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		p := actors.CallSoon(t.Context(), c, asleep)
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { assert.NoError(t, c.Drain(t.Context())) })
		}
		synctest.Wait()
		c.Stop()
		begin := time.Now()
		all.Wait()
		assert.Zero(t, time.Since(begin))
		require.ErrorIs(t, p.Err(), pending.ErrStopped)
		require.NoError(t, c.Drain(t.Context()), "it has stopped")
	})
}

func TestDrainInAnothersFunctionGivesTheTurnAway(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c, other := start(t, system), start(t, system)
		work := actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) {
			return then(second, func(ctx context.Context) (string, error) { return actors.CallSoon(ctx, other, second).Wait(ctx) })(ctx)
		})
		drained := do(t.Context(), other, func(ctx context.Context) { assert.NoError(t, c.Drain(ctx)) })
		result(t, drained)
		assert.Equal(t, "done", result(t, work))
	})
}

func TestCancelOfAFunctionThatDrainsStops(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c, other := start(t, system), start(t, system)
		work := actors.CallSoon(t.Context(), c, asleep)
		drained := do(t.Context(), other, func(ctx context.Context) { assert.ErrorIs(t, c.Drain(ctx), errBoom) })
		synctest.Wait()
		drained.Cancel(errBoom)
		<-drained.Done()
		<-c.Stopped()
		require.ErrorIs(t, work.Err(), pending.ErrStopped)
	})
}

// A delayed call is work from when it is made, also at the moment at which it
// is queued.
func TestDrainMissesNoDelayedCall(t *testing.T) {
	system := newSystem(t)
	for range 300 {
		c := start(t, system)
		p := actors.CallLater(t.Context(), c, time.Microsecond, returns("done"))
		require.NoError(t, c.Drain(t.Context()))
		assert.Equal(t, "done", result(t, p))
	}
}

func TestDrainMissesNothingThatGoesToAndFro(t *testing.T) {
	system := newSystem(t)
	for range 100 {
		c := start(t, system, props.MaxIdleWorkers(0), props.MaxWorkers(2))
		p := pending.New[string](t.Context())
		var hop func(n int) func(ctx context.Context) (string, error)
		hop = func(n int) func(ctx context.Context) (string, error) {
			return func(ctx context.Context) (string, error) {
				switch {
				case n == 0:
					p.SetResult("done")
				case n%2 == 0:
					actors.CallSoon(ctx, c, hop(n-1))
				default:
					actors.ToThread(ctx, c, hop(n-1))
				}
				return "", nil
			}
		}
		actors.CallSoon(t.Context(), c, hop(10))
		require.NoError(t, c.Drain(t.Context()))
		assert.True(t, p.IsDone())
	}
}

func TestShutdownEndsTheCallersOfASystem(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		other := newSystem(t)
		bystander := start(t, other)
		calls := []*pending.Pending[string]{
			actors.CallSoon(t.Context(), actors.Main(system), second),
			actors.CallSoon(t.Context(), start(t, system), second),
			actors.CallSoon(t.Context(), child(t, adopted(t, system, nil, "actor", puppet, nil)), second),
			actors.CallSoon(t.Context(), start(t, system, props.Protected()), second),
		}
		waiting := unstarted(t, system)
		never := actors.CallSoon(t.Context(), waiting, second)
		require.NoError(t, actors.Shutdown(t.Context(), system))
		for _, p := range calls {
			assert.Equal(t, "done", result(t, p))
		}
		require.ErrorIs(t, never.Err(), pending.ErrStopped)
		for c := range actors.All(system) {
			t.Error(c)
		}
		assert.Equal(t, actors.StateRunning, bystander.State())
		require.NoError(t, actors.Shutdown(t.Context(), system), "there is nobody left")

		again := stopAtEnd(t, actors.Main(system))
		assert.Equal(t, "again", result(t, actors.CallSoon(t.Context(), again, returns("again"))), "the system goes on")
	})
}

func TestCallbackThatEndsItsGoroutineDoesNotKeepADrainFromReturning(t *testing.T) {
	for name, drain := range map[string]func(context.Context, *actors.Caller) error{
		"Drain":    func(ctx context.Context, c *actors.Caller) error { return c.Drain(ctx) },
		"Shutdown": func(ctx context.Context, c *actors.Caller) error { return actors.Shutdown(ctx, c.System()) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system)
				_ = actors.CallSoon(t.Context(), c, untilItsEnd)
				queued := actors.CallSoon(t.Context(), c, one)
				queued.OnDone(func(pending.Handle) { exitGoroutine() })
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				require.ErrorIs(t, drain(ctx, c), context.DeadlineExceeded)
				require.ErrorIs(t, failure(queued), pending.ErrStopped)
			})
		})
	}
}
