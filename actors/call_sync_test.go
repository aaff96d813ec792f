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
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/served"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

func TestCallReturnsWhatItsFunctionReturns(t *testing.T) {
	c := start(t, newSystem(t))
	value, err := actors.Call(t.Context(), c, returns("value"))
	require.NoError(t, err)
	assert.Equal(t, "value", value)
	_, err = actors.Call(t.Context(), c, func(context.Context) (int, error) { return 0, errBoom })
	require.ErrorIs(t, err, errBoom)
	_, err = actors.Call(t.Context(), c, func(context.Context) (int, error) { panic("a panic") })
	var crash *pending.PanicError
	require.ErrorAs(t, err, &crash)
	assert.Equal(t, "a panic", crash.Value)
	require.NoError(t, actors.Do(t.Context(), c, func(context.Context) error { return nil }))
	require.ErrorIs(t, actors.Do(t.Context(), c, func(context.Context) error { return errBoom }), errBoom)
	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
}

func TestCallOnAnIdleCallerRunsOnTheGoroutineThatCalls(t *testing.T) {
	is := assert.Equal
	if backend.name != "goroutine" {
		is = assert.NotEqual // functions have a goroutine of their own
	}
	c, d := start(t, newSystem(t)), start(t, newSystem(t))
	here, _ := goroutine(t.Context())
	_, err := actors.Call(t.Context(), c, func(ctx context.Context) (int, error) {
		own, _ := goroutine(ctx)
		is(t, here, own)
		for _, target := range []*actors.Caller{c, d} {
			other, err := actors.Call(ctx, target, goroutine)
			require.NoError(t, err)
			is(t, here, other)
		}
		return 0, nil
	})
	require.NoError(t, err)
}

func TestCallHasTheContextOfItsFunction(t *testing.T) {
	type key struct{}
	c := start(t, newSystem(t), props.Name("the caller"))
	_, err := actors.Call(context.WithValue(t.Context(), key{}, "kept"), c, func(ctx context.Context) (int, error) {
		current, ok := actors.Current(ctx)
		assert.True(t, ok)
		assert.Same(t, c, current)
		h, ok := pending.Current(ctx)
		assert.True(t, ok)
		assert.Equal(t, "named", h.Name())
		assert.Equal(t, "kept", ctx.Value(key{}))
		return 0, nil
	}, actors.Named("named"))
	require.NoError(t, err)
}

func TestCallComesAfterWhatIsQueued(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		var order []int
		gate := make(chan struct{})
		do(t.Context(), c, func(context.Context) { <-gate })
		do(t.Context(), c, func(context.Context) { order = append(order, 1) })
		done := make(chan error)
		go func() {
			done <- actors.Do(t.Context(), c, func(context.Context) error {
				order = append(order, 2)
				return nil
			})
		}()
		synctest.Wait()
		last := do(t.Context(), c, func(context.Context) { order = append(order, 3) })
		close(gate)
		require.NoError(t, <-done)
		result(t, last)
		assert.Equal(t, []int{1, 2, 3}, order)
	})
}

func TestWhatIsQueuedDuringACallRunsAfterIt(t *testing.T) {
	c := start(t, newSystem(t))
	var order []string
	var p *pending.Pending[any]
	require.NoError(t, actors.Do(t.Context(), c, func(context.Context) error {
		p = do(t.Context(), c, func(context.Context) { order = append(order, "queued") })
		order = append(order, "called")
		return nil
	}))
	result(t, p)
	assert.Equal(t, []string{"called", "queued"}, order)
}

func TestFunctionThatCallsGivesItsTurnAway(t *testing.T) {
	for name, own := range map[string]bool{"to another caller": false, "to its own caller": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system)
				d := c
				if !own {
					d = start(t, system)
				}
				p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
					return actors.Call(ctx, d, func(ctx context.Context) (int, error) {
						return 1, actors.Sleep(ctx, time.Second)
					})
				})
				synctest.Wait()
				assert.Equal(t, 2, result(t, actors.CallSoon(t.Context(), c, returns(2))))
				assert.False(t, p.IsDone())
				assert.Equal(t, 1, result(t, p))
			})
		})
	}
}

