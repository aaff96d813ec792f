package telemetry_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/embedded"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/internal/served"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// meters counts what is made and registered with a provider of the SDK.
type meters struct {
	embedded.MeterProvider
	reader      *sdk.ManualReader
	provider    *sdk.MeterProvider
	instruments atomic.Int64
	callbacks   atomic.Int64
	registered  atomic.Int64 // ever
	last        []metricdata.Metrics
}

func newMeters() *meters {
	reader := sdk.NewManualReader()
	return &meters{reader: reader, provider: sdk.NewMeterProvider(sdk.WithReader(reader))}
}

func (m *meters) telemetry() *telemetry.Telemetry {
	return telemetry.New(telemetry.MeterProvider(m), telemetry.TracerProvider(tracetest.NewRecorder().TracerProvider()))
}

// Meter implements [metric.MeterProvider].
func (m *meters) Meter(name string, opts ...metric.MeterOption) metric.Meter {
	return countingMeter{m.provider.Meter(name, opts...), m}
}

type countingMeter struct {
	metric.Meter
	*meters
}

func (c countingMeter) Int64Counter(name string, opts ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	c.instruments.Add(1)
	return c.Meter.Int64Counter(name, opts...)
}

func (c countingMeter) Float64Histogram(
	name string, opts ...metric.Float64HistogramOption,
) (metric.Float64Histogram, error) {
	c.instruments.Add(1)
	return c.Meter.Float64Histogram(name, opts...)
}

func (c countingMeter) Int64ObservableUpDownCounter(
	name string, opts ...metric.Int64ObservableUpDownCounterOption,
) (metric.Int64ObservableUpDownCounter, error) {
	c.instruments.Add(1)
	return c.Meter.Int64ObservableUpDownCounter(name, opts...)
}

func (c countingMeter) RegisterCallback(f metric.Callback, of ...metric.Observable) (metric.Registration, error) {
	c.callbacks.Add(1)
	c.registered.Add(1)
	r, err := c.Meter.RegisterCallback(f, of...)
	return registration{r, c.meters}, err
}

type registration struct {
	metric.Registration
	*meters
}

func (r registration) Unregister() error {
	r.callbacks.Add(-1)
	return r.Registration.Unregister()
}

// collect returns what is reported now, as sorted lines, without the id of the
// system. A histogram is its count and its sum.
func (m *meters) collect(t *testing.T) []string {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, m.reader.Collect(context.Background(), &all))
	var lines []string
	add := func(name string, set attribute.Set, value string) {
		set, _ = set.Filter(func(kv attribute.KeyValue) bool { return kv.Key != telemetry.SystemKey })
		labels := strings.ReplaceAll(set.Encoded(attribute.DefaultEncoder()), "protocaller.", "")
		lines = append(lines, strings.TrimPrefix(name, "protocaller.")+"{"+labels+"} "+value)
	}
	for _, scope := range all.ScopeMetrics {
		for _, metric := range scope.Metrics {
			switch data := metric.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					add(metric.Name, p.Attributes, fmt.Sprint(p.Value))
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					add(metric.Name, p.Attributes, fmt.Sprintf("%d, %.3gs", p.Count, p.Sum))
				}
			}
		}
	}
	slices.Sort(lines)
	return lines
}

func TestMetricsSayHowItIsAndWhatWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		m := newMeters()
		spans := m.telemetry()
		assert.Empty(t, m.collect(t))
		c, err := actors.Start(newSystem(), props.Telemetry(spans))
		require.NoError(t, err)
		_, err = c.Child()
		require.NoError(t, err)
		_, err = c.Child(props.Telemetry(nil))
		require.NoError(t, err)

		sleep := func(context.Context) (int, error) { time.Sleep(2 * time.Second); return 0, nil }
		actors.CallSoon(ctx, c, sleep)
		synctest.Wait()
		queued := actors.CallSoon(ctx, c, func(context.Context) (int, error) { panic("bang") })
		actors.CallSoon(ctx, c, func(context.Context) (int, error) { return 0, errBoom })
		actors.ToThread(ctx, c, sleep)
		_, err = actors.ToThread(ctx, c, nothing).Wait(ctx)
		require.NoError(t, err)
		synctest.Wait()
		assert.Equal(t, []string{
			"caller.count{caller.state=busy} 2", // the one that runs a function, and its busy worker
			"caller.count{caller.state=idle} 2",
			"mailbox.length{} 2",
			"pending.done{method=ToThread,outcome=ok} 1",
			"pending.started{method=CallSoon} 3",
			"pending.started{method=ToThread} 2",
			"queue.duration{method=CallSoon} 1, 1e-09s",
			"queue.duration{method=ToThread} 2, 2e-09s",
			"run.duration{method=ToThread,outcome=ok} 1, 0s",
			"worker.count{worker.state=busy} 1",
			"worker.count{worker.state=idle} 1",
		}, m.collect(t))

		_, _ = queued.Wait(ctx)
		actors.Schedule(ctx, c, nothing, actors.Delay(time.Hour)).Cancel(errBoom)
		time.Sleep(time.Hour)
		assert.Equal(t, int64(1), m.callbacks.Load(), "one for the system")
		require.NoError(t, c.StopWait(ctx))
		assert.Equal(t, []string{
			"pending.done{method=CallSoon,outcome=error} 1",
			"pending.done{method=CallSoon,outcome=ok} 1",
			"pending.done{method=CallSoon,outcome=panic} 1",
			"pending.done{method=Schedule,outcome=cancelled} 1",
			"pending.done{method=ToThread,outcome=ok} 2",
			"pending.started{method=CallSoon} 3",
			"pending.started{method=Schedule} 1",
			"pending.started{method=ToThread} 2",
			"queue.duration{method=CallSoon} 3, 4s",
			"queue.duration{method=ToThread} 2, 2e-09s",
			"run.duration{method=CallSoon,outcome=error} 1, 0s",
			"run.duration{method=CallSoon,outcome=ok} 1, 2s",
			"run.duration{method=CallSoon,outcome=panic} 1, 0s",
			"run.duration{method=ToThread,outcome=ok} 2, 2s",
		}, m.collect(t), "what is like nothing any more is not reported")
		assert.Zero(t, m.callbacks.Load())
	})
}

