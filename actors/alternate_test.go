package actors_test

import (
	"context"
	"sync"
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

// otherBackend is the one that the caller is not on.
func otherBackend(c *actors.Caller) props.BackendKind {
	if c.Backend() == props.Thread {
		return props.Goroutine
	}
	return props.Thread
}

// guest calls a function on the other backend than the caller's own.
func guest[T any](ctx context.Context, c *actors.Caller, fn func(context.Context) (T, error)) *pending.Pending[T] {
	return actors.CallUsing(ctx, c, otherBackend(c), fn)
}

// Item 69 of the seed's behavior.
func TestGuestsShareTheTurnOfTheirCaller(t *testing.T) {
	c := start(t, newSystem(t))
	n := 0 // of the turn
	add := func(ctx context.Context) (int, error) {
		current, _ := actors.Current(ctx)
		same(t, c, current)
		n++
		mine := n
		for range 100 {
			if n != mine {
				t.Error("another function has had the turn")
			}
		}
		err := actors.Sleep(ctx, 0)
		n++
		return 1, err
	}
	var calling sync.WaitGroup
	for i := range 8 {
		calling.Go(func() {
			for range 100 {
				call := actors.CallSoon[int]
				if i%2 == 0 {
					call = guest[int]
				}
				_, err := call(t.Context(), c, add).Wait(t.Context())
				assert.NoError(t, err)
			}
		})
	}
	calling.Wait()
	assert.Equal(t, 1600, result(t, actors.CallSoon(t.Context(), c, func(context.Context) (int, error) { return n, nil })))
}

// Item 69 of the seed's behavior.
func TestGuestsAndTheOthersKeepTheirOrder(t *testing.T) {
	c := start(t, newSystem(t))
	release := occupy(t, c)
	var order []int
	var ps []*pending.Pending[int]
	for i := range 100 {
		call := actors.CallSoon[int]
		if i%3 == 0 {
			call = guest[int]
		}
		ps = append(ps, call(t.Context(), c, func(context.Context) (int, error) {
			order = append(order, i)
			return i, nil
		}))
	}
	release()
	for _, p := range ps {
		result(t, p)
	}
	assert.Equal(t, upTo(100), order)
}

// Item 69 of the seed's behavior.
func TestGuestAndHostWaitForEachOther(t *testing.T) {
	c := start(t, newSystem(t))
	var descend func(n int) func(context.Context) (int, error)
	descend = func(n int) func(context.Context) (int, error) {
		return func(ctx context.Context) (int, error) {
			switch {
			case n == 10:
				return n, nil
			case n%2 == 0:
				return guest(ctx, c, descend(n+1)).Wait(ctx)
			default:
				return actors.CallSoon(ctx, c, descend(n+1)).Wait(ctx)
			}
		}
	}
	var ps []*pending.Pending[int]
	for range 50 {
		ps = append(ps, actors.CallSoon(t.Context(), c, descend(0)), guest(t.Context(), c, descend(1)))
	}
	for _, p := range ps {
		assert.Equal(t, 10, result(t, p))
	}
}

// Item 69 of the seed's behavior.
func TestGuestsEndAsOtherFunctionsDo(t *testing.T) {
	c := start(t, newSystem(t))

	require.ErrorIs(t, failure(guest(t.Context(), c, func(context.Context) (int, error) { return 0, errBoom })), errBoom)
	var crash *pending.PanicError
	require.ErrorAs(t, failure(guest(t.Context(), c, panics)), &crash)
	require.ErrorIs(t, failure(guest(t.Context(), c, func(context.Context) (int, error) {
		exitGoroutine()
		return 0, nil
	})), pending.ErrCancelled)
	require.ErrorIs(t, failure(guest(t.Context(), c, func(ctx context.Context) (int, error) {
		return guest(ctx, c, one).WaitSync(ctx)
	})), pending.ErrDeadlock)
	assert.Equal(t, 1, result(t, guest(t.Context(), c, one)), "and none of it hurts the next")
}

// Item 69 of the seed's behavior.
func TestGuestsAreCancelledAsOtherFunctionsAre(t *testing.T) {
	c := start(t, newSystem(t))
	release := occupy(t, c)
	queued := guest(t.Context(), c, func(context.Context) (int, error) {
		t.Error("it ran")
		return 0, nil
	})
	require.True(t, queued.Cancel(errBoom))
	require.ErrorIs(t, failure(queued), errBoom)
	release()

	for name, fn := range map[string]func(context.Context) (string, error){
		"that waits": asleep, "that keeps its turn": untilItsEnd,
	} {
		started := make(chan struct{})
		running := guest(t.Context(), c, func(ctx context.Context) (string, error) {
			close(started)
			return fn(ctx)
		})
		<-started
		running.Cancel(errBoom)
		require.ErrorIs(t, failure(running), errBoom, name)
	}
}

// Item 69 of the seed's behavior.
func TestGuestsBelongToTheGroupTheyAreCalledIn(t *testing.T) {
	c := start(t, newSystem(t))
	ended := 0
	err := pending.Run(t.Context(), func(ctx context.Context) error {
		for range 10 {
			guest(ctx, c, func(ctx context.Context) (int, error) {
				err := actors.Sleep(ctx, time.Millisecond)
				ended++
				return 0, err
			})
		}
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, 10, result(t, actors.CallSoon(t.Context(), c, func(context.Context) (int, error) { return ended, nil })))

	err = pending.Run(t.Context(), func(ctx context.Context) error {
		guest(ctx, c, asleep)
		guest(ctx, c, func(context.Context) (int, error) { return 0, errBoom })
		return nil
	})
	require.ErrorIs(t, err, errBoom, "one that fails cancels the others")
}

// Item 69 of the seed's behavior.
func TestStopEndsGuests(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		cleaned := false
		waiting := guest(t.Context(), c, func(ctx context.Context) (string, error) {
			defer func() { cleaned = true }()
			return asleep(ctx)
		})
		started := make(chan struct{})
		running := guest(t.Context(), c, func(ctx context.Context) (string, error) {
			close(started)
			<-ctx.Done()
			return "in time", nil
		})
		<-started
		queued := guest(t.Context(), c, asleep)
		require.NoError(t, c.StopWait(t.Context()))
		require.ErrorIs(t, failure(waiting), pending.ErrStopped)
		assert.True(t, cleaned, "it had its turn")
		assert.Equal(t, "in time", result(t, running))
		require.ErrorIs(t, failure(queued), pending.ErrStopped)
		require.ErrorIs(t, failure(guest(t.Context(), c, asleep)), pending.ErrStopped)
	})
}

