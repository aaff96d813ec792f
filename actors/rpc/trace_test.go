package rpc_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/baggage"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// tracedCaller returns a caller of the far node whose calls are recorded.
func tracedCaller(t *testing.T, s *scene, traced *telemetry.Telemetry) rpc.Target {
	c := actorstest.Start(t, s.there, props.Name("traced"), props.Telemetry(traced))
	return rpc.At(s.there.Address(), c.ID())
}

func TestOneTraceSpansBothNodes(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		r := tracetest.NewRecorder()
		traced := r.Telemetry()
		target := tracedCaller(t, s, traced)
		ctx, span := r.Tracer().Start(traced.NewContext(t.Context()), "request")

		_, err := rpc.Call[string, string](ctx, s.here, target, "echo", "x").Wait(ctx)
		require.NoError(t, err)
		_, err = rpc.Call[struct{}, int](ctx, s.here, target, "fail", struct{}{}).Wait(ctx)
		require.Error(t, err)
		p := rpc.Call[struct{}, int](ctx, s.here, target, "wait", struct{}{})
		s.served(t, 1)
		p.Cancel(nil)
		_, err = collect(rpc.Stream[int, int](ctx, s.here, target, "count", 100))
		require.NoError(t, err)
		_, err = collect(rpc.Stream[int, int](ctx, s.here, target, "three and fail", 0))
		require.Error(t, err)
		for _, err := range rpc.Stream[int, int](ctx, s.here, target, "count", 100) {
			require.NoError(t, err)
			break
		}
		span.End()
		s.until(t, func() bool { return len(r.Open()) == 0 })

		r.AssertTree(t, strings.ReplaceAll(`
request
  count client cancelled method=rpc.Call
    count server cancelled method=rpc.Handle
  count client method=rpc.Call
    count server method=rpc.Handle
  echo client method=rpc.Call
    echo server method=rpc.Handle
  fail client error "rpc: node there: no tea\nsold out" method=rpc.Call
    fail server error "no tea\nsold out" method=rpc.Handle
  three and fail client error "rpc: node there: sold out" method=rpc.Call
    three and fail server error "sold out" method=rpc.Handle
  wait client cancelled method=rpc.Call
    wait server cancelled method=rpc.Handle
`, "node there", "node "+s.there.Address()), tracetest.Attributes(telemetry.MethodKey))
	})
}

func TestTraceOfAFunctionGoesOnAcrossNodes(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		r := tracetest.NewRecorder()
		target := tracedCaller(t, s, r.Telemetry())
		c := actorstest.Start(t, s.here, props.Telemetry(r.Telemetry()))

		_, err := actors.Schedule(t.Context(), c, func(ctx context.Context) (string, error) {
			if _, err := rpc.Call[string, string](ctx, s.here, target, "echo", "x").Wait(ctx); err != nil {
				return "", err
			}
			return rpc.Call[string, string](ctx, s.here, target, "echo", "x", rpc.Idempotent("")).Wait(ctx)
		}, actors.Named("ask")).Wait(t.Context())
		require.NoError(t, err)
		s.until(t, func() bool { return len(r.Open()) == 0 })

		r.AssertTree(t, `
ask
  echo client
    echo server
  echo client
    echo server
`)
	})
}

func TestEachOfManyCallsHasItsOwnBaggage(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		traced := tracetest.NewRecorder().Telemetry()
		target := tracedCaller(t, s, traced)
		require.NoError(t, rpc.Handle(s.there, "baggage", func(ctx context.Context, n int) (string, error) {
			if err := actors.Sleep(ctx, time.Duration(64-n)*time.Millisecond); err != nil { // all are under way at a time
				return "", err
			}
			return baggage.FromContext(ctx).Member("number").Value(), nil
		}))
		var calls []*pending.Pending[string]
		for n := range 64 {
			member, err := baggage.NewMember("number", strconv.Itoa(n))
			require.NoError(t, err)
			bag, err := baggage.New(member)
			require.NoError(t, err)
			ctx := baggage.ContextWithBaggage(traced.NewContext(t.Context()), bag)
			calls = append(calls, rpc.Call[int, string](ctx, s.here, target, "baggage", n))
		}
		got, err := pending.All(t.Context(), calls...)
		require.NoError(t, err)
		for n, value := range got {
			assert.Equal(t, strconv.Itoa(n), value)
		}
	})
}

func TestValuesOfTheContextStayHere(t *testing.T) {
	type key struct{}
	onBothNetworks(t, func(t *testing.T, s *scene) {
		require.NoError(t, rpc.Handle(s.there, "value", func(ctx context.Context, _ int) (bool, error) {
			return ctx.Value(key{}) == nil, nil
		}))
		got, err := rpc.Call[int, bool](
			context.WithValue(t.Context(), key{}, 1), s.here, s.target, "value", 1).Wait(t.Context())
		require.NoError(t, err)
		assert.True(t, got)
	})
}