func TestEachSystemIsReportedByItself(t *testing.T) {
	m := newMeters()
	spans := m.telemetry()
	a, err := actors.Start(newSystem(), props.Telemetry(spans))
	require.NoError(t, err)
	b, err := actors.Start(newSystem(), props.Telemetry(spans))
	require.NoError(t, err)
	assert.Equal(t, int64(2), m.callbacks.Load())
	alive := func() int {
		n := 0
		for _, line := range m.collect(t) {
			if strings.HasPrefix(line, "caller.count{") && strings.HasSuffix(line, " 1") {
				n++
			}
		}
		return n
	}
	assert.Equal(t, 2, alive())
	require.NoError(t, a.StopWait(context.Background()))
	assert.Equal(t, 1, alive())
	require.NoError(t, b.StopWait(context.Background()))
	assert.Zero(t, alive())
}

func TestCallerThatCannotBeMadeIsNotReported(t *testing.T) {
	m := newMeters()
	spans := m.telemetry()
	system := newSystem()
	c, err := actors.Start(system, props.Name("it"), props.Telemetry(spans))
	require.NoError(t, err)
	_, err = actors.Start(system, props.Name("it"), props.Telemetry(spans))
	require.Error(t, err)
	for range 2 { // the second one finds the first
		_, err = c.Child(props.Name("kid"))
		require.NoError(t, err)
	}
	assert.Equal(t, 2, total(m.collect(t), "caller.count{"))
	require.NoError(t, c.StopWait(context.Background()))
	_, err = c.Child()
	require.Error(t, err)
	assert.Zero(t, m.callbacks.Load())
}

func TestManyCallersLeaveNothingBehind(t *testing.T) {
	const callers, atATime = 100_000, 1000
	ctx := context.Background()
	m := newMeters()
	spans := tracetest.NewRecorder()
	traced := spans.Telemetry(telemetry.MeterProvider(m))
	instruments := m.instruments.Load()
	system := newSystem()
	for range callers / atATime {
		parent, err := actors.Start(system, props.Telemetry(traced))
		require.NoError(t, err)
		for n := range atATime - 1 {
			child, err := parent.Child()
			require.NoError(t, err)
			if n%10 == 0 {
				actors.CallSoon(ctx, child, nothing)
			}
		}
		require.NoError(t, parent.StopWait(ctx))
		assert.Empty(t, spans.Open())
		spans.Reset()
	}
	assert.Equal(t, instruments, m.instruments.Load())
	assert.Zero(t, m.callbacks.Load())
	assert.Equal(t, int64(callers/atATime), m.registered.Load())
	for _, line := range m.collect(t) {
		assert.NotContains(t, line, "caller.count")
	}
	assert.LessOrEqual(t, len(m.collect(t)), 6, "series")
}

// total adds up the values of the lines that begin with a prefix.
func total(lines []string, prefix string) int {
	sum := 0
	for _, line := range lines {
		if strings.HasPrefix(line, prefix) {
			n := 0
			_, _ = fmt.Sscan(line[strings.LastIndexByte(line, '}')+1:], &n)
			sum += n
		}
	}
	return sum
}

