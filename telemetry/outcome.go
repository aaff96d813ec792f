package telemetry

import (
	"errors"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// outcome is how a pending has ended.
type outcome uint8

const (
	ok outcome = iota
	failed
	panicked
	cancelled
	outcomes
)

var outcomeNames = [outcomes]string{"ok", "error", "panic", "cancelled"}

func (o outcome) String() string { return outcomeNames[o] }

// outcomeOf returns the outcome of a pending with that error, whose function has panicked or
// not. A function that passes on the panic of another one has failed.
func outcomeOf(err error, crashed bool) outcome {
	switch {
	case err == nil:
		return ok
	case crashOf(err) != nil:
		if !crashed {
			return failed
		}
		return panicked
	case errors.Is(err, pending.ErrCancelled):
		return cancelled
	default:
		return failed
	}
}

// crashOf returns err if it is a panic, or nil. A cancellation caused by a panic
// elsewhere is not a panic.
func crashOf(err error) *pending.PanicError {
	crash, _ := err.(*pending.PanicError) //nolint:errorlint // What is wrapped is somebody else's.
	return crash
}
