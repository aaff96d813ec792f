package future

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/safeerrors"
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
	// needs the function that waits. The error that wraps it names the circle. If
	// that leads through calls to other nodes, it is found within seconds.
	ErrDeadlock = sentinel.New("deadlock", "pending: deadlock")

	errGoexit = fmt.Errorf("%w: the function ended its goroutine with runtime.Goexit", ErrCancelled)
)

// cancellation wraps a cause that is no cancellation by itself. It matches
// [ErrCancelled].
type cancellation struct{ cause error }

func (c *cancellation) Error() string   { return fmt.Sprintf("%v: %v", ErrCancelled, c.cause) }
func (c *cancellation) Unwrap() []error { return []error{ErrCancelled, c.cause} }

// AsCancellation returns cause as an error that matches [ErrCancelled].
func AsCancellation(cause error) error {
	switch {
	case cause == nil, cause == context.Canceled: //nolint:errorlint // Only the bare error says nothing more.
		return ErrCancelled
	case safeerrors.Is(cause, ErrCancelled):
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
	return !IsPanic(err) && safeerrors.Is(err, context.Canceled)
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

// Ended returns the error of a wait for something that ctx ended.
func Ended(ctx context.Context, what string) error {
	return &endedError{what: what, err: ctx.Err(), cause: context.Cause(ctx)}
}

// TimedOut returns the error of a wait for some pendings that took longer than d.
func TimedOut(what string, left []*Core, d time.Duration) error {
	return &endedError{
		what: what, progress: progressOf(left),
		err: context.DeadlineExceeded, cause: fmt.Errorf("not done after %v", d),
	}
}

// IsEnded reports whether err says that a context or a time limit has ended a wait.
func IsEnded(err error) bool {
	_, ended := safeerrors.As[*endedError](err)
	return ended
}

// IsReason reports whether err itself says that something has ended or was cancelled, for the
// reason that it wraps.
func IsReason(err error) bool {
	switch err.(type) { //nolint:errorlint // What it wraps is asked for by itself.
	case *endedError, *cancellation:
		return true
	default:
		return false
	}
}

// contextEnded returns the error of a wait for c that ctx ended.
func (c *Core) contextEnded(ctx context.Context) error {
	return &endedError{what: c.label(), progress: c.progress(), err: ctx.Err(), cause: context.Cause(ctx)}
}

// endOfContext returns why the context of c has ended, and where the work behind c is.
func (c *Core) endOfContext() (cause error) {
	cause = context.Cause(c.ctx)
	place := ""
	c.guard("explanation", func() { place = c.place() })
	if place == "" {
		return cause
	}
	return &endedError{what: c.label(), progress: place, err: c.ctx.Err(), cause: cause}
}

// timedOut returns the error of a wait for c that took longer than d.
func (c *Core) timedOut(d time.Duration) error {
	return &endedError{
		what: c.label(), progress: c.progress(),
		err: context.DeadlineExceeded, cause: fmt.Errorf("not done after %v", d),
	}
}

// place describes where the work behind the pending is, or returns "".
func (c *Core) place() string {
	if r, ok := c.runner.(interface{ Place() string }); ok {
		return r.Place()
	}
	return c.progress()
}

// progress describes how far the work behind the pending is, or returns "".
func (c *Core) progress() string {
	if r, ok := c.runner.(interface{ Progress() string }); ok {
		return r.Progress()
	}
	c.mu.Lock()
	var explain func() string
	var source *Core
	if c.details != nil {
		explain, source = c.details.Explain, c.details.source
	}
	c.mu.Unlock()
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
func progressOf(left []*Core) string {
	for _, c := range left[:min(len(left), 10)] {
		if progress := c.progress(); progress != "" && !c.is(flagDone) {
			return fmt.Sprintf("%d not done, as %s, %s", len(left), c.label(), progress)
		}
	}
	return ""
}

// derivedFrom returns the pending that Then made this one of, or nil.
func (c *Core) derivedFrom() *Core {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.details == nil {
		return nil
	}
	return c.details.source
}

// PanicMark is embedded in the error of a function that has panicked. Such an error is no
// cancellation, whatever it wraps.
type PanicMark struct{}

func (PanicMark) panicked() {}

// IsPanic reports whether err itself is the error of a panic. What it wraps does not count.
func IsPanic(err error) bool {
	_, ok := err.(interface{ panicked() }) // a panic of another pending counts as any error
	return ok
}
