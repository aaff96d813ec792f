package instrument

import (
	"errors"
	"reflect"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
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
	case isCrash(err):
		if !crashed {
			return failed
		}
		return panicked
	case errors.Is(err, future.ErrCancelled):
		return cancelled
	default:
		return failed
	}
}

// isCrash reports whether err itself is a panic. A cancellation caused by a panic elsewhere
// is not a panic, and neither is a nil pointer.
func isCrash(err error) bool {
	if !future.IsPanic(err) {
		return false
	}
	v := reflect.ValueOf(err)
	return v.Kind() == reflect.Pointer && !v.IsNil()
}
