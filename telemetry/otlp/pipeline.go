package otlp

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/seed-7fcaac1b/protocaller/internal/safelog"
)

// pipeline sends one signal to the collector. It logs once that sending fails, and
// cancels what is being sent when the shutdown is over.
type pipeline struct {
	*setup
	signal string
	broken atomic.Bool
}

// deliver calls send, and wraps its error as one that was logged.
func (p *pipeline) deliver(ctx context.Context, send func(context.Context) error) error {
	if p.over.Err() != nil {
		return &undelivered{errOver}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.over, cancel)()
	err := send(ctx)
	if err == nil {
		p.broken.Store(false)
		return nil
	}
	if !p.broken.Swap(true) && !p.ending.Load() { // the shutdown returns what fails in it
		safelog.Wrap(slog.Default()).WarnContext(ctx, "otlp: "+p.signal+" do not arrive; this is said once until they do",
			slog.Any("error", err))
	}
	return &undelivered{err}
}

var errOver = errors.New("the shutdown is over")

// undelivered is an error of sending, which the pipeline has logged already.
type undelivered struct{ error }

func (u *undelivered) Unwrap() error { return u.error }

// reporter is the error handler of OpenTelemetry. It logs the errors that no
// pipeline has logged, and no error twice in a row.
type reporter struct {
	mu   sync.Mutex
	last string
}

// Handle implements [otel.ErrorHandler].
func (r *reporter) Handle(err error) {
	if err == nil {
		return
	}
	if said := (*undelivered)(nil); errors.As(err, &said) {
		return
	}
	r.mu.Lock()
	repeated := r.last == err.Error()
	r.last = err.Error()
	r.mu.Unlock()
	if !repeated {
		safelog.Wrap(slog.Default()).Warn("otlp: OpenTelemetry", slog.Any("error", err))
	}
}

type spanExporter struct {
	trace.SpanExporter
	pipeline *pipeline
}

// ExportSpans implements [trace.SpanExporter].
func (e *spanExporter) ExportSpans(ctx context.Context, spans []trace.ReadOnlySpan) error {
	err := e.pipeline.deliver(ctx, func(ctx context.Context) error {
		return e.SpanExporter.ExportSpans(ctx, spans)
	})
	if err != nil && e.pipeline.ending.Load() {
		e.pipeline.failure.CompareAndSwap(nil, &err)
		e.pipeline.lost.Add(int64(len(spans)))
	}
	return err
}

type metricExporter struct {
	metric.Exporter
	pipeline *pipeline
}

// Export implements [metric.Exporter].
func (e *metricExporter) Export(ctx context.Context, metrics *metricdata.ResourceMetrics) error {
	return e.pipeline.deliver(ctx, func(ctx context.Context) error {
		return e.Exporter.Export(ctx, metrics)
	})
}
