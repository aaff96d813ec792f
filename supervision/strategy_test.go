package supervision

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
)

// family returns a supervisor of two children, called first and second.
func family(strategy actor.SupervisorStrategy) role {
	return role{name: "parent", supervisor: strategy, children: []role{{name: "first"}, {name: "second"}}}
}

func TestStrategyAppliesThePolicy(t *testing.T) {
	resumed := []string{"0s started", "0s works"}
	restarted := []string{"0s started", "0s restarting", "0s started", "0s works"}
	stopped := []string{"0s started", "0s stopping", "0s stopped"}

	for name, tt := range map[string]struct {
		strategy  actor.SupervisorStrategy
		first     []string
		second    []string
		directive string
	}{
		"one for one captures": {OneForOne(Capture()), resumed, resumed, "0s ResumeDirective first"},
		"one for one restarts": {OneForOne(Restart()), restarted, resumed, "0s RestartDirective first"},
		"one for one stops":    {OneForOne(Stop()), stopped, resumed, "0s StopDirective first"},
		"one for one stops above the limit": {
			OneForOne(Restart(MaxRestarts(0, 0))), stopped, resumed, "0s StopDirective first",
		},
		"all for one captures": {AllForOne(Capture()), resumed, resumed, "0s ResumeDirective first"},
		"all for one restarts": {AllForOne(Restart()), restarted, restarted, "0s RestartDirective first"},
		"all for one stops":    {AllForOne(Stop()), stopped, stopped, "0s StopDirective first"},
		"all for one stops above the limit": {
			AllForOne(Restart(MaxRestarts(0, 0))), stopped, stopped, "0s StopDirective first",
		},
	} {
		t.Run(name, func(t *testing.T) {
			perform(t, func(s *stage) {
				s.enter(family(tt.strategy))
				s.fail("first")
				s.send("first", "works")
				s.send("second", "works")

				assert.Equal(t, tt.first, s.story("first"))
				assert.Equal(t, tt.second, s.story("second"))
				assert.Equal(t, []string{tt.directive}, s.decided())
			})
		})
	}
}

func TestEscalatedFailureIsDecidedByTheParentOfTheSupervisor(t *testing.T) {
	for name, escalating := range map[string]actor.SupervisorStrategy{
		"one for one": OneForOne(Escalate()),
		"all for one": AllForOne(Escalate()),
	} {
		t.Run(name, func(t *testing.T) {
			perform(t, func(s *stage) {
				s.enter(role{
					name:       "grandparent",
					supervisor: OneForOne(Stop()),
					children:   []role{family(escalating)},
				})
				s.fail("first")

				assert.Equal(t, []string{"0s started", "0s stopping", "0s stopped"}, s.story("parent"))
				assert.Equal(t, []string{"0s started", "0s stopping", "0s stopped"}, s.story("first"))
				assert.Equal(t, []string{"0s StopDirective parent"}, s.decided())
			})
		})
	}
}

func TestRestartsBackOffUntilTheChildHasWorkedForTheLongestDelay(t *testing.T) {
	perform(t, func(s *stage) {
		s.enter(family(OneForOne(Restart(Backoff(time.Second, 4*time.Second)))))
		for _, delay := range []time.Duration{1, 2, 4, 4} {
			s.fail("first")
			s.pass(delay * time.Second)
		}
		s.pass(4 * time.Second)
		s.fail("first")
		s.pass(time.Second)

		assert.Equal(t, []string{
			"0s started",
			"1s restarting", "1s started",
			"3s restarting", "3s started",
			"7s restarting", "7s started",
			"11s restarting", "11s started",
			"16s restarting", "16s started",
		}, s.story("first"))
		assert.Equal(t, []string{
			"1s RestartDirective first", "3s RestartDirective first", "7s RestartDirective first",
			"11s RestartDirective first", "16s RestartDirective first",
		}, s.decided())
	})
}

func TestMessagesWaitForTheRestart(t *testing.T) {
	perform(t, func(s *stage) {
		s.enter(family(OneForOne(Restart(Backoff(time.Second, time.Second)))))
		s.fail("first")
		s.send("first", "handled")
		s.send("second", "handled")
		s.pass(time.Second)

		assert.Equal(t, []string{"0s started", "1s restarting", "1s started", "1s handled"}, s.story("first"))
		assert.Equal(t, []string{"0s started", "0s handled"}, s.story("second"))
	})
}

func TestSiblingsWorkUntilAllRestart(t *testing.T) {
	perform(t, func(s *stage) {
		s.enter(family(AllForOne(Restart(Backoff(time.Second, time.Second)))))
		s.fail("first")
		s.send("second", "handled")
		s.pass(time.Second)

		assert.Equal(t, []string{"0s started", "1s restarting", "1s started"}, s.story("first"))
		assert.Equal(t, []string{"0s started", "0s handled", "1s restarting", "1s started"}, s.story("second"))
	})
}

func TestLimitCountsTheFailuresWithinItsTime(t *testing.T) {
	perform(t, func(s *stage) {
		s.enter(family(OneForOne(Restart(MaxRestarts(1, time.Second)))))
		s.fail("first")
		s.pass(time.Second)
		s.fail("first")
		s.pass(time.Second / 2)
		s.fail("first")

		assert.Equal(t, []string{
			"0s RestartDirective first", "1s RestartDirective first", "1.5s StopDirective first",
		}, s.decided())
	})
}

