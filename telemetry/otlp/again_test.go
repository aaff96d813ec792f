package otlp_test

import (
	"context"
	"sync"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/otlp"
)

func nothing(context.Context) (int, error) { return 1, nil }

// collectAt starts another collector, and has the environment name it.
func collectAt(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.overHTTP(t))
	return c
}

// sell has the caller make a span and metrics.
func sell(t *testing.T, c *actors.Caller, name string) {
	t.Helper()
	_, err := actors.Call(t.Context(), c, nothing, actors.Named(name))
	require.NoError(t, err)
}

func TestTelemetryGoesOverToTheNextSetup(t *testing.T) {
	tests := map[string]struct {
		before bool // the Telemetry is made before the first Setup
		over   bool // the first one has ended when the second one is called
	}{
		"made before both":                                  {before: true},
		"made between them":                                 {},
		"made before both, the first has ended":             {before: true, over: true},
		"made for the first, which has ended by the second": {over: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var tel *telemetry.Telemetry
			if tt.before {
				tel = telemetry.New()
			}
			here := collectAt(t)
			first := setUp(t)
			if tel == nil {
				tel = telemetry.New()
			}
			shop, err := actors.Start(actor.NewActorSystem(quiet), props.Name("shop"), props.Telemetry(tel))
			require.NoError(t, err)
			sell(t, shop, "one")
			if tt.over {
				require.NoError(t, first(t.Context()))
			}

			there := collectAt(t)
			second := setUp(t)
			sell(t, shop, "two")
			require.NoError(t, second(t.Context()))
			require.NoError(t, first(t.Context()))
			require.NoError(t, shop.StopWait(t.Context()))

			spans, metrics, _ := here.received()
			assert.Equal(t, []string{"one"}, spans)
			assert.Contains(t, metrics, "protocaller.pending.done")
			spans, metrics, _ = there.received()
			assert.Equal(t, []string{"two"}, spans)
			for _, name := range []string{"protocaller.pending.done", "protocaller.run.duration", "protocaller.caller.count"} {
				assert.Contains(t, metrics, name)
			}
		})
	}
}

func TestCallersThatDoNothingAreCountedByTheNextSetup(t *testing.T) {
	collectAt(t)
	first := setUp(t)
	shop, err := actors.Start(actor.NewActorSystem(quiet), props.Telemetry(telemetry.New()))
	require.NoError(t, err)
	there := collectAt(t)
	second := setUp(t)
	require.NoError(t, second(t.Context()))
	_, metrics, _ := there.received()
	assert.Contains(t, metrics, "protocaller.caller.count")
	require.NoError(t, first(t.Context()))
	require.NoError(t, shop.StopWait(t.Context()))
}

// countless is a provider that cannot be compared.
type countless struct {
	metric.MeterProvider
	_ []int
}

func TestProviderThatCannotBeComparedServes(t *testing.T) {
	c := collectAt(t)
	shutdown := setUp(t)
	own := otel.GetMeterProvider()
	otel.SetMeterProvider(countless{MeterProvider: own})
	tel := telemetry.New()
	shop, err := actors.Start(actor.NewActorSystem(quiet), props.Telemetry(tel))
	require.NoError(t, err)
	sell(t, shop, "one")
	require.NoError(t, shutdown(t.Context()))
	require.NoError(t, shop.StopWait(t.Context()))
	otel.SetMeterProvider(own)
	_, metrics, _ := c.received()
	assert.Contains(t, metrics, "protocaller.pending.done")
	assert.Contains(t, metrics, "protocaller.caller.count")
}

func TestCallsGoOnWhileSetupsComeAndGo(t *testing.T) {
	c := collectAt(t)
	system := actor.NewActorSystem(quiet)
	shop, err := actors.Start(system, props.Telemetry(telemetry.New()))
	require.NoError(t, err)
	stop := make(chan struct{})
	var calling sync.WaitGroup
	for range 4 {
		calling.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_, err := actors.Call(context.Background(), shop, nothing)
					assert.NoError(t, err)
				}
			}
		})
	}
	calling.Go(func() {
		for range 20 { // whose callbacks come and go as well
			other, err := actors.Start(actor.NewActorSystem(quiet), props.Telemetry(telemetry.New()))
			if assert.NoError(t, err) {
				assert.NoError(t, other.StopWait(context.Background()))
			}
		}
	})
	for range 3 {
		shutdown, err := otlp.Setup(t.Context(), "shop")
		require.NoError(t, err)
		sell(t, shop, "while it is there")
		require.NoError(t, shutdown(t.Context()))
	}
	close(stop)
	calling.Wait()
	require.NoError(t, shop.StopWait(t.Context()))
	spans, _, _ := c.received()
	n := 0
	for _, name := range spans {
		if name == "while it is there" {
			n++
		}
	}
	assert.Equal(t, 3, n)
}

func TestTelemetryPropagatesAsTheEnvironmentSays(t *testing.T) {
	member, err := baggage.NewMember("customer", "Ann")
	require.NoError(t, err)
	bag, err := baggage.New(member)
	require.NoError(t, err)
	before := telemetry.New()
	own := telemetry.New(telemetry.Propagator(propagation.Baggage{}))
	for list, want := range map[string][]string{
		"": {"traceparent", "baggage"}, "tracecontext": {"traceparent"}, "baggage": {"baggage"}, "none": nil,
	} {
		collectAt(t)
		t.Setenv("OTEL_PROPAGATORS", list)
		shutdown, err := otlp.Setup(t.Context(), "shop")
		require.NoError(t, err)
		ctx, span := otel.Tracer("test").Start(baggage.ContextWithBaggage(t.Context(), bag), "sale")
		for _, tel := range []*telemetry.Telemetry{before, telemetry.New()} {
			assert.ElementsMatch(t, want, keysOf(instrument.Of(tel).Headers(ctx)), list)
		}
		assert.Equal(t, []string{"baggage"}, keysOf(instrument.Of(own).Headers(ctx)), "it names its own")
		span.End()
		require.NoError(t, shutdown(t.Context()))
	}
	t.Setenv("OTEL_PROPAGATORS", "")
	shutdown := setUp(t)
	require.NoError(t, shutdown(t.Context()))
}

func keysOf(m map[string]string) (keys []string) {
	for key := range m {
		keys = append(keys, key)
	}
	return keys
}
