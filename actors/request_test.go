package actors_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// hold is a message whose answer an actor keeps until it gets a string.
type hold struct{}

// responder spawns a plain actor. It answers an int with its square, an error
// with itself, and a hold with the next string.
func responder(tb testing.TB, system *actor.ActorSystem) *actor.PID {
	var held []*actor.PID
	pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case int:
			ctx.Respond(m * m)
		case error:
			ctx.Respond(m)
		case hold:
			held = append(held, ctx.Sender())
		case string:
			for _, sender := range held {
				ctx.Send(sender, m)
			}
			held = nil
			ctx.Respond(m)
		}
	}))
	tb.Cleanup(func() { system.Root.Stop(pid) })
	return pid
}

// release has a responder answer what it holds, and returns when it has.
func release(tb testing.TB, system *actor.ActorSystem, pid *actor.PID, answer string) {
	tb.Helper()
	assert.Equal(tb, answer, result(tb, actors.Request[string](context.Background(), system, pid, answer)))
}

// myError is an error that is asked for as a value.
type myError struct{ text string }

func (e *myError) Error() string { return e.text }

func TestRequestIsAnswered(t *testing.T) {
	system := newSystem(t)
	pid := responder(t, system)
	p := actors.Request[int](t.Context(), system, pid, 7)

	assert.Equal(t, 49, result(t, p))
	assert.Equal(t, "request int", p.Name())
	assert.Equal(t, any(49), result(t, actors.Request[any](t.Context(), system, pid, 7)))
}

func TestAnswerThatIsAnErrorIsThatOfThePending(t *testing.T) {
	system := newSystem(t)
	pid := responder(t, system)

	require.Equal(t, errBoom, failure(actors.Request[int](t.Context(), system, pid, errBoom)))
	require.Equal(t, errBoom, failure(actors.Request[any](t.Context(), system, pid, errBoom)))
	require.Equal(t, errBoom, failure(actors.Request[error](t.Context(), system, pid, errBoom)))
	own := &myError{"mine"}
	require.Equal(t, own, failure(actors.Request[*myError](t.Context(), system, pid, own)))
}

func TestAnswerOfAnotherTypeIsAnError(t *testing.T) {
	system := newSystem(t)
	pid := responder(t, system)

	err := failure(actors.Request[string](t.Context(), system, pid, 7))
	require.ErrorContains(t, err, "the answer is a int, not a string")
	require.ErrorContains(t, err, pid.GetId())
	err = failure(actors.Request[fmt.Stringer](t.Context(), system, pid, 7))
	require.ErrorContains(t, err, "the answer is a int, not a fmt.Stringer")
}

func TestAnswerThatIsNil(t *testing.T) {
	c := start(t, newSystem(t))
	ask := actors.Invoke(returns[any](nil))
	assert.Nil(t, result(t, actors.Request[any](t.Context(), c.System(), c.PID(), ask)))
	require.NoError(t, result(t, actors.Request[error](t.Context(), c.System(), c.PID(), ask)))
	err := failure(actors.Request[*int](t.Context(), c.System(), c.PID(), ask))
	require.ErrorContains(t, err, "the answer is nil, not a *int")
	require.ErrorContains(t, err, c.ID())
}

func TestRequestToNobodyIsADeadLetter(t *testing.T) {
	system := newSystem(t)
	stopped := system.Root.Spawn(actor.PropsFromFunc(puppet))
	require.NoError(t, system.Root.StopFuture(stopped).Wait())

	for name, pid := range map[string]*actor.PID{
		"an actor that never was": system.NewLocalPID("nobody"),
		"an actor that is gone":   stopped,
	} {
		t.Run(name, func(t *testing.T) {
			err := failure(actors.Request[int](t.Context(), system, pid, 1))
			require.ErrorIs(t, err, actor.ErrDeadLetter)
			require.ErrorContains(t, err, pid.GetId())
			require.ErrorIs(t, failure(actors.Request[any](t.Context(), system, pid, 1)), actor.ErrDeadLetter)
		})
	}
}

