package actors_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// sendSystem sends a system message to the actor of a caller, as a supervisor does.
func sendSystem(c *actors.Caller, message any) {
	if process, ok := c.System().ProcessRegistry.GetLocal(c.ID()); ok {
		process.SendSystemMessage(c.PID(), message)
	}
}

// about returns the lines of a log with times that are about the caller of that name.
func about(name string, log *eventLog) []string {
	return slices.DeleteFunc(log.all(), func(line string) bool { return !strings.Contains(line, " "+name+" ") })
}

func restartAll() actor.SupervisorStrategy { return supervision.AllForOne(supervision.Restart()) }

// A child that goes on with its parent is not another one that has the name since.
func TestNewChildOfTheNameIsNotResumedWithTheParent(t *testing.T) {
	ways := map[string]func(t *testing.T, parent *actors.Caller) (resume func()){
		"the failure is captured further up": func(t *testing.T, parent *actors.Caller) func() {
			goOn := occupy(t, parent.Parent())
			crash(t, child(t, parent, append(supervised(supervision.Escalate()), props.Name("c"))...))
			return goOn
		},
		"the parent restarts": func(t *testing.T, parent *actors.Caller) func() {
			goOn := make(chan struct{})
			do(t.Context(), child(t, parent), func(context.Context) { <-goOn })
			c := child(t, parent, append(supervised(supervision.Escalate()), props.Name("c"))...)
			release := occupy(t, parent)
			crash(t, c)
			sendSystem(parent, &actor.Restart{})
			release()
			return func() { close(goOn) }
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				top := start(t, system)
				parent := child(t, top, append(supervised(supervision.Escalate()), props.Name("parent"))...)
				resume := way(t, parent)
				synctest.Wait()
				for _, c := range parent.Children() {
					if c.Name() == "c" {
						c.Stop()
					}
				}
				synctest.Wait()
				log := logEvents(system)
				log.since = time.Now()
				c := child(t, parent, append(restartInAMinute, props.Name("c"))...)
				crash(t, c)
				resume()
				synctest.Wait()
				assert.Equal(t, actors.StateRunning, parent.State())
				assert.Equal(t, actors.StateStarting, c.State())
				time.Sleep(time.Hour)
				synctest.Wait()
				assert.Equal(t, []string{"0s c failed, Restart in 1m0s: boom", "1m0s c restarted: boom"}, about("c", log))
			})
		})
	}
}

// A backoff that has ended does not restart anybody later.
func TestBackoffThatHasEndedRestartsNobodyLater(t *testing.T) {
	ways := map[string]struct {
		end    func(t *testing.T, c, sibling *actors.Caller)
		events []string
	}{
		"Restart message": {func(t *testing.T, c, _ *actors.Caller) { sendSystem(c, &actor.Restart{}) }, []string{"30s c restarted: boom"}},
		"two Restart messages": {func(t *testing.T, c, _ *actors.Caller) {
			sendSystem(c, &actor.Restart{})
			sendSystem(c, &actor.Restart{})
		}, nil},
		"restart by the parent's actor": {func(_ *testing.T, c, _ *actors.Caller) {
			c.System().Root.Send(c.Parent().PID(), func(ctx actor.Context) { ctx.(actor.Supervisor).RestartChildren(c.PID()) })
		}, []string{"30s c restarted: boom"}},
		"strategy of the parent": {func(t *testing.T, _, sibling *actors.Caller) { crash(t, sibling) }, []string{"30s c restarted: boom"}},
		"Resume message":         {func(t *testing.T, c, _ *actors.Caller) { sendSystem(c, &actor.ResumeMailbox{}) }, []string{}},
		"Resume and Restart": {func(t *testing.T, c, _ *actors.Caller) {
			sendSystem(c, &actor.ResumeMailbox{})
			synctest.Wait()
			sendSystem(c, &actor.Restart{})
		}, []string{"30s c restarted"}},
		"the time itself": {func(*testing.T, *actors.Caller, *actors.Caller) { time.Sleep(30 * time.Second) }, []string{"1m0s c restarted: boom"}},
	}
	for name, way := range ways {
		for _, actorOfUser := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", adopted ", actorOfUser), func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					log := logEvents(system)
					log.since = time.Now()
					parent := adopted(t, system, nil, "parent", puppet, nil, actor.WithSupervisor(restartAll()))
					sibling := adopted(t, system, parent, "sibling", puppet, supervised(supervision.Escalate()))
					var c *actors.Caller
					if actorOfUser {
						c = adopted(t, system, parent, "c", puppet, restartInAMinute)
					} else {
						c = child(t, parent, append(restartInAMinute, props.Name("c"))...)
					}
					synctest.Wait()
					crash(t, c)
					time.Sleep(30 * time.Second)
					way.end(t, c, sibling)
					synctest.Wait()
					assert.Equal(t, actors.StateRunning, c.State())
					innocent := actors.CallSoon(t.Context(), c, asleep)
					time.Sleep(30 * time.Minute)
					assert.False(t, innocent.IsDone(), innocent)
					synctest.Wait()
					events := about("c", log)
					assert.Equal(t, "0s c failed, Restart in 1m0s: boom", events[0])
					if way.events != nil {
						assert.Equal(t, way.events, events[1:])
					}
					crash(t, c)
					assert.Equal(t, actors.StateStarting, c.State(), "the next backoff begins")
					time.Sleep(time.Minute)
					synctest.Wait()
					assert.Equal(t, actors.StateRunning, c.State())
				})
			})
		}
	}
}

