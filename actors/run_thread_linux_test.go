package actors_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// isThread reports whether the process has a thread of that id.
func isThread(tid int) bool {
	_, err := os.Stat("/proc/self/task/" + strconv.Itoa(tid))
	return err == nil
}

// untilThreadEnds returns when the thread has ended, which it does a little later
// than its goroutine. The first thread of the process never does.
func untilThreadEnds(tb testing.TB, tid int) {
	tb.Helper()
	for isThread(tid) && tid != os.Getpid() {
		runtime.Gosched()
	}
}

// threadAcrossWaits is a function that returns its thread if that is the same after
// each of some waits. During the waits other functions have their turn.
func threadAcrossWaits(c *actors.Caller) func(ctx context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		tid := syscall.Gettid()
		for range 10 {
			other, err := actors.CallSoon(ctx, c, thread).Wait(ctx)
			if err == nil {
				err = actors.Sleep(ctx, 0)
			}
			if err != nil || other != tid || syscall.Gettid() != tid {
				return 0, fmt.Errorf("on thread %d, another function on %d, then on %d: %w", tid, other, syscall.Gettid(), err)
			}
		}
		return tid, nil
	}
}

func TestRunWithAThreadHasAllFunctionsOnTheThreadOfTheGoroutine(t *testing.T) {
	for name, locks := range map[string]int{"goroutine of no thread": 0, "locked goroutine": 1, "goroutine locked twice": 2} {
		t.Run(name, func(t *testing.T) {
			if again() {
				return
			}
			c, err := actors.New(newSystem(t), props.Backend(props.Thread))
			require.NoError(t, err)
			var ps []*pending.Pending[int]
			for range 20 {
				ps = append(ps, actors.CallSoon(t.Context(), c, threadAcrossWaits(c)))
			}
			last := make(chan struct{})
			tid := make(chan int, 1)
			ended := make(chan error, 1)
			go func() {
				for range locks {
					runtime.LockOSThread()
				}
				next, stop := iter.Pull(func(yield func(int) bool) { yield(1) })
				if locks > 0 {
					tid <- syscall.Gettid()
				}
				err := c.Run(t.Context())
				// The runtime lets this pass only if the goroutine is as locked as before.
				next()
				stop()
				if locks > 0 {
					assert.Equal(t, <-tid, syscall.Gettid())
					tid <- syscall.Gettid()
				}
				ended <- err
				<-last
			}()
			on := result(t, ps[0])
			for _, p := range ps {
				assert.Equal(t, on, result(t, p))
			}
			require.NoError(t, c.StopWait(t.Context()))
			require.NoError(t, <-ended)
			if locks > 0 {
				assert.Equal(t, on, <-tid)
			}
			close(last)
			if locks > 0 {
				untilThreadEnds(t, on) // as that of a locked goroutine does
			}
		})
	}
}

// The goroutine is the user's, who may have locked it: functions that don't wait for
// each other are on its thread without props.Thread too.
func TestRunOfALockedGoroutineHasFunctionsOnItsThread(t *testing.T) {
	if again() {
		return
	}
	c, err := actors.New(newSystem(t))
	require.NoError(t, err)
	own := make(chan int, 1)
	ended := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		own <- syscall.Gettid()
		ended <- c.Run(t.Context())
	}()
	want := <-own
	for range 100 {
		assert.Equal(t, want, result(t, actors.CallSoon(t.Context(), c, thread)))
	}
	resumed := result(t, actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
		err := actors.Sleep(ctx, time.Millisecond)
		return syscall.Gettid(), err
	}))
	assert.Equal(t, want, resumed)
	require.NoError(t, c.StopWait(t.Context()))
	require.NoError(t, <-ended)
}

func TestRunWithAThreadEndsWithItsContext(t *testing.T) {
	if again() {
		return
	}
	c, err := actors.New(newSystem(t), props.Backend(props.Thread), props.Protected())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
		cancel()
		return 0, actors.Sleep(ctx, time.Hour)
	})
	offspring := child(t, c)
	require.NoError(t, c.Run(ctx))
	assert.Equal(t, actors.StateStopped, c.State())
	assert.Equal(t, actors.StateStopped, offspring.State())
	require.ErrorIs(t, p.Err(), pending.ErrStopped)
}

func TestGoexitOnAThreadThatIsLentEndsItsGoroutineAndTheCaller(t *testing.T) {
	if again() {
		return
	}
	for name, wait := range map[string]bool{"at once": false, "after a wait": true} {
		t.Run(name, func(t *testing.T) {
			c, err := actors.New(newSystem(t), props.Backend(props.Thread))
			require.NoError(t, err)
			waiting := do(t.Context(), c, func(ctx context.Context) { _ = actors.Sleep(ctx, time.Hour) })
			exits := do(t.Context(), c, func(ctx context.Context) {
				if wait {
					require.NoError(t, actors.Sleep(ctx, time.Millisecond))
				}
				exitGoroutine()
			})
			returned := false
			onGoroutine(func() {
				_ = c.Run(t.Context())
				returned = true
			})
			assert.False(t, returned)
			<-c.Stopped()
			assert.True(t, exits.Cancelled())
			assert.True(t, waiting.IsDone())
		})
	}
}

// An abandoned function has the goroutine, so Run cannot return before it does; and
// it does not return before the caller has stopped.
func TestRunWithAThreadReturnsWhenTheCallerHasStopped(t *testing.T) {
	if again() {
		return
	}
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c, err := actors.New(system, props.Backend(props.Thread), props.StopTimeout(time.Second))
		require.NoError(t, err)
		kid := child(t, c, props.StopTimeout(time.Hour))
		do(t.Context(), kid, func(context.Context) { time.Sleep(time.Minute) })
		stuck := do(t.Context(), c, func(context.Context) { time.Sleep(10 * time.Second) })
		time.AfterFunc(time.Second, func() { c.Stop() })
		begin := time.Now()
		require.NoError(t, c.Run(t.Context()))
		assert.Equal(t, actors.StateStopped, c.State())
		assert.Equal(t, time.Minute, time.Since(begin))
		require.ErrorIs(t, stuck.Err(), pending.ErrStopped)
	})
}

// mainThread is set in the environment of a process that is to try its first thread.
const mainThread = "PROTOCALLER_MAIN_THREAD"

func init() {
	if os.Getenv(mainThread) == "" {
		return
	}
	runtime.LockOSThread() // as a program does that needs its main goroutine on the main thread
	asMain = mainThreadProgram
}

// mainThreadProgram is what the main function of a program may be.
func mainThreadProgram() int {
	c, err := actors.New(actor.NewActorSystem(quiet), props.Backend(props.Thread))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	go func() {
		defer c.Stop()
		for range 100 {
			tid, err := actors.CallSoon(context.Background(), c, threadAcrossWaits(c)).Wait(context.Background())
			if err != nil || tid != os.Getpid() {
				fmt.Println("not the main thread:", tid, err)
				return
			}
		}
		fmt.Println("all on the main thread")
	}()
	if err := c.Run(context.Background()); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func TestMainFunctionIsTheCallerOfTheMainThread(t *testing.T) {
	if again() {
		return
	}
	program, err := os.Executable()
	require.NoError(t, err)
	process := exec.CommandContext(t.Context(), program)
	process.Env = append(os.Environ(), mainThread+"=1")
	output, err := process.CombinedOutput()
	require.NoError(t, err, "%s", output)
	assert.Equal(t, "all on the main thread\n", string(output))
}
