package supervision

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
)

func TestStopSurvivesARestartThatComesWhileTheChildrenStillStop(t *testing.T) {
	for name, tt := range map[string]struct {
		stopped string
		parent  []string
	}{
		"of the child":  {"child", []string{"0s started"}},
		"of its parent": {"parent", []string{"0s started", "0s stopping", "5s stopped"}},
	} {
		t.Run(name, func(t *testing.T) {
			perform(t, func(s *stage) {
				grandchild := role{name: "grandchild", stopTakes: 5 * time.Second}
				child := role{name: "child", children: []role{grandchild}}
				s.enter(role{name: "parent", supervisor: afterASecond(), children: []role{child}})
				s.fail("child")
				s.stop(tt.stopped)
				s.pass(time.Minute)

				assert.Equal(t, []string{
					"0s started", "0s stopping", "1s restarting", "1s stopping", "5s stopped",
				}, s.story("child"))
				assert.Equal(t, []string{"0s started", "0s stopping", "5s stopped"}, s.story("grandchild"))
				assert.Equal(t, tt.parent, s.story("parent"))
				assert.Empty(t, s.story("dead letters"))
			})
		})
	}
}

func TestStopAfterALateRestartIsAnOrdinaryStop(t *testing.T) {
	perform(t, func(s *stage) {
		s.enter(family(afterASecond()))
		s.fail("first")
		s.pass(time.Second)
		s.stop("parent")

		assert.Equal(t, []string{
			"0s started", "1s restarting", "1s started", "1s stopping", "1s stopped",
		}, s.story("first"))
		assert.Equal(t, []string{"0s started", "1s stopping", "1s stopped"}, s.story("parent"))
		assert.Empty(t, s.story("dead letters"))
	})
}

func TestGuardStopsAStoppingChildAfterItsRestart(t *testing.T) {
	perform(t, func(s *stage) {
		grandchild := role{name: "grandchild", stopTakes: time.Second}
		s.enter(role{name: "child", children: []role{grandchild}})
		child := incarnationOf(s.system, s.pid("child"))
		s.stop("child")

		release := guardStop(child)
		synctest.Wait()
		child.process.SendSystemMessage(child.pid, &actor.Restart{})
		synctest.Wait()
		release()
		s.pass(time.Minute)

		assert.Equal(t, []string{
			"0s started", "0s stopping", "0s restarting", "0s stopping", "1s stopped",
		}, s.story("child"))
	})
}

func TestGuardLeavesNothingBehind(t *testing.T) {
	perform(t, func(s *stage) {
		var inbox inbox
		s.enter(role{name: "child"}, actor.WithMailbox(actor.Unbounded(&inbox)))
		processes := s.processes()

		release := guardStop(incarnationOf(s.system, s.pid("child")))
		release()
		s.stop("child")

		assert.Equal(t, []string{"*actor.Started", "*actor.Watch", "*actor.Unwatch", "*actor.Stop"}, inbox.messages)
		assert.Equal(t, processes-1, s.processes(), "the child is gone, and nothing has come")
	})
}

// inbox is a mailbox middleware that notes the types of the messages an actor has handled.
type inbox struct {
	messages []string
}

func (*inbox) MailboxStarted()   {}
func (*inbox) MessagePosted(any) {}
func (*inbox) MailboxEmpty()     {}

func (i *inbox) MessageReceived(message any) {
	i.messages = append(i.messages, fmt.Sprintf("%T", message))
}

// processes returns the number of processes that are registered.
func (s *stage) processes() int {
	n := 0
	for _, bucket := range s.system.ProcessRegistry.LocalPIDs.LocalPIDs {
		n += bucket.Count()
	}
	return n
}
