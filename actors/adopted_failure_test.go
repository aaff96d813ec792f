package actors_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
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

// diary is what happened to the incarnations of an actor, in order.
type diary struct {
	mu    sync.Mutex
	lines []string

	failAt string // the message that the actor fails at, besides those that have it do so
	fail   func()
}

// keeper is a puppet that keeps a diary.
func (d *diary) keeper(ctx actor.Context) {
	if line := strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", ctx.Message()), "*actor.")); !strings.HasPrefix(line, "func") {
		d.mu.Lock()
		d.lines = append(d.lines, line)
		d.mu.Unlock()
		if line == d.failAt {
			d.fail()
		}
	}
	puppet(ctx)
}

func (d *diary) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

func directive(d actor.Directive) actor.SupervisorStrategy {
	return actor.NewOneForOneStrategy(10, 0, func(any) actor.Directive { return d })
}

var (
	began         = []string{"started"}
	beganAnew     = []string{"started", "restarting", "started"}
	beganAndEnded = []string{"started", "stopping", "stopped"}
)

// What a supervisor decides about the panic of a handler holds for the actor's
// functions too.
func TestStrategiesOfProtoactorRuleAdoptedActors(t *testing.T) {
	ways := map[string]struct {
		strategy      actor.SupervisorStrategy
		fate, sibling fate
		diary         []string
	}{
		"resume":              {directive(actor.ResumeDirective), goesOn, goesOn, began},
		"restart":             {directive(actor.RestartDirective), restarted, goesOn, beganAnew},
		"stop":                {directive(actor.StopDirective), stopped, goesOn, beganAndEnded},
		"escalate":            {directive(actor.EscalateDirective), stopped, stopped, beganAndEnded},
		"default":             {nil, restarted, goesOn, beganAnew},
		"restart all":         {actor.NewAllForOneStrategy(10, 0, func(any) actor.Directive { return actor.RestartDirective }), restarted, restarted, beganAnew},
		"stop all":            {actor.NewAllForOneStrategy(10, 0, func(any) actor.Directive { return actor.StopDirective }), stopped, stopped, beganAndEnded},
		"exponential backoff": {actor.NewExponentialBackoffStrategy(time.Minute, time.Millisecond), restarted, goesOn, beganAnew},
		"policy Capture":      {supervision.OneForOne(supervision.Capture()), goesOn, goesOn, began},
		"policy Restart":      {supervision.OneForOne(supervision.Restart(supervision.Backoff(time.Second, time.Minute))), restarted, goesOn, beganAnew},
		"policy Stop":         {supervision.OneForOne(supervision.Stop()), stopped, goesOn, beganAndEnded},
		"policy Escalate":     {supervision.OneForOne(supervision.Escalate()), stopped, stopped, beganAndEnded},
		"policy Restart all":  {supervision.AllForOne(supervision.Restart()), restarted, restarted, beganAnew},
		"policy Stop all":     {supervision.AllForOne(supervision.Stop()), stopped, stopped, beganAndEnded},
	}
	failures := map[string]func(actor.Context){
		"panic":  func(actor.Context) { panic(errBoom) },
		"Goexit": func(actor.Context) { exitGoroutine() },
	}
	for name, tt := range ways {
		for how, fail := range failures {
			t.Run(name+" after a "+how, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					d := &diary{}
					top := adopted(t, system, nil, "top", puppet, nil, actor.WithSupervisor(stopDirective))
					parent := adopted(t, system, top, "parent", puppet, nil, actor.WithSupervisor(tt.strategy))
					subject := newMember(t, adopted(t, system, parent, "subject", d.keeper, nil))
					sibling := newMember(t, adopted(t, system, parent, "sibling", puppet, nil))
					synctest.Wait()
					system.Root.Send(subject.PID(), func(ctx actor.Context) {
						subject.enqueue()
						sibling.enqueue()
						fail(ctx)
					})
					synctest.Wait()
					time.Sleep(10 * time.Second) // more than any backoff
					synctest.Wait()

					subject.cause, sibling.cause = pending.ErrCancelled, pending.ErrCancelled // protoactor tells no other
					subject.check(tt.fate)
					sibling.check(tt.sibling)
					assert.Equal(t, tt.diary, d.all())
					assert.Equal(t, actors.StateRunning, top.State())
				})
			})
		}
	}
}

