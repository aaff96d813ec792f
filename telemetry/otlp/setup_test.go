package otlp_test

import (
	"context"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/telemetry/otlp"
)

func setUp(t *testing.T) (shutdown func(context.Context) error) {
	t.Helper()
	shutdown, err := otlp.Setup(t.Context(), "shop")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, shutdown(context.Background())) })
	return shutdown
}

// span makes a span of that name.
func span(t *testing.T, name string) {
	t.Helper()
	_, s := otel.Tracer("test").Start(t.Context(), name)
	s.End()
}

// count makes the metric sales.
func count(t *testing.T) {
	t.Helper()
	counter, err := otel.Meter("test").Int64Counter("sales")
	require.NoError(t, err)
	counter.Add(t.Context(), 1)
}

func TestSetupSendsTracesAndMetrics(t *testing.T) {
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		t.Run(protocol, func(t *testing.T) {
			c := collect(t, protocol)
			shutdown := setUp(t)
			span(t, "sale")
			count(t)

			require.NoError(t, shutdown(t.Context()))

			spans, metrics, about := c.received()
			assert.Equal(t, []string{"sale"}, spans)
			assert.Equal(t, []string{"sales"}, metrics)
			require.Len(t, about, 2)
			host, err := os.Hostname()
			require.NoError(t, err)
			for _, a := range about {
				assert.Equal(t, "shop", a["service.name"])
				assert.Equal(t, host, a["host.name"])
				assert.Equal(t, "opentelemetry", a["telemetry.sdk.name"])
				for _, key := range []string{"service.instance.id", "process.pid", "process.executable.name", "process.runtime.version"} {
					assert.Contains(t, a, key)
				}
				assert.NotContains(t, a, "process.command_args", "may hold secrets")
			}
			assert.Equal(t, about[0], about[1])
		})
	}
}

// The collector of this machine has the ports of the standard, and no TLS.
func TestWithoutVariablesACollectorOfThisMachineGetsEverything(t *testing.T) {
	for _, test := range []struct {
		name, protocol, address string
		collect                 func(*collector, *testing.T, net.Listener) string
	}{
		{"no variable", "", "127.0.0.1:4318", (*collector).overHTTPAt},
		{"http/protobuf", "http/protobuf", "127.0.0.1:4318", (*collector).overHTTPAt},
		{"grpc", "grpc", "127.0.0.1:4317", (*collector).overGRPCAt},
	} {
		t.Run(test.name, func(t *testing.T) {
			withoutVariables(t)
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", test.protocol)
			listener, err := net.Listen("tcp", test.address)
			if err != nil {
				t.Skipf("another program has the port of the standard: %v", err)
			}
			c := &collector{}
			test.collect(c, t, listener)
			shutdown := setUp(t)
			span(t, "sale")
			count(t)

			require.NoError(t, shutdown(t.Context()))

			spans, metrics, _ := c.received()
			assert.Equal(t, []string{"sale"}, spans)
			assert.Equal(t, []string{"sales"}, metrics)
		})
	}
}

// An exporter that is set to do without TLS does not take them.
func TestVariablesAboutTLSAreForTheCollectorOfThisMachineToo(t *testing.T) {
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		for _, variable := range []string{"CERTIFICATE", "TRACES_CERTIFICATE", "METRICS_CERTIFICATE"} {
			t.Run(protocol+" "+variable, func(t *testing.T) {
				withoutVariables(t)
				t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
				t.Setenv("OTEL_EXPORTER_OTLP_"+variable, certificateFile(t))
				shutdown, err := otlp.Setup(t.Context(), "shop")
				require.NoError(t, err)
				soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				_ = shutdown(soon) // there is no collector
			})
		}
	}
}

// withoutVariables has the environment say nothing about OpenTelemetry.
func withoutVariables(t *testing.T) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
}

