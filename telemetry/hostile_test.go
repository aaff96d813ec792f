package telemetry_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/served"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// hooks is code of others in a provider of the SDK: a sampler and a span processor.
type hooks struct{ sample, start, end func() }

func call(f func()) {
	if f != nil {
		f()
	}
}

// ShouldSample implements [sdk.Sampler].
func (h *hooks) ShouldSample(sdk.SamplingParameters) sdk.SamplingResult {
	call(h.sample)
	return sdk.SamplingResult{Decision: sdk.RecordAndSample}
}

// Description implements [sdk.Sampler].
func (*hooks) Description() string { return "hooks" }

// OnStart implements [sdk.SpanProcessor].
func (h *hooks) OnStart(context.Context, sdk.ReadWriteSpan) { call(h.start) }

// OnEnd implements [sdk.SpanProcessor].
func (h *hooks) OnEnd(sdk.ReadOnlySpan) { call(h.end) }

// Shutdown implements [sdk.SpanProcessor].
func (*hooks) Shutdown(context.Context) error { return nil }

// ForceFlush implements [sdk.SpanProcessor].
func (*hooks) ForceFlush(context.Context) error { return nil }

func (h *hooks) provider() *sdk.TracerProvider {
	return sdk.NewTracerProvider(sdk.WithSampler(h), sdk.WithSpanProcessor(h))
}

// observerHooks is an observer of user code.
type observerHooks func()

// Observe implements [future.Observer].
func (o observerHooks) Observe(ctx context.Context, _ *future.Core) (context.Context, future.Observation) {
	return ctx, o
}

func (o observerHooks) Due()                   { o() }
func (o observerHooks) Started()               { o() }
func (o observerHooks) Suspended(*future.Core) { o() }
func (o observerHooks) Resumed()               { o() }
func (o observerHooks) CancelRequested(error)  { o() }
func (o observerHooks) Done(error)             { o() }

// everyWay makes pendings in every way that has a span, and waits for them. It returns
// how many functions were called.
func everyWay(t *testing.T, c *actors.Caller, tel *telemetry.Telemetry, opts ...pending.Option) int64 {
	t.Helper()
	ctx := t.Context()
	var ran atomic.Int64
	fn := func(ctx context.Context) (int, error) {
		return int(ran.Add(1)), actors.Sleep(ctx, time.Second)
	}
	with := &served.Context{Context: ctx, Options: opts}
	q := actors.NewQueue(c, func(ctx context.Context, _ int) error { _, err := fn(ctx); return err })
	for _, p := range []pending.Handle{
		actors.CallSoon(ctx, c, fn), actors.Schedule(with, c, fn), actors.Schedule(with, c, fn, actors.Delay(time.Second)),
		actors.CallLater(ctx, c, time.Second, fn), actors.CallUsing(ctx, c, props.Thread, fn), actors.ToThread(ctx, c, fn),
		actors.Request[int](tel.NewContext(ctx), c.System(), c.PID(), actors.Invoke(fn)),
	} {
		<-p.Done()
		require.NoError(t, p.Err())
	}
	_, err := actors.Call(ctx, c, fn)
	require.NoError(t, err)
	for n := range 3 {
		require.NoError(t, q.PutContext(ctx, n))
	}
	require.NoError(t, q.CloseWait(ctx))
	every := actors.Every(ctx, c, time.Minute, func(ctx context.Context) error { _, err := fn(ctx); return err })
	time.Sleep(time.Minute)
	every.Cancel(errBoom)
	require.NoError(t, pending.Run(ctx, func(context.Context) error { return nil }, pending.WithObserver(tel)))
	own := pending.New[int](ctx, append(opts, pending.ObservedBy(tel))...)
	own.Cancel(errBoom)
	require.Error(t, own.Err())
	return ran.Load()
}

func TestCodeOfOthersThatPanicsEndsNeitherACallNorTheProcess(t *testing.T) {
	bang := func() { panic("bang") }
	tests := map[string]struct {
		hooks    hooks
		observer func()
	}{
		"a sampler":                      {hooks: hooks{sample: bang}},
		"a span processor, at the start": {hooks: hooks{start: bang}},
		"a span processor, at the end":   {hooks: hooks{end: bang}},
		"an observer of the user":        {observer: bang},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMeters()
				tel := telemetry.New(telemetry.TracerProvider(tt.hooks.provider()), telemetry.MeterProvider(m))
				c, err := actors.Start(newSystem(), props.Telemetry(tel))
				require.NoError(t, err)
				var opts []pending.Option
				defer slog.SetDefault(slog.Default())
				slog.SetDefault(slog.New(slog.DiscardHandler))
				if tt.observer != nil {
					opts = append(opts, pending.ObservedBy(observerHooks(tt.observer)))
				}
				assert.GreaterOrEqual(t, everyWay(t, c, tel, opts...), int64(11))
				require.NoError(t, c.StopWait(t.Context()))
				time.Sleep(time.Second)
			})
		})
	}
}

func TestCodeOfOthersMayLookAtWhatItIsCalledFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c *actors.Caller
		var q *actors.Queue[int]
		var looking atomic.Bool
		look := func() {
			if c == nil || looking.Swap(true) {
				return
			}
			defer looking.Store(false)
			_, _, _ = c.String(), c.Logger(), c.Children()
			for other := range actors.All(c.System()) {
				_ = other.String()
			}
			if q != nil {
				_, _, _ = q.Len(), q.Failed(), q.Pending().String()
				_ = q.Pending().Metadata()
			}
		}
		h := &hooks{look, look, look}
		tel := telemetry.New(telemetry.TracerProvider(h.provider()))
		made, err := actors.Start(newSystem(), props.Telemetry(tel), props.MaxWorkers(1))
		require.NoError(t, err)
		c = made
		q = actors.NewQueue(c, func(ctx context.Context, _ int) error { return asleep(ctx) }, actors.QueueCapacity(2))
		for n := range 4 {
			require.NoError(t, q.PutWait(t.Context(), n))
		}
		everyWay(t, c, tel, pending.ObservedBy(observerHooks(look)))
		require.NoError(t, c.StopWait(t.Context()))
		time.Sleep(time.Second)
	})
}

