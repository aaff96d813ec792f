package instrument

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/safeerrors"
)

// unprintable replaces an error whose own methods panic: a nil pointer that was
// returned as an error. Such an error must not stop the pending from completing.
type unprintable struct{ err error }

// Error returns the type of the error, and what package fmt makes of it.
func (u unprintable) Error() string { return fmt.Sprintf("%T: %v", u.err, u.err) }

// printable returns err, or a replacement if the methods of err panic.
func printable(err error) (safe error) {
	if err == nil || isCrash(err) { // that of ours never panics
		return err
	}
	defer func() {
		if recover() != nil {
			safe = unprintable{err}
		}
	}()
	_ = err.Error()
	_ = errors.Is(err, future.ErrCancelled)
	return err
}

// textOf returns the text of an error. One that has had a text may panic when it is asked again.
func textOf(err error) (s string) {
	defer func() {
		if recover() != nil {
			s = fmt.Sprintf("%T", err)
		}
	}()
	return printable(err).Error()
}

// isDeadlock reports whether a wait has failed because it could never end.
func isDeadlock(err error) bool { return safeerrors.Is(err, future.ErrDeadlock) }

// recordError sets err as the outcome of a span, with its name and the stack of a panic. It
// asks the error itself for its text: a span would do that with its lock held.
func (t *Instruments) recordError(span trace.Span, err error, name string) {
	if !span.IsRecording() {
		return
	}
	message := clean(textOf(err))
	exception := []attribute.KeyValue{semconv.ExceptionType(typeOf(err)), semconv.ExceptionMessage(message)}
	if stack := t.stackOf(err); stack != nil {
		exception = append(exception, text(semconv.ExceptionStacktraceKey, string(stack)))
	}
	span.AddEvent(semconv.ExceptionEventName, trace.WithAttributes(exception...))
	span.SetStatus(codes.Error, message)
	span.SetAttributes(text(semconv.ErrorTypeKey, name))
}

// knownName returns the name of an error that has one, or "".
func (t *Instruments) knownName(err error) (name string) {
	defer func() {
		if recover() != nil { // in a method of the error
			name = ""
		}
	}()
	var named interface{ ErrorType() string }
	if errors.As(err, &named) {
		return named.ErrorType()
	}
	return t.foreignName(err)
}

// nameOf returns what error.type says of an error: its name, or else its type in Go.
func (t *Instruments) nameOf(err error) (name string) {
	defer func() {
		if recover() != nil { // in a method of the error
			name = typeOf(err)
		}
	}()
	return cmp.Or(t.knownName(err), semconv.ErrorType(err).Value.AsString())
}

// rpcStatus returns what rpc.response.status_code says of the error of a call between nodes.
func (t *Instruments) rpcStatus(err error) string {
	if err == nil {
		return statusOK
	}
	return cmp.Or(t.knownName(err), "error")
}

// statusOK is the status of a call that has a result.
const statusOK = "ok"

// typeOf returns the type of an error, as the SDK of OpenTelemetry names it.
func typeOf(err error) string {
	t := reflect.TypeOf(err)
	if t.Name() == "" {
		return t.String()
	}
	return t.PkgPath() + "." + t.Name()
}
