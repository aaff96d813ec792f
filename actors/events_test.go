package actors_test

import (
	"errors"
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

// mishaps are the ways in which user code may not return.
var mishaps = map[string]func(){
	"panic":  func() { panic(errBoom) },
	"Goexit": exitGoroutine,
}

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

// Handlers of events run on a goroutine without a turn, which may wait for the caller.
func TestHandlerOfAnEventMayWaitForItsCaller(t *testing.T) {
	for name, policy := range map[string]supervision.Policy{
		"capture": supervision.Capture(), "stop": supervision.Stop(), "restart": supervision.Restart(), "escalate": supervision.Escalate(),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system, props.Supervision(policy))
				ended := make(chan error, 2)
				system.EventStream.Subscribe(func(event any) {
					switch event := event.(type) {
					case supervision.Failed:
						_, err := actors.CallSoon(t.Context(), c, returns(1)).Wait(t.Context())
						assert.True(t, err == nil || errors.Is(err, pending.ErrStopped), err)
						ended <- c.StopWait(t.Context())
					case supervision.Stopped:
						if event.Who != c.PID() {
							return
						}
						assert.Equal(t, actors.StateStopped, c.State())
						<-c.Stopped()
						ended <- nil
					}
				})
				require.ErrorIs(t, failure(actors.CallSoon(t.Context(), c, panics)), errBoom)
				require.NoError(t, <-ended)
				require.NoError(t, <-ended)
			})
		})
	}
}

func TestEventsComeInTheOrderInWhichThingsHappened(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log := logEvents(system)
		c := start(t, system, props.Name("c"), props.Supervision(supervision.Restart()))
		grandchild := child(t, child(t, c, props.Name("child")), props.Name("grandchild"))
		require.ErrorIs(t, failure(actors.CallSoon(t.Context(), c, panics)), errBoom)
		<-grandchild.Stopped()
		assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
		require.NoError(t, c.StopWait(t.Context()))
		assert.Equal(t, []string{
			"c failed, Restart in 0s: boom", "grandchild stopped", "child stopped", "c restarted: boom", "c stopped",
		}, log.all())
	})
}