func TestViewThatDropsOneInstrumentSilencesNoOther(t *testing.T) {
	for _, dropped := range []string{"pending.started", "pending.done", "queue.duration", "run.duration"} {
		t.Run(dropped, func(t *testing.T) {
			reader := sdk.NewManualReader()
			m := &meters{reader: reader, provider: sdk.NewMeterProvider(sdk.WithReader(reader), sdk.WithView(
				sdk.NewView(sdk.Instrument{Name: "protocaller." + dropped}, sdk.Stream{Aggregation: sdk.AggregationDrop{}})))}
			c, err := actors.Start(newSystem(), props.Telemetry(telemetry.New(
				telemetry.MeterProvider(m), telemetry.TracerProvider(noop.NewTracerProvider()))))
			require.NoError(t, err)
			_, err = actors.Call(t.Context(), c, nothing)
			require.NoError(t, err)
			require.NoError(t, c.StopWait(t.Context()))
			var names []string
			for _, line := range m.collect(t) {
				names = append(names, line[:strings.IndexByte(line, '{')])
			}
			want := slices.DeleteFunc([]string{"pending.done", "pending.started", "queue.duration", "run.duration"},
				func(name string) bool { return name == dropped })
			assert.Equal(t, want, names)
		})
	}
}

func TestLengthOfAMailboxCountsItemsAndCallsWithoutAWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeters()
		c, err := actors.Start(newSystem(), props.Telemetry(m.telemetry()), props.MaxWorkers(1))
		require.NoError(t, err)
		q := actors.NewQueue(c, func(ctx context.Context, _ int) error { return asleep(ctx) })
		for n := range 4 {
			require.NoError(t, q.Put(n))
		}
		for range 3 {
			actors.ToThread(t.Context(), c, nap)
		}
		synctest.Wait()
		assert.Contains(t, m.collect(t), "mailbox.length{} 5", "three items, and two calls")
		_, err = actors.CallSoon(t.Context(), c, func(context.Context) (int, error) {
			require.NoError(t, q.Put(5))
			actors.CallSoon(t.Context(), c, nothing)
			assert.Contains(t, m.collect(t), "mailbox.length{} 7", "what waits for the turn as well, each once")
			return 0, nil
		}).Wait(t.Context())
		require.NoError(t, err)
		require.NoError(t, c.StopWait(t.Context()))
	})
}

func TestHistogramsHaveExemplarsOfTheirTraces(t *testing.T) {
	m := newMeters()
	spans := tracetest.NewRecorder()
	tel := spans.Telemetry(telemetry.MeterProvider(m))
	c, err := actors.Start(newSystem(), props.Telemetry(tel))
	require.NoError(t, err)
	_, err = actors.CallSoon(t.Context(), c, nothing).Wait(t.Context())
	require.NoError(t, err)
	_, err = actors.Schedule(&served.Context{Context: t.Context(), CodeOf: func(error) string { return "" }}, c, nothing).Wait(t.Context())
	require.NoError(t, err)
	pending.New[int](t.Context(), pending.ObservedBy(instrument.Of(tel).RemoteCalls("remote", "", "callers/it"))).SetResult(1)
	require.NoError(t, c.StopWait(t.Context()))

	traces := make(map[string]bool)
	for _, span := range spans.Spans() {
		id := span.SpanContext().TraceID()
		traces[string(id[:])] = true
	}
	var all metricdata.ResourceMetrics
	require.NoError(t, m.reader.Collect(t.Context(), &all))
	seen := 0
	for _, metric := range all.ScopeMetrics[0].Metrics {
		if histogram, ok := metric.Data.(metricdata.Histogram[float64]); ok {
			seen++
			for _, p := range histogram.DataPoints {
				require.NotEmpty(t, p.Exemplars, metric.Name)
				assert.True(t, traces[string(p.Exemplars[0].TraceID)], metric.Name)
			}
		}
	}
	assert.Equal(t, 4, seen, m.collect(t))
}

func TestWaitsCirclesAndLongTurnsAreCountedWithoutTraces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		m := newMeters()
		tel := telemetry.New(telemetry.MeterProvider(m), telemetry.TracerProvider(noop.NewTracerProvider()))
		c, err := actors.Start(newSystem(), props.Telemetry(tel), props.TurnWarning(time.Second))
		require.NoError(t, err)
		_, err = actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) { return 1, actors.Sleep(ctx, time.Second) }).Wait(ctx)
		require.NoError(t, err)
		_, err = actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) {
			return actors.CallSoon(ctx, c, nothing).WaitSync(ctx)
		}).Wait(ctx)
		require.ErrorIs(t, err, pending.ErrDeadlock)
		actors.CallSoon(ctx, c, func(context.Context) (int, error) { time.Sleep(90 * time.Second); return 1, nil })
		_, err = actors.CallSoon(ctx, c, nothing).Wait(ctx)
		require.NoError(t, err)
		lines := m.collect(t)
		require.NoError(t, c.StopWait(ctx))
		assert.Contains(t, lines, "wait.duration{method=CallSoon} 1, 1s")
		assert.Contains(t, lines, "deadlocks{method=CallSoon} 1")
		assert.NotZero(t, total(lines, "turns.long{"), lines)
	})
}
