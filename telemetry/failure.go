package telemetry

import (
	"errors"
	"fmt"
	"reflect"

	"go.opentelemetry.io/otel/attribute"
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

// recordError sets err as the outcome of a span, with the stack of a panic. It asks the
// error itself for its text: a span would do that with its lock held.
func recordError(span trace.Span, err error) {
	if !span.IsRecording() {
		return
	}
	message := clean(err.Error())
	exception := []attribute.KeyValue{semconv.ExceptionType(typeOf(err)), semconv.ExceptionMessage(message)}
	if crash := (*pending.PanicError)(nil); errors.As(err, &crash) {
		exception = append(exception, text(semconv.ExceptionStacktraceKey, string(crash.Stack)))
	}
	span.AddEvent(semconv.ExceptionEventName, trace.WithAttributes(exception...))
	span.SetStatus(codes.Error, message)
	span.SetAttributes(semconv.ErrorTypeKey.String(fmt.Sprintf("%T", err)))
}

// errorType returns what the metrics say of the error of a call between nodes, "" for none.
func errorType(end outcome, err error) string {
	switch end {
	case ok:
		return ""
	case failed:
		return fmt.Sprintf("%T", err)
	default:
		return end.String()
	}
}

// typeOf returns the type of an error, as the SDK of OpenTelemetry names it.
func typeOf(err error) string {
	t := reflect.TypeOf(err)
	if t.Name() == "" {
		return t.String()
	}
	return t.PkgPath() + "." + t.Name()
}