// certificateFile returns a file with the certificate of an authority.
func certificateFile(t *testing.T) string {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	file := filepath.Join(t.TempDir(), "certificate.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	return file
}

func TestTheEnvironmentSaysWhatTheProgramIs(t *testing.T) {
	c := collect(t, "http/protobuf")
	t.Setenv("OTEL_METRICS_EXPORTER", "none")
	t.Setenv("OTEL_SERVICE_NAME", "market")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=stall,deployment.environment.name=test,host.name=elsewhere")
	shutdown := setUp(t)
	span(t, "sale")

	require.NoError(t, shutdown(t.Context()))

	_, _, about := c.received()
	require.Len(t, about, 1)
	assert.Equal(t, "market", about[0]["service.name"])
	assert.Equal(t, "test", about[0]["deployment.environment.name"])
	assert.Equal(t, "elsewhere", about[0]["host.name"])
}

func TestSignalsCanBeTurnedOff(t *testing.T) {
	for _, test := range []struct {
		name           string
		variable       string
		spans, metrics []string
	}{
		{"traces", "OTEL_TRACES_EXPORTER", nil, []string{"sales"}},
		{"metrics", "OTEL_METRICS_EXPORTER", []string{"sale"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := collect(t, "grpc")
			t.Setenv(test.variable, "none")
			shutdown := setUp(t)
			span(t, "sale")
			count(t)

			require.NoError(t, shutdown(t.Context()))

			spans, metrics, _ := c.received()
			assert.Equal(t, test.spans, spans)
			assert.Equal(t, test.metrics, metrics)
		})
	}
}

func TestASignalHasItsOwnProtocol(t *testing.T) {
	c := collect(t, "grpc")
	t.Setenv("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf")
	t.Setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", c.overHTTP(t)+"/v1/metrics")
	shutdown := setUp(t)
	span(t, "sale")
	count(t)

	require.NoError(t, shutdown(t.Context()))

	spans, metrics, _ := c.received()
	assert.Equal(t, []string{"sale"}, spans)
	assert.Equal(t, []string{"sales"}, metrics)
}

func TestSamplingIsThatOfTheEnvironment(t *testing.T) {
	c := collect(t, "grpc")
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	shutdown := setUp(t)
	span(t, "sale")

	require.NoError(t, shutdown(t.Context()))

	spans, _, _ := c.received()
	assert.Empty(t, spans)
}

func TestSetupSetsW3CPropagation(t *testing.T) {
	collect(t, "grpc")
	setUp(t)
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2},
	}))

	headers := propagation.MapCarrier{}
	otel.GetTextMapPropagator().Inject(ctx, headers)

	assert.Equal(t, "00-01000000000000000000000000000000-0200000000000000-00", headers["traceparent"])
	assert.ElementsMatch(t, []string{"traceparent", "tracestate", "baggage"}, otel.GetTextMapPropagator().Fields())
}

func TestTheSDKCanBeDisabled(t *testing.T) {
	c := collect(t, "grpc")
	t.Setenv("OTEL_SDK_DISABLED", "true")
	before := otel.GetTracerProvider()
	shutdown := setUp(t)

	assert.Same(t, before, otel.GetTracerProvider())
	require.NoError(t, shutdown(t.Context()))
	spans, metrics, _ := c.received()
	assert.Empty(t, spans)
	assert.Empty(t, metrics)
}

