package telemetry_test

import (
	"context"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// bottom is a context that notes from how deep it is asked for depth.
type bottom struct {
	context.Context
	frames int
}

type depth struct{}

func (b *bottom) Value(key any) any {
	if key == (depth{}) {
		b.frames = runtime.Callers(0, make([]uintptr, 10_000))
	}
	return b.Context.Value(key)
}

func TestContextsOfAFunctionThatSchedulesItselfDoNotNest(t *testing.T) {
	type again func(context.Context, *actors.Caller, func(context.Context) (int, error)) *pending.Pending[int]
	detached := func(ctx context.Context, c *actors.Caller, fn func(context.Context) (int, error)) *pending.Pending[int] {
		return actors.CallSoon(actors.Detach(ctx), c, fn)
	}
	later := func(ctx context.Context, c *actors.Caller, fn func(context.Context) (int, error)) *pending.Pending[int] {
		return actors.CallLater(ctx, c, time.Nanosecond, fn)
	}
	for provider, p := range map[string]trace.TracerProvider{
		"recorded":    tracetest.NewRecorder().TracerProvider(),
		"sampled out": tracetest.NewRecorder(sdk.WithSampler(sdk.NeverSample())).TracerProvider(),
		"a root of a third is recorded": tracetest.NewRecorder(
			sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(0.3)))).TracerProvider(),
		"no SDK": noop.NewTracerProvider(),
	} {
		for way, next := range map[string]again{"soon": actors.CallSoon[int], "detached": detached, "later": later} {
			t.Run(provider+" "+way, func(t *testing.T) {
				c, err := actors.Start(newSystem(), props.Telemetry(telemetry.New(telemetry.TracerProvider(p))))
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, c.StopWait(context.Background())) })
				ctx := &bottom{Context: t.Context()}
				end := pending.New[int](t.Context())
				n := 500
				var self func(context.Context) (int, error)
				self = func(own context.Context) (int, error) {
					if n--; n > 0 {
						next(own, c, self)
						return n, own.Err()
					}
					own.Value(depth{})
					end.SetResult(ctx.frames)
					return n, own.Err()
				}
				next(ctx, c, self)
				frames, err := end.Wait(t.Context())
				require.NoError(t, err)
				assert.Less(t, frames, 50)
			})
		}
	}
}

func TestSpansOfAFunctionThatSchedulesItselfAreOneTrace(t *testing.T) {
	recorder := tracetest.NewRecorder()
	c, err := actors.Start(newSystem(), props.Telemetry(recorder.Telemetry()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.StopWait(context.Background())) })
	type key struct{}
	end := pending.New[[]trace.SpanContext](t.Context())
	var spans []trace.SpanContext
	var self func(context.Context) (int, error)
	self = func(own context.Context) (int, error) {
		assert.Equal(t, "kept", own.Value(key{}))
		spans = append(spans, trace.SpanContextFromContext(own))
		if len(spans) < 4 {
			actors.CallSoon(own, c, self)
			return len(spans), own.Err()
		}
		end.SetResult(spans)
		return len(spans), own.Err()
	}
	actors.CallSoon(context.WithValue(t.Context(), key{}, "kept"), c, self)
	_, err = end.Wait(t.Context())
	require.NoError(t, err)
	for i, s := range spans[1:] {
		assert.Equal(t, spans[0].TraceID(), s.TraceID())
		assert.NotEqual(t, spans[i].SpanID(), s.SpanID())
	}
	require.NoError(t, c.StopWait(context.Background()))
	parents := make(map[trace.SpanID]trace.SpanID)
	for _, s := range recorder.Spans() {
		parents[s.SpanContext().SpanID()] = s.Parent().SpanID()
	}
	for i, s := range spans[1:] {
		assert.Equal(t, spans[i].SpanID(), parents[s.SpanID()], "each is the parent of the next")
	}
}

// spyProvider is a provider that keeps a weak pointer to its first span.
type spyProvider struct {
	trace.TracerProvider
	first *weak.Pointer[spiedSpan]
}

type spyTracer struct {
	trace.Tracer
	first *weak.Pointer[spiedSpan]
}

type spiedSpan struct{ trace.Span }

func (s *spyProvider) Tracer(name string, opts ...trace.TracerOption) trace.Tracer {
	return &spyTracer{s.TracerProvider.Tracer(name, opts...), s.first}
}

func (s *spyTracer) Start(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	ctx, span := s.Tracer.Start(ctx, name, opts...)
	spied := &spiedSpan{span}
	if *s.first == (weak.Pointer[spiedSpan]{}) {
		*s.first = weak.Make(spied)
	}
	return trace.ContextWithSpan(ctx, spied), spied
}

func TestFunctionThatSchedulesItselfDropsTheSpansOfItsFirstCalls(t *testing.T) {
	var first weak.Pointer[spiedSpan]
	provider := &spyProvider{tracetest.NewRecorder().TracerProvider(), &first}
	for name, derive := range map[string]func(context.Context) context.Context{
		"with its context": func(ctx context.Context) context.Context { return ctx },
		"detached":         actors.Detach,
	} {
		t.Run(name, func(t *testing.T) {
			first = weak.Pointer[spiedSpan]{}
			c, err := actors.Start(newSystem(), props.Telemetry(telemetry.New(telemetry.TracerProvider(provider))))
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, c.StopWait(context.Background())) })
			end := pending.New[bool](t.Context())
			n := 100
			var self func(context.Context) (int, error)
			self = func(own context.Context) (int, error) {
				if n--; n > 0 {
					actors.CallSoon(derive(own), c, self)
					return n, nil
				}
				runtime.GC()
				end.SetResult(first.Value() == nil)
				return n, own.Err()
			}
			actors.CallSoon(t.Context(), c, self)
			dropped, err := end.Wait(t.Context())
			require.NoError(t, err)
			assert.True(t, dropped)
		})
	}
}
