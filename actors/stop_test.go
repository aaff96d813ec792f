package actors_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/stopping"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// Item 12 of the seed's behavior.
func TestStopReturnsTheStateAndHasNoFurtherEffect(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log := logEvents(system)
		c := start(t, system, props.Name("c"))
		goOn := make(chan struct{})
		p := do(t.Context(), c, func(context.Context) { <-goOn })
		synctest.Wait()
		for range 3 {
			assert.Equal(t, actors.StateStopping, c.Stop())
		}
		synctest.Wait()
		assert.False(t, p.IsDone(), "a stop asks, and waits for the answer")
		close(goOn)
		synctest.Wait()
		require.NoError(t, p.Err())
		for range 3 {
			assert.Equal(t, actors.StateStopped, c.Stop(actors.Force()))
		}
		assert.Equal(t, []string{"c stopped"}, log.all("c"))
	})
}

func TestStopByManyAtOnceIsOneStop(t *testing.T) {
	for i := range 50 {
		t.Run(strconv.Itoa(i), stopByMany)
	}
}

func stopByMany(t *testing.T) {
	system := newSystem(t)
	log := logEvents(system)
	parent := start(t, system, props.Name("parent"))
	c := child(t, parent, props.Name("c"), props.Supervision(supervision.Stop()))
	panicked := do(t.Context(), c, func(context.Context) { panic(errBoom) })
	stops := []func(){
		func() { c.Stop() },
		func() { assert.NoError(t, c.StopWait(t.Context())) },
		func() { assert.NoError(t, c.Drain(t.Context())) },
		func() { system.Root.Stop(c.PID()) },
		func() { system.Root.Poison(c.PID()) },
		func() { parent.Stop() },
		func() { assert.NoError(t, actors.Shutdown(t.Context(), system)) },
	}
	var all sync.WaitGroup
	for _, stop := range stops {
		all.Go(stop)
	}
	all.Wait()
	<-parent.Stopped()
	<-panicked.Done()
	assert.Equal(t, actors.StateStopped, c.State(), "before its parent")
	stopped := log.all("c")
	assert.Regexp(t, "^c stopped(: boom)?$", stopped[len(stopped)-1], stopped)
	assert.LessOrEqual(t, len(stopped), 2, "a failure at most, and the end")
}

// Item 12 of the seed's behavior.
// Item 19 of the seed's behavior.
func TestProtectedCallerIsStoppedByForceAlone(t *testing.T) {
	c := start(t, newSystem(t), props.Protected())
	protected := child(t, c, props.Protected())
	open := child(t, c)
	for range 2 {
		assert.Equal(t, actors.StateRunning, c.Stop())
		require.ErrorContains(t, c.StopWait(t.Context()), "is protected")
		assert.Equal(t, actors.StateRunning, protected.Stop())
	}
	for _, c := range []*actors.Caller{c, protected, open} {
		assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
	}
	require.NoError(t, c.StopWait(t.Context(), actors.Force()))
	assert.Equal(t, actors.StateStopped, protected.State(), "the stop of a parent is always forced")
}

func TestProtectionIsNotInherited(t *testing.T) {
	c := child(t, start(t, newSystem(t), props.Protected()))
	assert.False(t, c.Protected())
	require.NoError(t, c.StopWait(t.Context()))
}

// AsCaller says that props.Protected has no effect.
func TestAdoptedActorIsNeverProtected(t *testing.T) {
	c := adopted(t, newSystem(t), nil, "actor", puppet, []props.Option{props.Protected()})
	assert.False(t, c.Protected())
	require.NoError(t, c.StopWait(t.Context()))
}

