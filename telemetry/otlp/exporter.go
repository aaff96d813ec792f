package otlp

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
)

// The values of OTEL_EXPORTER_OTLP_PROTOCOL.
const (
	overGRPC = "grpc"
	overHTTP = "http/protobuf"
)

// newSpanExporter returns nil if the traces are not to be sent.
func newSpanExporter(ctx context.Context) (trace.SpanExporter, error) {
	protocol, err := protocolOf("TRACES")
	switch {
	case err != nil || protocol == "":
		return nil, err
	case protocol == overGRPC && isPlain("TRACES"):
		return otlptracegrpc.New(ctx, otlptracegrpc.WithInsecure())
	case protocol == overGRPC:
		return otlptracegrpc.New(ctx)
	case isPlain("TRACES"):
		return otlptracehttp.New(ctx, otlptracehttp.WithInsecure())
	default:
		return otlptracehttp.New(ctx)
	}
}

// newMetricExporter returns nil if the metrics are not to be sent.
func newMetricExporter(ctx context.Context) (metric.Exporter, error) {
	protocol, err := protocolOf("METRICS")
	switch {
	case err != nil || protocol == "":
		return nil, err
	case protocol == overGRPC && isPlain("METRICS"):
		return otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithInsecure())
	case protocol == overGRPC:
		return otlpmetricgrpc.New(ctx)
	case isPlain("METRICS"):
		return otlpmetrichttp.New(ctx, otlpmetrichttp.WithInsecure())
	default:
		return otlpmetrichttp.New(ctx)
	}
}

// newLogExporter returns nil if the logs are not to be sent.
func newLogExporter(ctx context.Context) (log.Exporter, error) {
	protocol, err := protocolOf("LOGS")
	switch {
	case err != nil || protocol == "":
		return nil, err
	case protocol == overGRPC && isPlain("LOGS"):
		return otlploggrpc.New(ctx, otlploggrpc.WithInsecure())
	case protocol == overGRPC:
		return otlploggrpc.New(ctx)
	case isPlain("LOGS"):
		return otlploghttp.New(ctx, otlploghttp.WithInsecure())
	default:
		return otlploghttp.New(ctx)
	}
}

// isPlain reports whether a signal goes to the collector of this machine without TLS. That
// is the default of OpenTelemetry, but not of its exporters, which use TLS there. Any
// variable about the endpoint or about TLS is left to them.
func isPlain(signal string) bool {
	for _, name := range []string{"ENDPOINT", "INSECURE", "CERTIFICATE", "CLIENT_CERTIFICATE"} {
		for _, variable := range []string{"OTEL_EXPORTER_OTLP_" + signal + "_" + name, "OTEL_EXPORTER_OTLP_" + name} {
			if strings.TrimSpace(os.Getenv(variable)) != "" {
				return false
			}
		}
	}
	return true
}

// sendTimeout is how long it takes at most to send what goes together, unless the environment
// says otherwise.
const sendTimeout = 10 * time.Second

// timeoutOf returns that of a signal, which the environment has in milliseconds.
func timeoutOf(signal string) time.Duration {
	for _, variable := range []string{"OTEL_EXPORTER_OTLP_" + signal + "_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"} {
		if n, err := strconv.Atoi(valueOf(variable)); err == nil {
			return time.Duration(n) * time.Millisecond
		}
	}
	return sendTimeout
}

// protocolOf returns the protocol for a signal, or "" if it is not to be sent.
func protocolOf(signal string) (string, error) {
	exporter := "OTEL_" + signal + "_EXPORTER"
	switch name := os.Getenv(exporter); name {
	case "", "otlp":
	case "none":
		return "", nil
	default:
		return "", fmt.Errorf("otlp: %s: %q is neither otlp nor none", exporter, name)
	}
	for _, variable := range []string{"OTEL_EXPORTER_OTLP_" + signal + "_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		switch protocol := os.Getenv(variable); protocol {
		case "":
		case overGRPC, overHTTP:
			return protocol, nil
		default:
			return "", fmt.Errorf("otlp: %s: %q is neither %s nor %s", variable, protocol, overGRPC, overHTTP)
		}
	}
	return overHTTP, nil
}
