package telemetry

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// recordError makes err the outcome of a span, with the stack if it is a panic.
func recordError(span trace.Span, err error) {
	if !span.IsRecording() {
		return
	}
	var opts []trace.EventOption
	if crash := (*pending.PanicError)(nil); errors.As(err, &crash) {
		opts = append(opts, trace.WithAttributes(semconv.ExceptionStacktrace(string(crash.Stack))))
	}
	span.RecordError(err, opts...)
	span.SetStatus(codes.Error, err.Error())
	span.SetAttributes(semconv.ErrorTypeKey.String(fmt.Sprintf("%T", err)))
}
