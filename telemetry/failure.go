package telemetry

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// unprintable replaces an error whose own methods panic: a nil pointer that was
// returned as an error. Such an error must not stop the pending from completing.
type unprintable struct{ err error }

// Error returns the type of the error, and what package fmt makes of it.
func (u unprintable) Error() string { return fmt.Sprintf("%T: %v", u.err, u.err) }

// printable returns err, or a replacement if the methods of err panic.
func printable(err error) (safe error) {
	if err == nil || crashOf(err) != nil { // that of ours never panics
		return err
	}
	defer func() {
		if recover() != nil {
			safe = unprintable{err}
		}
	}()
	_ = err.Error()
	if !errors.Is(err, pending.ErrCancelled) {
		_ = errors.As(err, new(*pending.PanicError))
	}
	return err
}

// recordError sets err as the outcome of a span, with the stack of a panic.
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
