package actors_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
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

// notes are written by functions that may run at the same time.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) add(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
}

func (n *notes) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lines)
}

// noted returns a function that is noted when it begins and when it returns, after a time.
func (n *notes) noted(line string, takes time.Duration, err error) func(context.Context) error {
	return func(ctx context.Context) error {
		n.add(line + " begins")
		if takes > 0 {
			if err := actors.Sleep(ctx, takes); err != nil {
				n.add(line + " cancelled")
				return err
			}
		}
		n.add(line + " returns")
		return err
	}
}

func TestNoCallBeginsBeforeOnStartHasReturned(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		var n notes
		c := unstarted(t, system, props.OnStart(n.noted("start", time.Minute, nil)))
		p := do(t.Context(), c, func(context.Context) { n.add("call") })
		require.NoError(t, c.CallDirect(func() { n.add("direct") }))
		q := actors.NewQueue(c, func(_ context.Context, item string) error { n.add(item); return nil })
		require.NoError(t, q.Put("item"))
		later := actors.CallLater(t.Context(), c, time.Second, returns(1))
		go func() {
			time.Sleep(time.Second / 2)
			assert.Equal(t, actors.StateStarting, c.State())
			assert.False(t, c.Idle())
			actors.Schedule(t.Context(), c, returns(1), actors.Timeout(time.Second))
		}()
		begin := time.Now()
		require.NoError(t, c.Start())
		assert.Equal(t, time.Minute, time.Since(begin))
		assert.Equal(t, actors.StateRunning, c.State())
		result(t, p)
		result(t, later)
		require.NoError(t, q.CloseWait(t.Context()))
		assert.Equal(t, []string{"start begins", "start returns", "call", "direct", "item"}, n.all())
	})
}

func TestCallInPlaceWaitsForOnStart(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		var n notes
		var own error
		var c *actors.Caller
		c = unstarted(t, system, props.OnStart(func(ctx context.Context) error {
			own = actors.Do(ctx, c, func(context.Context) error { return nil })
			return n.noted("start", time.Minute, nil)(ctx)
		}))
		go func() { assert.NoError(t, c.Start()) }()
		synctest.Wait()
		require.NoError(t, actors.Do(t.Context(), c, n.noted("call", 0, nil)))
		assert.Equal(t, []string{"start begins", "start returns", "call begins", "call returns"}, n.all())
		require.ErrorIs(t, own, pending.ErrDeadlock)
	})
}

func TestAdoptedActorGetsNoMessageBeforeOnStartHasReturned(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		var n notes
		c := adopted(t, system, nil, "a", func(ctx actor.Context) {
			switch message := ctx.Message().(type) {
			case *actor.Started:
				n.add("started")
			case string:
				n.add(message)
			}
		}, []props.Option{props.OnStart(n.noted("start", time.Minute, nil))})
		system.Root.Send(c.PID(), "message")
		time.Sleep(time.Hour)
		assert.Equal(t, []string{"started", "start begins", "start returns", "message"}, n.all())
	})
}

func TestFailureOfOnStartStopsAnAdoptedActor(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log, logTo := logged()
		asCaller := actors.MustAsCaller(append(on(t, nil), logTo, props.OnStart(func(context.Context) error { return errBoom }))...)
		pid := system.Root.Spawn(actor.PropsFromFunc(puppet, asCaller))
		synctest.Wait()
		_, found := actors.Lookup(system, pid.GetId())
		assert.False(t, found)
		assert.Contains(t, log.String(), "adopted actor is stopped")
		assert.Contains(t, log.String(), "boom")
	})
}

func TestFailureOfOnStartFailsTheStart(t *testing.T) {
	for name, fn := range map[string]func(context.Context) error{
		"error": func(context.Context) error { return errBoom },
		"panic": func(context.Context) error { panic(errBoom) },
		"late error": func(ctx context.Context) error {
			return cmp.Or(actors.Sleep(ctx, time.Millisecond), errBoom)
		},
	} {
		for _, policy := range []supervision.Policy{supervision.Capture(), supervision.Restart()} {
			t.Run(fmt.Sprint(name, " ", policy), func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					stopped := false
					c := unstarted(t, system, props.Name("c"), props.OnStart(fn), props.Supervision(policy),
						props.OnStop(func(context.Context) error { stopped = true; return nil }))
					p := actors.CallSoon(t.Context(), c, returns(1))
					err := c.Start()
					require.ErrorIs(t, err, errBoom)
					require.ErrorContains(t, err, "actors: OnStart of callers/c: ")
					<-c.Stopped()
					require.ErrorIs(t, failure(p), errBoom)
					require.ErrorIs(t, failure(p), pending.ErrStopped)
					assert.False(t, stopped, "it has not started")

					_, err = actors.Start(system, on(t, []props.Option{props.OnStart(fn)})...)
					require.ErrorIs(t, err, errBoom)
					parent := start(t, system)
					_, err = parent.Child(props.OnStart(fn))
					require.ErrorIs(t, err, errBoom)
					synctest.Wait()
					assert.Empty(t, parent.Children())
				})
			})
		}
	}
}