// Item 14 of the seed's behavior.
// Item 15 of the seed's behavior.
func TestStopLetsFunctionsCleanUpAllAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		grandchild := child(t, child(t, c))
		cleanUp := func(ctx context.Context) (string, error) {
			err := actors.Sleep(ctx, time.Hour)
			return "clean", errors.Join(actors.Sleep(context.WithoutCancel(ctx), time.Second), ignore(err))
		}
		var pendings []*pending.Pending[string]
		for _, c := range []*actors.Caller{c, c, c, grandchild} {
			pendings = append(pendings, actors.CallSoon(t.Context(), c, cleanUp))
		}
		synctest.Wait()
		begin := time.Now()
		require.NoError(t, c.StopWait(t.Context()))
		assert.Equal(t, time.Second, time.Since(begin))
		for _, p := range pendings {
			assert.Equal(t, "clean", result(t, p))
		}
	})
}

// ignore makes an error none, if it is that of a stop.
func ignore(err error) error {
	if errors.Is(err, pending.ErrStopped) {
		return nil
	}
	return err
}

// Item 15 of the seed's behavior.
func TestOutcomeOfAFunctionThatRunsWhenItsCallerStops(t *testing.T) {
	tests := map[string]struct {
		end       func(ctx context.Context) (string, error)
		value     string
		errs      []error // all of which match, none for a value
		cancelled bool
	}{
		"a value":                {end: func(context.Context) (string, error) { return "value", nil }, value: "value"},
		"its context's error":    {end: func(ctx context.Context) (string, error) { return "", ctx.Err() }, errs: []error{pending.ErrStopped, context.Canceled}, cancelled: true},
		"its context's cause":    {end: func(ctx context.Context) (string, error) { return "", context.Cause(ctx) }, errs: []error{pending.ErrStopped}, cancelled: true},
		"that error, wrapped":    {end: func(ctx context.Context) (string, error) { return "", fmt.Errorf("%w: %w", errBoom, ctx.Err()) }, errs: []error{pending.ErrStopped, errBoom}, cancelled: true},
		"the error of a wait":    {end: asleep, errs: []error{pending.ErrStopped}, cancelled: true},
		"an error of its own":    {end: func(context.Context) (string, error) { return "", errBoom }, errs: []error{errBoom}},
		"a panic":                {end: func(context.Context) (string, error) { panic(errBoom) }, errs: []error{errBoom}},
		"Goexit":                 {end: func(context.Context) (string, error) { exitGoroutine(); return "", nil }, errs: []error{pending.ErrCancelled}, cancelled: true},
		"a value, though asked":  {end: cancelItself(func() (string, error) { return "value", nil }), errs: []error{errBoom}, cancelled: true},
		"an error, though asked": {end: cancelItself(func() (string, error) { return "", pending.ErrStopped }), errs: []error{errBoom}, cancelled: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system)
				p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) {
					<-ctx.Done()
					return tt.end(ctx)
				})
				synctest.Wait()
				require.NoError(t, c.StopWait(t.Context()))
				value, err := p.Result()
				assert.Equal(t, tt.value, value)
				for _, want := range tt.errs {
					require.ErrorIs(t, err, want)
				}
				assert.Equal(t, len(tt.errs) > 0, err != nil)
				assert.Equal(t, tt.cancelled, p.Cancelled())
			})
		})
	}
}

// cancelItself cancels the pending of the function before it ends.
func cancelItself(end func() (string, error)) func(ctx context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		self, _ := pending.Current(ctx)
		self.Cancel(errBoom)
		return end()
	}
}

// A function that keeps its turn while it waits is reached as well.
func TestStopEndsEveryWait(t *testing.T) {
	for _, w := range waitings {
		for _, actorOfUser := range []bool{false, true} {
			t.Run(fmt.Sprint(w.name, ", adopted ", actorOfUser), func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					c, other := callerOrActor(t, system, actorOfUser, append(w.opts, props.StopTimeout(0))), start(t, system)
					slept, promised := actors.CallSoon(t.Context(), other, asleep), pending.New[string](t.Context())
					kept := actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) { return w.wait(ctx, slept) })
					next := actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) { return w.wait(ctx, promised) })
					synctest.Wait()
					require.NoError(t, c.StopWait(t.Context()))
					for _, p := range []*pending.Pending[string]{kept, next} {
						require.ErrorIs(t, p.Err(), pending.ErrStopped)
					}
					assert.True(t, slept.Cancelled(), "as what nobody waits for any more")
				})
			})
		}
	}
}

