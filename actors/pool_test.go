package actors_test

import (
	"context"
	"errors"
	"runtime"
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
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// silence is a publication that drops everything.
type silence struct{}

func (silence) Publish(string, []byte) error { return nil }
func (silence) Close() error                 { return nil }

// opening returns an option whose publisher calls open for each caller after the first.
func opening(open func() error) props.Option {
	var opened atomic.Int64
	return props.Publisher(func(string) (props.Publication, error) {
		if opened.Add(1) > 1 {
			if err := open(); err != nil {
				return nil, err
			}
		}
		return silence{}, nil
	})
}

// stopsItsWorker is a function that stops its own worker, and works for d after that.
func stopsItsWorker(d time.Duration) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		w, _ := actors.Current(ctx)
		w.Stop()
		time.Sleep(d)
		return 1, nil
	}
}

func TestPlaceOfAWorkerWhoseFunctionIsAbandonedIsFree(t *testing.T) {
	for name, stop := range map[string]func(*testing.T, *actors.Caller){
		"by a restart": func(t *testing.T, w *actors.Caller) { crash(t, w) },
		"by a stop":    func(_ *testing.T, w *actors.Caller) { w.Stop() },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system, props.MaxWorkers(1), props.StopTimeout(time.Second),
					props.Supervision(supervision.Restart()))
				free := make(chan struct{})
				defer close(free)
				for range 3 {
					stubborn := actors.ToThread(t.Context(), c, func(ctx context.Context) (int, error) {
						err := actors.Sleep(context.WithoutCancel(ctx), time.Hour)
						<-free
						return 1, err
					})
					synctest.Wait()
					require.Len(t, c.Children(), 1)
					waits := actors.ToThread(t.Context(), c, returns(1))
					stop(t, c.Children()[0])
					assert.False(t, waits.IsDone(), "the function has not returned")

					time.Sleep(time.Second)
					synctest.Wait()
					assert.True(t, stubborn.IsDone())
					require.True(t, waits.IsDone(), "the place is free")
					assert.Equal(t, 1, result(t, actors.ToThread(t.Context(), c, returns(1))))
				}
			})
		})
	}
}

func TestFunctionsThatStopTheirWorkerAreNotMoreThanTheWorkersAllowed(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.MaxWorkers(2))
		var running, most atomic.Int32
		var calls []*pending.Pending[int]
		begin := time.Now()
		for range 6 {
			calls = append(calls, actors.ToThread(t.Context(), c, func(ctx context.Context) (int, error) {
				most.Store(max(most.Load(), running.Add(1)))
				defer running.Add(-1)
				return stopsItsWorker(time.Second)(ctx)
			}))
		}
		for _, p := range calls {
			assert.Equal(t, 1, result(t, p))
		}
		assert.EqualValues(t, 2, most.Load())
		assert.Equal(t, 3*time.Second, time.Since(begin))
	})
}

func TestCallsThatFailForLackOfAWorkerDoNotPileUpOnTheStack(t *testing.T) {
	const calls, frames = 2000, 100
	var failing atomic.Bool
	c := start(t, newSystem(t), props.MaxWorkers(1), opening(func() error {
		if failing.Load() {
			return errBoom
		}
		return nil
	}))
	free := make(chan struct{})
	actors.ToThread(t.Context(), c, func(ctx context.Context) (int, error) {
		<-free
		return stopsItsWorker(0)(ctx)
	})
	failing.Store(true)
	var deepest atomic.Int64
	var all []*pending.Pending[int]
	for range calls {
		p := actors.ToThread(t.Context(), c, returns(1))
		p.OnDone(func(pending.Handle) {
			var pcs [10 * frames]uintptr
			deepest.Store(max(deepest.Load(), int64(runtime.Callers(0, pcs[:]))))
		})
		all = append(all, p)
	}
	close(free)
	for _, p := range all {
		require.ErrorIs(t, failure(p), errBoom)
	}
	assert.Less(t, deepest.Load(), int64(frames))

	failing.Store(false)
	assert.Equal(t, 1, result(t, actors.ToThread(t.Context(), c, returns(1))))
}

func TestWorkerInItsBackoffIsGivenNoCallThatAnotherCanRun(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, append(restartInAMinute, props.MaxWorkers(2))...)
		begin := time.Now()
		panics := func(context.Context) (int, error) { panic(errBoom) }
		require.ErrorIs(t, failure(actors.ToThread(t.Context(), c, panics)), errBoom)
		assert.Equal(t, 1, result(t, actors.ToThread(t.Context(), c, returns(1))))
		assert.Zero(t, time.Since(begin), "on another worker")

		require.ErrorIs(t, failure(actors.ToThread(t.Context(), c, panics)), errBoom)
		assert.Equal(t, 1, result(t, actors.ToThread(t.Context(), c, returns(1))))
		assert.Equal(t, time.Minute, time.Since(begin), "no other is allowed")
		synctest.Wait()
		assert.Len(t, c.Children(), 2)
	})
}

