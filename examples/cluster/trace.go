package main

import (
	"context"
	"fmt"
	"io"

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

func startTracing(ctx context.Context, asked bool) (*tracing, error) {
	if !asked {
		return &tracing{}, nil
	}
	shutdown, err := otlp.Setup(ctx, "cluster")
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
	return t.shutdown(context.Background())
}
