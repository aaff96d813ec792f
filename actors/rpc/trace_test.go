package rpc_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

func TestOneTraceSpansBothNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tracetest.NewRecorder()
		traced := r.Telemetry()
		s := newScene(t, props.Telemetry(traced))
		ctx, span := r.Tracer().Start(traced.NewContext(t.Context()), "request")

		_, err := rpc.Call[string, string](ctx, s.here, s.target, "echo", "x").Wait(ctx)
		require.NoError(t, err)
		_, err = rpc.Call[struct{}, int](ctx, s.here, s.target, "fail", struct{}{}).Wait(ctx)
		require.Error(t, err)
		p := rpc.Call[struct{}, int](ctx, s.here, s.target, "wait", struct{}{})
		synctest.Wait()
		p.Cancel(nil)
		synctest.Wait()
		span.End()

		assert.Empty(t, r.Open())
		r.AssertTree(t, `
request
  echo client method=rpc.Call
    echo server method=rpc.Handle
  fail client error "rpc: node there: no tea\nsold out" method=rpc.Call
    fail server error "no tea\nsold out" method=rpc.Handle
  wait client cancelled method=rpc.Call
    wait server cancelled method=rpc.Handle
`, tracetest.Attributes(telemetry.MethodKey))
	})
}

func TestValuesOfTheContextStayHere(t *testing.T) {
	type key struct{}
	inMemory(t, func(t *testing.T, s *scene) {
		require.NoError(t, rpc.Handle(s.there, "value", func(ctx context.Context, _ int) (bool, error) {
			return ctx.Value(key{}) == nil, nil
		}))
		got, err := rpc.Call[int, bool](
			context.WithValue(t.Context(), key{}, 1), s.here, s.target, "value", 1).Wait(t.Context())
		require.NoError(t, err)
		assert.True(t, got)
	})
}
