package actors_test

import (
	"context"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// threads returns how many threads the process has.
func threads(tb testing.TB) int {
	tb.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	require.NoError(tb, err)
	return len(tasks)
}

// lives are what callers on threads may have done when they are stopped.
var lives = []func(ctx context.Context, c *actors.Caller) error{
	func(ctx context.Context, c *actors.Caller) error { return nil },
	func(ctx context.Context, c *actors.Caller) error {
		_, err := actors.CallSoon(ctx, c, one).Wait(ctx)
		return err
	},
	func(ctx context.Context, c *actors.Caller) error {
		waiting := make(chan struct{})
		for range 3 {
			do(ctx, c, func(ctx context.Context) {
				waiting <- struct{}{}
				_ = actors.Sleep(ctx, time.Hour)
			})
			<-waiting
		}
		return nil
	},
	func(ctx context.Context, c *actors.Caller) error {
		do(ctx, c, func(context.Context) { exitGoroutine() })
		return nil
	},
	func(ctx context.Context, c *actors.Caller) error {
		actors.CallUsing(ctx, c, props.Goroutine, one)
		_, err := actors.ToThread(ctx, c, one).Wait(ctx)
		return err
	},
}

// liveOn starts and stops n callers on threads, a few at a time.
func liveOn(tb testing.TB, system *actor.ActorSystem, n int) {
	tb.Helper()
	const together = 4
	var living sync.WaitGroup
	for range together {
		living.Go(func() {
			for i := range n / together {
				c, err := actors.Start(system, props.Backend(props.Thread))
				if !assert.NoError(tb, err) {
					return
				}
				assert.NoError(tb, lives[i%len(lives)](tb.Context(), c))
				assert.NoError(tb, c.StopWait(tb.Context()))
			}
		})
	}
	living.Wait()
}

func TestThreadsEndWithTheirCallers(t *testing.T) {
	if again() {
		return
	}
	system := newSystem(t)
	liveOn(t, system, 1000) // the runtime gets threads of its own, and keeps them
	before := threads(t)
	liveOn(t, system, fewer(t, 10_000))
	// Threads end a little later than their goroutines. Those of the runtime's own
	// vary by two or three; if each hundredth caller left one there would be a hundred.
	for threads(t) > before+8 {
		runtime.Gosched()
	}
}

func TestThreadOfAGuestEndsWithItsCaller(t *testing.T) {
	if again() {
		return
	}
	c, err := actors.Start(newSystem(t))
	require.NoError(t, err)
	guest := result(t, actors.CallUsing(t.Context(), c, props.Thread, thread))
	require.NoError(t, c.StopWait(t.Context()))
	untilThreadEnds(t, guest)
}

func TestThreadEndsOnceAnAbandonedFunctionHasLeftIt(t *testing.T) {
	if again() {
		return
	}
	c, err := actors.Start(newSystem(t), props.Backend(props.Thread), props.StopTimeout(time.Millisecond))
	require.NoError(t, err)
	tid := result(t, actors.CallSoon(t.Context(), c, thread))
	release := make(chan struct{})
	stuck := do(t.Context(), c, func(ctx context.Context) {
		assert.Error(t, actors.Sleep(ctx, time.Hour))
		<-release
	})
	result(t, actors.CallSoon(t.Context(), c, one))
	require.NoError(t, c.StopWait(t.Context()))
	require.ErrorIs(t, failure(stuck), pending.ErrStopped)
	assert.True(t, isThread(tid))
	close(release)
	untilThreadEnds(t, tid)
}

func TestFailedStartLeavesNoThread(t *testing.T) {
	if again() {
		return
	}
	c, err := actors.New(newSystem(t), props.Backend(props.Thread))
	require.NoError(t, err)
	queued := actors.CallSoon(t.Context(), c, thread)
	c.Stop()
	<-c.Stopped()
	require.ErrorIs(t, failure(queued), pending.ErrStopped)
	require.Error(t, c.Start())
}