// Item 15 of the seed's behavior.
// Item 16 of the seed's behavior.
// Calls have no right to run because they were made in time.
func TestNothingQueuedRunsAfterStop(t *testing.T) {
	const calls = 1000
	log, logTo := logged()
	c := start(t, newSystem(t), logTo)
	release := occupy(t, c)
	var queued []*pending.Pending[any]
	for range calls {
		queued = append(queued, do(t.Context(), c, func(context.Context) { t.Error("it ran") }))
		require.NoError(t, c.CallDirect(func() { t.Error("it ran") }))
	}
	c.Stop()
	for _, p := range queued {
		assert.True(t, p.IsDone(), "at once, not when the turn is free")
		require.ErrorIs(t, p.Err(), pending.ErrStopped)
	}
	release()
	<-c.Stopped()
	assert.Contains(t, log.String(), fmt.Sprintf("direct calls were dropped by a stop\" caller=%s count=%d", c.ID(), calls))
}

// A stop finds a function wherever it is between the queue and its first line.
func TestStopReachesAFunctionThatIsJustStarting(t *testing.T) {
	system := newSystem(t)
	for range 2000 {
		c, err := actors.Start(system, props.StopTimeout(0))
		require.NoError(t, err)
		p := actors.CallSoon(t.Context(), c, untilItsEnd)
		require.NoError(t, c.StopWait(t.Context()))
		require.ErrorIs(t, p.Err(), pending.ErrStopped)
	}
}

// Item 18 of the seed's behavior.
// Section 5, 5 as well.
func TestWhoSeesTheEndFindsNothingLeft(t *testing.T) {
	system := newSystem(t)
	parent := start(t, system)
	for range 200 {
		c := child(t, parent, props.Name("c"))
		var waiters sync.WaitGroup
		for range 3 {
			waiters.Go(func() {
				<-c.Stopped()
				assert.Equal(t, actors.StateStopped, c.State())
				assert.Empty(t, parent.Children())
				_, found := actors.Lookup(system, c.ID())
				assert.False(t, found)
			})
		}
		c.Stop()
		waiters.Wait()
	}
}

func TestStopWaitEndsWithItsContextAndTheStopGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		goOn := make(chan struct{})
		p := do(t.Context(), c, func(context.Context) { <-goOn })
		synctest.Wait()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errBoom)
		defer cancel()
		err := c.StopWait(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, errBoom)
		assert.Equal(t, actors.StateStopping, c.State())
		close(goOn)
		require.NoError(t, c.StopWait(t.Context()))
		require.NoError(t, p.Err())
	})
}

// Item 12 of the seed's behavior.
// Section 5, 10 as well.
func TestUnstartedCallerStopsWithAllItHas(t *testing.T) {
	ctx := context.Background()
	stops := map[string]func(c *actors.Caller){
		"Stop":              func(c *actors.Caller) { c.Stop() },
		"StopWait":          func(c *actors.Caller) { assert.NoError(t, c.StopWait(ctx)) },
		"Drain":             func(c *actors.Caller) { assert.NoError(t, c.Drain(ctx)) },
		"Shutdown":          func(c *actors.Caller) { assert.NoError(t, actors.Shutdown(ctx, c.System())) },
		"protoactor's Stop": func(c *actors.Caller) { c.System().Root.Stop(c.PID()) },
		"Stop, then Start":  func(c *actors.Caller) { c.Stop(); assert.Error(t, c.Start()) },
		"in a child's function": func(c *actors.Caller) {
			if helper, err := c.Child(props.Name("helper")); assert.NoError(t, err) {
				do(ctx, helper, func(context.Context) { c.Stop() })
			}
		},
	}
	for name, stop := range stops {
		for _, children := range []int{0, 3} {
			t.Run(fmt.Sprint(name, ", children ", children), func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					c := unstarted(t, system)
					var calls []*pending.Pending[string]
					for range children {
						calls = append(calls, actors.CallSoon(ctx, child(t, c), asleep))
					}
					refused := []*pending.Pending[string]{actors.CallSoon(ctx, c, asleep), actors.CallLater(ctx, c, time.Second, asleep)}
					synctest.Wait()
					stop(c)
					<-c.Stopped()
					for _, p := range refused {
						require.ErrorIs(t, p.Err(), pending.ErrStopped)
					}
					for _, p := range calls {
						assert.True(t, p.IsDone())
					}
					assert.Empty(t, c.Children())
					for c := range actors.All(system) {
						t.Error(c)
					}
				})
			})
		}
	}
}

