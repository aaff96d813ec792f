package actorstest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
)

func TestProbeGetsMessagesInOrder(t *testing.T) {
	system := actorstest.NewSystem(t)
	probe := actorstest.NewProbe(t, system)

	system.Root.Send(probe.PID(), "first")
	system.Root.Send(probe.PID(), 2)
	system.Root.Send(probe.PID(), errors.New("third"))

	assert.Equal(t, "first", actorstest.Expect[string](t.Context(), probe))
	assert.Equal(t, 2, actorstest.Expect[any](t.Context(), probe))
	require.EqualError(t, actorstest.Expect[error](t.Context(), probe), "third")
	assert.Empty(t, probe.Unread())
}

func TestProbeAsksAndReplies(t *testing.T) {
	system := actorstest.NewSystem(t)
	asking, asked := actorstest.NewProbe(t, system), actorstest.NewProbe(t, system)

	asking.Request(asked.PID(), "question")
	assert.Equal(t, "question", actorstest.Expect[string](t.Context(), asked))
	asked.Reply("answer")
	assert.Equal(t, "answer", actorstest.Expect[string](t.Context(), asking))
}

func TestProbeWatches(t *testing.T) {
	system := actorstest.NewSystem(t)
	probe := actorstest.NewProbe(t, system)
	pid := system.Root.Spawn(actor.PropsFromFunc(echo))

	probe.Watch(pid)
	system.Root.Stop(pid)

	assert.Equal(t, pid.Id, actorstest.Expect[*actor.Terminated](t.Context(), probe).Who.Id)
}

func TestUnreadIsWhatWasNotExpectedYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		probe := actorstest.NewProbe(t, system)
		assert.Empty(t, probe.Unread())

		system.Root.Send(probe.PID(), "expected")
		system.Root.Send(probe.PID(), "not expected")
		synctest.Wait()
		actorstest.Expect[string](t.Context(), probe)

		assert.Equal(t, []any{"not expected"}, probe.Unread())
	})
}

func TestWrongExpectationsFailTheTest(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(ctx context.Context, system *actor.ActorSystem, probe *actorstest.Probe)
		want string
	}{
		{
			"nothing comes", func(ctx context.Context, _ *actor.ActorSystem, probe *actorstest.Probe) {
				actorstest.Expect[string](ctx, probe)
			},
			"actorstest: no string has come: context deadline exceeded",
		},
		{
			"something else comes", func(ctx context.Context, system *actor.ActorSystem, probe *actorstest.Probe) {
				system.Root.Send(probe.PID(), 1)
				actorstest.Expect[string](ctx, probe)
			},
			"actorstest: a int has come, not a string: 1",
		},
		{
			"nobody has asked", func(ctx context.Context, system *actor.ActorSystem, probe *actorstest.Probe) {
				system.Root.Send(probe.PID(), "no question")
				actorstest.Expect[string](ctx, probe)
				probe.Reply("no answer")
			},
			"actorstest: there is nobody to send no answer to",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				assert.Equal(t, test.want, fatal(t, func(tb testing.TB) {
					system := actorstest.NewSystem(tb)
					test.do(ctx, system, actorstest.NewProbe(tb, system))
				}))
			})
		})
	}
}
