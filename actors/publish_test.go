package actors_test

import (
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// mishaps are the ways in which code of the user's may not return.
var mishaps = map[string]func(){
	"panic":  func() { panic(errBoom) },
	"Goexit": exitGoroutine,
}

// Whoever subscribes to events does it on the caller's goroutine.
func TestHandlerOfAnEventThatDoesNotReturnHurtsNobody(t *testing.T) {
	for name, mishap := range mishaps {
		for policy, want := range map[supervision.Policy]actors.State{
			supervision.Capture():  actors.StateRunning,
			supervision.Restart():  actors.StateRunning,
			supervision.Stop():     actors.StateStopped,
			supervision.Escalate(): actors.StateStopped,
		} {
			t.Run(name+", "+policy.String(), func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					c := start(t, system, props.Supervision(policy))
					system.EventStream.Subscribe(func(event any) {
						switch event.(type) {
						case supervision.Failed, supervision.Stopped:
							mishap()
						case supervision.Restarted:
							panic(errBoom)
						}
					})
					release := occupy(t, c)
					crash := actors.CallSoon(t.Context(), c, panics)
					queued := actors.CallSoon(t.Context(), c, returns(1))
					release()
					require.ErrorIs(t, failure(crash), errBoom)
					synctest.Wait()
					assert.Equal(t, want, c.State())
					assert.True(t, queued.IsDone())
					assert.Equal(t, want == actors.StateRunning, queued.Err() == nil)
					require.NoError(t, c.StopWait(t.Context()))
				})
			})
		}
	}
}

func TestHandlerOfADeadLetterThatPanicsIsLogged(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log, logger := logged()
		c := start(t, system, logger)
		system.EventStream.Subscribe(func(event any) {
			if _, ok := event.(*actor.DeadLetterEvent); ok {
				panic(errBoom)
			}
		})
		system.Root.Send(c.PID(), "nobody reads it")
		release := occupy(t, c)
		system.Root.Send(c.PID(), "nor that, and a stop comes first")
		queued := actors.CallSoon(t.Context(), c, returns(1))
		c.Stop()
		require.ErrorIs(t, failure(queued), pending.ErrStopped)
		release()
		<-c.Stopped()
		assert.Contains(t, log.String(), "handler of a dead letter panicked")
	})
}
