package pending

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/bounded"
	"github.com/seed-7fcaac1b/protocaller/internal/sentinel"
)

var (
	// ErrCancelled is matched by the error of every cancelled pending. It
	// matches [context.Canceled] too.
	ErrCancelled = sentinel.NewOf(context.Canceled, "cancelled", "pending: cancelled")

	// ErrStopped is the cause when a stop of the caller cancelled a pending. It
	// matches [ErrCancelled].
	ErrStopped = sentinel.NewOf(ErrCancelled, "stopped", "pending: caller stopped")

	// ErrNotDone is the error of a pending that is not done yet.
	ErrNotDone = sentinel.New("not_done", "pending: not done")

	// ErrDeadlock is returned by a wait that could never end: what it waits for
	// needs the function that waits. The error that wraps it names the circle.
	ErrDeadlock = sentinel.New("deadlock", "pending: deadlock")

	errGoexit = fmt.Errorf("%w: the function ended its goroutine with runtime.Goexit", ErrCancelled)
)

// cancellation wraps a cause that is no cancellation by itself. It matches
// [ErrCancelled].
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

// reasonOf returns the cause that identifies this cancellation among others.
func reasonOf(cause error) error {
	if c, ok := cause.(*cancellation); ok { //nolint:errorlint // What it wraps is another reason, if it is wrapped.
		return c.cause
	}
	return cause
}

// isCancellation reports whether a pending that ends with err was cancelled. A
// panic is no cancellation, whatever its value is.
func isCancellation(err error) bool {
	if _, panicked := err.(*PanicError); panicked { //nolint:errorlint // A panic of another pending counts as any error.
		return false
	}
	return matches(err, context.Canceled)
}

// matches is errors.Is for an error of user code. If err's own methods panic (a
// nil pointer in an error), matches reports false.
func matches(err, target error) (match bool) {
	defer func() { _ = recover() }()
	return errors.Is(err, target)
}

// joinCauses adds one more cause to the error of a cancelled pending. first is
// the error that this cause would give alone.
func joinCauses(cancelled, cause, first error) error {
	if cancelled == ErrCancelled { //nolint:errorlint // Only the bare error says nothing more.
		return first
	}
	return errors.Join(cancelled, cause)
}

// endedError is returned by a wait that ended before the pending was done.
type endedError struct {
	what     string
	progress string // of the work behind the pending; "" if that is not known
	err      error  // of the context
	cause    error
}

func (e *endedError) Error() string {
	if e.progress == "" {
		return fmt.Sprintf("pending: wait for %s: %v", e.what, e.cause)
	}
	return fmt.Sprintf("pending: wait for %s, %s: %v", e.what, e.progress, e.cause)
}

func (e *endedError) Unwrap() []error { return []error{e.err, e.cause} }

// contextEnded returns the error of a wait for b that ctx ended.
func (b *base) contextEnded(ctx context.Context) error {
	return &endedError{what: b.label(), progress: b.progress(), err: ctx.Err(), cause: context.Cause(ctx)}
}

// endOfContext returns why the context of b has ended, and where the work behind b is.
func (b *base) endOfContext() (cause error) {
	cause = context.Cause(b.ctx)
	place := ""
	b.guard("explanation", func() { place = b.place() })
	if place == "" {
		return cause
	}
	return &endedError{what: b.label(), progress: place, err: b.ctx.Err(), cause: cause}
}

// timedOut returns the error of a wait for b that took longer than d.
func (b *base) timedOut(d time.Duration) error {
	return &endedError{
		what: b.label(), progress: b.progress(),
		err: context.DeadlineExceeded, cause: fmt.Errorf("not done after %v", d),
	}
}

// place describes where the work behind the pending is, or returns "".
func (b *base) place() string {
	if r, ok := b.runner.(interface{ Place() string }); ok {
		return r.Place()
	}
	return b.progress()
}

// progress describes how far the work behind the pending is, or returns "".
func (b *base) progress() string {
	if r, ok := b.runner.(interface{ Progress() string }); ok {
		return r.Progress()
	}
	b.mu.Lock()
	var explain func() string
	var source *base
	if b.lazy != nil {
		explain, source = b.lazy.explain, b.lazy.source
	}
	b.mu.Unlock()
	if explain != nil {
		return explain()
	}
	for ; source != nil; source = source.derivedFrom() {
		if source.runner != nil {
			return fmt.Sprintf("after %s, which is %s", source.label(), source.progress())
		}
	}
	return ""
}

// progressOf describes how far the work behind some pendings is, with one of them as an
// example. It is "" if nothing is known of them.
func progressOf(left []Handle) string {
	for _, h := range left[:min(len(left), 10)] {
		b := h.core()
		if progress := b.progress(); progress != "" && !b.is(flagDone) {
			return fmt.Sprintf("%d not done, as %s, %s", len(left), b.label(), progress)
		}
	}
	return ""
}

// derivedFrom returns the pending that Then made this one of, or nil.
func (b *base) derivedFrom() *base {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lazy == nil {
		return nil
	}
	return b.lazy.source
}

// PanicError is the error of a pending whose function panicked.
type PanicError struct {
	// Value is the argument of panic.
	Value any
	// Stack is the stack of the panicking goroutine, as by
	// [runtime/debug.Stack].
	Stack []byte
}

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
