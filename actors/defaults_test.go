package actors_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

func TestDefaultsAreForCallersWithoutAParent(t *testing.T) {
	system := newSystem(t)
	common, logger := logged()
	spans := tracetest.NewRecorder()
	before := start(t, system)
	require.NoError(t, actors.Defaults(system, logger, props.Name("no name"), props.Protected(), props.Telemetry(spans.Telemetry())))

	_, own := logged()
	made := map[string]*actors.Caller{
		"before": before, "main": stopAtEnd(t, actors.Main(system)), "without": start(t, system), "own logger": start(t, system, own),
	}
	assert.False(t, made["without"].Protected())
	assert.NotEqual(t, "no name", made["without"].Name())
	for name, c := range made {
		c.Logger().Info("it is " + name)
		result(t, actors.Schedule(context.Background(), c, returns(1), actors.Named(name)))
	}
	spans.AssertTree(t, `
		main
		own logger
		without
	`)
	assert.Equal(t, 2, strings.Count(common.String(), "it is "))
	assert.Contains(t, common.String(), "it is main")
	assert.Contains(t, common.String(), "it is without")
}

func TestDefaultsThatMakeNoSenseAreAnError(t *testing.T) {
	system := newSystem(t)
	require.Error(t, actors.Defaults(system, props.MaxWorkers(-1)))
	start(t, system)
}

func TestMainCallerHasThePolicyOfTheDefaults(t *testing.T) {
	for name, tt := range map[string]struct {
		policy []props.Option
		action supervision.Action
		ends   bool
	}{
		"without one": {nil, supervision.ActionCapture, false},
		"Capture":     {supervised(supervision.Capture()), supervision.ActionCapture, false},
		"Restart":     {supervised(supervision.Restart()), supervision.ActionRestart, false},
		"no Restart":  {supervised(supervision.Restart(supervision.MaxRestarts(0, 0))), supervision.ActionStop, true},
		"Stop":        {supervised(supervision.Stop()), supervision.ActionStop, true},
		"Escalate":    {supervised(supervision.Escalate()), supervision.ActionEscalate, true},
	} {
		t.Run(name, func(t *testing.T) {
			system := newSystem(t)
			require.NoError(t, actors.Defaults(system, tt.policy...))
			decided := make(chan supervision.Action, 2)
			system.EventStream.Subscribe(func(event any) {
				if failed, ok := event.(supervision.Failed); ok && failed.Name == "$main" {
					decided <- failed.Action
				}
			})
			first := actors.Main(system)
			require.ErrorIs(t, failure(actors.CallSoon(t.Context(), first, panics)), errBoom)

			require.Equal(t, tt.action, <-decided)
			if tt.ends {
				<-first.Stopped()
			}
			now := stopAtEnd(t, actors.Main(system))
			assert.Equal(t, tt.ends, now != first, "a new one takes the place of one that has stopped")
			assert.True(t, now.Protected())
			assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), now, returns(1))))
			kid := child(t, now)
			require.Error(t, failure(actors.CallSoon(t.Context(), kid, panics)), "children inherit the policy")
			if tt.action == supervision.ActionStop {
				<-kid.Stopped()
			}
		})
	}
}

func TestMainCallerThatIsBeingStoppedByItsPolicyIsStillTheMainCaller(t *testing.T) {
	system := newSystem(t)
	require.NoError(t, actors.Defaults(system, supervised(supervision.Stop())...))
	first := actors.Main(system)
	stopping, release := make(chan error), make(chan struct{})
	do(t.Context(), first, func(ctx context.Context) {
		stopping <- actors.Sleep(ctx, time.Hour)
		<-release
	})
	require.ErrorIs(t, failure(actors.CallSoon(t.Context(), first, panics)), errBoom)
	require.Error(t, <-stopping)

	assert.Same(t, first, actors.Main(system))
	require.ErrorIs(t, failure(actors.CallSoon(t.Context(), actors.Main(system), returns(1))), pending.ErrStopped)
	close(release)
	<-first.Stopped()
	second := stopAtEnd(t, actors.Main(system))
	assert.NotSame(t, first, second)
	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), second, returns(1))))
}
