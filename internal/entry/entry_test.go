package entry

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var errBoom = errors.New("boom")

func fails(context.Context) error { return errBoom }

func TestEntryOfAFunctionWithoutAResultIsThatOfWhatItCalls(t *testing.T) {
	fn := NoResult(fails)
	for range 3 { // the memory for the question is used again
		assert.Equal(t, "github.com/seed-7fcaac1b/protocaller/internal/entry.fails", runtime.FuncForPC(Of(fn)).Name())
	}
	_, err := fn(t.Context())
	require.ErrorIs(t, err, errBoom)
}

func TestEntryOfAnyOtherFunctionIsItsOwn(t *testing.T) {
	assert.Equal(t, "github.com/seed-7fcaac1b/protocaller/internal/entry.fails", runtime.FuncForPC(Of(fails)).Name())
	called := false
	Of(func(context.Context) (struct{}, error) {
		called = true
		return struct{}{}, nil
	})
	assert.False(t, called)
}

func TestEntryIsFoundByManyGoroutinesAtATime(t *testing.T) {
	want := Of(fails)
	got := make(chan uintptr, 100)
	for range cap(got) {
		go func() { got <- Of(NoResult(fails)) }()
	}
	for range cap(got) {
		assert.Equal(t, want, <-got)
	}
}
