package telemetry_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// untraced returns a Telemetry that counts, and meters of a provider with those options.
func untraced(opts ...sdk.Option) (*telemetry.Telemetry, *meters) {
	reader := sdk.NewManualReader()
	m := &meters{reader: reader, provider: sdk.NewMeterProvider(append(opts, sdk.WithReader(reader))...)}
	return telemetry.New(telemetry.MeterProvider(m), telemetry.TracerProvider(noop.NewTracerProvider())), m
}

// counts returns how many values each metric has that counts pendings.
func counts(t *testing.T, m *meters) (started, done, queue, run int) {
	t.Helper()
	lines := m.collect(t)
	return total(lines, "pending.started{"), total(lines, "pending.done{"), total(lines, "queue.duration{"), total(lines, "run.duration{")
}

func requireCounts(t *testing.T, m *meters, n int) {
	t.Helper()
	started, done, queue, run := counts(t, m)
	require.Equal(t, []int{n, n, n, n}, []int{started, done, queue, run})
}

func TestACollectionHasAllThatWasCountedBefore(t *testing.T) {
	for _, calls := range []int{1, 31, 32, 33, 1000, 3000} {
		tel, m := untraced()
		c, err := actors.Start(newSystem(), props.Telemetry(tel))
		require.NoError(t, err)
		free := make(chan struct{})
		first := actors.CallSoon(t.Context(), c, func(context.Context) (int, error) { <-free; return 0, nil })
		var all []pending.Handle
		for range calls - 1 {
			all = append(all, actors.CallSoon(t.Context(), c, nothing))
		}
		close(free)
		_, _, err = pending.WaitAll(t.Context(), append(all, first))
		require.NoError(t, err)
		require.NoError(t, c.Drain(t.Context()))
		requireCounts(t, m, calls)
		requireCounts(t, m, calls) // once
		require.NoError(t, c.StopWait(t.Context()))
		requireCounts(t, m, calls)
	}
}

func TestCollectionsWhileCallersCountLoseNothing(t *testing.T) {
	const callers, calls = 12, 500
	tel, m := untraced()
	system := newSystem()
	var all sync.WaitGroup
	for range callers {
		c, err := actors.Start(system, props.Telemetry(tel))
		require.NoError(t, err)
		all.Go(func() {
			var errs []error
			for range calls {
				_, err := actors.CallSoon(t.Context(), c, nothing).Wait(t.Context())
				errs = append(errs, err)
			}
			assert.NoError(t, errors.Join(append(errs, c.StopWait(t.Context()))...))
		})
	}
	for range 20 {
		m.collect(t)
	}
	all.Wait()
	requireCounts(t, m, callers*calls)
}

func TestWhatIsDoneAfterTheLastCallerHasStoppedIsCountedAtOnce(t *testing.T) {
	tel, m := untraced()
	c, err := actors.Start(newSystem(), props.Telemetry(tel))
	require.NoError(t, err)
	remote := func() *pending.Pending[int] {
		return pending.New[int](t.Context(), pending.ObservedBy(instrument.Of(tel).RemoteCalls("remote", "", "callers/it")))
	}
	before := remote()
	require.NoError(t, c.StopWait(t.Context()))
	after := remote()
	before.SetResult(1)
	after.SetError(errBoom)
	lines := m.collect(t)
	assert.Contains(t, lines, "pending.started{method=rpc.Call} 2")
	assert.Contains(t, lines, "pending.done{method=rpc.Call,outcome=ok} 1")
	assert.Contains(t, lines, "pending.done{method=rpc.Call,outcome=error} 1")
}

// drop is a view without some instruments.
func drop(names ...string) sdk.Option {
	var views []sdk.View
	for _, name := range names {
		views = append(views, sdk.NewView(sdk.Instrument{Name: "protocaller." + name}, sdk.Stream{Aggregation: sdk.AggregationDrop{}}))
	}
	return sdk.WithView(views...)
}

func TestWhatIsCountedComesWithinASecondIfNoCollectionBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tel, m := untraced(drop("caller.count", "mailbox.length", "worker.count")) // no callback is left
		c, err := actors.Start(newSystem(), props.Telemetry(tel))
		require.NoError(t, err)
		for n := range 3 {
			_, err = actors.CallSoon(t.Context(), c, nothing).Wait(t.Context())
			require.NoError(t, err)
			time.Sleep(time.Second + time.Millisecond)
			synctest.Wait()
			requireCounts(t, m, n+1)
		}
		require.NoError(t, c.StopWait(t.Context()))
	})
}

