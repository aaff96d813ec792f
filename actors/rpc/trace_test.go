package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

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

// everyWay runs fn on a worker, after a delay, and as an item of a queue. It also runs fn on
// the far node, and for each item of a stream from there.
func everyWay(ctx context.Context, t *testing.T, s *scene, c *actors.Caller, target rpc.Target) []string {
	t.Helper()
	own := func(ctx context.Context) (string, error) { //nolint:unparam // It is for calls.
		return baggage.FromContext(ctx).Member("customer").Value(), nil
	}
	item := make(chan string, 1)
	q := actors.NewQueue(c, func(ctx context.Context, _ int) error {
		of, err := own(ctx)
		item <- of
		return err
	})
	require.NoError(t, q.PutContext(ctx, 1))
	require.NoError(t, q.CloseWait(ctx))
	got := []string{"queue " + <-item}
	for what, p := range map[string]*pending.Pending[string]{
		"worker": actors.ToThread(ctx, c, own), "delay": actors.CallLater(ctx, c, time.Millisecond, own),
		"node": rpc.Call[int, string](ctx, s.here, target, "customer", 1),
	} {
		of, err := p.Wait(ctx)
		require.NoError(t, err)
		got = append(got, what+" "+of)
	}
	for of, err := range rpc.Stream[int, string](ctx, s.here, target, "customers", 1) {
		require.NoError(t, err)
		got = append(got, "stream "+of)
	}
	slices.Sort(got)
	return got
}

// handleCustomers registers functions that say whose order they are part of, which they ask
// a worker.
func handleCustomers(t *testing.T, system *actor.ActorSystem) {
	t.Helper()
	customer := func(ctx context.Context, _ int) (string, error) {
		c, _ := actors.Current(ctx)
		return actors.ToThread(ctx, c, func(ctx context.Context) (string, error) {
			return baggage.FromContext(ctx).Member("customer").Value(), nil
		}).Wait(ctx)
	}
	require.NoError(t, rpc.Handle(system, "customer", customer))
	require.NoError(t, rpc.HandleStream(system, "customers", func(ctx context.Context, n int) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) { yield(customer(ctx, n)) }
	}))
}

func TestBaggageGoesWhereverTheCallGoes(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		r := tracetest.NewRecorder()
		handleCustomers(t, s.there)
		target := tracedCaller(t, s, r.Telemetry())
		c := actorstest.Start(t, s.here, props.Telemetry(r.Telemetry()))
		member, err := baggage.NewMember("customer", "Ann")
		require.NoError(t, err)
		bag, err := baggage.New(member)
		require.NoError(t, err)
		ctx := r.Telemetry().NewContext(baggage.ContextWithBaggage(t.Context(), bag))
		assert.Equal(t, []string{"delay Ann", "node Ann", "queue Ann", "stream Ann", "worker Ann"}, everyWay(ctx, t, s, c, target))
	})
}

