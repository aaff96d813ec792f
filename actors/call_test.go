package actors_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

func TestNameOfACall(t *testing.T) {
	c := start(t, newSystem(t))
	named := actors.Schedule(t.Context(), c, returns(1), actors.Named("answer"))
	unnamed := actors.Schedule(t.Context(), c, worker)

	assert.Equal(t, "answer", named.Name())
	assert.Contains(t, named.String(), "answer")
	assert.Equal(t, "github.com/seed-7fcaac1b/protocaller/actors_test.worker", unnamed.Name())
	result(t, named)
	result(t, unnamed)
}

// Item 27 of the seed's behavior.
func TestDelayedCallRunsOnItsCallerWhenItsTimeHasCome(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		for name, tt := range map[string]struct{ delay, want time.Duration }{
			"later":       {time.Minute, time.Minute},
			"at once":     {0, 0},
			"in the past": {-time.Minute, 0},
		} {
			begin := time.Now()
			p := actors.CallLater(t.Context(), c, tt.delay, func(ctx context.Context) (time.Duration, error) {
				current, _ := actors.Current(ctx)
				same(t, c, current)
				return time.Since(begin), nil
			})
			assert.Equal(t, tt.want, result(t, p), name)
		}
	})
}

func TestDelayedCallsRunInTheOrderOfTheirTimes(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		begin := time.Now()
		var order []string
		note := func(what string) func(context.Context) (any, error) {
			return func(context.Context) (any, error) {
				order = append(order, fmt.Sprint(what, " ", time.Since(begin)))
				return nil, nil
			}
		}
		last := actors.CallLater(t.Context(), c, 3*time.Second, note("last"))
		actors.CallLater(t.Context(), c, time.Second, note("first"))
		actors.Schedule(t.Context(), c, note("second"), actors.Delay(2*time.Second))
		actors.CallSoon(t.Context(), c, note("soon"))
		result(t, last)
		assert.Equal(t, []string{"soon 0s", "first 1s", "second 2s", "last 3s"}, order)
	})
}

func TestDelayedCallWaitsForTheTurnLikeAnyOther(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		do(t.Context(), c, func(context.Context) { time.Sleep(time.Hour) })
		begin := time.Now()
		p := actors.CallLater(t.Context(), c, time.Second, func(context.Context) (time.Duration, error) {
			return time.Since(begin), nil
		})
		assert.Equal(t, time.Hour, result(t, p))
	})
}

// Item 27 of the seed's behavior.
func TestDelayedCallEndsEarly(t *testing.T) {
	never := func(context.Context) (any, error) { return nil, errors.New("the function has run") }
	for name, tt := range map[string]struct {
		end func(*actors.Caller, context.CancelCauseFunc, pending.Handle)
		err error
	}{
		"by Cancel": {
			func(_ *actors.Caller, _ context.CancelCauseFunc, p pending.Handle) { p.Cancel(errBoom) }, errBoom,
		},
		"by its context": {
			func(_ *actors.Caller, cancel context.CancelCauseFunc, _ pending.Handle) { cancel(errBoom) }, errBoom,
		},
		"by a stop": {
			func(c *actors.Caller, _ context.CancelCauseFunc, _ pending.Handle) { c.Stop() }, pending.ErrStopped,
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system)
				ctx, cancel := context.WithCancelCause(t.Context())
				begin := time.Now()
				p := actors.CallLater(ctx, c, time.Hour, never)
				time.Sleep(time.Minute)
				tt.end(c, cancel, p)

				require.ErrorIs(t, failure(p), tt.err)
				assert.True(t, p.Cancelled())
				assert.Equal(t, time.Minute, time.Since(begin))
				time.Sleep(2 * time.Hour)
			})
		})
	}
}

// Item 17 of the seed's behavior.
func TestCallThatIsDelayedAfterAStopIsRefusedAtOnce(t *testing.T) {
	c := start(t, newSystem(t))
	release := occupy(t, c)
	c.Stop()
	for range 2 {
		p := actors.CallLater(t.Context(), c, time.Hour, returns(1))
		assert.True(t, p.IsDone())
		require.ErrorIs(t, p.Err(), pending.ErrStopped)
		release()
		<-c.Stopped()
	}
}