func TestAWrongVariableIsAnErrorAndSetsNothing(t *testing.T) {
	for _, test := range []struct{ name, variable, value, message string }{
		{"exporter of traces", "OTEL_TRACES_EXPORTER", "zipkin",
			`otlp: OTEL_TRACES_EXPORTER: "zipkin" is neither otlp nor none`},
		{"exporter of metrics", "OTEL_METRICS_EXPORTER", "console",
			`otlp: OTEL_METRICS_EXPORTER: "console" is neither otlp nor none`},
		{"protocol", "OTEL_EXPORTER_OTLP_PROTOCOL", "http/json",
			`otlp: OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" is neither grpc nor http/protobuf`},
		{"protocol of a signal", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "ftp",
			`otlp: OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "ftp" is neither grpc nor http/protobuf`},
		{"length of the queue", "OTEL_BSP_MAX_QUEUE_SIZE", "-1", `otlp: OTEL_BSP_MAX_QUEUE_SIZE: "-1" is less than 1`},
		{"size of a batch", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "many", `otlp: OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "many" is no whole number`},
		{"interval", "OTEL_METRIC_EXPORT_INTERVAL", "0", `otlp: OTEL_METRIC_EXPORT_INTERVAL: "0" is less than 1`},
		{"endpoint without a scheme", "OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318",
			`otlp: OTEL_EXPORTER_OTLP_ENDPOINT: "localhost:4318" does not begin with http:// or https://`},
		{"endpoint without a host", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https:///",
			`otlp: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https:///" has no host`},
		{"headers", "OTEL_EXPORTER_OTLP_HEADERS", "secret",
			`otlp: OTEL_EXPORTER_OTLP_HEADERS: "secret" is no list of key=value, separated by commas`},
		{"timeout", "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "10s", `otlp: OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: "10s" is no whole number`},
		{"without TLS", "OTEL_EXPORTER_OTLP_INSECURE", "yes", `otlp: OTEL_EXPORTER_OTLP_INSECURE: "yes" is none of true, false`},
		{"compression", "OTEL_EXPORTER_OTLP_COMPRESSION", "zip", `otlp: OTEL_EXPORTER_OTLP_COMPRESSION: "zip" is none of gzip, none`},
		{"certificate", "OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere",
			`otlp: OTEL_EXPORTER_OTLP_CERTIFICATE: "/nowhere" cannot be used: open /nowhere: no such file or directory`},
		{"certificate of the client", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/nowhere",
			`otlp: OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: "/nowhere" makes no pair with ` +
				`OTEL_EXPORTER_OTLP_CLIENT_KEY: open /nowhere: no such file or directory`},
		{"sampler", "OTEL_TRACES_SAMPLER", "sometimes", `otlp: OTEL_TRACES_SAMPLER: "sometimes" is none of always_on, always_off, ` +
			`traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio`},
		{"propagators", "OTEL_PROPAGATORS", "b3", `otlp: OTEL_PROPAGATORS: "b3" has others than tracecontext, baggage and none`},
		{"resource", "OTEL_RESOURCE_ATTRIBUTES", "nonsense",
			`otlp: OTEL_RESOURCE_ATTRIBUTES: "nonsense" is no list of key=value, separated by commas`},
		{"resource that is no text", "OTEL_RESOURCE_ATTRIBUTES", "a=%ff", `otlp: OTEL_RESOURCE_ATTRIBUTES: "a=%ff" is no UTF-8`},
		{"service that is no text", "OTEL_SERVICE_NAME", "sh\xffop", `otlp: OTEL_SERVICE_NAME: "sh\xffop" is no UTF-8`},
		{"large queue", "OTEL_BSP_MAX_QUEUE_SIZE", "9223372036854775807",
			`otlp: OTEL_BSP_MAX_QUEUE_SIZE: "9223372036854775807" is more than 1048576`},
		{"large queue of logs", "OTEL_BLRP_MAX_QUEUE_SIZE", "1048577", `otlp: OTEL_BLRP_MAX_QUEUE_SIZE: "1048577" is more than 1048576`},
		{"number that is no int", "OTEL_BSP_SCHEDULE_DELAY", "99999999999999999999",
			`otlp: OTEL_BSP_SCHEDULE_DELAY: "99999999999999999999" is more than 2147483647`},
		{"time that overflows", "OTEL_METRIC_EXPORT_INTERVAL", "9223372036854775807",
			`otlp: OTEL_METRIC_EXPORT_INTERVAL: "9223372036854775807" is more than 2147483647`},
		{"name of a header", "OTEL_EXPORTER_OTLP_HEADERS", "a b=c",
			`otlp: OTEL_EXPORTER_OTLP_HEADERS: "a b=c" has "a b", which is no name of a header`},
		{"value of a header", "OTEL_EXPORTER_OTLP_HEADERS", "a=b%0ac",
			`otlp: OTEL_EXPORTER_OTLP_HEADERS: "a=b%0ac" has a value of "a" that is no text of a header`},
		{"port", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://localhost:99999",
			`otlp: OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "http://localhost:99999" has a port that there is not`},
		{"socket over HTTP", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "unix:///tmp/socket",
			`otlp: OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "unix:///tmp/socket" is for grpc alone`},
		{"being disabled", "OTEL_SDK_DISABLED", "maybe", `otlp: OTEL_SDK_DISABLED: "maybe" is neither true nor false`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(test.variable, test.value)
			tracers, meters := otel.GetTracerProvider(), otel.GetMeterProvider()
			propagator := propagation.NewCompositeTextMapPropagator()
			otel.SetTextMapPropagator(propagator)

			shutdown, err := otlp.Setup(t.Context(), "shop")

			require.EqualError(t, err, test.message)
			assert.Nil(t, shutdown)
			assert.Same(t, tracers, otel.GetTracerProvider())
			assert.Same(t, meters, otel.GetMeterProvider())
			assert.Equal(t, propagator, otel.GetTextMapPropagator())
		})
	}
}

