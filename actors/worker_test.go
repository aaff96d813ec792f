package actors_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
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

// worker is a function that returns the worker it runs on.
func worker(ctx context.Context) (*actors.Caller, error) {
	w, _ := actors.Current(ctx)
	return w, nil
}

// workerAfter is one that works for d first.
func workerAfter(d time.Duration) func(context.Context) (*actors.Caller, error) {
	return func(ctx context.Context) (*actors.Caller, error) {
		time.Sleep(d)
		return worker(ctx)
	}
}

// Item 64 of the seed's behavior.
func TestWorkersWorkAtTheSameTimeAsTheirCallerAndEachOther(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		begin := time.Now()
		var all []*pending.Pending[*actors.Caller]
		for range 50 {
			all = append(all, actors.ToThread(t.Context(), c, workerAfter(time.Second)))
		}
		own := do(t.Context(), c, func(context.Context) { time.Sleep(time.Second) })

		workers := make(map[*actors.Caller]bool)
		for _, p := range all {
			workers[result(t, p)] = true
		}
		result(t, own)
		assert.Len(t, workers, 50)
		assert.Equal(t, time.Second, time.Since(begin))
	})
}

// Item 64 of the seed's behavior.
func TestWorkersAreKeptForTheNextCallsUpToALimit(t *testing.T) {
	for name, tt := range map[string]struct {
		opts []props.Option
		want int
	}{
		"of 10":               {want: 10},
		"of the options":      {opts: []props.Option{props.MaxIdleWorkers(3)}, want: 3},
		"of none":             {opts: []props.Option{props.MaxIdleWorkers(0)}, want: 0},
		"that is not reached": {opts: []props.Option{props.MaxIdleWorkers(99)}, want: 20},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system, tt.opts...)
				for range 20 {
					actors.ToThread(t.Context(), c, workerAfter(time.Second))
				}
				time.Sleep(2 * time.Second)
				assert.Len(t, c.Children(), tt.want)
			})
		})
	}
}

// Item 64 of the seed's behavior.
func TestOneCallAfterTheOtherNeedsOneWorker(t *testing.T) {
	c := start(t, newSystem(t))
	first := result(t, actors.ToThread(t.Context(), c, worker))
	for range 100 {
		same(t, first, result(t, actors.ToThread(t.Context(), c, worker)))
	}
	assert.Equal(t, ids(first), ids(c.Children()...))
}

// Item 64 of the seed's behavior.
func TestWorkerIsKeptWhateverItsFunctionEndsWith(t *testing.T) {
	for name, fn := range map[string]func(context.Context) (any, error){
		"an error":             func(context.Context) (any, error) { return nil, errBoom },
		"a panic":              func(context.Context) (any, error) { panic(errBoom) },
		"a cancellation":       func(context.Context) (any, error) { return nil, pending.ErrCancelled },
		"the end of goroutine": func(context.Context) (any, error) { runtime.Goexit(); return nil, nil },
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, newSystem(t))
			first := result(t, actors.ToThread(t.Context(), c, worker))
			for range 20 {
				require.Error(t, failure(actors.ToThread(t.Context(), c, fn)))
			}
			same(t, first, result(t, actors.ToThread(t.Context(), c, worker)))
		})
	}
}

// Item 64 of the seed's behavior.
func TestWorkerThatIsIdleForLongestIsTakenFirst(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		slow := actors.ToThread(t.Context(), c, workerAfter(3*time.Second))
		quick := actors.ToThread(t.Context(), c, workerAfter(time.Second))
		medium := actors.ToThread(t.Context(), c, workerAfter(2*time.Second))
		free := []*actors.Caller{result(t, quick), result(t, medium), result(t, slow)}

		var taken []*pending.Pending[*actors.Caller]
		for range 3 {
			taken = append(taken, actors.ToThread(t.Context(), c, workerAfter(time.Second)))
		}
		for i, p := range taken {
			same(t, free[i], result(t, p))
		}
	})
}

