package actors_test

import (
	"context"
	"fmt"
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

var restartInAMinute = supervised(supervision.Restart(supervision.Backoff(time.Minute, time.Minute)))

// crash has a function of c panic.
func crash(t *testing.T, c *actors.Caller) {
	t.Helper()
	require.ErrorIs(t, failure(do(t.Context(), c, func(context.Context) { panic(errBoom) })), errBoom)
	synctest.Wait()
}

func TestNothingRunsInTheBackoff(t *testing.T) {
	for _, actorOfUser := range []bool{false, true} {
		t.Run(fmt.Sprint("adopted ", actorOfUser), func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := callerOrActor(t, system, actorOfUser, restartInAMinute)
				begin := time.Now()
				var ran time.Duration
				suspended := actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) {
					err := actors.Sleep(ctx, time.Second)
					ran = time.Since(begin)
					return "", err
				})
				synctest.Wait()
				crash(t, c)
				assert.Equal(t, actors.StateStarting, c.State())
				queued := do(t.Context(), c, func(context.Context) { assert.Equal(t, time.Minute, time.Since(begin)) })
				later := actors.CallLater(t.Context(), c, time.Second, returns("later"))
				worker := actors.ToThread(t.Context(), c, returns("worker"))
				assert.Equal(t, "worker", result(t, worker), "workers are callers of their own")
				assert.Zero(t, time.Since(begin))
				synctest.Wait()

				result(t, queued)
				assert.Equal(t, actors.StateRunning, c.State())
				assert.Equal(t, "later", result(t, later))
				assert.Equal(t, time.Minute, ran)
				require.ErrorIs(t, suspended.Err(), errBoom)
			})
		})
	}
}

func TestStopEndsTheBackoff(t *testing.T) {
	for name, stop := range map[string]func(c *actors.Caller){
		"Stop":              func(c *actors.Caller) { c.Stop() },
		"protoactor's Stop": func(c *actors.Caller) { c.System().Root.Stop(c.PID()) },
		"of the parent":     func(c *actors.Caller) { c.Parent().Stop() },
	} {
		for _, actorOfUser := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", adopted ", actorOfUser), func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					log := logEvents(system)
					parent := adopted(t, system, nil, "parent", puppet, nil)
					var c *actors.Caller
					if actorOfUser {
						c = adopted(t, system, parent, "c", puppet, restartInAMinute)
					} else {
						c = child(t, parent, append(restartInAMinute, props.Name("c"))...)
					}
					suspended := actors.CallSoon(t.Context(), c, asleep)
					synctest.Wait()
					crash(t, c)
					queued := actors.CallSoon(t.Context(), c, asleep)
					stop(c)
					begin := time.Now()
					<-c.Stopped()
					assert.Zero(t, time.Since(begin))
					require.ErrorIs(t, queued.Err(), pending.ErrStopped)
					require.ErrorIs(t, suspended.Err(), pending.ErrStopped)
					time.Sleep(time.Hour)
					assert.Equal(t, []string{"c failed, Restart in 1m0s: boom", "c stopped"}, log.all("c"))
				})
			})
		}
	}
}

func TestRestartWaitsForFunctionsAndThenForChildren(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, supervised(supervision.Restart())...)
		own := do(t.Context(), c, func(ctx context.Context) {
			_ = actors.Sleep(ctx, time.Hour)
			_ = actors.Sleep(context.WithoutCancel(ctx), time.Second)
		})
		kids := do(t.Context(), child(t, c), func(ctx context.Context) {
			<-ctx.Done()
			time.Sleep(time.Second)
		})
		synctest.Wait()
		begin := time.Now()
		crash(t, c)
		result(t, do(t.Context(), c, func(context.Context) {}))
		assert.Equal(t, 2*time.Second, time.Since(begin))
		assert.True(t, own.Cancelled())
		require.ErrorIs(t, own.Err(), errBoom)
		require.NoError(t, kids.Err(), "a stop leaves it the value")
	})
}