// A panic in a function of an adopted actor is the business of its own policy.
func TestPolicyRulesFunctionsOfAdoptedActors(t *testing.T) {
	tests := map[string]struct {
		policy supervision.Policy
		fate   fate
		diary  []string
		events []string
	}{
		"Capture": {supervision.Capture(), goesOn, began, []string{"subject failed, Capture in 0s: boom"}},
		"Restart": {supervision.Restart(), restarted, beganAnew, []string{"subject failed, Restart in 0s: boom", "subject restarted: boom"}},
		"Stop":    {supervision.Stop(), stopped, beganAndEnded, []string{"subject failed, Stop in 0s: boom", "subject stopped: boom"}},
		"Escalate, to a plain actor that restarts it": {
			supervision.Escalate(), restarted, beganAnew, []string{"subject failed, Escalate in 0s: boom", "subject restarted: boom"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				log := logEvents(system)
				d := &diary{}
				asCaller, err := actors.AsCaller(supervised(tt.policy)...)
				require.NoError(t, err)
				plain := system.Root.Spawn(actor.PropsFromFunc(puppet))
				spawned := make(chan *actor.PID)
				system.Root.Send(plain, func(ctx actor.Context) {
					pid, err := ctx.SpawnNamed(actor.PropsFromFunc(d.keeper, asCaller), "subject")
					assert.NoError(t, err)
					spawned <- pid
				})
				c, _ := actors.Lookup(system, (<-spawned).GetId())
				assert.Nil(t, c.Parent())
				subject := newMember(t, stopAtEnd(t, c))
				synctest.Wait()
				do(t.Context(), c, func(context.Context) {
					subject.enqueue()
					panic(errBoom)
				})
				synctest.Wait()
				subject.check(tt.fate)
				assert.Equal(t, tt.diary, d.all())
				assert.Equal(t, tt.events, log.all())
			})
		})
	}
}

// Without a parent it is protoactor's root that decides.
func TestEscalationOfAnAdoptedActorWithoutAParent(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		d := &diary{}
		subject := newMember(t, adopted(t, system, nil, "subject", d.keeper, supervised(supervision.Escalate())))
		synctest.Wait()
		do(t.Context(), subject.Caller, func(context.Context) {
			subject.enqueue()
			panic(errBoom)
		})
		synctest.Wait()
		subject.check(restarted)
		assert.Equal(t, beganAnew, d.all())
	})
}

// An actor that fails while it ends has to end all the same, or whoever stops
// it waits for ever.
func TestFailureOfTheHandlerDoesNotPreventTheEnd(t *testing.T) {
	strategies := map[string]actor.SupervisorStrategy{
		"resumed": directive(actor.ResumeDirective), "restarted": directive(actor.RestartDirective), "stopped": stopDirective,
	}
	for _, at := range []string{"stopping", "terminated", "stopped"} {
		for how, fail := range map[string]func(){"panic": func() { panic(errBoom) }, "Goexit": exitGoroutine} {
			for name, strategy := range strategies {
				for _, children := range []int{0, 2} {
					t.Run(fmt.Sprint(how, " at ", at, ", ", name, ", children ", children), func(t *testing.T) {
						bubble(t, func(t *testing.T, system *actor.ActorSystem) {
							d := &diary{failAt: at, fail: fail}
							parent := adopted(t, system, nil, "parent", puppet, nil, actor.WithSupervisor(strategy))
							c := adopted(t, system, parent, "c", d.keeper, nil)
							var kids []*pending.Pending[string]
							for range children {
								kids = append(kids, actors.CallSoon(t.Context(), child(t, c), asleep))
							}
							synctest.Wait()
							c.Stop()
							synctest.Wait()
							assert.Equal(t, actors.StateStopped, c.State())
							for _, p := range kids {
								require.ErrorIs(t, p.Err(), pending.ErrStopped)
							}
							lines := slices.DeleteFunc(d.all(), func(line string) bool { return line == "terminated" })
							want := beganAndEnded
							if at == "terminated" && children > 0 {
								want = want[:2] // it fails at whatever would bring it to its end
							}
							assert.Equal(t, want, lines)
							assert.Empty(t, parent.Children())
							require.NoError(t, parent.StopWait(t.Context()))
						})
					})
				}
			}
		}
	}
}

