package actors_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// mailbag spawns an actor that passes on the messages it gets.
func mailbag(tb testing.TB, system *actor.ActorSystem) (*actor.PID, <-chan any) {
	messages := make(chan any, 100)
	pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch message := ctx.Message().(type) {
		case actor.SystemMessage, actor.AutoReceiveMessage:
		default:
			messages <- message
		}
	}))
	tb.Cleanup(func() { system.Root.Stop(pid) })
	return pid, messages
}

func TestInvocationThatIsSentRunsOnTheCaller(t *testing.T) {
	system := newSystem(t)
	for name, c := range map[string]*actors.Caller{
		"a caller":         start(t, system),
		"an adopted actor": adopted(t, system, nil, "gopher", puppet, nil),
	} {
		t.Run(name, func(t *testing.T) {
			ran := make(chan *actors.Caller, 2)
			message := actors.Invoke(func(ctx context.Context) (any, error) {
				current, _ := actors.Current(ctx)
				ran <- current
				return nil, nil
			})
			system.Root.Send(c.PID(), message)
			system.Root.Send(c.PID(), &actor.MessageEnvelope{Message: message}) // once more
			same(t, c, <-ran)
			same(t, c, <-ran)
		})
	}
}

func TestInvocationIsAnsweredToItsSender(t *testing.T) {
	system := newSystem(t)
	c := start(t, system)
	for name, tt := range map[string]struct {
		fn    func(context.Context) (int, error)
		value int
		err   error
	}{
		"with a value":        {fn: returns(42), value: 42},
		"with an error":       {fn: func(context.Context) (int, error) { return 42, errBoom }, err: errBoom},
		"with a panic":        {fn: func(context.Context) (int, error) { panic(errBoom) }, err: errBoom},
		"with a cancellation": {fn: func(context.Context) (int, error) { return 0, context.Canceled }, err: pending.ErrCancelled},
		"after a wait": {
			fn:    func(ctx context.Context) (int, error) { return 42, actors.Sleep(ctx, time.Microsecond) },
			value: 42,
		},
	} {
		t.Run(name, func(t *testing.T) {
			value, err := actors.Request[int](t.Context(), system, c.PID(), actors.Invoke(tt.fn)).Wait(t.Context())
			assert.Equal(t, tt.value, value)
			require.ErrorIs(t, err, tt.err)

			answer, err := system.Root.RequestFuture(c.PID(), actors.Invoke(tt.fn), time.Minute).Result()
			require.NoError(t, err)
			if tt.err == nil {
				assert.Equal(t, tt.value, answer)
			} else {
				answered, _ := answer.(error)
				require.ErrorIs(t, answered, tt.err)
			}
		})
	}
}

func TestInvocationIsRefusedLikeAnyCall(t *testing.T) {
	system := newSystem(t)
	request := func(c *actors.Caller) error {
		return failure(actors.Request[int](t.Context(), system, c.PID(), actors.Invoke(returns(1))))
	}
	full := start(t, system, props.MaxQueued(1))
	occupy(t, full)
	actors.CallSoon(t.Context(), full, returns(1))
	require.ErrorIs(t, request(full), actors.ErrOverloaded)

	stopping := start(t, system)
	release := occupy(t, stopping)
	stopping.Stop()
	require.ErrorIs(t, request(stopping), pending.ErrStopped)
	release()
	<-stopping.Stopped()
	require.ErrorIs(t, request(stopping), actor.ErrDeadLetter)
}

func TestOutcomeIsPipedToActors(t *testing.T) {
	system := newSystem(t)
	c := start(t, system)
	echo := adopted(t, system, nil, "echo", func(ctx actor.Context) {
		if m, ok := ctx.Message().(int); ok {
			ctx.Respond(m)
		}
	}, nil)
	promise := pending.New[int](t.Context(), pending.With("system", system))
	for name, tt := range map[string]struct {
		p    *pending.Pending[int]
		want any
	}{
		"of a call":               {actors.CallSoon(t.Context(), c, returns(42)), 42},
		"of a call on a worker":   {actors.ToThread(t.Context(), c, returns(42)), 42},
		"of a call to come":       {actors.CallLater(t.Context(), c, time.Millisecond, returns(42)), 42},
		"of a call that fails":    {actors.CallSoon(t.Context(), c, func(context.Context) (int, error) { return 1, errBoom }), errBoom},
		"of a request":            {actors.Request[int](t.Context(), system, echo.PID(), 42), 42},
		"of a pending of its own": {promise, 42},
	} {
		t.Run(name, func(t *testing.T) {
			a, messagesA := mailbag(t, system)
			b, messagesB := mailbag(t, system)
			require.NoError(t, actors.PipeTo(tt.p, a, b))
			if tt.p == promise {
				promise.SetResult(42)
			}
			assert.Equal(t, tt.want, <-messagesA)
			assert.Equal(t, tt.want, <-messagesB)

			require.NoError(t, actors.PipeTo(tt.p, a), "it is done")
			assert.Equal(t, tt.want, <-messagesA)
		})
	}
}

// A mailbox of protoactor would look for a message that is nil without end. The
// bubble would never see it idle.
func TestNilIsPipedAsAMessageThatIsNil(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		var got []any
		pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(actor.SystemMessage); !ok {
				got = append(got, ctx.Message())
			}
		}))
		p := actors.CallSoon(t.Context(), start(t, system), returns[any](nil))
		require.NoError(t, actors.PipeTo(p, pid))
		synctest.Wait()
		system.Root.Send(pid, "next")
		synctest.Wait()
		assert.Equal(t, []any{nil, "next"}, got)
		require.NoError(t, system.Root.StopFuture(pid).Wait())
	})
}

func TestPendingOfNoSystemCannotBePiped(t *testing.T) {
	pid, messages := mailbag(t, newSystem(t))
	p := pending.New[int](t.Context(), pending.Named("stray"))
	require.ErrorContains(t, actors.PipeTo(p, pid), "stray")
	p.SetResult(1)
	assert.Empty(t, messages)
}

func TestPipedPendingThatIsCancelledIsAnErrorForTheActor(t *testing.T) {
	system := newSystem(t)
	c := start(t, system)
	pid, messages := mailbag(t, system)
	p := actors.CallLater(t.Context(), c, time.Hour, returns(1))
	require.NoError(t, actors.PipeTo(p, pid))
	p.Cancel(errBoom)

	err, ok := (<-messages).(error)
	require.True(t, ok)
	require.ErrorIs(t, err, pending.ErrCancelled)
	require.ErrorIs(t, err, errBoom)
}
