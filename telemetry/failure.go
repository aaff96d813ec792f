package telemetry

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// unprintable stands for an error of the user's whose own methods panic, as those
// of a nil pointer that was returned as an error. Nobody who waits for a pending
// may be left waiting because it cannot be described.
type unprintable struct{ err error }

// Error tells the type, and what package fmt makes of the error.
func (u unprintable) Error() string { return fmt.Sprintf("%T: %v", u.err, u.err) }

// printable returns err if its methods can be called, else what stands for it.
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
