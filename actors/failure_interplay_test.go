package actors_test

import (
	"context"
	"errors"
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

func panicsAtOnce(context.Context) (string, error) { panic(errBoom) }

// A worker whose failure is not decided on yet may be stopped for it.
func TestWorkerWhoseFailureIsUndecidedTakesNoCall(t *testing.T) {
	t.Run("the owner keeps its turn", func(t *testing.T) {
		bubble(t, func(t *testing.T, system *actor.ActorSystem) {
			c := child(t, start(t, system), supervised(supervision.Escalate())...)
			p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) {
				if _, err := actors.ToThread(ctx, c, panicsAtOnce).WaitSync(ctx); !errors.Is(err, errBoom) {
					return "", err
				}
				return actors.ToThread(ctx, c, returns("ran")).WaitSync(ctx)
			})
			assert.Equal(t, "ran", result(t, p))
		})
	})
	t.Run("the worker is stopped", func(t *testing.T) {
		bubble(t, func(t *testing.T, system *actor.ActorSystem) {
			c := start(t, system, append(supervised(supervision.Escalate()), props.Strategy(stopDirective), props.MaxWorkers(1))...)
			release := occupy(t, c)
			fails := actors.ToThread(t.Context(), c, panicsAtOnce)
			ok := actors.ToThread(t.Context(), c, returns("ran"))
			synctest.Wait()
			require.ErrorIs(t, fails.Err(), errBoom)
			release()
			assert.Equal(t, "ran", result(t, ok))
		})
	})
	t.Run("the worker is resumed", func(t *testing.T) {
		bubble(t, func(t *testing.T, system *actor.ActorSystem) {
			c := start(t, system, append(supervised(supervision.Escalate()), props.Strategy(directive(actor.ResumeDirective)), props.MaxWorkers(1))...)
			for range 3 {
				fails := actors.ToThread(t.Context(), c, panicsAtOnce)
				ok := actors.ToThread(t.Context(), c, returns("ran"))
				require.ErrorIs(t, failure(fails), errBoom)
				assert.Equal(t, "ran", result(t, ok))
			}
		})
	})
}

func TestFailureOfAChildOfACallerThatIsNotStarted(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log := logEvents(system)
		log.since = time.Now()
		c := unstarted(t, system, append(restartInAMinute, props.Name("c"))...)
		p := do(t.Context(), c, func(context.Context) {})
		kid := child(t, c, supervised(supervision.Escalate())...)
		crash(t, kid)
		time.Sleep(time.Second)
		require.NoError(t, c.Start())
		result(t, p)
		synctest.Wait()
		assert.Equal(t, []string{"1s c failed, Restart in 1m0s: boom", "1m1s c restarted: boom"}, about("c", log))
		<-kid.Stopped()
	})
}

func TestPanicOfAFunctionThatARestartHasAbandonedIsNotDecidedOn(t *testing.T) {
	for _, actorOfUser := range []bool{false, true} {
		bubble(t, func(t *testing.T, system *actor.ActorSystem) {
			log := logEvents(system)
			c := callerOrActor(t, system, actorOfUser, append(supervised(supervision.Restart()), props.StopTimeout(time.Second), props.Name("c")))
			stubborn := []*pending.Pending[any]{
				do(t.Context(), c, func(ctx context.Context) {
					_ = actors.Sleep(ctx, time.Hour)
					time.Sleep(time.Minute)
					panic(errBoom)
				}),
				do(t.Context(), c, func(ctx context.Context) {
					_ = actors.Sleep(ctx, time.Hour)
					_ = actors.Sleep(context.WithoutCancel(ctx), time.Minute)
					panic(errBoom)
				}),
			}
			synctest.Wait()
			crash(t, c)
			time.Sleep(time.Hour)
			synctest.Wait()
			for _, p := range stubborn {
				assert.True(t, p.IsDone())
			}
			assert.Equal(t, []string{"c failed, Restart in 0s: boom", "c restarted: boom"}, log.all())
		})
	}
}

// Whoever hears of a panic may act before the policy does.
func TestCallbackOfAFailedCallActsBeforeThePolicy(t *testing.T) {
	for name, act := range map[string]func(c *actors.Caller, p pending.Handle){
		"Stop":    func(c *actors.Caller, _ pending.Handle) { c.Stop() },
		"Restart": func(c *actors.Caller, _ pending.Handle) { sendSystem(c, &actor.Restart{}) },
		"panic":   func(*actors.Caller, pending.Handle) { panic(errBoom) },
		"Goexit":  func(*actors.Caller, pending.Handle) { exitGoroutine() },
	} {
		for policyName, policy := range map[string]supervision.Policy{"Restart": supervision.Restart(), "Backoff": supervision.Restart(supervision.Backoff(time.Minute, time.Minute)), "Escalate": supervision.Escalate()} {
			t.Run(name+", "+policyName, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					parent := start(t, system)
					c := child(t, parent, supervised(policy)...)
					release := occupy(t, c)
					p := do(t.Context(), c, func(context.Context) { panic(errBoom) })
					p.OnDone(func(h pending.Handle) { act(c, h) })
					release()
					synctest.Wait()
					time.Sleep(time.Hour)
					synctest.Wait()
					if name == "Stop" {
						assert.Equal(t, actors.StateStopped, c.State())
						return
					}
					assert.Equal(t, "ran", result(t, actors.CallSoon(t.Context(), c, returns("ran"))))
				})
			})
		}
	}
}

// Failures of a handler and of a function may be on their way at the same time.
func TestHandlerAndChildOfAnAdoptedActorFailAtTheSameTime(t *testing.T) {
	for name, d := range map[string]actor.Directive{"resume": actor.ResumeDirective, "restart": actor.RestartDirective, "stop": actor.StopDirective} {
		for policyName, policy := range map[string]supervision.Policy{
			"Capture": supervision.Capture(), "Restart": supervision.Restart(), "Escalate": supervision.Escalate(), "Stop": supervision.Stop(),
			"Backoff": supervision.Restart(supervision.Backoff(time.Minute, time.Minute)),
		} {
			t.Run(name+", "+policyName, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					parent := adopted(t, system, nil, "parent", puppet, nil, actor.WithSupervisor(directive(d)))
					c := adopted(t, system, parent, "c", puppet, supervised(policy))
					first := child(t, c, supervised(supervision.Escalate())...)
					second := child(t, c, supervised(supervision.Escalate())...)
					stubborn := child(t, c)
					do(t.Context(), stubborn, func(context.Context) { time.Sleep(time.Second) })
					goOn := make(chan struct{})
					system.Root.Send(c.PID(), func(actor.Context) {
						<-goOn
						panic(errBoom)
					})
					synctest.Wait()
					for _, kid := range []*actors.Caller{first, second} {
						crash(t, kid)
					}
					close(goOn)
					synctest.Wait()
					late, err := c.Child()
					time.Sleep(time.Hour)
					synctest.Wait()
					if c.State() == actors.StateStopped {
						return
					}
					assert.Equal(t, actors.StateRunning, c.State())
					assert.Equal(t, "ran", result(t, actors.CallSoon(t.Context(), c, returns("ran"))))
					if err == nil && late.State() == actors.StateRunning {
						assert.Equal(t, "ran", result(t, actors.CallSoon(t.Context(), late, returns("ran"))))
					}
					for _, kid := range c.Children() {
						assert.Equal(t, "ran", result(t, actors.CallSoon(t.Context(), kid, returns("ran"))))
					}
					require.NoError(t, c.StopWait(t.Context()))
				})
			})
		}
	}
}
