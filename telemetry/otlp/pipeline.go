package otlp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/seed-7fcaac1b/protocaller/internal/safelog"
)

// pipeline sends one signal to the collector. It logs once that sending fails, and
// cancels what is being sent when the shutdown is over.
type pipeline struct {
	*setup
	signal string
	items  string // what there is of it

	timeout time.Duration // of what is sent together; 0 for none
	broken  atomic.Bool

	lost    atomic.Int64          // spans or records that were not sent since the shutdown has begun
	failure atomic.Pointer[error] // the first reason for that
}

// deliver calls send, and wraps its error as one that was logged.
func (p *pipeline) deliver(ctx context.Context, send func(context.Context) error) error {
	if p.over.Err() != nil {
		return &undelivered{errOver}
	}
	ctx, cancel := p.limited(ctx)
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

// limited returns a context that ends when sending has taken as long as it may, attempts that
// follow others included. The exporters apply that time to each attempt alone.
func (p *pipeline) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if p.timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, p.timeout)
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

// count counts spans or records that were not sent because of an error, if there is one and
// the shutdown has begun.
func (p *pipeline) count(n int, err error) {
	if err != nil && p.ending.Load() {
		p.failure.CompareAndSwap(nil, &err)
		p.lost.Add(int64(n))
	}
}

// end sends what is left. It flushes first, because the shutdown does not report what it has
// lost. The shutdown gets a context without an end, or it would not end the batches. It
// waits for the exporter alone, which is cancelled then. So each span and record that is left
// comes to the exporter, and is counted there if it is lost.
func (p *pipeline) end(ctx context.Context, flush, shutdown func(context.Context) error) error {
	err := flush(ctx)
	if later := shutdown(context.WithoutCancel(ctx)); err == nil {
		err = later
	}
	n := p.lost.Load()
	if first := p.failure.Load(); err == nil && first != nil {
		err = *first
	}
	if n > 0 {
		return fmt.Errorf("otlp: %d %s were not sent: %w", n, p.items, err)
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