func TestNothingBelowASpanThatIsNotSampledIsRecordedAnywhere(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		front := sdk.NewTracerProvider(sdk.WithSampler(sdk.NeverSample())) // it decides for all
		r := tracetest.NewRecorder(sdk.WithSampler(sdk.ParentBased(sdk.AlwaysSample())))
		handleCustomers(t, s.there)
		target := tracedCaller(t, s, r.Telemetry())
		c := actorstest.Start(t, s.here, props.Telemetry(r.Telemetry()))
		ctx, root := front.Tracer("front").Start(r.Telemetry().NewContext(t.Context()), "order")
		everyWay(ctx, t, s, c, target)
		root.End()
		require.NoError(t, c.StopWait(t.Context()))
		assert.Empty(t, r.Spans())
		assert.Empty(t, r.Open())
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

// serve is a function that another node calls.
func serve(context.Context, int) (int, error) { return 1, nil }

// serverOf returns the address of the server in a span.
func serverOf(span sdk.ReadOnlySpan) string {
	a := attributesOf(span)
	if port, ok := a["server.port"]; ok {
		return net.JoinHostPort(a["server.address"].AsString(), port.String())
	}
	return a["server.address"].AsString()
}

func attributesOf(span sdk.ReadOnlySpan) map[attribute.Key]attribute.Value {
	m := make(map[attribute.Key]attribute.Value)
	for _, a := range span.Attributes() {
		m[a.Key] = a.Value
	}
	return m
}

func TestSpansOfACallNameTheFunctionAndTheServer(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		r := tracetest.NewRecorder()
		traced := r.Telemetry()
		target := tracedCaller(t, s, traced)
		require.NoError(t, rpc.Handle(s.there, "serve", serve))
		require.NoError(t, rpc.Handle(s.here, "serve", serve))
		local := actorstest.Start(t, s.here, props.Telemetry(traced))
		ctx := traced.NewContext(t.Context())

		_, err := rpc.Call[int, int](ctx, s.here, target, "serve", 1).Wait(ctx)
		require.NoError(t, err)
		_, err = rpc.Call[int, int](ctx, s.here, rpc.OnPID(local.PID()), "serve", 1).Wait(ctx)
		require.NoError(t, err)
		s.until(t, func() bool { return len(r.Spans()) == 3 })
		for _, span := range r.Spans() {
			if span.SpanKind() != trace.SpanKindInternal { // that of the call without a wire
				assert.Equal(t, "protocaller", attributesOf(span)["rpc.system.name"].AsString())
				assert.Equal(t, "serve", attributesOf(span)["rpc.method"].AsString())
			}
			if span.SpanKind() == trace.SpanKindClient {
				assert.Equal(t, s.there.Address(), serverOf(span))
				continue
			}
			assert.Equal(t, "github.com/seed-7fcaac1b/protocaller/actors/rpc_test.serve", attributesOf(span)["code.function.name"].AsString())
		}
	})
}

func TestSpansOfACallHaveItsStatus(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		r := tracetest.NewRecorder()
		traced := r.Telemetry()
		target := tracedCaller(t, s, traced)
		for name, err := range map[string]error{
			"sold out": fmt.Errorf("here: %w", errors.Join(context.DeadlineExceeded, errSoldOut)),
			"late":     context.DeadlineExceeded, "plain": errors.New("boom"),
		} {
			require.NoError(t, rpc.Handle(s.there, name, func(context.Context, int) (int, error) { return 0, err }))
		}
		require.NoError(t, rpc.Handle(s.there, "bang", func(context.Context, int) (int, error) { panic("bang") }))
		require.NoError(t, rpc.Handle(s.there, "well", serve))
		ctx := traced.NewContext(t.Context())
		for name, want := range map[string]string{
			"well": "client ok, server ok", "sold out": "client shop.sold_out, server shop.sold_out", "late": "client deadline, server deadline",
			"plain": "client error, server error", "bang": "client panic, server panic", "nothing": "client unknown_function",
		} {
			r.Reset()
			_, _ = rpc.Call[int, int](ctx, s.here, target, name, 1).Wait(ctx)
			s.until(t, func() bool { return len(r.Open()) == 0 })
			var got []string
			for _, span := range r.Spans() {
				a := attributesOf(span)
				status := a["rpc.response.status_code"].AsString()
				got = append(got, span.SpanKind().String()+" "+status)
				if status != "ok" {
					assert.Equal(t, status, a["error.type"].AsString(), name)
				}
			}
			slices.Sort(got)
			assert.Equal(t, want, strings.Join(got, ", "), name)
		}
	})
}

func TestCallToThisNodeThatCannotBeMadeIsSeen(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		r := tracetest.NewRecorder()
		ctx := r.Telemetry().NewContext(t.Context())
		require.NoError(t, rpc.Handle(s.here, "serve", serve))
		_, err := rpc.Call[int, int](ctx, s.here, rpc.At("", "nobody"), "serve", 1).Wait(ctx)
		require.ErrorIs(t, err, rpc.ErrNoCaller)
		_, err = collect(rpc.Stream[int, int](ctx, s.here, rpc.At("", "nobody"), "count", 1))
		require.ErrorIs(t, err, rpc.ErrUnknownFunction)
		r.AssertTree(t, `
count client error "rpc: unknown function: \"count\"" method=rpc.Call
serve client error "rpc: no such caller: \"nobody\"" method=rpc.Call
`, tracetest.Attributes(telemetry.MethodKey))
	})
}