func TestSetupAfterShutdownBeginsAnew(t *testing.T) {
	c := collect(t, "grpc")
	for _, name := range []string{"first", "second"} {
		shutdown := setUp(t)
		span(t, name)
		require.NoError(t, shutdown(t.Context()))
	}
	spans, _, _ := c.received()
	assert.Equal(t, []string{"first", "second"}, spans)
}

func TestArgumentOfASamplerIsChecked(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "traceidratio")
	t.Setenv("OTEL_TRACES_SAMPLER_ARG", "2")
	_, err := otlp.Setup(t.Context(), "shop")
	require.EqualError(t, err, `otlp: OTEL_TRACES_SAMPLER_ARG: "2" is no number between 0 and 1`)
}

func TestSocketIsForSignalsOverGRPC(t *testing.T) {
	withoutVariables(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "unix:///tmp/socket")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	t.Setenv("OTEL_LOGS_EXPORTER", "none")
	shutdown, err := otlp.Setup(t.Context(), "shop")
	require.NoError(t, err)
	soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_ = shutdown(soon) // there is no collector
	t.Setenv("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf")
	_, err = otlp.Setup(t.Context(), "shop")
	require.EqualError(t, err, `otlp: OTEL_EXPORTER_OTLP_ENDPOINT: "unix:///tmp/socket" is for grpc alone`)
}

func TestEveryWrongVariableIsNamed(t *testing.T) {
	t.Setenv("OTEL_BSP_EXPORT_TIMEOUT", "x")
	t.Setenv("OTEL_EXPORTER_OTLP_INSECURE", "x")
	_, err := otlp.Setup(t.Context(), "shop")
	require.ErrorContains(t, err, "OTEL_BSP_EXPORT_TIMEOUT")
	require.ErrorContains(t, err, "OTEL_EXPORTER_OTLP_INSECURE")
}

func TestPropagatorsAreThoseOfTheEnvironment(t *testing.T) {
	for list, fields := range map[string][]string{
		"tracecontext": {"traceparent", "tracestate"}, "baggage": {"baggage"}, "none": nil, "": {"traceparent", "tracestate", "baggage"},
	} {
		collect(t, "grpc")
		t.Setenv("OTEL_PROPAGATORS", list)
		shutdown, err := otlp.Setup(t.Context(), "shop")
		require.NoError(t, err)
		assert.ElementsMatch(t, fields, otel.GetTextMapPropagator().Fields(), list)
		require.NoError(t, shutdown(t.Context()))
	}
}

func TestSecondSetupWorksBesideTheFirst(t *testing.T) {
	c := collect(t, "grpc")
	t.Setenv("OTEL_METRICS_EXPORTER", "none")
	first := setUp(t)
	before := otel.Tracer("before")
	second := setUp(t)
	for _, tracer := range []trace.Tracer{before, otel.Tracer("after")} {
		_, s := tracer.Start(t.Context(), "sale")
		s.End()
	}
	require.NoError(t, first(t.Context()))
	require.NoError(t, second(t.Context()))
	spans, _, _ := c.received()
	assert.Equal(t, []string{"sale", "sale"}, spans)
}