func TestRequestEndsEarlyAndItsLateAnswerIsDropped(t *testing.T) {
	for name, tt := range map[string]struct {
		end func(context.CancelCauseFunc, *pending.Pending[string])
		err error
	}{
		"by Cancel":      {func(_ context.CancelCauseFunc, p *pending.Pending[string]) { p.Cancel(errBoom) }, errBoom},
		"by its context": {func(cancel context.CancelCauseFunc, _ *pending.Pending[string]) { cancel(errBoom) }, errBoom},
		"by a timeout of whoever waits": {func(_ context.CancelCauseFunc, p *pending.Pending[string]) {
			_, _ = p.Wait(context.Background(), pending.Timeout(time.Nanosecond))
		}, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			system := newSystem(t)
			pid := responder(t, system)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			p := actors.Request[string](ctx, system, pid, hold{})
			other := actors.Request[string](t.Context(), system, pid, hold{})
			tt.end(cancel, p)
			require.ErrorIs(t, failure(p), tt.err)

			release(t, system, pid, "late")
			assert.Equal(t, "late", result(t, other))
			require.ErrorIs(t, p.Err(), tt.err)
			assert.True(t, p.Cancelled())
		})
	}
}

func TestRequestUnderAContextThatHasEndedIsNotSent(t *testing.T) {
	system := newSystem(t)
	pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(string); ok {
			t.Error("it was sent")
		}
	}))
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errBoom)
	p := actors.Request[int](ctx, system, pid, "hello")
	require.ErrorIs(t, failure(p), errBoom)
	assert.True(t, p.Cancelled())
	require.NoError(t, system.Root.StopFuture(pid).Wait())
}

func TestSecondAnswerToARequestIsDropped(t *testing.T) {
	system := newSystem(t)
	twice := adopted(t, system, nil, "twice", func(ctx actor.Context) {
		if m, ok := ctx.Message().(int); ok {
			ctx.Respond(m)
			ctx.Respond(-m)
		}
	}, nil)
	for i := range 100 {
		assert.Equal(t, i, result(t, actors.Request[int](t.Context(), system, twice.PID(), i)))
	}
}

func TestRequestsDoNotMixUpTheirAnswers(t *testing.T) {
	system := newSystem(t)
	pid := responder(t, system)
	failed := make(chan error)
	for g := range 8 {
		go func() {
			var err error
			for i := range 200 {
				n := g*1000 + i
				answer, e := actors.Request[int](context.Background(), system, pid, n).Wait(context.Background())
				if e != nil || answer != n*n {
					err = errors.Join(err, fmt.Errorf("%d: %d, %w", n, answer, e))
				}
			}
			failed <- err
		}()
	}
	for range 8 {
		require.NoError(t, <-failed)
	}
}

func TestFunctionThatWaitsForAnAnswerGivesItsTurnAway(t *testing.T) {
	system := newSystem(t)
	pid := responder(t, system)
	c := start(t, system)
	p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) {
		return actors.Request[string](ctx, system, pid, hold{}).Wait(ctx)
	})
	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
	assert.False(t, p.IsDone())
	result(t, do(t.Context(), c, func(context.Context) { release(t, system, pid, "here") }))
	assert.Equal(t, "here", result(t, p))
}

func TestRequestWorksThroughTheMiddlewareOfTheRoot(t *testing.T) {
	system := newSystem(t)
	pid := responder(t, system)
	seen := make(chan any, 1)
	system.Root.WithSenderMiddleware(func(next actor.SenderFunc) actor.SenderFunc {
		return func(ctx actor.SenderContext, target *actor.PID, envelope *actor.MessageEnvelope) {
			seen <- envelope.Message
			next(ctx, target, envelope)
		}
	})
	assert.Equal(t, 49, result(t, actors.Request[int](t.Context(), system, pid, 7)))
	assert.Equal(t, 7, <-seen)
}
