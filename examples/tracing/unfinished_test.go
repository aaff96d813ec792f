package main

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/examples/tracing/jaeger"
	"github.com/seed-7fcaac1b/protocaller/examples/tracing/jaeger/jaegertest"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/otlp"
)

func TestCallThatHangsIsFoundInJaegerWhileItHangs(t *testing.T) {
	server := jaegertest.Start(t, "tool")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	shutdown, err := otlp.Setup(ctx, "hanging")
	require.NoError(t, err)
	system := actor.NewActorSystem()
	defer system.Shutdown()
	caller, err := actors.Start(system, props.Name("clerk"), props.Telemetry(telemetry.New(telemetry.Unfinished(50*time.Millisecond))))
	require.NoError(t, err)
	answer := pending.New[int](ctx, pending.Named("answer"))
	hangs := actors.Schedule(ctx, caller, func(ctx context.Context) (int, error) { return answer.Wait(ctx) }, actors.Named("hangs"))

	const name = "hangs (unfinished)"
	spans, err := server.Search(ctx, "hanging", name, atLeast(1))
	require.NoError(t, err)
	assert.False(t, hangs.IsDone())
	found := spans[slices.IndexFunc(spans, func(s jaeger.Span) bool { return s.Name == name })]
	assert.Equal(t, "waiting for answer", found.Attributes[string(telemetry.StateKey)])
	t.Logf("%+v", found)

	answer.SetResult(1)
	_, err = hangs.Wait(ctx)
	require.NoError(t, err)
	require.NoError(t, caller.StopWait(ctx))
	require.NoError(t, shutdown(ctx))
	spans, err = server.Trace(ctx, found.TraceID, func(spans []jaeger.Span) bool {
		return slices.ContainsFunc(spans, func(s jaeger.Span) bool { return s.Name == "hangs" && s.ID == found.Links[0].SpanID })
	})
	require.NoError(t, err)
	assert.NotEmpty(t, spans)
}
