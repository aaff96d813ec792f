package safeerrors_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-7fcaac1b/protocaller/internal/safeerrors"
	"github.com/seed-7fcaac1b/protocaller/internal/sentinel"
)

var errKnown = sentinel.New("known", "known")

// hostile is an error whose methods do what they like.
type hostile struct{ do func() }

func (*hostile) Error() string { return "hostile" }

func (h *hostile) Is(error) bool {
	h.do()
	return true
}

// opening is an error of which nobody knows the methods of what it wraps.
type opening struct{ open func() error }

func (*opening) Error() string { return "opening" }

func (o *opening) Unwrap() error { return o.open() }

type listed []string

func (l listed) Error() string { return fmt.Sprint([]string(l)) }

type typed struct{}

func (*typed) Error() string { return "typed" }

func TestIs(t *testing.T) {
	exits := func() error {
		runtime.Goexit()
		return nil
	}
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"nil":                          {nil, false},
		"itself":                       {errKnown, true},
		"another":                      {errors.New("other"), false},
		"wrapped":                      {fmt.Errorf("more: %w", errKnown), true},
		"joined":                       {errors.Join(errors.New("other"), errKnown), true},
		"behind a type of user code":   {&opening{func() error { return errKnown }}, true},
		"said by a method":             {&hostile{func() {}}, true},
		"a method panics":              {&hostile{func() { panic("no") }}, false},
		"a method ends the goroutine":  {&hostile{runtime.Goexit}, false},
		"wrapped, it ends it":          {fmt.Errorf("more: %w", &hostile{runtime.Goexit}), false},
		"unwrapping ends it":           {&opening{exits}, false},
		"a nil pointer":                {(*hostile)(nil), false},
		"a nil pointer without method": {(*typed)(nil), false},
		"not comparable":               {listed{"a"}, false},
		"context":                      {context.Canceled, false},
	} {
		assert.Equal(t, tt.want, safeerrors.Is(tt.err, errKnown), name)
	}
	assert.False(t, safeerrors.Is(listed{"a"}, listed{"a"}))
	assert.True(t, safeerrors.Is(nil, nil))
}

func TestAs(t *testing.T) {
	found, ok := safeerrors.As[*typed](fmt.Errorf("more: %w", &typed{}))
	assert.True(t, ok)
	assert.NotNil(t, found)
	for _, err := range []error{nil, errKnown, &hostile{}, &opening{func() error { panic("no") }}} {
		_, ok := safeerrors.As[*typed](err)
		assert.False(t, ok, err)
	}
}