func TestFunctionThatHasCalledHasItsTurnAgain(t *testing.T) {
	c, d := start(t, newSystem(t)), start(t, newSystem(t))
	var running, most, sum atomic.Int32
	var wg sync.WaitGroup
	body := func(ctx context.Context) (int, error) {
		n := running.Add(1)
		most.Store(max(most.Load(), n))
		sum.Add(1)
		running.Add(-1)
		v, err := actors.Call(ctx, d, returns(1))
		n = running.Add(1)
		most.Store(max(most.Load(), n))
		running.Add(-1)
		return v, err
	}
	const each = 200
	for range 4 {
		wg.Go(func() {
			for range each {
				_, called := actors.Call(t.Context(), c, body)
				_, waited := actors.CallSoon(t.Context(), c, body).Wait(t.Context())
				assert.NoError(t, errors.Join(called, waited))
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 4*2*each, sum.Load())
	assert.EqualValues(t, 1, most.Load())
	require.Eventually(t, func() bool { return c.Idle() && d.Idle() }, 10*time.Second, time.Millisecond)
}

func TestCallOfANonReentrantCallerOnItselfIsADeadlock(t *testing.T) {
	c := start(t, newSystem(t), props.NonReentrant())
	ran := false
	_, err := actors.Call(t.Context(), c, func(ctx context.Context) (int, error) {
		return actors.Call(ctx, c, func(context.Context) (int, error) {
			ran = true
			return 0, nil
		})
	})
	require.ErrorIs(t, err, pending.ErrDeadlock)
	result(t, actors.CallSoon(t.Context(), c, returns(1)))
	assert.False(t, ran, "what Call has given up never runs")
}

func TestCircleOfCallsOfNonReentrantCallersIsADeadlock(t *testing.T) {
	system := newSystem(t)
	a, b := start(t, system, props.NonReentrant()), start(t, system, props.NonReentrant())
	_, err := actors.Call(t.Context(), a, func(ctx context.Context) (int, error) {
		return actors.Call(ctx, b, func(ctx context.Context) (int, error) {
			return actors.Call(ctx, a, returns(1))
		})
	})
	require.ErrorIs(t, err, pending.ErrDeadlock)
	_, err = actors.Call(t.Context(), a, returns(1))
	require.NoError(t, err)
}

func TestNonReentrantCallerKeepsItsTurnInACall(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c, d := start(t, system, props.NonReentrant()), start(t, system)
		gate, began := make(chan struct{}), make(chan struct{})
		p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
			return actors.Call(ctx, d, func(context.Context) (int, error) {
				close(began)
				<-gate
				return 1, nil
			})
		})
		<-began
		other := actors.CallSoon(t.Context(), c, returns(2))
		synctest.Wait()
		assert.False(t, other.IsDone())
		close(gate)
		assert.Equal(t, 1, result(t, p))
		assert.Equal(t, 2, result(t, other))
	})
}

func TestCallWhoseContextHasEndedNeverRuns(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		ctx, cancel := context.WithCancelCause(t.Context())
		gate := make(chan struct{})
		busy := do(t.Context(), c, func(context.Context) { <-gate })
		done := make(chan error)
		go func() {
			done <- actors.Do(ctx, c, func(context.Context) error {
				t.Error("the function runs")
				return nil
			})
		}()
		synctest.Wait()
		cancel(errBoom)
		require.ErrorIs(t, <-done, errBoom)
		close(gate)
		result(t, busy)
		err := actors.Do(ctx, c, func(context.Context) error {
			t.Error("the function runs")
			return nil
		})
		require.ErrorIs(t, err, pending.ErrCancelled)
		require.ErrorIs(t, err, errBoom)
	})
}

func TestCallWaitsForItsFunctionWhenItsContextEnds(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		for _, queued := range []bool{false, true} {
			c := start(t, system)
			ctx, cancel := context.WithCancel(t.Context())
			if queued {
				do(t.Context(), c, func(ctx context.Context) { time.Sleep(time.Second) })
				synctest.Wait()
			}
			returned := false
			time.AfterFunc(2*time.Second, cancel)
			err := actors.Do(ctx, c, func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(time.Second)
				returned = true
				return ctx.Err()
			})
			require.ErrorIs(t, err, context.Canceled)
			assert.True(t, returned)
		}
	})
}

