package otlp

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// Setup sends the traces and the metrics of this program by OTLP. The argument service
// names the program, unless the OTEL_* variables of the environment do.
//
// Setup sets the providers, the propagation and the error handler that OpenTelemetry
// keeps for the whole program. The propagation is that of W3C trace context and baggage.
// A telemetry.New without options reports there.
//
// Setup does not wait for the collector. Its context bounds Setup alone. A collector that
// cannot be reached slows nothing down: data that it does not take in time is dropped.
// When that begins [slog.Default] gets one warning for each signal. The next warning
// comes after the signal has worked again.
//
// The function returned sends what is left until its context ends, and ends all that
// Setup has begun. Later calls only wait for the first one.
//
// The error of Setup is that of a variable, and nothing is set then. The error of the
// function says what could not be sent.
//
// Both functions may be called from any goroutine.
func Setup(ctx context.Context, service string) (shutdown func(context.Context) error, err error) {
	if disabled() {
		setPropagation()
		return func(context.Context) error { return nil }, nil
	}
	s := &setup{done: make(chan struct{})}
	s.over, s.cut = context.WithCancel(context.Background())
	if err := s.begin(ctx, service); err != nil {
		s.cut()
		return nil, err
	}
	setPropagation()
	return s.shutdown, nil
}

func setPropagation() {
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(
		propagation.TraceContext{}, propagation.Baggage{}))
}

func disabled() bool { return strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") }

// setup is what a call of Setup has begun.
type setup struct {
	over context.Context // ends when nothing may be sent any more
	cut  context.CancelFunc

	tracers *trace.TracerProvider
	meters  *metric.MeterProvider

	ending atomic.Bool
	done   chan struct{}
}

func (s *setup) begin(ctx context.Context, service string) error {
	spans, err := newSpanExporter(ctx)
	if err != nil {
		return err
	}
	metrics, err := newMetricExporter(ctx)
	if err != nil {
		if spans != nil {
			err = errors.Join(err, spans.Shutdown(ctx))
		}
		return err
	}
	otel.SetErrorHandler(&reporter{})
	about := describe(ctx, service)
	tracing := []trace.TracerProviderOption{trace.WithResource(about)}
	if spans != nil {
		tracing = append(tracing, trace.WithBatcher(&spanExporter{spans, s.pipeline("traces")}))
	}
	metering := []metric.Option{metric.WithResource(about)}
	if metrics != nil {
		reader := metric.NewPeriodicReader(&metricExporter{metrics, s.pipeline("metrics")})
		metering = append(metering, metric.WithReader(reader))
	}
	s.tracers = trace.NewTracerProvider(tracing...)
	s.meters = metric.NewMeterProvider(metering...)
	otel.SetTracerProvider(s.tracers)
	otel.SetMeterProvider(s.meters)
	return nil
}

func (s *setup) pipeline(signal string) *pipeline { return &pipeline{setup: s, signal: signal} }

// describe returns the resource that describes this program. The environment comes
// last and wins. The command line is left out: it may hold secrets.
func describe(ctx context.Context, service string) *resource.Resource {
	about, err := resource.New(ctx,
		resource.WithService(),
		resource.WithAttributes(semconv.ServiceName(service)),
		resource.WithTelemetrySDK(),
		resource.WithHost(),
		resource.WithProcessPID(),
		resource.WithProcessExecutableName(),
		resource.WithProcessRuntimeName(),
		resource.WithProcessRuntimeVersion(),
		resource.WithFromEnv(),
	)
	if err != nil { // something is missing, the rest is there
		otel.Handle(err)
	}
	return about
}

func (s *setup) shutdown(ctx context.Context) error {
	if s.ending.Swap(true) {
		select {
		case <-s.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer close(s.done)
	defer s.cut()
	defer context.AfterFunc(ctx, s.cut)()
	var traces, metrics error
	var both sync.WaitGroup
	both.Go(func() { traces = s.endTraces(ctx) })
	both.Go(func() { metrics = s.meters.Shutdown(ctx) })
	both.Wait()
	return errors.Join(traces, metrics)
}

// endTraces flushes first, because the shutdown does not report what it has lost.
// The shutdown gets a context without an end, or it would not end the batches. It
// waits for the exporter alone, which is cancelled then.
func (s *setup) endTraces(ctx context.Context) error {
	lost := s.tracers.ForceFlush(ctx)
	if err := s.tracers.Shutdown(context.WithoutCancel(ctx)); lost == nil {
		return err
	}
	return lost
}
