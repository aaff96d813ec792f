package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/otlp"
)

// tracing is what -trace asks for. Without it, it is the zero value, and does
// nothing.
type tracing struct {
	telemetry *telemetry.Telemetry
	id        trace.TraceID
	shutdown  func(context.Context) error
}

// sendTimeout is how long the end of the trace may take to be sent.
const sendTimeout = 5 * time.Second

func startTracing(ctx context.Context, asked bool) (*tracing, error) {
	if !asked {
		return &tracing{}, nil
	}
	if os.Getenv("OTEL_METRICS_EXPORTER") == "" { // Jaeger takes no metrics
		_ = os.Setenv("OTEL_METRICS_EXPORTER", "none")
	}
	shutdown, err := otlp.Setup(context.WithoutCancel(ctx), "cluster")
	if err != nil {
		return nil, err
	}
	return &tracing{telemetry: telemetry.New(), shutdown: shutdown}, nil
}

// end sends what was not sent yet, and says which trace it was.
func (t *tracing) end(w io.Writer) error {
	if t.telemetry == nil {
		return nil
	}
	if t.id.IsValid() {
		fmt.Fprintf(w, "trace       %s\n", t.id)
	}
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	if err := t.shutdown(ctx); err != nil {
		return fmt.Errorf("the trace was not sent: %w", err)
	}
	return nil
}