func TestUserSeesTheSpanOfACallThatIsObservedByBoth(t *testing.T) {
	var seen atomic.Int64
	play(t, `
		root
		  delayed
		  job
	`, func(t *testing.T, s *scene) {
		watched := &served.Context{Context: s.ctx, Options: []pending.Option{
			pending.ObservedBy(observerHooks(func() { seen.Add(1) })),
		}}
		for _, opts := range [][]actors.CallOption{{actors.Named("job")}, {actors.Named("delayed"), actors.Delay(time.Second)}} {
			_, err := actors.Schedule(watched, s.caller, nothing, opts...).Wait(s.ctx)
			require.NoError(t, err)
		}
	})
	assert.Equal(t, int64(2+3), seen.Load(), "started and done, and for the delayed call due as well")
}

func TestPanicIsOneOfTheFunctionThatPanicsAlone(t *testing.T) {
	m := newMeters()
	synctest.Test(t, func(t *testing.T) {
		r := tracetest.NewRecorder()
		c, err := actors.Start(newSystem(), props.Telemetry(r.Telemetry(telemetry.MeterProvider(m))))
		require.NoError(t, err)
		var passOn func(n int) func(context.Context) (int, error)
		passOn = func(n int) func(context.Context) (int, error) {
			return func(ctx context.Context) (int, error) {
				if n == 0 {
					panic("bang")
				}
				return actors.CallSoon(ctx, c, passOn(n-1)).Wait(ctx)
			}
		}
		_, err = actors.CallSoon(t.Context(), c, passOn(3)).Wait(t.Context())
		require.Error(t, err)
		q := actors.NewQueue(c, func(ctx context.Context, _ int) error {
			_, err := actors.CallSoon(ctx, c, passOn(0)).Wait(ctx)
			return err
		})
		require.NoError(t, errors.Join(q.Put(1), q.CloseWait(t.Context())))
		require.NoError(t, c.StopWait(t.Context()))
	})
	lines := m.collect(t)
	assert.Contains(t, lines, "pending.done{method=CallSoon,outcome=panic} 2")
	assert.Contains(t, lines, "pending.done{method=CallSoon,outcome=error} 3")
	assert.Contains(t, lines, "pending.done{method=Put,outcome=error} 1")
}

// moody is an error whose methods panic: the text after the first time, and the others as they
// are set.
type moody struct {
	asked  *int
	target error
	as     bool
}

func (m moody) Error() string {
	if *m.asked++; *m.asked > 1 {
		panic("bang")
	}
	return "moody"
}

func (m moody) Is(target error) bool {
	if target == m.target {
		panic("bang")
	}
	return false
}

func (m moody) As(any) bool {
	if m.as {
		panic("bang")
	}
	return false
}

func TestErrorWhoseMethodsPanicInTheEndIsAFailureAllTheSame(t *testing.T) {
	for name, bad := range map[string]moody{
		"the text": {}, "As": {as: true}, "Is, for a cancellation": {target: pending.ErrCancelled},
		"Is, for a deadlock": {target: pending.ErrDeadlock}, "Is, for an error with a code": {target: errBoom},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t)
				by := &served.Context{Context: s.ctx, CodeOf: func(err error) string {
					if errors.Is(err, errBoom) {
						return "boom"
					}
					return ""
				}}
				for _, ctx := range []context.Context{s.ctx, by} {
					bad.asked = new(int)
					_, err := actors.Schedule(ctx, s.caller, func(context.Context) (int, error) { return 0, bad },
						actors.Named("it")).Wait(s.ctx)
					require.Error(t, err)
				}
				bad.asked = new(int)
				actors.Schedule(s.ctx, s.caller, nap, actors.Named("cancelled")).Cancel(bad)
				s.close(t)
				assert.Empty(t, s.Open())
				require.Len(t, s.Spans(), 4)
				for _, span := range s.Spans() {
					if span.Name() == "it" {
						assert.Equal(t, codes.Error, span.Status().Code)
						assert.Equal(t, "error", attributesOf(span)[telemetry.OutcomeKey])
						assert.NotEmpty(t, attributesOf(span)["error.type"])
					}
				}
			})
		})
	}
}

// mute is a propagator that panics.
type mute struct{}

func (mute) Inject(context.Context, propagation.TextMapCarrier) { panic("bang") }
func (mute) Extract(context.Context, propagation.TextMapCarrier) context.Context {
	panic("bang")
}
func (mute) Fields() []string { panic("bang") }

func TestMessagesAreSentWithoutAPropagatorThatPanics(t *testing.T) {
	r := tracetest.NewRecorder()
	tel := r.Telemetry(telemetry.Propagator(mute{}))
	system := newSystem()
	root := tel.Root(t.Context(), system.Root)
	pid := root.Spawn(actor.PropsFromFunc(echo))
	ask(t, root, pid)
	answer := make(chan string, 1)
	other := root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*ping); ok {
			answer <- ctx.MessageHeader().Get("kept")
		}
	}))
	root.Send(other, &actor.MessageEnvelope{Message: &ping{}, Header: map[string]string{"kept": "yes"}})
	assert.Equal(t, "yes", <-answer)
	require.NoError(t, system.Root.StopFuture(pid).Wait())
	require.NoError(t, system.Root.StopFuture(other).Wait())
}
