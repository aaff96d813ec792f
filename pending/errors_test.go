package pending_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/scheduled"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

func TestWhichErrorsMatchWhich(t *testing.T) {
	all := []error{pending.ErrCancelled, pending.ErrStopped, pending.ErrNotDone, pending.ErrDeadlock, context.Canceled, context.DeadlineExceeded}
	tests := map[error][]error{
		pending.ErrCancelled: {pending.ErrCancelled, context.Canceled},
		pending.ErrStopped:   {pending.ErrStopped, pending.ErrCancelled, context.Canceled},
		pending.ErrNotDone:   {pending.ErrNotDone},
		pending.ErrDeadlock:  {pending.ErrDeadlock},
	}
	for err, matches := range tests {
		t.Run(err.Error(), func(t *testing.T) {
			assert.Regexp(t, "^pending: ", err.Error())
			for _, target := range all {
				assert.Equal(t, contains(matches, target), errors.Is(err, target), "matches %v", target)
			}
		})
	}
}

func contains(errs []error, err error) bool {
	for _, e := range errs {
		if e == err { //nolint:errorlint // The error itself is looked for.
			return true
		}
	}
	return false
}

func TestCauseOfACancellation(t *testing.T) {
	wrapped := fmt.Errorf("reading: %w", &fs.PathError{Op: "open", Path: "file", Err: fs.ErrNotExist})
	tests := map[string]struct {
		cause   error
		is      []error
		message string
	}{
		"none":              {nil, nil, "pending: cancelled"},
		"context cancelled": {context.Canceled, nil, "pending: cancelled"},
		"cancelled":         {pending.ErrCancelled, nil, "pending: cancelled"},
		"stopped":           {pending.ErrStopped, []error{pending.ErrStopped}, "pending: caller stopped"},
		"deadline":          {context.DeadlineExceeded, []error{context.DeadlineExceeded}, "pending: cancelled: context deadline exceeded"},
		"wrapped":           {wrapped, []error{wrapped, fs.ErrNotExist}, "pending: cancelled: " + wrapped.Error()},
		"joined":            {errors.Join(errWhy, errElse), []error{errWhy, errElse}, "pending: cancelled: why\nsomething else"},
		"uncomparable":      {uncomparable{"one", "two"}, nil, "pending: cancelled: [one two]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := pending.New[int](t.Context())
			p.SetCanceller(func(error) {})
			p.Cancel(tt.cause)
			err := p.Err()
			require.EqualError(t, err, tt.message)
			for _, want := range append(tt.is, pending.ErrCancelled, context.Canceled) {
				require.ErrorIs(t, err, want)
			}
			p.Cancel(errBoom)
			require.ErrorIs(t, p.Err(), errBoom)
			for _, want := range append(tt.is, pending.ErrCancelled, context.Canceled) {
				require.ErrorIs(t, p.Err(), want, "later causes are joined to the first")
			}
		})
	}
	var path *fs.PathError
	p := pending.New[int](t.Context())
	p.Cancel(wrapped)
	require.ErrorAs(t, p.Err(), &path)
	assert.Equal(t, "file", path.Path)
}

type uncomparable []string

func (u uncomparable) Error() string { return fmt.Sprint([]string(u)) }

func TestUncomparableErrorsAreNoTrouble(t *testing.T) {
	odd := uncomparable{"odd"}
	failed := call(t.Context(), func(context.Context) (int, error) { return 0, odd })
	assert.Equal(t, odd, failed.Err())

	cancelled := call(t.Context(), func(ctx context.Context) (int, error) {
		self, _ := pending.Current(ctx)
		self.Cancel(odd)
		self.Cancel(odd)
		return 0, odd
	})
	require.ErrorIs(t, cancelled.Err(), pending.ErrCancelled)
	var found uncomparable
	require.ErrorAs(t, cancelled.Err(), &found)
	assert.Equal(t, odd, found)
}

// pointerError is an error that a nil pointer makes a bad one of.
type pointerError struct{ inner error }

func (e *pointerError) Error() string { return "pointer" }
func (e *pointerError) Unwrap() error { return e.inner }

func TestErrorWhoseMethodsPanicIsAnErrorLikeAnyOther(t *testing.T) {
	var bad *pointerError
	tests := map[string]struct {
		function  func(context.Context) (int, error)
		cancelled bool
	}{
		"returned": {func(context.Context) (int, error) { return 1, bad }, false},
		"returned at the end of the context": {func(ctx context.Context) (int, error) {
			self, _ := pending.Current(ctx)
			self.Cancel(errWhy)
			return 1, bad
		}, true},
		"the cause of a cancellation": {func(ctx context.Context) (int, error) {
			self, _ := pending.Current(ctx)
			self.Cancel(bad)
			return 1, nil
		}, true},
		"panicked": {func(context.Context) (int, error) { panic(bad) }, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var p *scheduled.Call[int]
			require.NotPanics(t, func() { p = call(t.Context(), tt.function) })
			assert.True(t, p.IsDone())
			assert.Equal(t, tt.cancelled, p.Cancelled())
			if p.Err() == nil {
				t.Error("the error is lost")
			}
		})
	}
}

func TestCauseWhoseMethodsPanicMayBeGivenTwice(t *testing.T) {
	var bad *pointerError
	g, ctx := pending.NewGroup(t.Context())
	p := pending.New[int](ctx, future.Tracked)
	p.SetCanceller(func(error) {})
	require.NotPanics(t, func() {
		g.Cancel(bad)
		g.Cancel(errWhy)
	})
	assert.False(t, p.SetResult(1))
	assert.True(t, p.IsDone())
	require.NoError(t, g.Wait())
}

func TestPanicErrorUnwrapsToTheError(t *testing.T) {
	tests := map[string]struct {
		value   any
		message string
		is      error
	}{
		"text":  {"oops", "pending: panic: oops", nil},
		"error": {fmt.Errorf("wrapped: %w", errBoom), "pending: panic: wrapped: boom", errBoom},
		"other": {42, "pending: panic: 42", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var err error = &pending.PanicError{Value: tt.value, Stack: []byte("the stack")}
			require.EqualError(t, err, tt.message)
			if tt.is == nil {
				assert.NoError(t, errors.Unwrap(err))
			} else {
				assert.ErrorIs(t, err, tt.is)
			}
		})
	}
}
