package rpc_test

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
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

func TestOneTraceSpansBothNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tracetest.NewRecorder()
		traced := r.Telemetry()
		s := newScene(t, props.Telemetry(traced))
		require.NoError(t, registerStreams(s.there))
		ctx, span := r.Tracer().Start(traced.NewContext(t.Context()), "request")

		_, err := rpc.Call[string, string](ctx, s.here, s.target, "echo", "x").Wait(ctx)
		require.NoError(t, err)
		_, err = rpc.Call[struct{}, int](ctx, s.here, s.target, "fail", struct{}{}).Wait(ctx)
		require.Error(t, err)
		p := rpc.Call[struct{}, int](ctx, s.here, s.target, "wait", struct{}{})
		synctest.Wait()
		p.Cancel(nil)
		_, err = collect(rpc.Stream[int, int](ctx, s.here, s.target, "count", 100))
		require.NoError(t, err)
		_, err = collect(rpc.Stream[int, int](ctx, s.here, s.target, "three and fail", 0))
		require.Error(t, err)
		for _, err := range rpc.Stream[int, int](ctx, s.here, s.target, "count", 100) {
			require.NoError(t, err)
			break
		}
		synctest.Wait()
		span.End()

		assert.Empty(t, r.Open())
		r.AssertTree(t, `
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
`, tracetest.Attributes(telemetry.MethodKey))
	})
}

func TestTraceOfAFunctionGoesOnAcrossNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tracetest.NewRecorder()
		s := newScene(t, props.Telemetry(r.Telemetry()))
		c := actorstest.Start(t, s.here, props.Telemetry(r.Telemetry()))

		_, err := actors.Schedule(t.Context(), c, func(ctx context.Context) (string, error) {
			if _, err := rpc.Call[string, string](ctx, s.here, s.target, "echo", "x").Wait(ctx); err != nil {
				return "", err
			}
			return rpc.Call[string, string](ctx, s.here, s.target, "echo", "x", rpc.Idempotent("")).Wait(ctx)
		}, actors.Named("ask")).Wait(t.Context())
		require.NoError(t, err)
		synctest.Wait()

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
	synctest.Test(t, func(t *testing.T) {
		traced := tracetest.NewRecorder().Telemetry()
		s := newScene(t, props.Telemetry(traced))
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
			calls = append(calls, rpc.Call[int, string](ctx, s.here, s.target, "baggage", n))
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