// The timer has fired while the actor restarts already, for another reason.
func TestBackoffThatIsOverDuringARestartIsVoid(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		d := &diary{failAt: "restarting", fail: func() { time.Sleep(time.Minute) }}
		log := logEvents(system)
		c := adopted(t, system, nil, "c", d.keeper, restartInAMinute)
		synctest.Wait()
		crash(t, c)
		time.Sleep(30 * time.Second)
		sendSystem(c, &actor.Restart{})
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.Equal(t, beganAnew, d.all())
		assert.Equal(t, []string{"c failed, Restart in 1m0s: boom", "c restarted: boom"}, log.all())
	})
}

// The timer's message waits while a handler of the actor runs, and finds later that it is void.
func TestBackoffThatIsOverBeforeAResumeIsHandled(t *testing.T) {
	for name, tt := range map[string]struct {
		messages []any
		restarts int
	}{
		"Resume":             {[]any{&actor.ResumeMailbox{}}, 0},
		"Restart":            {[]any{&actor.Restart{}}, 1},
		"Resume and Restart": {[]any{&actor.ResumeMailbox{}, &actor.Restart{}}, 1},
		"Restart and Resume": {[]any{&actor.Restart{}, &actor.ResumeMailbox{}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				d := &diary{failAt: "terminated", fail: func() { time.Sleep(time.Minute) }}
				c := adopted(t, system, nil, "c", d.keeper, restartInAMinute)
				kid := child(t, c)
				synctest.Wait()
				crash(t, c)
				time.Sleep(30 * time.Second)
				kid.Stop()
				synctest.Wait()
				time.Sleep(10 * time.Second) // the handler keeps the turn for a minute
				for _, message := range tt.messages {
					sendSystem(c, message)
				}
				time.Sleep(50 * time.Second)
				synctest.Wait()
				assert.Equal(t, actors.StateRunning, c.State())
				innocent := actors.CallSoon(t.Context(), c, asleep)
				time.Sleep(30 * time.Minute)
				assert.False(t, innocent.IsDone())
				restarts := 0
				for _, line := range d.all() {
					if line == "restarting" {
						restarts++
					}
				}
				assert.Equal(t, tt.restarts, restarts)
			})
		})
	}
}

// A restart of the parent stops a child, and with it the child's backoff.
func TestRestartOfTheParentEndsTheBackoffOfAChild(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log := logEvents(system)
		parent := start(t, system, supervised(supervision.Restart())...)
		c := child(t, parent, append(restartInAMinute, props.Name("c"))...)
		crash(t, c)
		crash(t, parent)
		<-c.Stopped()
		again := child(t, parent, append(restartInAMinute, props.Name("c"))...)
		innocent := actors.CallSoon(t.Context(), again, asleep)
		time.Sleep(30 * time.Minute)
		assert.False(t, innocent.IsDone())
		synctest.Wait()
		assert.Equal(t, []string{"c failed, Restart in 1m0s: boom", "c stopped"}, log.all("c"))
	})
}