func TestRunCallsTheHooks(t *testing.T) {
	for _, err := range []error{nil, errBoom} {
		t.Run(fmt.Sprint(err), func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				var n notes
				c := runnable(t, system, props.OnStart(n.noted("start", time.Second, err)), props.OnStop(n.noted("stop", time.Second, nil)))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				p := do(t.Context(), c, func(context.Context) { n.add("call"); cancel() })
				require.ErrorIs(t, c.Run(ctx), err)
				assert.True(t, p.IsDone())
				want := []string{"start begins", "start returns", "call", "stop begins", "stop returns"}
				if err != nil {
					want = want[:2]
				}
				assert.Equal(t, want, n.all())
			})
		})
	}
}

func TestWaitOfOnStartForACallOfTheSameCallerIsADeadlock(t *testing.T) {
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprint("keeps the turn ", keep), func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				var c *actors.Caller
				other := start(t, system)
				var direct, round error
				c = unstarted(t, system, props.OnStart(func(ctx context.Context) error {
					p := actors.CallSoon(ctx, c, returns(1))
					if keep {
						_, direct = p.WaitSync(ctx)
					} else {
						_, direct = p.Wait(ctx)
					}
					_, round = actors.CallSoon(ctx, other, func(ctx context.Context) (int, error) {
						return actors.CallSoon(ctx, c, returns(1)).Wait(ctx)
					}).Wait(ctx)
					return nil
				}))
				require.NoError(t, c.Start())
				require.ErrorIs(t, direct, pending.ErrDeadlock)
				require.ErrorIs(t, round, pending.ErrDeadlock)
			})
		})
	}
}

func TestOnStartIsCalledAfterEachRestart(t *testing.T) {
	for _, actorOfUser := range []bool{false, true} {
		t.Run(fmt.Sprint("adopted ", actorOfUser), func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				var n notes
				c := callerOrActor(t, system, actorOfUser, append(supervised(supervision.Restart()),
					props.OnStart(n.noted("start", time.Second, nil)), props.OnStop(n.noted("stop", 0, nil))))
				failed := do(t.Context(), c, func(context.Context) { panic(errBoom) })
				queued := do(t.Context(), c, func(context.Context) { n.add("queued") })
				require.ErrorIs(t, failure(failed), errBoom)
				result(t, queued)
				assert.Equal(t, actors.StateRunning, c.State())
				require.NoError(t, c.StopWait(t.Context()))
				assert.Equal(t, []string{
					"start begins", "start returns", "start begins", "start returns", "queued", "stop begins", "stop returns",
				}, n.all())
			})
		})
	}
}

func TestFailureOfOnStartAfterARestartIsDecidedByThePolicy(t *testing.T) {
	for name, tt := range map[string]struct {
		policy supervision.Policy
		fail   func() error
		want   []string
	}{
		"restart, error": {supervision.Restart(), func() error { return errBoom }, []string{
			"0s hooked failed, Restart in 0s: boom", "0s hooked restarted: boom", "0s hooked failed, Restart in 0s: boom", "0s hooked restarted: boom",
		}},
		"restart, panic": {supervision.Restart(), func() error { panic(errBoom) }, []string{
			"0s hooked failed, Restart in 0s: boom", "0s hooked restarted: boom", "0s hooked failed, Restart in 0s: boom", "0s hooked restarted: boom",
		}},
		"too many": {supervision.Restart(supervision.MaxRestarts(1, 0)), func() error { return errBoom }, []string{
			"0s hooked failed, Restart in 0s: boom", "0s hooked restarted: boom", "0s hooked failed, Stop in 0s: boom", "0s hooked stopped: boom",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				log, logTo := logged()
				events := logEvents(system)
				events.since = time.Now()
				starts := 0
				c := start(t, system, append(supervised(tt.policy), props.Name("hooked"), logTo, props.OnStart(func(context.Context) error {
					if starts++; starts == 2 {
						return tt.fail()
					}
					return nil
				}))...)
				failed := do(t.Context(), c, func(context.Context) { panic(errBoom) })
				queued := actors.CallSoon(t.Context(), c, returns(1))
				require.ErrorIs(t, failure(failed), errBoom)
				synctest.Wait()
				assert.True(t, queued.IsDone())
				if tt.want[len(tt.want)-1] == "0s hooked stopped: boom" {
					require.ErrorIs(t, queued.Err(), pending.ErrStopped)
				} else {
					assert.Equal(t, 1, result(t, queued))
				}
				assert.Equal(t, tt.want, about("hooked", events))
				assert.NotEmpty(t, log.String())
			})
		})
	}
}