// A child that is made while the actor waits for the others to stop belongs to
// what begins then.
func TestChildMadeInARestartOutlivesIt(t *testing.T) {
	for name, stopEarly := range map[string]bool{"stop after the restart": false, "stop in the restart": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				log := logEvents(system)
				c := start(t, system, append(supervised(supervision.Restart()), props.Name("c"))...)
				goOn := make(chan struct{})
				do(t.Context(), child(t, c), func(context.Context) { <-goOn })
				synctest.Wait()
				crash(t, c)
				late := child(t, c, props.Name("late"))
				p := actors.CallSoon(t.Context(), late, asleep)
				synctest.Wait()
				assert.Equal(t, actors.StateStarting, c.State())
				if stopEarly {
					c.Stop()
				}
				close(goOn)
				if !stopEarly {
					assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
					assert.Equal(t, []*actors.Caller{late}, c.Children())
					assert.False(t, p.IsDone())
				}
				require.NoError(t, c.StopWait(t.Context()))
				require.ErrorIs(t, p.Err(), pending.ErrStopped)
				ends := log.all("late", "c")
				assert.Equal(t, []string{"late stopped", "c stopped"}, ends[len(ends)-2:])
			})
		})
	}
}

// A function that panics because it is cancelled by a restart is covered by
// that restart.
func TestPanicOnTheWayToARestartLeadsToNoOther(t *testing.T) {
	for _, delay := range []time.Duration{0, time.Minute} {
		t.Run(fmt.Sprint("delay ", delay), func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				log := logEvents(system)
				policy := supervision.Restart()
				if delay > 0 {
					policy = supervision.Restart(supervision.Backoff(delay, delay))
				}
				c := start(t, system, append(supervised(policy), props.Name("c"))...)
				for range 3 {
					do(t.Context(), c, func(ctx context.Context) { panic(actors.Sleep(ctx, time.Hour)) })
				}
				synctest.Wait()
				crash(t, c)
				result(t, do(t.Context(), c, func(context.Context) {}))
				time.Sleep(time.Hour)
				assert.Equal(t, []string{fmt.Sprintf("c failed, Restart in %v: boom", delay), "c restarted: boom"}, log.all())
				assert.Equal(t, actors.StateRunning, c.State())
			})
		})
	}
}

func TestRestartAbandonsWhatDoesNotReturnInTime(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log, logTo := logged()
		c := start(t, system, append(supervised(supervision.Restart()), props.StopTimeout(time.Second), logTo)...)
		goOn := make(chan struct{})
		stubborn := actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) {
			never := pending.New[string](context.Background())
			go func() {
				<-goOn
				never.SetResult("too late")
			}()
			return never.Wait(ctx, pending.Shield())
		})
		synctest.Wait()
		begin := time.Now()
		crash(t, c)
		assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
		assert.Equal(t, time.Second, time.Since(begin))
		assert.True(t, stubborn.IsDone())
		require.ErrorIs(t, stubborn.Err(), errBoom)
		require.NotErrorIs(t, stubborn.Err(), pending.ErrStopped, "the caller is alive")
		assert.Contains(t, log.String(), "function abandoned")
		close(goOn)
	})
}

func TestRestartOfAStoppingCallerIsIgnored(t *testing.T) {
	restartChild := func(c *actors.Caller) {
		c.System().Root.Send(c.Parent().PID(), func(ctx actor.Context) {
			ctx.(actor.Supervisor).RestartChildren(c.PID())
		})
	}
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log := logEvents(system)
		parent := adopted(t, system, nil, "parent", puppet, nil)
		for name, c := range map[string]*actors.Caller{
			"actor":  adopted(t, system, parent, "c", puppet, nil),
			"caller": child(t, parent, props.Name("c2")),
		} {
			own, kids := make(chan struct{}), make(chan struct{})
			do(t.Context(), c, func(context.Context) { <-own })
			kid := do(t.Context(), child(t, c), func(context.Context) { <-kids })
			synctest.Wait()
			c.Stop()
			for _, goOn := range []chan struct{}{own, kids} {
				restartChild(c)
				synctest.Wait()
				assert.Equal(t, actors.StateStopping, c.State(), name)
				close(goOn)
				synctest.Wait()
			}
			restartChild(c)
			<-c.Stopped()
			require.NoError(t, kid.Err())
		}
		assert.Empty(t, log.all("restarted"))
		assert.Equal(t, actors.StateRunning, parent.State())
	})
}
