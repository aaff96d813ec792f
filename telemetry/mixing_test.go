package telemetry_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

func TestTracesNeverMix(t *testing.T) {
	const traces = 1000
	s := newScene(t)
	s.root.End()
	other, err := actors.Start(s.system, props.Name("other"), props.Telemetry(s.telemetry))
	require.NoError(t, err)
	queue := actors.NewQueue(other, func(ctx context.Context, n int) error {
		_, err := actors.Schedule(ctx, s.caller, nothing, actors.Named(fmt.Sprint("queued ", n))).Wait(ctx)
		return err
	}, actors.QueueName("items"))

	one := func(n int) error {
		named := func(what string) actors.CallOption { return actors.Named(fmt.Sprint(what, " ", n)) }
		ctx, root := s.Tracer().Start(context.Background(), fmt.Sprint("root ", n))
		defer root.End()
		_, err := actors.Schedule(ctx, s.caller, func(ctx context.Context) (any, error) {
			deep := actors.Schedule(ctx, other, func(ctx context.Context) (any, error) {
				return actors.Schedule(ctx, s.caller, nothing, named("later"), actors.Delay(time.Microsecond)).Wait(ctx)
			}, named("other"))
			if err := queue.PutContext(ctx, n); err != nil {
				return nil, err
			}
			if _, err := actors.Request[int](ctx, s.system, other.PID(), actors.Invoke(nothing)).Wait(ctx); err != nil {
				return nil, err
			}
			if _, err := actors.ToThread(ctx, s.caller, nothing).Wait(ctx); err != nil {
				return nil, err
			}
			return deep.Wait(ctx)
		}, named("main")).Wait(ctx)
		return err
	}
	var wg sync.WaitGroup
	for n := range traces {
		wg.Go(func() { assert.NoError(t, one(n)) })
	}
	wg.Wait()
	require.NoError(t, queue.CloseWait(context.Background()))
	require.NoError(t, other.StopWait(context.Background()))
	require.NoError(t, s.caller.StopWait(context.Background()))
	assert.Empty(t, s.Open())

	byTrace := make(map[api.TraceID][]sdk.ReadOnlySpan)
	for _, span := range s.Spans() {
		id := span.SpanContext().TraceID()
		byTrace[id] = append(byTrace[id], span)
	}
	want := make(map[string]int)
	for n := range traces {
		want[fmt.Sprintf("root %[1]d\n"+
			"  main %[1]d\n"+
			"    other %[1]d\n"+
			"      later %[1]d\n"+
			"    request callers/other client\n"+
			"      telemetry_test.nothing\n"+
			"    telemetry_test.nothing\n", n)]++
		want[fmt.Sprintf("items linked to elsewhere\n  queued %d\n", n)]++
	}
	want["root\n"]++
	got := make(map[string]int)
	for _, spans := range byTrace {
		got[tracetest.Tree(spans)]++
	}
	if !assert.Len(t, got, len(want)) {
		return
	}
	for tree, n := range want {
		require.Equal(t, n, got[tree], "%s", tree)
	}
}