func TestCapturedFailureOfOnStartIsLogged(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log, logTo := logged()
		starts := 0
		c := start(t, system, logTo, props.OnStart(func(context.Context) error {
			if starts++; starts == 2 {
				return errBoom
			}
			return nil
		}))
		sendSystem(c, &actor.Restart{})
		assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
		assert.Contains(t, log.String(), `msg="actors: OnStart failed after a restart"`)
		assert.Contains(t, log.String(), "boom")
	})
}

func TestStopWhileOnStartWaits(t *testing.T) {
	for name, stop := range map[string]func(c *actors.Caller){
		"Stop":        func(c *actors.Caller) { c.Stop() },
		"protoactor":  func(c *actors.Caller) { c.System().Root.Stop(c.PID()) },
		"a restart":   func(c *actors.Caller) { sendSystem(c, &actor.Restart{}) },
		"two at once": func(c *actors.Caller) { sendSystem(c, &actor.Restart{}); c.Stop() },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				var n notes
				c := unstarted(t, system, props.OnStart(n.noted("start", time.Hour, nil)), props.OnStop(n.noted("stop", 0, nil)))
				queued := actors.CallSoon(t.Context(), c, returns(1))
				started := make(chan error, 1)
				go func() { started <- c.Start() }()
				synctest.Wait()
				stop(c)
				require.ErrorIs(t, <-started, pending.ErrCancelled)
				<-c.Stopped()
				require.ErrorIs(t, queued.Err(), pending.ErrStopped)
				assert.Equal(t, []string{"start begins", "start cancelled"}, n.all())
			})
		})
	}
}

func TestRestartWhileOnStartWaitsAfterARestart(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		var n notes
		c := start(t, system, props.OnStart(n.noted("start", time.Minute, nil)))
		queued := actors.CallLater(t.Context(), c, time.Second, returns(1))
		sendSystem(c, &actor.Restart{})
		time.Sleep(2 * time.Second)
		sendSystem(c, &actor.Restart{})
		begin := time.Now()
		assert.Equal(t, 1, result(t, queued))
		assert.Equal(t, time.Minute, time.Since(begin))
		assert.Equal(t, []string{
			"start begins", "start returns", "start begins", "start cancelled", "start begins", "start returns",
		}, n.all())
	})
}

func TestOnStopIsCalledWhenAllElseHasFinished(t *testing.T) {
	for name, stop := range map[string]func(c *actors.Caller){
		"Stop":       func(c *actors.Caller) { c.Stop() },
		"Drain":      func(c *actors.Caller) { go c.Drain(context.Background()) }, //nolint:errcheck // Its end is waited for.
		"protoactor": func(c *actors.Caller) { c.System().Root.Stop(c.PID()) },
		"Poison":     func(c *actors.Caller) { c.System().Root.Poison(c.PID()) },
		"a policy":   func(c *actors.Caller) { do(context.Background(), c, func(context.Context) { panic(errBoom) }) },
	} {
		for _, actorOfUser := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", adopted ", actorOfUser), func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					var n notes
					c := callerOrActor(t, system, actorOfUser, append(supervised(supervision.Stop()),
						props.OnStop(n.noted("stop", time.Second, nil))))
					below := child(t, c, props.OnStop(n.noted("child's stop", time.Second, nil)))
					actors.CallSoon(t.Context(), below, func(ctx context.Context) (int, error) {
						_ = actors.Sleep(ctx, 2*time.Second)
						n.add("child's function ends")
						return 0, nil
					})
					actors.ToThread(t.Context(), c, func(context.Context) (int, error) { n.add("worker"); return 0, nil })
					actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
						_ = actors.Sleep(ctx, time.Second)
						n.add("function ends")
						return 0, nil
					})
					synctest.Wait()
					stop(c)
					<-c.Stopped()
					all := n.all()
					assert.Contains(t, all, "function ends")
					require.Len(t, all, 7, all)
					assert.Equal(t, []string{"stop begins", "stop returns"}, all[5:])
					assert.Greater(t, slices.Index(all, "child's stop begins"), slices.Index(all, "child's function ends"))
					assert.Equal(t, actors.StateStopped, below.State())
				})
			})
		}
	}
}