func TestLimitCountsForEachChildByItself(t *testing.T) {
	perform(t, func(s *stage) {
		s.enter(family(OneForOne(Restart(MaxRestarts(1, 0)))))
		s.fail("first")
		s.fail("second")
		s.fail("first")

		assert.Equal(t, []string{
			"0s RestartDirective first", "0s RestartDirective second", "0s StopDirective first",
		}, s.decided())
	})
}

func TestChildOfTheSameNameStartsWithACleanRecord(t *testing.T) {
	perform(t, func(s *stage) {
		s.enter(family(OneForOne(Restart(MaxRestarts(1, 0)))))
		s.fail("first")
		s.stop("first")
		s.send("parent", role{name: "first"})
		s.fail("first")

		assert.Equal(t, []string{"0s RestartDirective first", "0s RestartDirective first"}, s.decided())
	})
}

func TestFailureWhileWaitingForTheRestartIsCoveredByIt(t *testing.T) {
	perform(t, func(s *stage) {
		s.enter(role{
			name:       "grandparent",
			supervisor: OneForOne(Restart(Backoff(2*time.Second, time.Minute), MaxRestarts(1, 0))),
			children:   []role{family(OneForOne(Escalate()))},
		})
		s.fail("first")
		s.pass(time.Second)
		s.fail("second")
		s.pass(time.Minute)

		assert.Equal(t, []string{"0s started", "2s restarting", "2s started"}, s.story("parent"))
		assert.Equal(t, []string{"2s RestartDirective parent"}, s.decided())
	})
}

func TestStrategyMayBeSharedBySupervisorsOfSeveralSystems(t *testing.T) {
	strategy := OneForOne(Restart(Backoff(time.Second, time.Minute), MaxRestarts(3, 0)))
	synctest.Test(t, func(t *testing.T) {
		var stages []*stage
		for range 10 {
			s := newStage(t)
			s.enter(family(strategy))
			stages = append(stages, s)
		}
		for _, delay := range []time.Duration{1, 2, 4} {
			var failing sync.WaitGroup
			for _, s := range stages {
				for _, name := range []string{"first", "second"} {
					failing.Go(func() { s.system.Root.Send(s.pid(name), fail{}) })
				}
			}
			failing.Wait()
			time.Sleep(delay * time.Second)
			synctest.Wait()
		}
		for _, s := range stages {
			for _, name := range []string{"first", "second"} {
				assert.Equal(t, []string{
					"0s started",
					"1s restarting", "1s started",
					"3s restarting", "3s started",
					"7s restarting", "7s started",
				}, s.story(name))
			}
		}
	})
}

func TestOneForOneServesAGuardian(t *testing.T) {
	perform(t, func(s *stage) {
		s.enter(role{name: "top"}, actor.WithGuardian(OneForOne(Restart(Backoff(time.Second, time.Second)))))
		s.fail("top")
		s.pass(time.Second)

		assert.Equal(t, []string{"0s started", "1s restarting", "1s started"}, s.story("top"))
	})
}

func TestStrategyRefusesAPolicyThatIsNotValid(t *testing.T) {
	for name, newStrategy := range map[string]func(Policy) actor.SupervisorStrategy{
		"one for one": OneForOne,
		"all for one": AllForOne,
	} {
		t.Run(name, func(t *testing.T) {
			assert.PanicsWithError(t, "supervision: Jitter(2): the fraction must be between 0 and 1", func() {
				newStrategy(Restart(Jitter(2)))
			})
		})
	}
}

func TestStrategyForgetsChildrenThatAreGone(t *testing.T) {
	s := newStrategy(Restart(MaxRestarts(5, 0)), failedChild)
	alive := actor.NewRestartStatistics()
	s.decide(alive)
	for range 100 {
		s.decide(actor.NewRestartStatistics())
	}

	// The time limit of the test is the limit of this loop.
	for s.children() > 1 {
		runtime.GC()
	}
	for range 4 {
		s.decide(alive)
	}
	action, _, _ := s.decide(alive)
	assert.Equal(t, ActionStop, action, "the record of the living child is kept")
}

func (s *strategy) children() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.records)
}

func TestAllChildren(t *testing.T) {
	first, second := actor.NewPID("nonhost", "first"), actor.NewPID("nonhost", "second")
	for name, tt := range map[string]struct {
		children []*actor.PID
		want     []*actor.PID
	}{
		"include the one that failed once":       {[]*actor.PID{first, second}, []*actor.PID{first, second}},
		"include one that is not yet adopted":    {[]*actor.PID{second}, []*actor.PID{second, first}},
		"are only the one that failed, if alone": {nil, []*actor.PID{first}},
	} {
		t.Run(name, func(t *testing.T) {
			children := allChildren(supervisor{children: tt.children}, actor.NewPID("nonhost", "first"))

			assert.Equal(t, fmt.Sprint(tt.want), fmt.Sprint(children))
			clear(tt.children)
			assert.NotContains(t, children, (*actor.PID)(nil), "the supervisor's own slice may change")
		})
	}
}

// supervisor has children, and ignores all directives.
type supervisor struct {
	actor.Supervisor
	children []*actor.PID
}

func (s supervisor) Children() []*actor.PID { return s.children }