func TestEachAttemptAtACallWithAKeyIsSeen(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		r := tracetest.NewRecorder()
		ctx := r.Telemetry().NewContext(t.Context())
		p := rpc.Call[string, string](ctx, s.here, rpc.At(s.there.Address(), "callers/later"), "echo", "x", rpc.Idempotent(""))
		time.AfterFunc(100*time.Millisecond, func() {
			actorstest.Start(t, s.there, props.Name("later"), props.Telemetry(r.Telemetry()))
		})
		_, err := p.Wait(ctx)
		require.NoError(t, err)
		s.until(t, func() bool { return len(r.Open()) == 0 })

		var call, served sdk.ReadOnlySpan
		var retries []sdk.ReadOnlySpan
		for _, span := range r.Spans() {
			switch {
			case span.Name() == "echo (retry)":
				retries = append(retries, span)
			case span.SpanKind() == trace.SpanKindClient:
				call = span
			default:
				served = span
			}
		}
		assert.Equal(t, s.there.Address(), serverOf(call))
		assert.Len(t, call.Events(), len(retries)+1)
		for _, event := range call.Events() {
			assert.Equal(t, telemetry.EventAttempt, event.Name)
		}
		require.NotEmpty(t, retries)
		before := call
		for n, retry := range retries {
			a := attributesOf(retry)
			assert.Equal(t, trace.SpanKindClient, retry.SpanKind())
			assert.Equal(t, call.SpanContext().SpanID(), retry.Parent().SpanID())
			assert.Equal(t, int64(n+2), a[telemetry.AttemptKey].AsInt64())
			assert.Equal(t, s.there.Address(), serverOf(retry))
			require.Len(t, retry.Links(), 1)
			assert.Equal(t, before.SpanContext(), retry.Links()[0].SpanContext)
			before = retry
			if n < len(retries)-1 {
				assert.Equal(t, "no_caller", a["error.type"].AsString())
			}
		}
		assert.Equal(t, "ok", attributesOf(before)["rpc.response.status_code"].AsString())
		assert.Equal(t, before.SpanContext().SpanID(), served.Parent().SpanID())
	})
}

func TestRetryThatIsUnderWayEndsWithItsCall(t *testing.T) {
	inMemory(t, func(t *testing.T, s *scene) {
		r := tracetest.NewRecorder()
		ctx := r.Telemetry().NewContext(t.Context())
		target := rpc.At(s.there.Address(), "callers/later")
		p := rpc.Call[struct{}, int](ctx, s.here, target, "wait", struct{}{}, rpc.Idempotent(""))
		time.Sleep(10 * time.Millisecond) // the first retry is made at once, and refused as well
		actorstest.Start(t, s.there, props.Name("later"))
		time.Sleep(time.Second)
		s.served(t, 1)
		p.Cancel(nil)
		s.until(t, func() bool { return len(r.Open()) == 0 })
		r.AssertTree(t, `
			wait client cancelled
			  wait (retry) client cancelled linked to wait (retry)
			  wait (retry) client error "rpc: node there: rpc: no such caller: \"callers/later\"" linked to wait
		`)
	})
}