// Section 5, 4, of the seed's behavior.
func TestWorkerWhoseCallIsCancelledIsBusyUntilTheFunctionHasReturned(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		stubborn := actors.ToThread(t.Context(), c, workerAfter(time.Minute))
		synctest.Wait()
		busy := c.Children()
		require.Len(t, busy, 1)

		assert.True(t, stubborn.Cancel(nil))
		assert.False(t, stubborn.IsDone())
		assert.NotEqual(t, busy[0].ID(), result(t, actors.ToThread(t.Context(), c, worker)).ID())

		require.ErrorIs(t, failure(stubborn), pending.ErrCancelled)
		assert.Len(t, c.Children(), 2, "both are idle now")
	})
}

// Item 4 of the seed's behavior.
// Item 65 of the seed's behavior.
func TestWorkersAreChildren(t *testing.T) {
	c := start(t, newSystem(t), props.Name("boss"), props.MaxIdleWorkers(1), props.Protected())
	w := result(t, actors.ToThread(t.Context(), c, func(ctx context.Context) (*actors.Caller, error) {
		self, _ := actors.Current(ctx)
		own := result(t, actors.ToThread(ctx, self, worker))
		same(t, self, own.Parent())
		assert.Equal(t, ids(own), ids(self.Children()...))
		return self, nil
	}))

	same(t, c, w.Parent())
	assert.Equal(t, ids(w), ids(c.Children()...))
	assert.Contains(t, w.ID(), c.ID()+"/")
	assert.False(t, w.Protected())
	assert.NotEqual(t, "boss", w.Name())
	_, err := c.Child(props.Name(w.Name()))
	require.ErrorContains(t, err, "Name", "a worker cannot be asked for")
}

// Item 66 of the seed's behavior.
func TestWorkersThatAreIdleForLongAreStopped(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.IdleTimeout(time.Minute))
		kid := child(t, c)
		begin := time.Now()
		var all []*pending.Pending[*actors.Caller]
		for i := range 4 {
			all = append(all, actors.ToThread(t.Context(), c, workerAfter(time.Duration(i+1)*25*time.Second)))
		}
		for _, p := range all {
			w := result(t, p)
			idleSince := time.Now()
			go func() {
				<-w.Stopped()
				assert.GreaterOrEqual(t, time.Since(idleSince), time.Minute)
				assert.LessOrEqual(t, time.Since(idleSince), 2*time.Minute)
			}()
		}
		time.Sleep(time.Until(begin.Add(10 * time.Minute)))
		assert.Equal(t, ids(kid), ids(c.Children()...), "only workers are stopped")
	})
}

// Item 66 of the seed's behavior.
func TestWorkerThatIsUsedAgainIsKept(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.IdleTimeout(time.Minute))
		first := result(t, actors.ToThread(t.Context(), c, worker))
		for range 10 {
			time.Sleep(59 * time.Second)
			same(t, first, result(t, actors.ToThread(t.Context(), c, worker)))
		}
		time.Sleep(3 * time.Minute)
		assert.Equal(t, actors.StateStopped, first.State())
		assert.NotEqual(t, first.ID(), result(t, actors.ToThread(t.Context(), c, worker)).ID())
	})
}

func TestWorkersAreKeptForEverWithoutAnIdleTimeout(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.IdleTimeout(0))
		first := result(t, actors.ToThread(t.Context(), c, worker))
		time.Sleep(1000 * time.Hour)
		same(t, first, result(t, actors.ToThread(t.Context(), c, worker)))
	})
}