func TestTimeoutsOfACall(t *testing.T) {
	work := func(d time.Duration) func(context.Context) (string, error) {
		return func(ctx context.Context) (string, error) { return "done", actors.Sleep(ctx, d) }
	}
	both := func(timeout, queue time.Duration) []actors.CallOption {
		return []actors.CallOption{actors.Timeout(timeout), actors.QueueTimeout(queue)}
	}
	const busy = 10 * time.Second
	for name, tt := range map[string]struct {
		opts []actors.CallOption
		work time.Duration
		ends time.Duration
		ok   bool
	}{
		"it is done in time":               {both(21*time.Second, 11*time.Second), 10 * time.Second, 20 * time.Second, true},
		"its function takes too long":      {both(19*time.Second, 11*time.Second), 10 * time.Second, 19 * time.Second, false},
		"it does not start in time":        {both(21*time.Second, 9*time.Second), 10 * time.Second, 9 * time.Second, false},
		"it is not done before it starts":  {both(5*time.Second, 11*time.Second), 0, 5 * time.Second, false},
		"there is no time at all":          {both(0, time.Hour), 0, 0, false},
		"the delay is longer than either":  {append(both(time.Hour, 9*time.Second), actors.Delay(time.Minute)), 0, 9 * time.Second, false},
		"the delay is part of the timeout": {append(both(62*time.Second, time.Hour), actors.Delay(time.Minute)), time.Second, 61 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system)
				do(t.Context(), c, func(context.Context) { time.Sleep(busy) })
				begin := time.Now()
				p := actors.Schedule(t.Context(), c, work(tt.work), tt.opts...)
				err := failure(p)

				assert.Equal(t, tt.ends, time.Since(begin))
				if tt.ok {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorIs(t, err, pending.ErrCancelled)
				assert.True(t, p.Cancelled())
			})
		})
	}
}

func TestTimeoutCancelsTheContextOfTheFunction(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		var cause error
		p := actors.Schedule(t.Context(), c, func(ctx context.Context) (any, error) {
			<-ctx.Done()
			cause = context.Cause(ctx)
			time.Sleep(time.Minute)
			return nil, nil
		}, actors.Timeout(time.Second), actors.Named("slow"))
		time.Sleep(2 * time.Second)
		assert.True(t, p.Cancelled())
		assert.False(t, p.IsDone(), "the function has not returned")

		require.ErrorContains(t, failure(p), "call of slow is not done after 1s")
		require.ErrorIs(t, cause, context.DeadlineExceeded)
	})
}

func TestQueueTimeoutIsOverOnceTheFunctionHasStarted(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		p := actors.Schedule(t.Context(), c, func(ctx context.Context) (int, error) {
			return 1, actors.Sleep(ctx, time.Hour)
		}, actors.QueueTimeout(time.Second))
		assert.Equal(t, 1, result(t, p))
	})
}

func TestCallsBeyondTheLimitAreRefused(t *testing.T) {
	c := start(t, newSystem(t), props.MaxQueued(2))
	release := occupy(t, c)
	first := actors.CallSoon(t.Context(), c, returns(1))
	require.NoError(t, c.CallDirect(func() {}))

	refused := actors.CallSoon(t.Context(), c, returns(3))
	assert.True(t, refused.IsDone())
	assert.False(t, refused.Cancelled())
	require.ErrorIs(t, refused.Err(), actors.ErrOverloaded)
	require.ErrorContains(t, refused.Err(), c.ID())
	require.ErrorIs(t, c.CallDirect(func() {}), actors.ErrOverloaded)

	release()
	assert.Equal(t, 1, result(t, first))
	assert.Equal(t, 4, result(t, actors.CallSoon(t.Context(), c, returns(4))), "there is room again")
}

func TestSuspendedFunctionsDoNotCountAsQueued(t *testing.T) {
	c := start(t, newSystem(t), props.MaxQueued(1))
	gate := pending.New[int](t.Context())
	var all []*pending.Pending[int]
	for range 10 {
		started := make(chan struct{})
		all = append(all, actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
			close(started)
			return gate.Wait(ctx)
		}))
		<-started
	}
	gate.SetResult(7)
	for _, p := range all {
		assert.Equal(t, 7, result(t, p))
	}
}

