package otlp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
)

// Setup sends the traces, the metrics and the logs of this program by OTLP. The logs are
// those that come to a [LogHandler]. The argument service names the program, unless the OTEL_* variables of the environment do.
//
// Setup sets the providers, the propagation and the error handler that OpenTelemetry
// keeps for the whole program. The propagation is that of W3C trace context and baggage,
// unless OTEL_PROPAGATORS leaves one out. A telemetry.New without options reports there.
//
// Setup does not wait for the collector. Its context bounds Setup alone. A collector that
// cannot be reached slows nothing down: data that it does not take in time is dropped.
// When that begins [slog.Default] gets one warning for each signal. The next warning
// comes after the signal has worked again.
//
// The function returned sends what is left until its context ends, and ends all that
// Setup has begun. With a context without a deadline, or one that has ended before, it
// takes five seconds at most. Later calls only wait for the first one.
//
// The error of Setup names the variables that are wrong, and nothing is set then. The error
// of the function says what could not be sent, and how many spans and log records that are.
//
// A Telemetry that was made before Setup reports as well. A second Setup takes over from the
// first one, for each Telemetry that names no provider of its own, whenever it was made. What
// is open then ends where it began. A tracer or a meter that the program has asked package
// otel for stays with the first Setup, as OpenTelemetry has it.
//
// Both functions may be called from any goroutine.
func Setup(ctx context.Context, service string) (shutdown func(context.Context) error, err error) {
	disabled := valueOf("OTEL_SDK_DISABLED")
	switch strings.ToLower(disabled) {
	case "true":
		setPropagation()
		return func(context.Context) error { return nil }, nil
	case "", "false":
	default:
		return nil, fmt.Errorf("otlp: OTEL_SDK_DISABLED: %q is neither true nor false", disabled)
	}
	if err := check(); err != nil {
		return nil, err
	}
	s := &setup{done: make(chan struct{})}
	s.over, s.cut = context.WithCancel(context.Background())
	if err := s.begin(ctx, service); err != nil {
		s.cut()
		return nil, err
	}
	setPropagation()
	instrument.FollowProviders()
	return s.shutdown, nil
}

func setPropagation() {
	if all, err := propagators(valueOf("OTEL_PROPAGATORS")); err == nil { // else it is disabled, and nothing was checked
		otel.SetTextMapPropagator(all)
		instrument.SetPropagator(all)
	}
}

// setup is what a call of Setup has begun.
type setup struct {
	over context.Context // ends when nothing may be sent any more
	cut  context.CancelFunc

	tracers *trace.TracerProvider
	meters  *metric.MeterProvider
	loggers *log.LoggerProvider

	traces, logs *pipeline
	ending       atomic.Bool
	done         chan struct{}
}

// exporters are those of the signals, nil for one that is not to be sent.
type exporters struct {
	spans   trace.SpanExporter
	metrics metric.Exporter
	logs    log.Exporter
}

// newExporters returns all of them, or none and an error.
func newExporters(ctx context.Context) (e *exporters, err error) {
	made := exporters{}
	spans, err := newSpanExporter(ctx)
	if err != nil { // what is returned besides is no nil SpanExporter
		return nil, err
	}
	made.spans = spans
	metrics, err := newMetricExporter(ctx)
	if err != nil {
		return nil, errors.Join(err, made.shutdown(ctx))
	}
	made.metrics = metrics
	logs, err := newLogExporter(ctx)
	if err != nil {
		return nil, errors.Join(err, made.shutdown(ctx))
	}
	made.logs = logs
	return &made, nil
}

func (e *exporters) shutdown(ctx context.Context) error {
	var errs []error
	if e.spans != nil {
		errs = append(errs, e.spans.Shutdown(ctx))
	}
	if e.metrics != nil {
		errs = append(errs, e.metrics.Shutdown(ctx))
	}
	if e.logs != nil {
		errs = append(errs, e.logs.Shutdown(ctx))
	}
	return errors.Join(errs...)
}

func (s *setup) begin(ctx context.Context, service string) error {
	to, err := newExporters(ctx)
	if err != nil {
		return err
	}
	otel.SetErrorHandler(&reporter{})
	about := describe(ctx, service)
	tracing := []trace.TracerProviderOption{trace.WithResource(about)}
	s.traces = s.newPipeline("traces", "spans")
	if to.spans != nil {
		tracing = append(tracing, trace.WithBatcher(&spanExporter{to.spans, s.traces}))
	}
	metering := []metric.Option{metric.WithResource(about)}
	if to.metrics != nil {
		reader := metric.NewPeriodicReader(&metricExporter{to.metrics, s.newPipeline("metrics", "metrics")})
		metering = append(metering, metric.WithReader(reader))
	}
	logging := []log.LoggerProviderOption{log.WithResource(about)}
	s.logs = s.newPipeline("logs", "log records")
	if to.logs != nil {
		logging = append(logging, log.WithProcessor(log.NewBatchProcessor(&logExporter{to.logs, s.logs})))
	}
	s.tracers = trace.NewTracerProvider(tracing...)
	s.meters = metric.NewMeterProvider(metering...)
	otel.SetTracerProvider(s.tracers)
	otel.SetMeterProvider(s.meters)
	s.loggers = log.NewLoggerProvider(logging...)
	otel.SetLoggerProvider(s.loggers)
	return nil
}

func (s *setup) newPipeline(signal, items string) *pipeline {
	return &pipeline{setup: s, signal: signal, items: items, timeout: timeoutOf(strings.ToUpper(signal))}
}

// describe returns the resource that describes this program. The environment comes
// last and wins. The command line is left out: it may hold secrets.
func describe(ctx context.Context, service string) *resource.Resource {
	about, err := resource.New(ctx,
		resource.WithService(),
		resource.WithAttributes(semconv.ServiceName(clean(service))),
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

// shutdownTime is how long a shutdown takes at most whose context has no deadline.
const shutdownTime = 5 * time.Second

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
	if ctx.Err() != nil { // a signal has ended the program's context: what is left is sent all the same
		ctx = context.WithoutCancel(ctx)
	}
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, shutdownTime)
		defer cancel()
	}
	defer context.AfterFunc(ctx, s.cut)()
	var traces, metrics, logs error
	var all sync.WaitGroup
	all.Go(func() { traces = s.traces.end(ctx, s.tracers.ForceFlush, s.tracers.Shutdown) })
	all.Go(func() { metrics = s.endMetrics(ctx) })
	all.Go(func() { logs = s.logs.end(ctx, s.loggers.ForceFlush, s.loggers.Shutdown) })
	all.Wait()
	return errors.Join(traces, metrics, logs)
}

func (s *setup) endMetrics(ctx context.Context) error {
	if err := s.meters.Shutdown(ctx); err != nil {
		return fmt.Errorf("otlp: the last metrics were not sent: %w", err)
	}
	return nil
}
