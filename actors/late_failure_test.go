package actors_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// panicsAtItsEnd is a function that panics because its context has ended.
func panicsAtItsEnd(ctx context.Context) (string, error) { panic(actors.Sleep(ctx, time.Hour)) }

// judge is a strategy that notes what it is asked, and restarts.
type judge struct{ asked []string }

func (j *judge) HandleFailure(
	_ *actor.ActorSystem, supervisor actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, reason, _ any,
) {
	j.asked = append(j.asked, fmt.Sprint(child.GetId(), ": ", reason))
	supervisor.RestartChildren(child)
}

// lateFailures are failures of a caller, a child of parent, because it is stopped.
var lateFailures = map[string]func(t *testing.T, parent *actors.Caller, policy supervision.Policy){
	"function of a child": func(t *testing.T, parent *actors.Caller, policy supervision.Policy) {
		c := child(t, parent, props.Name("subject"), props.Supervision(policy))
		p := actors.CallSoon(t.Context(), c, panicsAtItsEnd)
		synctest.Wait()
		c.Stop()
		<-c.Stopped()
		assert.ErrorContains(t, p.Err(), "panic")
	},
	"functions of a child, two of them": func(t *testing.T, parent *actors.Caller, policy supervision.Policy) {
		c := child(t, parent, props.Name("subject"), props.Supervision(policy))
		for range 2 {
			actors.CallSoon(t.Context(), c, panicsAtItsEnd)
		}
		synctest.Wait()
		c.Stop()
		<-c.Stopped()
	},
	"abandoned function of a child": func(t *testing.T, parent *actors.Caller, policy supervision.Policy) {
		c := child(t, parent, props.Name("subject"), props.Supervision(policy), props.StopTimeout(time.Second))
		do(t.Context(), c, func(context.Context) {
			time.Sleep(time.Minute)
			panic(errBoom)
		})
		synctest.Wait()
		c.Stop()
		<-c.Stopped()
		time.Sleep(10 * time.Minute)
	},
	"function of a grandchild": func(t *testing.T, parent *actors.Caller, policy supervision.Policy) {
		c := child(t, parent, props.Name("subject"), props.Supervision(policy))
		actors.CallSoon(t.Context(), child(t, c), panicsAtItsEnd)
		synctest.Wait()
		c.Stop()
		<-c.Stopped()
	},
	"function of a worker of a child": func(t *testing.T, parent *actors.Caller, policy supervision.Policy) {
		c := child(t, parent, props.Name("subject"), props.Supervision(policy))
		actors.ToThread(t.Context(), c, panicsAtItsEnd)
		synctest.Wait()
		c.Stop()
		<-c.Stopped()
	},
	"function of a worker that is stopped": func(t *testing.T, parent *actors.Caller, policy supervision.Policy) {
		c := child(t, parent, props.Name("subject"), props.Supervision(policy))
		actors.ToThread(t.Context(), c, panicsAtItsEnd)
		synctest.Wait()
		w := c.Children()[0]
		w.Stop()
		<-w.Stopped()
		synctest.Wait()
		assert.Equal(t, actors.StateRunning, c.State())
		c.Stop()
		<-c.Stopped()
	},
	"failure that is decided on after the stop": func(t *testing.T, parent *actors.Caller, policy supervision.Policy) {
		c := child(t, parent, props.Name("subject"), props.Supervision(supervision.Escalate()))
		goOn := occupy(t, parent)
		do(t.Context(), c, func(context.Context) { panic(errBoom) })
		synctest.Wait()
		c.Stop()
		<-c.Stopped()
		goOn()
	},
	"failure that is decided on after the stop, when the name is in use again": func(t *testing.T, parent *actors.Caller, policy supervision.Policy) {
		c := child(t, parent, props.Name("subject"), props.Supervision(supervision.Escalate()))
		goOn := occupy(t, parent)
		do(t.Context(), c, func(context.Context) { panic(errBoom) })
		synctest.Wait()
		c.Stop()
		<-c.Stopped()
		again := child(t, parent, props.Name("subject"))
		goOn()
		synctest.Wait()
		assert.Equal(t, actors.StateRunning, again.State())
		again.Stop()
		<-again.Stopped()
	},
	"failure that is decided on after the stop of a child between": func(t *testing.T, parent *actors.Caller, policy supervision.Policy) {
		c := child(t, parent, props.Name("subject"), props.Supervision(policy))
		failing := child(t, c, props.Supervision(supervision.Escalate()))
		actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) {
			do(ctx, failing, func(context.Context) { panic(errBoom) })
			<-ctx.Done() // with the turn that the failure needs
			return "", nil
		})
		synctest.Wait()
		c.Stop()
		<-c.Stopped()
	},
}

// A stop on purpose is no failure, whatever the functions do that it cancels.
func TestFailureAfterTheStopHasBegunIsNotDecidedOn(t *testing.T) {
	policies := map[string]supervision.Policy{
		"Escalate": supervision.Escalate(),
		"Restart":  supervision.Restart(),
		"Backoff":  supervision.Restart(supervision.Backoff(time.Second, time.Second)),
		"Limit":    supervision.Restart(supervision.MaxRestarts(0, 0)),
		"Stop":     supervision.Stop(),
	}
	parents := map[string]supervision.Policy{"Restart": supervision.Restart(), "Stop": supervision.Stop(), "Escalate": supervision.Escalate()}
	for name, fails := range lateFailures {
		for policyName, policy := range policies {
			for parentName, ofParent := range parents {
				t.Run(fmt.Sprint(name, ", ", policyName, " under ", parentName), func(t *testing.T) {
					bubble(t, func(t *testing.T, system *actor.ActorSystem) {
						log := logEvents(system)
						parent := newMember(t, start(t, system, append(supervised(ofParent), props.Name("parent"))...))
						synctest.Wait()
						parent.enqueue()
						fails(t, parent.Caller, policy)
						time.Sleep(time.Minute)
						synctest.Wait()
						parent.check(goesOn)
						events := fmt.Sprint(log.all())
						assert.NotRegexp(t, "restarted|parent failed|Restart in|Stop in", events)
						if strings.Contains(name, "function") {
							assert.NotContains(t, events, "failed")
						}
					})
				})
			}
		}
	}
}