func TestCallWithTheKeyOfAnotherHasASpanWithALinkToTheFunctionThatRan(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		r := tracetest.NewRecorder()
		traced := r.Telemetry()
		target := tracedCaller(t, s, traced)
		var free chan struct{}
		require.NoError(t, rpc.Handle(s.there, "pay", func(ctx context.Context, ok bool) (bool, error) {
			select {
			case <-free:
			case <-ctx.Done():
			}
			if !ok {
				return ok, errSoldOut
			}
			return ok, nil
		}))
		pay := func(name, key string, ok bool) *pending.Pending[bool] {
			ctx, span := r.Tracer().Start(traced.NewContext(t.Context()), name)
			defer span.End()
			return rpc.Call[bool, bool](ctx, s.here, target, "pay", ok, rpc.Idempotent(key))
		}
		for key, want := range map[string]string{"good": `
			first
			  pay client rpc.response.status_code=ok
			    pay server rpc.response.status_code=ok
			joins
			  pay client rpc.response.status_code=ok
			    pay server linked to pay rpc.response.status_code=ok
			late
			  pay client rpc.response.status_code=ok
			    pay server linked to pay rpc.response.status_code=ok
			leaves
			  pay client cancelled rpc.response.status_code=cancelled
			    pay server cancelled linked to pay rpc.response.status_code=cancelled
		`, "bad": `
			first
			  pay client error "rpc: node there: sold out" rpc.response.status_code=shop.sold_out
			    pay server error "sold out" rpc.response.status_code=shop.sold_out
			joins
			  pay client error "rpc: node there: sold out" rpc.response.status_code=shop.sold_out
			    pay server error "rpc: node there: sold out" linked to pay rpc.response.status_code=shop.sold_out
			late
			  pay client error "rpc: node there: sold out" rpc.response.status_code=shop.sold_out
			    pay server error "rpc: node there: sold out" linked to pay rpc.response.status_code=shop.sold_out
			leaves
			  pay client cancelled rpc.response.status_code=cancelled
			    pay server cancelled linked to pay rpc.response.status_code=cancelled
		`} {
			r.Reset()
			free = make(chan struct{})
			first := pay("first", key, key == "good")
			s.served(t, 1)
			joins, leaves := pay("joins", key, true), pay("leaves", key, true)
			s.served(t, 3)
			leaves.Cancel(nil)
			s.served(t, 2)
			close(free)
			for _, p := range []*pending.Pending[bool]{first, joins, pay("late", key, true)} {
				_, err := p.Wait(t.Context())
				assert.Equal(t, key == "bad", errors.Is(err, errSoldOut), err)
			}
			s.until(t, func() bool { return len(r.Open()) == 0 })
			r.AssertTree(t, strings.ReplaceAll(want, "node there", "node "+s.there.Address()), tracetest.Attributes("rpc.response.status_code"))
			var ran sdk.ReadOnlySpan
			for _, span := range r.Spans() {
				if span.SpanKind() == trace.SpanKindServer && len(span.Links()) == 0 {
					ran = span
				}
			}
			for _, span := range r.Spans() {
				for _, link := range span.Links() {
					assert.Equal(t, ran.SpanContext(), link.SpanContext)
				}
			}
		}
	})
}

func TestRangeOverAStreamHasALinkToTheOneBefore(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		r := tracetest.NewRecorder()
		traced := r.Telemetry()
		target := tracedCaller(t, s, traced)
		ctx, span := r.Tracer().Start(traced.NewContext(t.Context()), "early")
		seq := rpc.Stream[int, int](ctx, s.here, target, "three and fail", 0)
		for range 2 {
			_, err := collect(seq)
			require.ErrorIs(t, err, errSoldOut)
		}
		span.End()
		_, err := collect(seq)
		require.ErrorIs(t, err, errSoldOut)
		s.until(t, func() bool { return len(r.Open()) == 0 })
		failed := `error "rpc: node ` + s.there.Address() + `: sold out"`
		r.AssertTree(t, `
			early
			  three and fail client `+failed+`
			    three and fail server error "sold out"
			  three and fail client `+failed+` linked to three and fail
			    three and fail server error "sold out"
			three and fail client `+failed+` linked to early linked to three and fail
			  three and fail server error "sold out"
		`)
		var clients []sdk.ReadOnlySpan
		for _, span := range r.Spans() {
			if span.SpanKind() == trace.SpanKindClient {
				clients = append(clients, span)
			}
		}
		assert.Equal(t, clients[0].SpanContext(), clients[1].Links()[0].SpanContext)
		assert.Equal(t, clients[1].SpanContext(), clients[2].Links()[1].SpanContext)
	})
}

func TestResultOfACallIsPipedWithItsTrace(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		r := tracetest.NewRecorder()
		header := make(chan string, 1)
		pid := s.here.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(string); ok {
				header <- ctx.MessageHeader().Get("traceparent")
			}
		}))
		defer func() { require.NoError(t, s.here.Root.StopFuture(pid).Wait()) }()
		c := actorstest.Start(t, s.here, props.Telemetry(r.Telemetry()))
		_, err := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
			return 0, actors.PipeTo(rpc.Call[string, string](ctx, s.here, s.target, "echo", "x"), pid)
		}).Wait(t.Context())
		require.NoError(t, err)
		piped := <-header
		s.until(t, func() bool { return len(r.Open()) == 0 })
		assert.Contains(t, piped, r.Spans()[0].SpanContext().TraceID().String())
	})
}