func TestStopInTheMiddleOfACall(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c, d := start(t, system), start(t, system)
		began := make(chan struct{})
		errs := make(chan error, 2)
		go func() {
			errs <- actors.Do(t.Context(), c, func(ctx context.Context) error {
				return actors.Do(ctx, d, func(ctx context.Context) error {
					close(began)
					<-ctx.Done()
					return ctx.Err()
				})
			})
		}()
		<-began
		require.NoError(t, c.StopWait(t.Context()))
		err := <-errs
		require.ErrorIs(t, err, pending.ErrStopped)
		require.ErrorIs(t, actors.Do(t.Context(), c, func(context.Context) error { return nil }), pending.ErrStopped)
		require.NoError(t, actors.Do(t.Context(), d, func(context.Context) error { return nil }))
	})
}

func TestStopAbandonsTheFunctionOfACall(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.StopTimeout(time.Second))
		began, gate := make(chan struct{}), make(chan struct{})
		errs := make(chan error, 1)
		go func() {
			errs <- actors.Do(t.Context(), c, func(context.Context) error {
				close(began)
				<-gate
				return nil
			})
		}()
		<-began
		require.NoError(t, c.StopWait(t.Context()))
		close(gate)
		require.ErrorIs(t, <-errs, pending.ErrStopped)
	})
}

func TestCallEndsItsGoroutineIfTheFunctionDoes(t *testing.T) {
	c, d := start(t, newSystem(t)), start(t, newSystem(t))
	exit := func(context.Context) (int, error) {
		runtime.Goexit()
		return 0, nil
	}
	for name, queued := range map[string]bool{"in place": false, "queued": true} {
		t.Run(name, func(t *testing.T) {
			gate := make(chan struct{})
			if queued {
				do(t.Context(), c, func(context.Context) { <-gate })
				time.AfterFunc(10*time.Millisecond, func() { close(gate) })
			}
			ended := make(chan bool)
			go func() {
				returned := false
				defer func() { ended <- !returned }()
				_, _ = actors.Call(t.Context(), c, exit)
				returned = true
			}()
			assert.True(t, <-ended)
			assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
		})
	}
	t.Run("in a function", func(t *testing.T) {
		turns := 0
		p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
			defer func() { turns++ }()
			return actors.Call(ctx, d, exit)
		})
		require.ErrorIs(t, failure(p), pending.ErrCancelled)
		assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
		assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), d, returns(1))))
		assert.Equal(t, 1, turns)
	})
}

func TestCallBeyondTheLimitOfSuspendedFunctionsFails(t *testing.T) {
	system := newSystem(t)
	c, d := start(t, system, props.MaxSuspended(1)), start(t, system)
	p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
		return actors.Call(ctx, d, func(dctx context.Context) (int, error) {
			return actors.Call(dctx, c, func(ctx context.Context) (int, error) {
				return actors.Call(ctx, d, func(ctx context.Context) (int, error) {
					<-ctx.Done()
					return 0, ctx.Err()
				})
			})
		})
	})
	require.ErrorIs(t, failure(p), actors.ErrOverloaded)
	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), d, returns(1))))
}

func TestCancellationOfAFunctionThatCallsReachesWhatItCalls(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c, d := start(t, system), start(t, system)
		began := make(chan struct{})
		p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
			return actors.Call(ctx, d, func(ctx context.Context) (int, error) {
				close(began)
				<-ctx.Done()
				return 0, ctx.Err()
			})
		})
		<-began
		p.Cancel(errBoom)
		require.ErrorIs(t, failure(p), errBoom)
		assert.Equal(t, 3, result(t, actors.CallSoon(t.Context(), c, returns(3))))
	})
}

func TestPanicInACallIsDecidedOn(t *testing.T) {
	c := start(t, newSystem(t), props.Supervision(supervision.Restart()))
	restarted := make(chan any, 1)
	sub := c.System().EventStream.Subscribe(func(event any) {
		if e, ok := event.(supervision.Restarted); ok {
			restarted <- e
		}
	})
	defer c.System().EventStream.Unsubscribe(sub)
	_, err := actors.Call(t.Context(), c, func(context.Context) (int, error) { panic("a panic") })
	var crash *pending.PanicError
	require.ErrorAs(t, err, &crash)
	value, err := actors.Call(t.Context(), c, returns(1))
	require.NoError(t, err)
	assert.Equal(t, 1, value)
	<-restarted
}