// A function that panics because it is cancelled by a restart from elsewhere is
// covered by that restart.
func TestPanicBecauseOfARestartFromElsewhereIsCoveredByIt(t *testing.T) {
	panics := map[string]func(ctx context.Context) (string, error){
		"suspended":     panicsAtItsEnd,
		"with the turn": func(ctx context.Context) (string, error) { <-ctx.Done(); panic(errBoom) },
	}
	for name, policy := range map[string]supervision.Policy{
		"Escalate": supervision.Escalate(), "Stop": supervision.Stop(), "Restart": supervision.Restart(),
		"Backoff": supervision.Restart(supervision.Backoff(time.Minute, time.Minute)),
	} {
		for how, panics := range panics {
			t.Run(fmt.Sprint(name, ", ", how), func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					log := logEvents(system)
					parent := start(t, system, supervised(supervision.Stop())...)
					c := child(t, parent, append(supervised(policy), props.Name("c"))...)
					p := actors.CallSoon(t.Context(), c, panics)
					synctest.Wait()
					queued := actors.CallSoon(t.Context(), c, returns("ran"))
					sendSystem(c, &actor.Restart{})
					synctest.Wait()
					assert.True(t, p.IsDone())
					assert.Equal(t, "ran", result(t, queued))
					assert.Equal(t, []string{"c restarted"}, log.all())
				})
			})
		}
	}
}

// An actor restarts when its children have stopped. What another failure leads to
// meanwhile does not have it go on.
func TestResumeDuringARestartIsIgnored(t *testing.T) {
	for _, actorOfUser := range []bool{false, true} {
		t.Run(fmt.Sprint("adopted ", actorOfUser), func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				log := logEvents(system)
				c := callerOrActor(t, system, actorOfUser, append(supervised(supervision.Restart()), props.Name("c")))
				goOn := make(chan struct{})
				do(t.Context(), child(t, c), func(context.Context) { <-goOn })
				synctest.Wait()
				crash(t, c)
				queued := actors.CallSoon(t.Context(), c, returns("ran"))
				sendSystem(c, &actor.ResumeMailbox{})
				late := child(t, c, props.Name("late"))
				synctest.Wait()
				assert.Equal(t, actors.StateStarting, c.State())
				assert.False(t, queued.IsDone())
				close(goOn)
				synctest.Wait()
				assert.Equal(t, actors.StateRunning, c.State())
				assert.Equal(t, "ran", result(t, queued))
				assert.Equal(t, actors.StateRunning, late.State())
				assert.Equal(t, []string{"c failed, Restart in 0s: boom", "c restarted: boom"}, log.all("c"))
				require.NoError(t, c.StopWait(t.Context()))
			})
		})
	}
}

// A child whose failure has led to a backoff of its parent goes on with the parent.
func TestChildGoesOnWhenTheBackoffOfItsParentEndsWithoutARestart(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		parent := start(t, system, restartInAMinute...)
		first := child(t, parent, supervised(supervision.Escalate())...)
		second := child(t, parent, supervised(supervision.Escalate())...)
		crash(t, first)
		crash(t, second)
		assert.Equal(t, actors.StateStarting, parent.State())
		sendSystem(parent, &actor.ResumeMailbox{})
		for _, c := range []*actors.Caller{parent, first, second} {
			assert.Equal(t, "ran", result(t, actors.CallSoon(t.Context(), c, returns("ran"))))
		}
	})
}

// What a supervisor says about the failure of a handler at its restart counts.
func TestResumeAfterAFailureOfTheHandlerAtItsRestart(t *testing.T) {
	for _, fail := range []func(){func() { panic(errBoom) }, exitGoroutine} {
		bubble(t, func(t *testing.T, system *actor.ActorSystem) {
			d := &diary{failAt: "restarting", fail: fail}
			parent := adopted(t, system, nil, "parent", puppet, nil, actor.WithSupervisor(directive(actor.ResumeDirective)))
			c := adopted(t, system, parent, "c", d.keeper, nil)
			child(t, c)
			synctest.Wait()
			sendSystem(c, &actor.Restart{})
			synctest.Wait()
			assert.Equal(t, "ran", result(t, actors.CallSoon(t.Context(), c, returns("ran"))))
		})
	}
}
