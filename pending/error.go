package pending

import (
	"fmt"

	"github.com/seed-7fcaac1b/protocaller/internal/bounded"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/sentinel"
)

var (
	// ErrCancelled is matched by the error of every cancelled pending. It
	// matches [context.Canceled] too.
	ErrCancelled = future.ErrCancelled

	// ErrStopped is the cause when a stop of the caller cancelled a pending. It
	// matches [ErrCancelled].
	ErrStopped = future.ErrStopped

	// ErrNotDone is the error of a pending that is not done yet.
	ErrNotDone = future.ErrNotDone

	// ErrDeadlock is returned by a wait that could never end: what it waits for
	// needs the function that waits. The error that wraps it names the circle. If
	// that leads through calls to other nodes, it is found within seconds.
	ErrDeadlock = future.ErrDeadlock

	// ErrGroupOver is the error of a second wait for a group. It is also the cause
	// with which a group's context ends after the first wait.
	ErrGroupOver = sentinel.New("group_over", "pending: the group has been waited for")
)

// PanicError is the error of a pending whose function panicked.
type PanicError struct {
	panicMark //nolint:unused // Package future looks for its method.
	// Value is the argument of panic.
	Value any
	// Stack is the stack of the panicking goroutine, as by
	// [runtime/debug.Stack].
	Stack []byte
}

// panicMark says that a panic is no cancellation, whatever its value is.
type panicMark = future.PanicMark //nolint:unused // It is embedded.

func newPanicError(value any, stack []byte) error { return &PanicError{Value: value, Stack: stack} }

// Error returns the value of the panic, without the stack. A value that is no
// string, error or [fmt.Stringer] is shortened.
func (e *PanicError) Error() string {
	switch e.Value.(type) {
	case string, error, fmt.Stringer:
		return fmt.Sprintf("pending: panic: %v", e.Value)
	default: // it may have any size, and contain itself
		return "pending: panic: " + bounded.Value(e.Value).String()
	}
}

// ErrorType returns "panic". The semantic conventions of OpenTelemetry ask errors for it.
func (e *PanicError) ErrorType() string { return "panic" }

// Unwrap returns the value of the panic if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
