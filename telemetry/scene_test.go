package telemetry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

var errBoom = errors.New("boom")

// scene is a caller that is recorded, and a root span to be under.
type scene struct {
	*tracetest.Recorder
	telemetry *telemetry.Telemetry
	system    *actor.ActorSystem
	caller    *actors.Caller
	ctx       context.Context
	root      api.Span
	free      func() // ends what keeps the caller busy
}

// play runs a test with a scene in a bubble of testing/synctest, and compares
// the spans with a tree when the caller has stopped.
func play(t *testing.T, want string, test func(t *testing.T, s *scene), opts ...props.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, opts...)
		test(t, s)
		s.close(t)
		s.AssertTree(t, want, tracetest.Events())
		assert.Empty(t, s.Open())
	})
}

func newScene(t *testing.T, opts ...props.Option) *scene {
	t.Helper()
	return newSceneOf(t, tracetest.NewRecorder(), opts...)
}

func newSceneOf(t *testing.T, r *tracetest.Recorder, opts ...props.Option) *scene {
	t.Helper()
	s := &scene{Recorder: r, system: newSystem()}
	s.telemetry = s.Telemetry()
	s.ctx, s.root = s.Tracer().Start(context.Background(), "root")
	var err error
	s.caller, err = actors.Start(s.system, append(opts, props.Name("it"), props.Telemetry(s.telemetry))...)
	require.NoError(t, err)
	return s
}

func (s *scene) close(t *testing.T) {
	t.Helper()
	s.root.End()
	require.NoError(t, s.caller.StopWait(context.Background()))
	time.Sleep(time.Second) // of virtual time, for the throttle of the dead letters
}

// call schedules a function that has no result under a name.
func (s *scene) call(ctx context.Context, name string, fn func(context.Context) error) *pending.Pending[any] {
	return actors.Schedule(ctx, s.caller, func(ctx context.Context) (any, error) { return nil, fn(ctx) }, actors.Named(name))
}

func nothing(context.Context) (int, error) { return 1, nil }

func asleep(ctx context.Context) error { return actors.Sleep(ctx, time.Minute) }

func nap(ctx context.Context) (int, error) { return 1, asleep(ctx) }

// one returns the only span of that name.
func (s *scene) one(t *testing.T, name string) sdk.ReadOnlySpan {
	t.Helper()
	var found []sdk.ReadOnlySpan
	for _, span := range s.Spans() {
		if span.Name() == name {
			found = append(found, span)
		}
	}
	require.Len(t, found, 1)
	return found[0]
}