// Item 67 of the seed's behavior.
func TestWorkerThatIsStoppedByHandLeavesThePool(t *testing.T) {
	for name, stop := range map[string]func(*actors.Caller){
		"by Stop":             func(w *actors.Caller) { w.Stop() },
		"by the actor system": func(w *actors.Caller) { w.System().Root.Stop(w.PID()) },
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, newSystem(t), props.MaxWorkers(1))
			first := result(t, actors.ToThread(t.Context(), c, worker))
			stop(first)

			second := result(t, actors.ToThread(t.Context(), c, worker))
			assert.NotEqual(t, first.ID(), second.ID())
			<-first.Stopped()
			assert.Equal(t, ids(second), ids(c.Children()...))
		})
	}
}

func TestCallsThatWaitForAWorkerThatIsStoppedGetAnother(t *testing.T) {
	c := start(t, newSystem(t), props.MaxWorkers(1))
	stopped := actors.ToThread(t.Context(), c, func(ctx context.Context) (any, error) {
		w, _ := actors.Current(ctx)
		for range 3 {
			actors.ToThread(t.Context(), c, worker)
		}
		w.Stop()
		return nil, context.Cause(ctx)
	})
	last := actors.ToThread(t.Context(), c, worker)

	require.ErrorIs(t, failure(stopped), pending.ErrStopped)
	result(t, last)
}

// Item 17 of the seed's behavior.
// Item 67 of the seed's behavior.
func TestNoWorkForACallerThatIsStopping(t *testing.T) {
	c := start(t, newSystem(t))
	w := result(t, actors.ToThread(t.Context(), c, worker))
	release := occupy(t, c)
	c.Stop()

	late := actors.ToThread(t.Context(), c, worker)
	assert.True(t, late.IsDone())
	require.ErrorIs(t, late.Err(), pending.ErrStopped)
	release()
	<-c.Stopped()
	assert.Equal(t, actors.StateStopped, w.State())
}

func TestCallsQueueForAWorker(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.MaxWorkers(3))
		begin := time.Now()
		ended := make([]*pending.Pending[time.Duration], 10)
		for i := range ended {
			ended[i] = actors.ToThread(t.Context(), c, func(context.Context) (time.Duration, error) {
				time.Sleep(time.Second)
				return time.Since(begin), nil
			})
		}
		for i, p := range ended {
			assert.Equal(t, time.Duration(i/3+1)*time.Second, result(t, p))
		}
		assert.Len(t, c.Children(), 3)
	})
}

// The Go runtime ends a process that needs more than 10 000 threads.
func TestWorkersOnThreadsHaveALimitUnlessTheyAreGivenOne(t *testing.T) {
	if again() {
		return
	}
	const most = props.DefaultMaxThreads
	onThread := props.Backend(props.Thread)
	for name, tt := range map[string]struct {
		opts            []props.Option
		calls, together int
	}{
		"on threads":                       {[]props.Option{onThread}, most + 10, most},
		"on threads, given a lower limit":  {[]props.Option{onThread, props.MaxWorkers(3)}, 5, 3},
		"on threads, given a higher limit": {[]props.Option{onThread, props.MaxWorkers(most + 5)}, most + 10, most + 5},
		"on goroutines":                    {nil, most + 10, most + 10},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c, err := actors.Start(system, tt.opts...)
				require.NoError(t, err)
				stopAtEnd(t, c)
				begin := time.Now()
				ended := make([]*pending.Pending[*actors.Caller], tt.calls)
				for i := range ended {
					ended[i] = actors.ToThread(t.Context(), c, workerAfter(time.Second))
				}
				for i, p := range ended {
					result(t, p)
					assert.Equal(t, time.Duration(i/tt.together+1)*time.Second, time.Since(begin), "call %d", i)
				}
			})
		})
	}
}

func TestLimitOfThreadsIsNotInheritedByCallersOnGoroutines(t *testing.T) {
	if again() {
		return
	}
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		parent, err := actors.Start(system, props.Backend(props.Thread))
		require.NoError(t, err)
		stopAtEnd(t, parent)
		onThread := result(t, actors.ToThread(t.Context(), parent, worker))
		for _, c := range []*actors.Caller{parent, onThread} {
			kid := child(t, c, props.Backend(props.Goroutine))
			begin := time.Now()
			for range props.DefaultMaxThreads {
				actors.ToThread(t.Context(), kid, workerAfter(time.Second))
			}
			result(t, actors.ToThread(t.Context(), kid, workerAfter(time.Second)))
			assert.Equal(t, time.Second, time.Since(begin))
		}
	})
}

