package supervision

import (
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
)

// afterASecond is a strategy that restarts a child one second after its failure.
func afterASecond() actor.SupervisorStrategy {
	return OneForOne(Restart(Backoff(time.Second, time.Second)))
}

func TestChildThatStoppedDuringTheDelayStaysStopped(t *testing.T) {
	for _, who := range []string{"first", "parent"} {
		t.Run(who+" was stopped", func(t *testing.T) {
			perform(t, func(s *stage) {
				s.enter(family(afterASecond()))
				s.fail("first")
				s.stop(who)
				s.pass(time.Minute)

				assert.Equal(t, []string{"0s started", "0s stopping", "0s stopped"}, s.story("first"))
				assert.Empty(t, s.decided())
				assert.Empty(t, s.story("dead letters"))
			})
		})
	}
}

func TestNewChildOfTheSameNameIsLeftAlone(t *testing.T) {
	perform(t, func(s *stage) {
		s.enter(family(afterASecond()))
		s.fail("first")
		s.stop("first")
		s.send("parent", role{name: "first"})
		s.pass(time.Minute)

		assert.Equal(t, []string{"0s started", "0s stopping", "0s stopped", "0s started"}, s.story("first"))
		assert.Empty(t, s.decided())
	})
}

func TestSiblingsRestartWithoutTheChildThatStoppedDuringTheDelay(t *testing.T) {
	perform(t, func(s *stage) {
		s.enter(family(AllForOne(Restart(Backoff(time.Second, time.Second)))))
		s.fail("first")
		s.stop("first")
		s.pass(time.Minute)

		assert.Equal(t, []string{"0s started", "0s stopping", "0s stopped"}, s.story("first"))
		assert.Equal(t, []string{"0s started", "1s restarting", "1s started"}, s.story("second"))
	})
}

func TestChildThatIsGoneWhenItsFailureIsHandledIsNotRestarted(t *testing.T) {
	perform(t, func(s *stage) {
		// The supervisor would panic if it were asked to restart the child.
		afterASecond().HandleFailure(
			s.system, supervisor{}, s.system.NewLocalPID("gone"), actor.NewRestartStatistics(), errBroken, nil,
		)
		s.pass(time.Minute)

		assert.Empty(t, s.story("dead letters"))
	})
}