func TestIdleWorkerThatRestartsTakesTheCallsThatWait(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, append(restartInAMinute, props.MaxWorkers(1))...)
		w := result(t, actors.ToThread(t.Context(), c, worker))
		crash(t, w)
		waits := actors.ToThread(t.Context(), c, worker)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.True(t, waits.IsDone())
		same(t, w, result(t, waits))
	})
}

func TestWorkerWhoseFailureIsBeingDecidedOnIsGivenNoCall(t *testing.T) {
	c := start(t, newSystem(t), props.Supervision(supervision.Escalate()))
	occupy(t, c) // whose policy is asked
	require.ErrorIs(t, failure(actors.ToThread(t.Context(), c, func(context.Context) (int, error) { panic(errBoom) })), errBoom)
	assert.Equal(t, 1, result(t, actors.ToThread(t.Context(), c, returns(1))))
}

func TestWorkerThatStartsSlowlyHoldsUpNoOther(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		var opens atomic.Int32
		c := start(t, system, props.MaxWorkers(2), opening(func() error {
			if opens.Add(1) == 3 {
				time.Sleep(time.Hour)
			}
			return nil
		}))
		begin := time.Now()
		first := actors.ToThread(t.Context(), c, stopsItsWorker(time.Second))
		actors.ToThread(t.Context(), c, stopsItsWorker(2*time.Second))
		slow := actors.ToThread(t.Context(), c, returns(1))
		quick := actors.ToThread(t.Context(), c, returns(2))
		delayed := actors.Schedule(t.Context(), c, returns(3), actors.Delay(3*time.Second), actors.OnWorker())
		result(t, first)
		assert.Equal(t, time.Second, time.Since(begin))
		assert.Equal(t, 2, result(t, quick))
		assert.Equal(t, 2*time.Second, time.Since(begin))
		assert.Equal(t, 3, result(t, delayed))
		assert.False(t, slow.IsDone())
		assert.Equal(t, 1, result(t, slow))
	})
}

func TestCallsThatQueueForAWorkerKeepTheirOrderWhenWorkersStop(t *testing.T) {
	c := start(t, newSystem(t), props.MaxWorkers(1), props.MaxQueued(200))
	free := make(chan struct{})
	actors.ToThread(t.Context(), c, func(context.Context) (int, error) { <-free; return 1, nil })
	var order []int
	var all []*pending.Pending[int]
	for i := range 200 {
		all = append(all, actors.ToThread(t.Context(), c, func(ctx context.Context) (int, error) {
			order = append(order, i) // one at a time
			if i%3 == 0 {
				return stopsItsWorker(0)(ctx)
			}
			return 1, nil
		}))
	}
	close(free)
	for _, p := range all {
		result(t, p)
	}
	assert.Equal(t, upTo(200), order)
}

func TestCancelledCallTakesNoPlaceInTheQueueForAWorker(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.MaxWorkers(1), props.MaxQueued(1))
		actors.ToThread(t.Context(), c, workerAfter(time.Minute))
		ctx, cancel := context.WithCancel(t.Context())
		for range 10 {
			queued := actors.ToThread(t.Context(), c, returns(1))
			require.NoError(t, notDone(queued))
			require.ErrorIs(t, actors.ToThread(t.Context(), c, returns(1)).Err(), actors.ErrOverloaded)
			queued.Cancel(nil)
		}
		require.NoError(t, notDone(actors.ToThread(ctx, c, returns(1))))
		cancel()
		synctest.Wait()
		assert.Equal(t, 1, result(t, actors.ToThread(t.Context(), c, returns(1))))
	})
}

// notDone returns what a pending has ended with, nil if it has not ended.
func notDone(h pending.Handle) error {
	if err := h.Err(); !errors.Is(err, pending.ErrNotDone) {
		return errors.Join(errors.New("it is done"), err)
	}
	return nil
}

