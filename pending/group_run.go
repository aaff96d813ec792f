package pending

import (
	"context"
	"errors"
	"slices"
)

// errBodyLeft is why a group is cancelled whose body panicked.
var errBodyLeft = errors.New("pending: the body of the group did not return")

// Run calls body with the context of a new group and waits for the group. An
// error of body cancels the group and is returned as it is, joined with those
// failures of members that came before it and are not in it. If the group was
// cancelled, by whatever, an error of body that matches [context.Canceled] only
// says so: then, and without one, the error is that of [Group.Wait]. The report
// of a group inside this one, that its mode asks for, is an error like any
// other. If body panics the group is cancelled and waited for before the panic
// goes on.
func Run(ctx context.Context, body func(context.Context) error, opts ...GroupOption) error {
	if body == nil {
		panic("pending: Run with a nil function")
	}
	g, inside := newGroup(ctx, opts, "Run")
	returned := false
	defer func() {
		if !returned {
			g.end(errBodyLeft, nil)
			_ = g.wait()
		}
	}()
	err := body(inside)
	returned = true
	if err == nil || g.repeatsCancellation(err) {
		return g.wait()
	}
	g.end(err, nil)
	_ = g.wait()
	for _, failure := range g.failures {
		if !errors.Is(err, failure) {
			err = errors.Join(err, failure)
		}
	}
	return err
}

// repeatsCancellation reports whether an error of the body only says that the group was
// cancelled.
func (g *Group) repeatsCancellation(err error) bool {
	g.checkOuter()
	return errors.Is(err, context.Canceled) && !isGroupReport(err) && g.Cancelled()
}

// isGroupReport reports whether err is what the mode of a group inside this one has
// that report. In the reasons why something has ended it does not count.
func isGroupReport(err error) bool {
	switch err := err.(type) { //nolint:errorlint // It is done step by step.
	case *cancelledError:
		return true
	case *endedError, *cancellation:
		return false
	case interface{ Unwrap() error }:
		return isGroupReport(err.Unwrap())
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(err.Unwrap(), isGroupReport)
	default:
		return false
	}
}
