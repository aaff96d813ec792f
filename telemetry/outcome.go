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

func outcomeOf(err error) outcome {
	switch {
	case err == nil:
		return ok
	case crashOf(err) != nil:
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