func TestStopDuringTheStartOfAnAdoptedActor(t *testing.T) {
	for name, stop := range map[string]func(c *actors.Caller){
		"Stop":              func(c *actors.Caller) { c.Stop() },
		"protoactor's Stop": func(c *actors.Caller) { c.System().Root.Stop(c.PID()) },
		"by a child":        func(c *actors.Caller) { do(context.Background(), c.Children()[0], func(context.Context) { c.Stop() }) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				goOn := make(chan struct{})
				c := adopted(t, system, nil, "c", func(ctx actor.Context) {
					if _, ok := ctx.Message().(*actor.Started); ok {
						<-goOn
					}
				}, nil)
				kid := actors.CallSoon(t.Context(), child(t, c), asleep)
				queued := actors.CallSoon(t.Context(), c, asleep)
				message := actors.Request[string](t.Context(), system, c.PID(), "message")
				assert.Equal(t, actors.StateStarting, c.State())
				synctest.Wait()
				stop(c)
				synctest.Wait()
				assert.Equal(t, actors.StateStopping, c.State())
				require.ErrorIs(t, queued.Err(), pending.ErrStopped, "at once")
				require.ErrorIs(t, message.Err(), actor.ErrDeadLetter)
				close(goOn)
				<-c.Stopped()
				require.ErrorIs(t, kid.Err(), pending.ErrStopped)
			})
		})
	}
}

func TestPanicInTheStartOfAnAdoptedActorKeepsWhatIsQueued(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		starts := 0
		c := adopted(t, system, nil, "c", func(ctx actor.Context) {
			if _, ok := ctx.Message().(*actor.Started); ok {
				if starts++; starts < 4 {
					panic(errBoom)
				}
			}
		}, nil)
		assert.Equal(t, "ran", result(t, actors.CallSoon(t.Context(), c, returns("ran"))))
		assert.Equal(t, 4, starts)
		assert.Equal(t, actors.StateRunning, c.State())
	})
}

// strict is an actor that is a strategy itself, as protoactor allows.
type strict struct{ *judge }

func (strict) Receive(ctx actor.Context) { puppet(ctx) }

// The options of an adopted actor are for its child callers. protoactor's
// supervision is for the children that it spawns itself.
func TestOptionsOfAnAdoptedActorRuleItsChildCallers(t *testing.T) {
	tests := map[string]struct {
		opts        []props.Option
		fate, child fate
		events      []string
	}{
		"none":    {nil, goesOn, goesOn, []string{"subject failed, Escalate in 0s: boom", "parent failed, Capture in 0s: boom"}},
		"Capture": {supervised(supervision.Capture()), goesOn, goesOn, []string{"subject failed, Escalate in 0s: boom", "parent failed, Capture in 0s: boom"}},
		"Restart": {
			supervised(supervision.Restart()), restarted, stopped,
			[]string{"subject failed, Escalate in 0s: boom", "parent failed, Restart in 0s: boom", "subject stopped", "parent restarted: boom"},
		},
		"Stop": {
			supervised(supervision.Stop()), stopped, stopped,
			[]string{"subject failed, Escalate in 0s: boom", "parent failed, Stop in 0s: boom", "subject stopped", "parent stopped: boom"},
		},
		"Escalate": {
			supervised(supervision.Escalate()), stopped, stopped,
			[]string{"subject failed, Escalate in 0s: boom", "parent failed, Escalate in 0s: boom", "subject stopped", "parent stopped"},
		},
		"Strategy that stops":    {[]props.Option{props.Strategy(stopDirective)}, goesOn, stopped, []string{"subject failed, Escalate in 0s: boom", "subject stopped"}},
		"Strategy that restarts": {[]props.Option{props.Strategy(supervision.OneForOne(supervision.Restart())), props.Supervision(supervision.Stop())}, goesOn, restarted, []string{"subject failed, Escalate in 0s: boom", "subject restarted: boom"}},
		"Strategy that resumes":  {[]props.Option{props.Strategy(supervision.OneForOne(supervision.Capture()))}, goesOn, goesOn, []string{"subject failed, Escalate in 0s: boom"}},
		"Strategy that escalates": {
			[]props.Option{props.Strategy(supervision.OneForOne(supervision.Escalate()))}, stopped, stopped,
			[]string{"subject failed, Escalate in 0s: boom", "subject stopped", "parent stopped"},
		},
	}
	kinds := map[string]func(j *judge) *actor.Props{
		"WithSupervisor":     func(j *judge) *actor.Props { return actor.PropsFromFunc(puppet, actor.WithSupervisor(j)) },
		"strategy by itself": func(j *judge) *actor.Props { return actor.PropsFromProducer(func() actor.Actor { return strict{j} }) },
	}
	for name, tt := range tests {
		for kind, propsOf := range kinds {
			t.Run(name+", "+kind, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					log, j := logEvents(system), &judge{}
					top := adopted(t, system, nil, "top", puppet, nil, actor.WithSupervisor(stopDirective))
					asCaller, err := actors.AsCaller(on(t, tt.opts)...)
					require.NoError(t, err)
					spawned := make(chan *actor.PID)
					system.Root.Send(top.PID(), func(ctx actor.Context) {
						pid, err := ctx.SpawnNamed(propsOf(j).Configure(asCaller), "parent")
						assert.NoError(t, err)
						spawned <- pid
					})
					c, _ := actors.Lookup(system, (<-spawned).GetId())
					parent := newMember(t, stopAtEnd(t, c))
					subject := newMember(t, child(t, c, append(supervised(supervision.Escalate()), props.Name("subject"))...))
					kid := adopted(t, system, c, "kid", puppet, nil)
					synctest.Wait()
					system.Root.Send(kid.PID(), func(actor.Context) { panic(errBoom) })
					synctest.Wait()
					assert.Equal(t, []string{kid.ID() + ": boom"}, j.asked)

					do(t.Context(), subject.Caller, func(context.Context) {
						parent.enqueue()
						subject.enqueue()
						panic(errBoom)
					})
					synctest.Wait()
					parent.check(tt.fate)
					subject.check(tt.child)
					assert.Equal(t, tt.events, log.all("subject", "parent", "top"))
					assert.Len(t, j.asked, 1)
				})
			})
		}
	}
}

