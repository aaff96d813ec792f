package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/otlp"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// maxSpans is how many spans are kept for the waterfall, which is about 20 MB.
const maxSpans = 10_000

// tracing is what -trace asks for. Without it, it is the zero value, and does
// nothing.
type tracing struct {
	telemetry *telemetry.Telemetry
	root      trace.Span
	show      func(w io.Writer) error
}

// startTracing begins a trace, and returns the context it is in. It is drawn at
// the end, or sent where the environment says.
func startTracing(ctx context.Context, asked bool) (context.Context, *tracing, error) {
	switch {
	case !asked:
		return ctx, &tracing{}, nil
	case os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "":
		return export(ctx)
	}
	spans := tracetest.NewRecorder(sdk.WithSampler(&first{n: maxSpans}))
	t := &tracing{telemetry: spans.Telemetry()}
	t.show = func(w io.Writer) error { return tracetest.Waterfall(w, spans.Spans()) }
	ctx, t.root = spans.Tracer().Start(ctx, "quickstart")
	return ctx, t, nil
}

// sendTimeout is how long the end of the trace may take to be sent.
const sendTimeout = 5 * time.Second

func export(ctx context.Context) (context.Context, *tracing, error) {
	if os.Getenv("OTEL_METRICS_EXPORTER") == "" { // Jaeger takes no metrics
		_ = os.Setenv("OTEL_METRICS_EXPORTER", "none")
	}
	shutdown, err := otlp.Setup(context.WithoutCancel(ctx), "quickstart")
	if err != nil {
		return ctx, nil, err
	}
	t := &tracing{telemetry: telemetry.New()}
	t.show = func(w io.Writer) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
		defer cancel()
		if err := shutdown(ctx); err != nil {
			return fmt.Errorf("the trace was not sent: %w", err)
		}
		fmt.Fprintf(w, "trace %s was sent\n", t.root.SpanContext().TraceID())
		return nil
	}
	ctx, t.root = otel.Tracer("quickstart").Start(ctx, "quickstart")
	return ctx, t, nil
}

// end shows the trace.
func (t *tracing) end(w io.Writer) error {
	if t.root == nil {
		return nil
	}
	t.root.End()
	fmt.Fprintln(w)
	return t.show(w)
}

// first is a sampler that takes the first spans only: there is one for each
// file.
type first struct {
	n    int64
	seen atomic.Int64
}

// ShouldSample implements [sdk.Sampler].
func (f *first) ShouldSample(sdk.SamplingParameters) sdk.SamplingResult {
	if f.seen.Add(1) > f.n {
		return sdk.SamplingResult{Decision: sdk.Drop}
	}
	return sdk.SamplingResult{Decision: sdk.RecordAndSample}
}

// Description implements [sdk.Sampler].
func (f *first) Description() string { return fmt.Sprintf("the first %d spans", f.n) }