func TestCallsWithOptions(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		began := time.Now()
		require.NoError(t, actors.Do(t.Context(), c, func(context.Context) error { return nil }, actors.Delay(time.Minute)))
		assert.Equal(t, time.Minute, time.Since(began))
		err := actors.Do(t.Context(), c, func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}, actors.Timeout(time.Second))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, actors.Do(t.Context(), c, func(ctx context.Context) error {
			current, _ := actors.Current(ctx)
			assert.Same(t, c, current.Parent())
			return nil
		}, actors.OnWorker()))
	})
}

func TestCallMayBeNestedDeeply(t *testing.T) {
	system := newSystem(t)
	callers := make([]*actors.Caller, 20)
	for i := range callers {
		callers[i] = start(t, system)
	}
	var call func(ctx context.Context, depth int) (int, error)
	call = func(ctx context.Context, depth int) (int, error) {
		if depth == 0 {
			return 0, nil
		}
		n, err := actors.Call(ctx, callers[depth%len(callers)], func(ctx context.Context) (int, error) {
			return call(ctx, depth-1)
		})
		return n + 1, err
	}
	n, err := call(t.Context(), 1000)
	require.NoError(t, err)
	assert.Equal(t, 1000, n)
	for _, c := range callers {
		assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
	}
}

func TestContextOfAFunctionThatCallsIsOfNoUseInWhatItCalls(t *testing.T) {
	c, d := start(t, newSystem(t)), start(t, newSystem(t))
	p := actors.CallSoon(t.Context(), c, func(outer context.Context) (int, error) {
		return actors.Call(outer, d, func(context.Context) (int, error) {
			return actors.CallSoon(t.Context(), d, returns(1)).Wait(outer)
		})
	})
	require.ErrorContains(t, failure(p), "actors.Detach")
	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
}

func TestCallsFromManyGoroutinesAreOneAtATimeAndNoneIsLost(t *testing.T) {
	c := start(t, newSystem(t))
	const each = 300
	var wg sync.WaitGroup
	counter, running := 0, false // without a lock
	count := func() {
		assert.False(t, running)
		running = true
		counter++
		running = false
	}
	for range 8 {
		wg.Go(func() {
			for range each {
				called := actors.Do(t.Context(), c, func(context.Context) error {
					count()
					return nil
				})
				do(t.Context(), c, func(context.Context) { count() })
				assert.NoError(t, errors.Join(called, c.CallDirect(count)))
			}
		})
	}
	wg.Wait()
	total, err := actors.Call(t.Context(), c, func(context.Context) (int, error) { return counter, nil })
	require.NoError(t, err)
	assert.Equal(t, 3*8*each, total)
}

func TestCallInPlaceIsSeenAndTracked(t *testing.T) {
	c := start(t, newSystem(t))
	g, ctx := pending.NewGroup(t.Context())
	require.NoError(t, actors.Do(ctx, c, func(context.Context) error { return nil }))
	require.ErrorIs(t, actors.Do(ctx, c, func(context.Context) error { return errBoom }), errBoom)
	require.ErrorIs(t, g.Wait(), errBoom, "a call is a member of the group of its context")
}

// inPlaceAndQueued runs a test with calls on an idle caller, and with calls that come after
// a function. Before each call the test calls before.
func inPlaceAndQueued(
	t *testing.T, test func(t *testing.T, system *actor.ActorSystem, c *actors.Caller, before func()),
) {
	for name, queued := range map[string]bool{"in place": false, "queued": true} {
		if !queued && backend.name != "goroutine" {
			continue // no call is in place
		}
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system)
				test(t, system, c, func() {
					if queued {
						do(context.Background(), c, func(context.Context) { time.Sleep(time.Millisecond) })
						synctest.Wait()
					}
				})
			})
		})
	}
}

func TestValueThatAFunctionReturnsAfterTheEndOfTheContextCounts(t *testing.T) {
	inPlaceAndQueued(t, func(t *testing.T, _ *actor.ActorSystem, c *actors.Caller, before func()) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		before()
		value, err := actors.Call(ctx, c, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			time.Sleep(time.Second)
			return 1, nil
		})
		require.NoError(t, err)
		assert.Equal(t, 1, value)
	})
}

