package actors_test

import (
	"context"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

func panics(context.Context) (int, error) { panic(errBoom) }

// onGoroutine calls something that may end its goroutine, and returns after it.
func onGoroutine(do func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		do()
	}()
	<-ended
}

// A failed assertion in a callback ends the goroutine, of whoever stops.
func TestCallbacksThatDoNotReturnStopNoStop(t *testing.T) {
	stops := map[string]func(c *actors.Caller){
		"Stop":              func(c *actors.Caller) { c.Stop() },
		"protoactor's Stop": func(c *actors.Caller) { c.System().Root.Stop(c.PID()) },
		"stop of the parent": func(c *actors.Caller) {
			c.Parent().Stop()
		},
	}
	ways := map[string]func(h pending.Handle, mishap func()){
		"callback":  func(h pending.Handle, mishap func()) { h.OnDone(func(pending.Handle) { mishap() }) },
		"canceller": func(h pending.Handle, mishap func()) { h.SetCanceller(func(error) { mishap() }) },
	}
	for stopName, stop := range stops {
		for wayName, way := range ways {
			for mishapName, mishap := range mishaps {
				t.Run(stopName+", "+wayName+", "+mishapName, func(t *testing.T) {
					bubble(t, func(t *testing.T, system *actor.ActorSystem) {
						c := child(t, start(t, system), props.MaxWorkers(1))
						calls := callsInAllPlaces(t, c)
						for _, p := range calls {
							way(p, mishap)
						}
						onGoroutine(func() { stop(c) })
						for place, p := range calls {
							require.ErrorIs(t, failure(p), pending.ErrStopped, place)
						}
						<-c.Stopped()
					})
				})
			}
		}
	}
}

// callsInAllPlaces returns calls that a stop finds where calls can be.
func callsInAllPlaces(t *testing.T, c *actors.Caller) map[string]*pending.Pending[string] {
	busy := actors.ToThread(t.Context(), c, untilItsEnd)
	waiting := actors.CallSoon(t.Context(), c, asleep)
	offspring := child(t, c)
	blocked := actors.CallSoon(t.Context(), offspring, untilItsEnd)
	running := make(chan struct{})
	turn := actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) {
		close(running)
		return untilItsEnd(ctx)
	})
	<-running
	return map[string]*pending.Pending[string]{
		"on a worker":       busy,
		"for a worker":      actors.ToThread(t.Context(), c, untilItsEnd),
		"suspended":         waiting,
		"with the turn":     turn,
		"queued":            actors.CallSoon(t.Context(), c, asleep),
		"queued, the next":  actors.CallSoon(t.Context(), c, asleep),
		"delayed":           actors.CallLater(t.Context(), c, time.Hour, asleep),
		"delayed, another":  actors.CallLater(t.Context(), c, time.Hour, asleep),
		"of a child":        blocked,
		"queued on a child": actors.CallSoon(t.Context(), offspring, asleep),
	}
}

func TestPolicyRulesAlthoughACallbackEndsTheGoroutine(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log := logEvents(system)
		c := start(t, system, props.Name("subject"), props.Supervision(supervision.Restart(supervision.MaxRestarts(1, 0))), props.MaxWorkers(1))
		crash := func(ctx context.Context) (int, error) {
			self, _ := pending.Current(ctx)
			self.OnDone(func(pending.Handle) { exitGoroutine() })
			panic(errBoom)
		}
		require.ErrorIs(t, failure(actors.CallSoon(t.Context(), c, crash)), errBoom)
		assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
		require.ErrorIs(t, failure(actors.ToThread(t.Context(), c, crash)), errBoom)
		assert.Equal(t, 1, result(t, actors.ToThread(t.Context(), c, returns(1))), "there is a worker again")
		require.ErrorIs(t, failure(actors.CallSoon(t.Context(), c, crash)), errBoom)
		<-c.Stopped()
		assert.Equal(t, []string{
			"subject failed, Restart in 0s: boom", "subject restarted: boom", "subject failed, Stop in 0s: boom", "subject stopped: boom",
		}, log.all("subject"))
	})
}

func TestTimeoutThatAbandonsGoesOnAfterACallbackThatEndsTheGoroutine(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.StopTimeout(time.Second))
		release, returned := make(chan struct{}), make(chan struct{})
		var stuck []*pending.Pending[any]
		for range 2 {
			p := do(t.Context(), c, func(ctx context.Context) {
				defer func() { returned <- struct{}{} }()
				assert.ErrorIs(t, actors.Sleep(ctx, time.Hour), pending.ErrStopped)
				<-release
			})
			p.OnDone(func(pending.Handle) { exitGoroutine() })
			stuck = append(stuck, p)
		}
		result(t, actors.CallSoon(t.Context(), c, returns(1)))
		c.Stop()
		for _, p := range stuck {
			require.ErrorIs(t, failure(p), pending.ErrStopped)
		}
		<-c.Stopped()
		close(release)
		for range stuck {
			<-returned
		}
	})
}
