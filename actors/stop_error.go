package actors

import (
	"fmt"

	"github.com/seed-7fcaac1b/protocaller/internal/safeerrors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// stopError is the error of what a stop has cancelled.
func (c *Caller) stopError() error {
	if cause := c.stopCause(); cause != nil {
		return &stoppedError{cause}
	}
	return pending.ErrStopped
}

// stoppedError is the error of what a stop for a reason has cancelled. It is made while
// mutexes are held. The methods of the cause are user code, so only its own methods call
// them.
type stoppedError struct{ cause error }

func (e *stoppedError) Error() string { return fmt.Sprintf("%v: %v", pending.ErrStopped, e.cause) }

func (e *stoppedError) Unwrap() []error { return []error{pending.ErrStopped, e.cause} }

// stopCause returns the failure that stopped the caller, or nil.
func (c *Caller) stopCause() error {
	if cause := c.cause.Load(); cause != nil {
		return *cause
	}
	return nil
}

// withStopCause adds the reason why the caller was stopped.
func (c *Caller) withStopCause(err error) error {
	if safeerrors.Is(err, pending.ErrStopped) {
		return c.stopError()
	}
	return err
}

func asError(reason any) error {
	if err, ok := reason.(error); ok {
		return err
	}
	return fmt.Errorf("%v", reason)
}
