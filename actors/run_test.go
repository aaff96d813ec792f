package actors_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// goroutine returns what the stack of the calling goroutine begins with.
func goroutine(context.Context) (string, error) {
	stack := make([]byte, 20)
	return string(stack[:runtime.Stack(stack, false)]), nil
}

func TestRunMakesTheCallingGoroutineTheLoop(t *testing.T) {
	c, err := actors.New(newSystem(t))
	require.NoError(t, err)
	early := actors.CallSoon(t.Context(), c, goroutine)
	here := make(chan string, 1)
	ended := make(chan error, 1)
	go func() {
		g, _ := goroutine(t.Context())
		here <- g
		ended <- c.Run(t.Context())
	}()
	want := <-here
	for range 100 {
		late := actors.CallSoon(t.Context(), c, goroutine)
		for _, p := range []*pending.Pending[string]{early, late} {
			got, err := p.Wait(t.Context())
			require.NoError(t, err)
			assert.Equal(t, want, got)
		}
	}

	// A function that waits is on the goroutine, so the other runs elsewhere.
	p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) {
		before, _ := goroutine(ctx)
		other, err := actors.CallSoon(ctx, c, goroutine).Wait(ctx)
		after, _ := goroutine(ctx)
		assert.Equal(t, want, before)
		assert.Equal(t, want, after)
		return other, err
	})
	other, err := p.Wait(t.Context())
	require.NoError(t, err)
	assert.NotEqual(t, want, other)
	got, err := actors.CallSoon(t.Context(), c, goroutine).Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, want, got, "it is free again")

	require.NoError(t, c.StopWait(t.Context()))
	require.NoError(t, <-ended)
	require.Error(t, c.Run(t.Context()), "a caller runs once")
}

// Item 13 of the seed's behavior.
func TestRunEndsWithItsContext(t *testing.T) {
	c, err := actors.New(newSystem(t), props.Protected())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
		cancel()
		return 0, actors.Sleep(ctx, 1<<62)
	})
	require.NoError(t, c.Run(ctx))
	assert.Equal(t, actors.StateStopped, c.State())
	require.ErrorIs(t, p.Err(), pending.ErrStopped)
}

func TestRunWithAContextThatHasEndedRunsNothing(t *testing.T) {
	c := runnable(t, newSystem(t))
	queued := do(t.Context(), c, func(context.Context) { t.Error("it ran") })
	offspring := child(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, c.Run(ctx))
	assert.Equal(t, actors.StateStopped, c.State())
	assert.Equal(t, actors.StateStopped, offspring.State())
	require.ErrorIs(t, queued.Err(), pending.ErrStopped)
}

func TestRunReturnsTheFailureThatStoppedTheCaller(t *testing.T) {
	c, err := actors.New(newSystem(t), props.Supervision(supervision.Stop()))
	require.NoError(t, err)
	actors.CallSoon(t.Context(), c, func(context.Context) (int, error) { panic("no") })
	var crash *pending.PanicError
	require.ErrorAs(t, c.Run(t.Context()), &crash)
	assert.Equal(t, "no", crash.Value)
}

func TestGoexitInAFunctionEndsTheGoroutineOfRunAndTheCaller(t *testing.T) {
	c, err := actors.New(newSystem(t))
	require.NoError(t, err)
	p := actors.CallSoon(t.Context(), c, func(context.Context) (int, error) {
		runtime.Goexit()
		return 0, nil
	})
	queued := actors.CallSoon(t.Context(), c, one)
	returned := false
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Run(t.Context())
		returned = true
	}()
	<-ended
	assert.False(t, returned)
	<-c.Stopped()
	assert.True(t, p.Cancelled())
	assert.True(t, queued.IsDone())
}

// What waits there has to go on there, to its end.
func TestCallbackThatEndsTheGoroutineOfRunOnceMoreLeavesNoFunctionBehind(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c, err := actors.New(system, props.Backend(props.Thread))
		require.NoError(t, err)
		waits := actors.CallSoon(t.Context(), c, asleep)
		exits := do(t.Context(), c, func(context.Context) { exitGoroutine() })
		queued := actors.CallSoon(t.Context(), c, one)
		queued.OnDone(func(pending.Handle) { exitGoroutine() })
		go func() { _ = c.Run(t.Context()) }()
		synctest.Wait()
		for _, p := range []pending.Handle{waits, exits, queued} {
			assert.True(t, p.IsDone(), p)
		}
		assert.Equal(t, actors.StateStopped, c.State())
	})
}

func TestCallbackThatEndsItsGoroutineDoesNotKeepACallerThatIsNotToRunFromStopping(t *testing.T) {
	for name, ended := range map[string]bool{"context that has ended": true, "publication that fails": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if ended {
					cancel()
				}
				c := runnable(t, system, props.Publisher(func(string) (props.Publication, error) { return nil, errBoom }))
				queued := actors.CallSoon(t.Context(), c, one)
				queued.OnDone(func(pending.Handle) { exitGoroutine() })
				go func() { _ = c.Run(ctx) }()
				synctest.Wait()
				assert.True(t, queued.IsDone())
				assert.Equal(t, actors.StateStopped, c.State())
			})
		})
	}
}
