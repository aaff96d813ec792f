package pending

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/bounded"
)

var (
	// ErrCancelled is matched by the error of every cancelled pending. It
	// matches [context.Canceled] too.
	ErrCancelled error = &kind{"pending: cancelled", context.Canceled}

	// ErrStopped is the cause when a pending was cancelled because its caller
	// was stopped. It matches [ErrCancelled].
	ErrStopped error = &kind{"pending: caller stopped", ErrCancelled}

	// ErrNotDone is the error of a pending that is not done yet.
	ErrNotDone = errors.New("pending: not done")

	// ErrDeadlock is returned by a wait that could never end, because what it
	// waits for needs the very function that waits. The error that wraps it
	// names the circle.
	ErrDeadlock = errors.New("pending: deadlock")

	errGoexit = fmt.Errorf("%w: the function ended its goroutine with runtime.Goexit", ErrCancelled)
)

// kind is a sentinel error that is a special case of another error.
type kind struct {
	text string
	of   error
}

func (k *kind) Error() string { return k.text }
func (k *kind) Unwrap() error { return k.of }

// cancellation gives a cause that is no cancellation by itself the identity
// of [ErrCancelled].
type cancellation struct{ cause error }

func (c *cancellation) Error() string   { return fmt.Sprintf("%v: %v", ErrCancelled, c.cause) }
func (c *cancellation) Unwrap() []error { return []error{ErrCancelled, c.cause} }

// asCancellation returns cause as an error that matches [ErrCancelled].
func asCancellation(cause error) error {
	switch {
	case cause == nil, cause == context.Canceled: //nolint:errorlint // Only the bare error says nothing more.
		return ErrCancelled
	case matches(cause, ErrCancelled):
		return cause
	default:
		return &cancellation{cause}
	}
}

// reasonOf returns what tells a cancellation from others.
func reasonOf(cause error) error {
	if c, ok := cause.(*cancellation); ok { //nolint:errorlint // What it wraps is another reason, if it is wrapped.
		return c.cause
	}
	return cause
}

// isCancellation reports whether a pending that ends with err was cancelled. A
// panic is none, whatever its value is.
func isCancellation(err error) bool {
	if _, panicked := err.(*PanicError); panicked { //nolint:errorlint // That of another pending counts as any error.
		return false
	}
	return matches(err, context.Canceled)
}

// matches is errors.Is for an error of the user's. A panic of its own methods,
// as of a nil pointer that was returned as an error, is no match.
func matches(err, target error) (match bool) {
	defer func() { _ = recover() }()
	return errors.Is(err, target)
}

// joinCauses adds one more cause to the error of a cancelled pending. first is
// what the error would be if the cause were the first one.
func joinCauses(cancelled, cause, first error) error {
	if cancelled == ErrCancelled { //nolint:errorlint // Only the bare error says nothing more.
		return first
	}
	return errors.Join(cancelled, cause)
}

// endedError is what a wait returns that was ended before the pending was
// done.
type endedError struct {
	what  string
	err   error // of the context
	cause error
}

func (e *endedError) Error() string   { return fmt.Sprintf("pending: wait for %s: %v", e.what, e.cause) }
func (e *endedError) Unwrap() []error { return []error{e.err, e.cause} }

// contextEnded says that a wait for b was ended by ctx.
func (b *base) contextEnded(ctx context.Context) error {
	return &endedError{what: b.label(), err: ctx.Err(), cause: context.Cause(ctx)}
}

// timedOut says that a wait for b took longer than d.
func (b *base) timedOut(d time.Duration) error {
	return &endedError{what: b.label(), err: context.DeadlineExceeded, cause: fmt.Errorf("not done after %v", d)}
}

// PanicError is the error of a pending whose function panicked.
type PanicError struct {
	// Value is what the function gave to panic.
	Value any
	// Stack is the stack of the panicking goroutine, as by
	// [runtime/debug.Stack].
	Stack []byte
}

// Error returns the value of the panic, without the stack. Of a value that is
// neither a text nor an error nor a [fmt.Stringer] it returns the beginning.
func (e *PanicError) Error() string {
	switch e.Value.(type) {
	case string, error, fmt.Stringer:
		return fmt.Sprintf("pending: panic: %v", e.Value)
	default: // it may be of any size, and contain itself
		return "pending: panic: " + bounded.Value(e.Value).String()
	}
}

// Unwrap returns the value of the panic if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