func TestDelayedCallIsRefusedWhenItsTimeHasComeAndThereIsNoRoom(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.MaxQueued(1))
		later := actors.CallLater(t.Context(), c, time.Second, returns(1))
		release := occupy(t, c)
		soon := actors.CallSoon(t.Context(), c, returns(2))

		require.ErrorIs(t, failure(later), actors.ErrOverloaded)
		release()
		assert.Equal(t, 2, result(t, soon))
	})
}

func TestWaitsBeyondTheLimitAreRefused(t *testing.T) {
	c := start(t, newSystem(t), props.MaxSuspended(2))
	gate := pending.New[int](t.Context())
	wait := func(ctx context.Context) (int, error) { return gate.Wait(ctx) }
	first, second := actors.CallSoon(t.Context(), c, wait), actors.CallSoon(t.Context(), c, wait)

	require.ErrorIs(t, failure(actors.CallSoon(t.Context(), c, wait)), actors.ErrOverloaded)
	require.ErrorIs(t, failure(actors.CallSoon(t.Context(), c, func(ctx context.Context) (any, error) {
		return nil, actors.Sleep(ctx, time.Hour)
	})), actors.ErrOverloaded)
	assert.False(t, gate.IsDone(), "what is waited for stays as it is")
	assert.Equal(t, 5, result(t, actors.CallSoon(t.Context(), c, returns(5))))

	elsewhere := actors.CallSoon(t.Context(), start(t, c.System()), returns(6))
	assert.Equal(t, 6, result(t, actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
		return elsewhere.WaitSync(ctx)
	})), "whoever keeps the turn is not suspended")

	gate.SetResult(7)
	assert.Equal(t, 7, result(t, first))
	assert.Equal(t, 7, result(t, second))
	assert.Equal(t, 7, result(t, actors.CallSoon(t.Context(), c, wait)))
}

// Item 26 of the seed's behavior.
func TestDirectCallThatFailsIsLoggedAndHurtsNobody(t *testing.T) {
	for name, tt := range map[string]struct {
		fn   func()
		want string
	}{
		"by a panic":               {func() { panic("out of cheese") }, "out of cheese"},
		"by ending its goroutine":  {runtime.Goexit, "ended its goroutine"},
		"by a panic with an error": {func() { panic(errBoom) }, "boom"},
	} {
		t.Run(name, func(t *testing.T) {
			log, option := logged()
			c := start(t, newSystem(t), option)
			release := occupy(t, c)
			ran := false
			require.NoError(t, c.CallDirect(tt.fn))
			require.NoError(t, c.CallDirect(func() { ran = true }))
			next := do(t.Context(), c, func(context.Context) {})
			release()

			result(t, next)
			assert.True(t, ran)
			assert.Contains(t, log.String(), tt.want)
			assert.Contains(t, log.String(), c.ID())
			assert.Equal(t, actors.StateRunning, c.State())
		})
	}
}

// Item 17 of the seed's behavior.
func TestDirectCallIsRefusedByACallerThatIsStopping(t *testing.T) {
	c := start(t, newSystem(t))
	release := occupy(t, c)
	c.Stop()
	require.ErrorIs(t, c.CallDirect(func() {}), pending.ErrStopped)

	release()
	<-c.Stopped()
	require.ErrorIs(t, c.CallDirect(func() {}), pending.ErrStopped)
}

func TestDirectCallsThatAStopPreventsAreCountedInTheLog(t *testing.T) {
	for name, n := range map[string]int{"few": 3, "many": 1000} {
		t.Run(name, func(t *testing.T) {
			log, option := logged()
			c := unstarted(t, newSystem(t), option)
			stopper := do(t.Context(), c, func(context.Context) { c.Stop() })
			for range n {
				require.NoError(t, c.CallDirect(func() { assert.Fail(t, "it has run after the stop") }))
			}
			require.NoError(t, c.Start())

			result(t, stopper)
			<-c.Stopped()
			assert.Contains(t, log.String(), fmt.Sprintf("count=%d", n))
		})
	}
}

func TestQueuedCallIsDoneAtAStopWhateverItsCanceller(t *testing.T) {
	c := start(t, newSystem(t))
	release := occupy(t, c)
	p := actors.CallSoon(t.Context(), c, returns(1))
	asked := make(chan error, 1)
	p.SetCanceller(func(cause error) { asked <- cause })
	c.Stop()
	release()

	require.ErrorIs(t, <-asked, pending.ErrStopped)
	require.ErrorIs(t, failure(p), pending.ErrStopped)
}