func TestCallThatQueuesForAWorkerCanBeCancelled(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.MaxWorkers(1))
		actors.ToThread(t.Context(), c, workerAfter(time.Second))
		queued := actors.ToThread(t.Context(), c, func(context.Context) (any, error) {
			return nil, errors.New("the function has run")
		})
		last := actors.ToThread(t.Context(), c, worker)

		assert.True(t, queued.Cancel(errBoom))
		assert.True(t, queued.IsDone())
		require.ErrorIs(t, queued.Err(), errBoom)
		result(t, last)
	})
}

func TestQueueForAWorkerHasALimit(t *testing.T) {
	c := start(t, newSystem(t), props.MaxWorkers(1), props.MaxQueued(2))
	free := make(chan struct{})
	blocked := func(context.Context) (int, error) { <-free; return 1, nil }
	var accepted []*pending.Pending[int]
	for range 3 {
		accepted = append(accepted, actors.ToThread(t.Context(), c, blocked))
	}
	refused := actors.ToThread(t.Context(), c, blocked)

	assert.True(t, refused.IsDone())
	require.ErrorIs(t, refused.Err(), actors.ErrOverloaded)
	assert.False(t, refused.Cancelled())
	close(free)
	for _, p := range accepted {
		assert.Equal(t, 1, result(t, p))
	}
}

func TestWorkerIsFreeWhateverOthersHaveQueuedOnIt(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.MaxWorkers(1), props.MaxQueued(1))
		var own *pending.Pending[int]
		first := actors.ToThread(t.Context(), c, func(ctx context.Context) (*actors.Caller, error) {
			w, err := worker(ctx)
			time.Sleep(time.Second) // until the second call queues for it
			own = actors.CallSoon(ctx, w, returns(1))
			return w, err
		})
		second := actors.ToThread(t.Context(), c, worker)
		w := result(t, first)
		assert.Same(t, w, result(t, second))
		assert.Equal(t, 1, result(t, own))

		busy := do(t.Context(), w, func(context.Context) { time.Sleep(time.Second) }) // by somebody else
		synctest.Wait()
		own = actors.CallSoon(t.Context(), w, returns(2))
		assert.Same(t, w, result(t, actors.ToThread(t.Context(), c, worker)))
		result(t, busy)
		assert.Equal(t, 2, result(t, own))
	})
}

func TestCrashOfAWorkerHurtsNoOtherCall(t *testing.T) {
	for name, tt := range map[string]struct {
		policy   supervision.Policy
		survives bool
	}{
		"when it is stopped":   {supervision.Stop(), false},
		"when it is restarted": {supervision.Restart(), true},
		"when it goes on":      {supervision.Capture(), true},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, newSystem(t), props.MaxWorkers(1), props.Supervision(tt.policy))
			free := make(chan struct{})
			crash := actors.ToThread(t.Context(), c, func(context.Context) (any, error) {
				<-free
				panic(errBoom)
			})
			workers := c.Children()
			queued := actors.ToThread(t.Context(), c, worker)
			close(free)

			require.ErrorIs(t, failure(crash), errBoom)
			w := result(t, queued)
			assert.Equal(t, tt.survives, slices.Contains(workers, w))
			for range 10 {
				require.ErrorIs(t, failure(actors.ToThread(t.Context(), c, func(context.Context) (any, error) {
					panic(errBoom)
				})), errBoom)
				result(t, actors.ToThread(t.Context(), c, worker))
			}
			assert.Equal(t, actors.StateRunning, c.State())
		})
	}
}