func TestOptionsOfAnAdoptedActorRuleItsWorkers(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		j, workers := &judge{}, &judge{}
		c := adopted(t, system, nil, "c", puppet, append(supervised(supervision.Escalate()), props.Strategy(workers)), actor.WithSupervisor(j))
		require.ErrorIs(t, failure(actors.ToThread(t.Context(), c, func(context.Context) (string, error) { panic(errBoom) })), errBoom)
		synctest.Wait()
		assert.Empty(t, j.asked)
		assert.Len(t, workers.asked, 1)
		assert.Equal(t, "ran", result(t, actors.ToThread(t.Context(), c, returns("ran"))))
	})
}

// A strategy that escalates is a policy that does: the child goes on when the parent does.
func TestChildGoesOnWhoseStrategyHasEscalated(t *testing.T) {
	for _, actorOfUser := range []bool{false, true} {
		t.Run(fmt.Sprint("adopted ", actorOfUser), func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				escalates := []props.Option{props.Strategy(supervision.OneForOne(supervision.Escalate())), props.Name("parent")}
				var parent *actors.Caller
				if actorOfUser {
					top := adopted(t, system, nil, "top", puppet, nil, actor.WithSupervisor(directive(actor.ResumeDirective)))
					parent = adopted(t, system, top, "parent", puppet, escalates)
				} else {
					parent = child(t, start(t, system), escalates...)
				}
				c := child(t, parent, supervised(supervision.Escalate())...)
				crash(t, c)
				assert.Equal(t, "ran", result(t, actors.CallSoon(t.Context(), parent, returns("ran"))))
				assert.Equal(t, "ran", result(t, actors.CallSoon(t.Context(), c, returns("ran"))))
			})
		})
	}
}

// A strategy with a backoff decides late. By then another restart may have decided.
func TestBackoffOfAStrategyIsVoidWhenTheFailureIsDecidedOn(t *testing.T) {
	strategy := supervision.OneForOne(supervision.Restart(supervision.Backoff(time.Minute, time.Minute)))
	for name, message := range map[string]any{"Restart": &actor.Restart{}, "Resume": &actor.ResumeMailbox{}} {
		for _, actorOfUser := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", adopted ", actorOfUser), func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					parent := callerOrActor(t, system, actorOfUser, []props.Option{props.Strategy(strategy)})
					c := child(t, parent, supervised(supervision.Escalate())...)
					crash(t, c)
					time.Sleep(30 * time.Second)
					sendSystem(c, message)
					innocent := actors.CallSoon(t.Context(), c, asleep)
					time.Sleep(10 * time.Minute)
					assert.False(t, innocent.IsDone(), innocent)
					crash(t, c)
					time.Sleep(time.Hour)
					require.ErrorIs(t, innocent.Err(), errBoom, "the next failure counts")
					assert.Equal(t, "ran", result(t, actors.CallSoon(t.Context(), c, returns("ran"))))
				})
			})
		}
	}
}