func TestCancelledFunctionMayCallWithAContextThatGoesOn(t *testing.T) {
	inPlaceAndQueued(t, func(t *testing.T, system *actor.ActorSystem, c *actors.Caller, before func()) {
		d := start(t, system)
		calls := 0
		p := do(t.Context(), d, func(ctx context.Context) {
			for range 2 { // the first is cancelled in the middle of the call, the second before it
				before()
				require.NoError(t, actors.Do(context.WithoutCancel(ctx), c, func(ctx context.Context) error {
					calls++
					return actors.Sleep(ctx, time.Minute)
				}))
				assert.Error(t, ctx.Err())
			}
		})
		time.Sleep(time.Second)
		p.Cancel(errBoom)
		require.ErrorIs(t, failure(p), errBoom)
		assert.Equal(t, 2, calls)
	})
}

func TestCancelledFunctionCallsNothing(t *testing.T) {
	c, d := start(t, newSystem(t)), start(t, newSystem(t))
	for name, opts := range map[string][]actors.CallOption{
		"at once": nil, "named": {actors.Named("named")}, "later": {actors.Delay(time.Nanosecond)}, "on a worker": {actors.OnWorker()},
	} {
		t.Run(name, func(t *testing.T) {
			for range 100 {
				p := do(t.Context(), d, func(ctx context.Context) {
					h, _ := pending.Current(ctx)
					h.Cancel(errBoom)
					_, err := actors.Call(ctx, c, func(context.Context) (int, error) {
						t.Error("the function runs")
						return 0, nil
					}, opts...)
					assert.ErrorIs(t, err, errBoom)
				})
				require.ErrorIs(t, failure(p), errBoom)
			}
		})
	}
}

func TestCallThatIsOneWaitTooManyDoesNotFailItsGroup(t *testing.T) {
	inPlaceAndQueued(t, func(t *testing.T, system *actor.ActorSystem, c *actors.Caller, before func()) {
		d := start(t, system, props.MaxSuspended(1))
		asleep := actors.CallSoon(t.Context(), d, asleep)
		synctest.Wait()
		g, ctx := pending.NewGroup(t.Context(), pending.WithMode(pending.IgnoreCancelled))
		p := do(ctx, d, func(ctx context.Context) {
			before()
			_, err := actors.Call(ctx, c, returns(1))
			assert.ErrorIs(t, err, actors.ErrOverloaded)
		})
		result(t, p)
		require.NoError(t, g.Wait())
		asleep.Cancel(nil)
	})
}

func TestCallThatIsOneWaitTooManyLeavesNothingRunning(t *testing.T) {
	system := newSystem(t)
	c, d := start(t, system), start(t, system, props.MaxSuspended(1))
	other := actors.CallSoon(t.Context(), d, asleep)
	result(t, do(t.Context(), d, func(ctx context.Context) {
		for range 300 {
			var running atomic.Bool
			require.NoError(t, c.CallDirect(func() {})) // the call may begin as soon as it is queued
			_, err := actors.Call(ctx, c, func(context.Context) (int, error) {
				running.Store(true)
				for range 100 {
					runtime.Gosched()
				}
				running.Store(false)
				return 1, nil
			})
			if err != nil {
				require.ErrorIs(t, err, actors.ErrOverloaded)
			}
			assert.False(t, running.Load(), "Call returns when its function has returned")
		}
	}))
	other.Cancel(nil)
}

// carelessObserver ends the goroutine of a function that waits.
type carelessObserver struct{ future.Observation }

func (o carelessObserver) Observe(ctx context.Context, _ *future.Core) (context.Context, future.Observation) {
	return ctx, o
}

func (carelessObserver) Started()               {}
func (carelessObserver) Suspended(*future.Core) { runtime.Goexit() }
func (carelessObserver) Resumed()               {}
func (carelessObserver) Done(error)             {}

func TestObserverThatEndsTheGoroutineOfACallLeavesTheOtherCallerFree(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c, d := start(t, system), start(t, system)
		observed := &served.Context{Context: t.Context(), Options: []pending.Option{pending.ObservedBy(carelessObserver{})}}
		p := actors.Schedule(observed, c, func(ctx context.Context) (int, error) {
			return actors.Call(ctx, d, func(ctx context.Context) (int, error) { return 1, actors.Sleep(ctx, time.Second) })
		})
		require.ErrorIs(t, failure(p), pending.ErrCancelled)
		assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), d, returns(1))))
		assert.Equal(t, 2, result(t, actors.CallSoon(t.Context(), c, returns(2))))
	})
}