// Item 69 of the seed's behavior.
func TestGuestOfACallerThatStopsBeforeItsStartIsCancelled(t *testing.T) {
	c := unstarted(t, newSystem(t))
	p := guest(t.Context(), c, one)
	c.Stop()
	require.ErrorIs(t, failure(p), pending.ErrStopped)
}

func TestGuestThatDoesNotReturnIsAbandoned(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.StopTimeout(time.Second))
		started, release, returned := make(chan struct{}), make(chan struct{}), make(chan struct{})
		stuck := guest(t.Context(), c, func(context.Context) (int, error) {
			defer close(returned)
			close(started)
			<-release
			return 0, nil
		})
		<-started
		require.NoError(t, c.StopWait(t.Context()))
		require.ErrorIs(t, failure(stuck), pending.ErrStopped)
		close(release)
		<-returned
	})
}

func TestPolicyRulesOnGuests(t *testing.T) {
	for policy, want := range map[supervision.Policy]actors.State{
		supervision.Capture():  actors.StateRunning,
		supervision.Restart():  actors.StateRunning,
		supervision.Stop():     actors.StateStopped,
		supervision.Escalate(): actors.StateStopped,
	} {
		t.Run(policy.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system, props.Supervision(policy))
				waiting := guest(t.Context(), c, asleep)
				require.ErrorIs(t, failure(guest(t.Context(), c, panics)), errBoom)
				if want == actors.StateStopped {
					<-c.Stopped()
					require.ErrorIs(t, failure(waiting), errBoom)
					return
				}
				assert.Equal(t, 1, result(t, guest(t.Context(), c, one)))
				assert.Equal(t, want, c.State())
				assert.Equal(t, policy.Action() == supervision.ActionRestart, waiting.IsDone())
			})
		})
	}
}

func TestCallOnABackendThatThereIsNotFails(t *testing.T) {
	c := start(t, newSystem(t))
	p := actors.CallUsing(t.Context(), c, props.BackendKind(7), one)
	require.EqualError(t, failure(p), "actors: call using BackendKind(7): there is no such backend")
}