func TestFailureOfACallerWithoutAParentThatStopsIsNotDecidedOn(t *testing.T) {
	for name, policy := range map[string]supervision.Policy{"Escalate": supervision.Escalate(), "Restart": supervision.Restart(), "Stop": supervision.Stop()} {
		for _, actorOfUser := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", adopted ", actorOfUser), func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					events := logEvents(system)
					log, logTo := logged()
					c := callerOrActor(t, system, actorOfUser, append(supervised(policy), props.Name("c"), logTo))
					actors.CallSoon(t.Context(), c, panicsAtItsEnd)
					synctest.Wait()
					c.Stop()
					<-c.Stopped()
					synctest.Wait()
					assert.Equal(t, []string{"c stopped"}, events.all())
					assert.Contains(t, log.String(), "function panicked")
					assert.NotContains(t, log.String(), "function failed")
					assert.NotContains(t, log.String(), "escalated")
				})
			})
		}
	}
}

// protoactor's own supervision is not asked either.
func TestFailureOfAnAdoptedActorAfterItsStopHasBegunIsNotDecidedOn(t *testing.T) {
	for how, fail := range map[string]func(){"panic": func() { panic(errBoom) }, "Goexit": exitGoroutine} {
		t.Run(how+" of the handler that runs", func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				j := &judge{}
				log, logTo := logged()
				parent := adopted(t, system, nil, "parent", puppet, nil, actor.WithSupervisor(j))
				c := adopted(t, system, parent, "c", puppet, []props.Option{logTo})
				goOn := make(chan struct{})
				system.Root.Send(c.PID(), func(actor.Context) {
					<-goOn
					fail()
				})
				synctest.Wait()
				c.Stop()
				close(goOn)
				<-c.Stopped()
				synctest.Wait()
				assert.Empty(t, j.asked)
				assert.Contains(t, log.String(), "level=ERROR")
			})
		})
		for _, at := range []string{"stopping", "stopped", "terminated"} {
			t.Run(how+" of the handler at "+at, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					j := &judge{}
					log, logTo := logged()
					d := &diary{failAt: at, fail: fail}
					parent := adopted(t, system, nil, "parent", puppet, nil, actor.WithSupervisor(j))
					c := adopted(t, system, parent, "c", d.keeper, []props.Option{logTo})
					child(t, c)
					synctest.Wait()
					c.Stop()
					<-c.Stopped()
					synctest.Wait()
					assert.Empty(t, j.asked)
					assert.Contains(t, log.String(), "level=ERROR")
				})
			})
		}
	}
	for name, policy := range map[string]supervision.Policy{"Escalate": supervision.Escalate(), "Restart": supervision.Restart(), "Stop": supervision.Stop()} {
		t.Run("panic of a function, "+name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				events, j := logEvents(system), &judge{}
				parent := adopted(t, system, nil, "parent", puppet, nil, actor.WithSupervisor(j))
				c := adopted(t, system, parent, "c", puppet, supervised(policy))
				actors.CallSoon(t.Context(), c, panicsAtItsEnd)
				synctest.Wait()
				c.Stop()
				<-c.Stopped()
				synctest.Wait()
				assert.Empty(t, j.asked)
				assert.Equal(t, []string{"c stopped"}, events.all())
			})
		})
	}
}

// A parent that stops stops its children anyway.
func TestFailureThatReachesAParentWhichStopsIsNotDecidedOn(t *testing.T) {
	for name, policy := range map[string]supervision.Policy{
		"Capture": supervision.Capture(), "Restart": supervision.Restart(), "Stop": supervision.Stop(), "Escalate": supervision.Escalate(),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				events := logEvents(system)
				top := newMember(t, start(t, system, append(supervised(supervision.Restart()), props.Name("top"))...))
				parent := child(t, top.Caller, append(supervised(policy), props.Name("parent"))...)
				c := child(t, parent, append(supervised(supervision.Escalate()), props.Name("c"))...)
				synctest.Wait()
				top.enqueue()
				goOn := occupy(t, parent)
				do(t.Context(), c, func(context.Context) { panic(errBoom) })
				synctest.Wait()
				parent.Stop()
				goOn()
				<-parent.Stopped()
				synctest.Wait()
				assert.Equal(t, []string{"c failed, Escalate in 0s: boom", "c stopped", "parent stopped"}, events.all())
				top.check(goesOn)
			})
		})
	}
	t.Run("adopted, of an actor of protoactor's", func(t *testing.T) {
		bubble(t, func(t *testing.T, system *actor.ActorSystem) {
			j := &judge{}
			parent := adopted(t, system, nil, "parent", puppet, nil, actor.WithSupervisor(j))
			kids := make(chan *actor.PID, 1)
			system.Root.Send(parent.PID(), func(ctx actor.Context) { kids <- ctx.Spawn(actor.PropsFromFunc(puppet)) })
			kid := <-kids
			goOn := occupy(t, parent)
			system.Root.Send(kid, func(actor.Context) { panic(errBoom) })
			synctest.Wait()
			parent.Stop()
			goOn()
			<-parent.Stopped()
			synctest.Wait()
			assert.Empty(t, j.asked)
			_, alive := system.ProcessRegistry.GetLocal(kid.GetId())
			assert.False(t, alive)
		})
	})
}