func TestCallbackThatEndsItsGoroutineAsWorkersExpireLosesNoPlace(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.MaxWorkers(3), props.IdleTimeout(time.Minute))
		for _, p := range []*pending.Pending[*actors.Caller]{
			actors.ToThread(t.Context(), c, workerAfter(time.Second)),
			actors.ToThread(t.Context(), c, workerAfter(time.Second)),
			actors.ToThread(t.Context(), c, workerAfter(time.Second)),
		} {
			actors.CallLater(t.Context(), result(t, p), time.Hour, returns(1)).OnDone(func(pending.Handle) { exitGoroutine() })
		}
		time.Sleep(3 * time.Minute)
		assert.Empty(t, c.Children())
		begin := time.Now()
		var all []*pending.Pending[*actors.Caller]
		for range 3 {
			all = append(all, actors.ToThread(t.Context(), c, workerAfter(time.Second)))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		for _, p := range all {
			require.True(t, p.IsDone(), "after %v", time.Since(begin))
		}
	})
}

func TestDrainWaitsForACallWhoseWorkerStarts(t *testing.T) {
	for name, ready := range map[string]bool{"that is the first": true, "after another has stopped": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system, props.MaxWorkers(1), opening(func() error {
					time.Sleep(time.Minute)
					return nil
				}))
				if !ready {
					go actors.ToThread(t.Context(), c, stopsItsWorker(time.Second))
					synctest.Wait()
				}
				var p *pending.Pending[int]
				made := make(chan struct{})
				go func() {
					p = actors.ToThread(t.Context(), c, returns(1))
					close(made)
				}()
				time.Sleep(time.Second)
				require.NoError(t, c.Drain(t.Context()))
				<-made
				assert.Equal(t, 1, result(t, p))
			})
		})
	}
}

func TestStopCancelsACallWhoseWorkerStarts(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		var slow atomic.Bool
		c := start(t, system, props.MaxWorkers(1), opening(func() error {
			if slow.Load() {
				time.Sleep(time.Minute)
			}
			return nil
		}))
		actors.ToThread(t.Context(), c, stopsItsWorker(time.Second))
		p := actors.ToThread(t.Context(), c, returns(1))
		slow.Store(true)
		time.Sleep(2 * time.Second)
		require.NoError(t, notDone(p))
		c.Stop()
		require.True(t, p.IsDone())
		require.ErrorIs(t, p.Err(), pending.ErrStopped)
	})
}

func TestPublisherThatStopsItsWorkerFailsTheCall(t *testing.T) {
	system := newSystem(t)
	c := start(t, system, props.MaxWorkers(1), props.Publisher(func(id string) (props.Publication, error) {
		if c, _ := actors.Lookup(system, id); c.Parent() != nil {
			c.Stop()
		}
		return silence{}, nil
	}))
	for range 10 {
		require.ErrorIs(t, failure(actors.ToThread(t.Context(), c, returns(1))), pending.ErrStopped)
	}
}

func TestCallbackThatEndsItsGoroutineAsAWorkerIsStoppedHarmsNoCall(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.MaxWorkers(1), props.MaxIdleWorkers(0))
		for range 3 {
			p := actors.ToThread(t.Context(), c, func(ctx context.Context) (int, error) {
				w, _ := actors.Current(ctx)
				actors.CallLater(t.Context(), w, time.Hour, returns(1)).OnDone(func(pending.Handle) { exitGoroutine() })
				return 1, nil
			})
			synctest.Wait()
			require.True(t, p.IsDone())
			assert.Equal(t, 1, result(t, p))
		}
	})
}

// The second ends the goroutine on which the end of the first is dealt with.
func TestTwoCallbacksThatEndTheirGoroutineLoseNoCaller(t *testing.T) {
	c := start(t, newSystem(t), props.Supervision(supervision.Stop()))
	actors.CallLater(t.Context(), c, time.Hour, returns(1)).OnDone(func(pending.Handle) { exitGoroutine() })
	release := occupy(t, c)
	p := do(t.Context(), c, func(context.Context) { panic(errBoom) })
	p.OnDone(func(pending.Handle) { exitGoroutine() })
	release()
	require.ErrorIs(t, failure(p), errBoom)
	<-c.Stopped()
}

func TestCallbackThatEndsTheGoroutineOfAStartLosesNoCaller(t *testing.T) {
	for name, start := range map[string]func(*actors.Caller) error{
		"Start": (*actors.Caller).Start,
		"Run":   func(c *actors.Caller) error { return c.Run(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			c := runnable(t, newSystem(t), props.Publisher(func(string) (props.Publication, error) { return nil, errBoom }))
			p := actors.CallSoon(t.Context(), c, returns(1))
			p.OnDone(func(pending.Handle) { exitGoroutine() })
			away(func() { _ = start(c) })
			<-c.Stopped()
			require.ErrorIs(t, p.Err(), pending.ErrStopped)
		})
	}
}