func TestOnStopIsBoundedByStopTimeout(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log, logTo := logged()
		var n notes
		c := start(t, system, logTo, props.StopTimeout(time.Minute), props.OnStop(n.noted("stop", time.Hour, nil)))
		begin := time.Now()
		require.NoError(t, c.StopWait(t.Context()))
		assert.Equal(t, time.Minute, time.Since(begin))
		assert.Contains(t, log.String(), "function abandoned")
		synctest.Wait()
		assert.Equal(t, []string{"stop begins", "stop cancelled"}, n.all())
	})
}

func TestFailureOfOnStopIsLogged(t *testing.T) {
	for name, fn := range map[string]func(context.Context) error{
		"error":   func(context.Context) error { return errBoom },
		"panic":   func(context.Context) error { panic(errBoom) },
		"Goexit":  func(context.Context) error { exitGoroutine(); return nil },
		"restart": func(context.Context) error { panic(errBoom) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				log, logTo := logged()
				c := start(t, system, logTo, props.OnStop(fn), props.Supervision(supervision.Restart()))
				require.NoError(t, c.StopWait(t.Context()))
				if name == "panic" || name == "restart" {
					assert.Contains(t, log.String(), "function panicked")
				} else {
					assert.Contains(t, log.String(), `msg="actors: OnStop failed"`)
				}
			})
		})
	}
}

func TestOnStopIsNotCalledForACallerThatWasNotStarted(t *testing.T) {
	c := unstarted(t, newSystem(t), props.OnStop(func(context.Context) error {
		t.Error("it was called")
		return nil
	}))
	require.NoError(t, c.StopWait(t.Context()))
}

func TestHooksAreNotInherited(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		var n notes
		opts := []props.Option{props.OnStart(n.noted("start", 0, nil)), props.OnStop(n.noted("stop", 0, nil))}
		require.NoError(t, actors.Defaults(system, opts...))
		c := start(t, system, opts...)
		child(t, c)
		result(t, actors.ToThread(t.Context(), c, returns(1)))
		result(t, actors.CallSoon(t.Context(), actors.Main(system), returns(1)))
		require.NoError(t, actors.Shutdown(t.Context(), system))
		assert.Equal(t, []string{"start begins", "start returns", "stop begins", "stop returns"}, n.all())
	})
}

func TestOnStopMayWaitForOthersAndNotForItsEnd(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		other := start(t, system)
		var c *actors.Caller
		var own, end, answer error
		c = start(t, system, props.OnStop(func(ctx context.Context) error {
			own = failure(actors.CallSoon(ctx, c, returns(1)))
			end = c.StopWait(ctx)
			_, answer = actors.CallSoon(ctx, other, returns(1)).Wait(ctx)
			return nil
		}))
		require.NoError(t, c.StopWait(t.Context()))
		require.ErrorIs(t, own, pending.ErrStopped)
		require.ErrorIs(t, end, pending.ErrDeadlock)
		require.NoError(t, answer)
	})
}

// The thread of a caller is busy with a function that was abandoned. The loop of a
// host is busy with other things.
func TestOnStopOfACallerWhoseExecutorIsBusy(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		free := make(chan struct{})
		functions := make(chan func())
		ended := make(chan struct{})
		var loops sync.WaitGroup
		loops.Go(func() {
			for {
				select {
				case fn := <-functions:
					fn()
				case <-ended:
					return
				}
			}
		})
		log, logTo := logged()
		called := false
		c, err := actors.Start(system, logTo, props.HostedBy(props.ChannelHost("busy", functions, ended)),
			props.StopTimeout(time.Minute), props.OnStop(func(context.Context) error { called = true; return nil }))
		require.NoError(t, err)
		functions <- func() { <-free }
		begin := time.Now()
		require.NoError(t, c.StopWait(t.Context()))
		assert.Equal(t, time.Minute, time.Since(begin))
		assert.False(t, called)
		synctest.Wait()
		assert.Contains(t, log.String(), "has not begun after 1m0s")
		close(free)
		close(ended)
		loops.Wait()
	})
}