func TestExemplarFilterThatPanicsCostsItsValueAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		tel, m := untraced(sdk.WithExemplarFilter(func(context.Context) bool {
			asked++
			if asked <= 20 && asked%3 == 2 { // of the values of calls
				panic("bang")
			}
			return false
		}))
		c, err := actors.Start(newSystem(), props.Telemetry(tel))
		require.NoError(t, err)
		for range 10 {
			_, err = actors.CallSoon(t.Context(), c, nothing).Wait(t.Context())
			require.NoError(t, err)
		}
		requireCounts(t, m, 10) // a histogram counts before it asks
		require.NoError(t, c.StopWait(t.Context()))
	})
}

func TestCallerMayBeCalledByAnExemplarFilter(t *testing.T) {
	var c *actors.Caller
	var inner []pending.Handle
	tel, m := untraced(sdk.WithExemplarFilter(func(ctx context.Context) bool {
		if len(inner) < 100 {
			inner = append(inner, actors.CallSoon(context.WithoutCancel(ctx), c, nothing))
		}
		return false
	}))
	c, err := actors.Start(newSystem(), props.Telemetry(tel))
	require.NoError(t, err)
	const calls = 200
	for range calls {
		_, err = actors.CallSoon(t.Context(), c, nothing).Wait(t.Context())
		require.NoError(t, err)
	}
	require.NoError(t, c.StopWait(t.Context()))
	requireCounts(t, m, calls+len(inner))
}

func TestOnlyValuesOfASampledTraceHaveExemplars(t *testing.T) {
	m := newMeters()
	half := &except{"unsampled"}
	spans := tracetest.NewRecorder(sdktrace.WithSampler(half))
	c, err := actors.Start(newSystem(), props.Telemetry(spans.Telemetry(telemetry.MeterProvider(m))))
	require.NoError(t, err)
	for _, name := range []string{"sampled", "unsampled", "sampled", "unsampled"} {
		_, err = actors.Schedule(t.Context(), c, nothing, actors.Named(name)).Wait(t.Context())
		require.NoError(t, err)
	}
	require.NoError(t, c.StopWait(t.Context()))
	var all metricdata.ResourceMetrics
	require.NoError(t, m.reader.Collect(t.Context(), &all))
	seen := map[string]uint64{}
	for _, metric := range all.ScopeMetrics[0].Metrics {
		if histogram, ok := metric.Data.(metricdata.Histogram[float64]); ok {
			for _, p := range histogram.DataPoints {
				seen[metric.Name] += p.Count
				for _, e := range p.Exemplars {
					assert.NotZero(t, e.TraceID, metric.Name)
				}
				assert.NotEmpty(t, p.Exemplars, metric.Name)
			}
		}
	}
	assert.Equal(t, map[string]uint64{"protocaller.queue.duration": 4, "protocaller.run.duration": 4}, seen)
}

func TestOutcomesAndWaitsOfCallsThatAreNotTracedAreCountedApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tel, m := untraced()
		c, err := actors.Start(newSystem(), props.Telemetry(tel))
		require.NoError(t, err)
		ctx := t.Context()
		ends := []func(context.Context) (int, error){
			nothing,
			func(context.Context) (int, error) { return 0, errBoom },
			func(context.Context) (int, error) { panic("bang") },
			func(ctx context.Context) (int, error) { return 0, actors.Sleep(ctx, time.Second) },
			func(ctx context.Context) (int, error) { return 0, errors.Join(pending.ErrCancelled, errBoom) },
		}
		for _, fn := range ends {
			p := actors.CallSoon(ctx, c, fn)
			<-p.Done()
		}
		gone := actors.CallLater(ctx, c, time.Hour, nothing)
		gone.Cancel(errBoom)
		synctest.Wait()
		lines := m.collect(t)
		for _, line := range []string{
			"pending.done{method=CallLater,outcome=cancelled} 1",
			"pending.done{method=CallSoon,outcome=cancelled} 1",
			"pending.done{method=CallSoon,outcome=error} 1",
			"pending.done{method=CallSoon,outcome=ok} 2",
			"pending.done{method=CallSoon,outcome=panic} 1",
			"pending.started{method=CallLater} 1",
			"pending.started{method=CallSoon} 5",
			"run.duration{method=CallSoon,outcome=ok} 2, 1s",
			"run.duration{method=CallSoon,outcome=panic} 1, 0s",
			"wait.duration{method=CallSoon} 1, 1s",
		} {
			assert.Contains(t, lines, line)
		}
		assert.Zero(t, total(lines, "run.duration{method=CallLater"))
		require.NoError(t, c.StopWait(ctx))
	})
}