func TestPoisonOfAnUnstartedCallerWaitsForItsTurn(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := unstarted(t, system)
		before := actors.CallSoon(t.Context(), c, returns("before"))
		system.Root.Poison(c.PID())
		after := actors.CallSoon(t.Context(), c, returns("after"))
		synctest.Wait()
		assert.Equal(t, actors.StateInitial, c.State())
		require.NoError(t, c.Start())
		<-c.Stopped()
		assert.Equal(t, "before", result(t, before))
		require.ErrorIs(t, after.Err(), pending.ErrStopped)
	})
}

func TestNameMayBeUsedAgainAsSoonAsTheEndIsSeen(t *testing.T) {
	system := newSystem(t)
	for range 200 {
		parent := start(t, system)
		for range 5 {
			c := child(t, parent, props.Name("c"))
			assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
			c.Stop()
			<-c.Stopped()
		}
		last := child(t, parent, props.Name("c"))
		p := actors.CallSoon(t.Context(), last, untilItsEnd)
		require.NoError(t, parent.StopWait(t.Context()))
		assert.Equal(t, actors.StateStopped, last.State(), "before its parent")
		assert.True(t, p.IsDone())
	}
}

// protoactor answers to who watches an actor that is stopping as if it had
// stopped.
func TestWatchOfAStoppingCallerDoesNotEndIt(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := adopted(t, system, nil, "c", puppet, nil)
		watcher := adopted(t, system, nil, "watcher", puppet, nil)
		goOn := make(chan struct{})
		do(t.Context(), child(t, c), func(context.Context) { <-goOn })
		synctest.Wait()
		c.Stop()
		synctest.Wait()
		system.Root.Send(watcher.PID(), func(ctx actor.Context) { ctx.Watch(c.PID()) })
		synctest.Wait()
		assert.Equal(t, actors.StateStopping, c.State())
		close(goOn)
		<-c.Stopped()
	})
}

func TestStopMissesNoChildThatIsJustBeingMade(t *testing.T) {
	system := newSystem(t)
	for range 200 {
		parent := start(t, system)
		var makers sync.WaitGroup
		for range 3 {
			makers.Go(func() {
				for {
					c, err := parent.Child()
					if err != nil {
						assert.ErrorIs(t, err, pending.ErrStopped)
						return
					}
					defer func() { <-c.Stopped() }()
					actors.CallSoon(t.Context(), c, untilItsEnd)
				}
			})
		}
		require.NoError(t, parent.StopWait(t.Context()))
		for c := range actors.All(system) {
			assert.NotEqual(t, parent, c.Parent(), "it ends after its children")
		}
		makers.Wait()
	}
}

func TestTheCauseOfAStopIsInWhatItEnds(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log := logEvents(system)
		c := start(t, system, props.Name("c"))
		why := errors.New("there is another one")
		running := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, context.Cause(ctx)
		})
		queued := do(t.Context(), c, func(context.Context) {})
		synctest.Wait()
		c.Stop(stopping.Because(why))
		c.Stop(stopping.Because(errors.New("too late")))
		synctest.Wait()
		late := do(t.Context(), c, func(context.Context) {})
		for _, p := range []pending.Handle{running, queued, late} {
			require.ErrorIs(t, p.Err(), pending.ErrStopped)
			require.ErrorIs(t, p.Err(), why)
		}
		assert.Contains(t, log.all("c")[0], why.Error())
	})
}
