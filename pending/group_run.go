package pending

import (
	"context"
	"errors"
	"slices"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/safeerrors"
)

// errBodyLeft is the cause when Run cancels a group whose body panicked.
var errBodyLeft = errors.New("pending: the body of the group did not return")

// Run calls body with the context of a new group, and then waits for the group. In a
// caller's function the wait gives the turn away. Elsewhere it blocks the goroutine.
//
// Without an error of body, Run returns the error of [Group.Wait]. An error of body
// cancels the group. Run returns that error as it is. It joins those earlier failures of
// members that the error does not contain.
//
// If the group was cancelled before, an error of body that matches [context.Canceled]
// only repeats the cancellation. Run then returns the error of [Group.Wait]. The report
// of a nested group, which its mode asks for, is an error like any other.
//
// If body panics, Run cancels the group and waits for it before the panic goes on.
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
		if !safeerrors.Is(err, failure) {
			err = errors.Join(err, failure)
		}
	}
	return err
}

// repeatsCancellation reports whether an error of the body only says that the
// group was cancelled.
func (g *Group) repeatsCancellation(err error) bool {
	g.checkOuter()
	return safeerrors.Is(err, context.Canceled) && !isGroupReport(err) && g.Cancelled()
}

// isGroupReport reports whether err is a cancellation reported by a nested
// group because of its mode. A report inside the cause of another end does not
// count.
func isGroupReport(err error) bool {
	if future.IsReason(err) {
		return false
	}
	switch err := err.(type) { //nolint:errorlint // The tree is walked step by step.
	case *cancelledError:
		return true
	case interface{ Unwrap() error }:
		return isGroupReport(err.Unwrap())
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(err.Unwrap(), isGroupReport)
	default:
		return false
	}
}
