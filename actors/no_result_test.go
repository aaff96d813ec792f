package actors_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

func flush(context.Context) error { return errBoom }

func TestFunctionWithoutAResultIsCalled(t *testing.T) {
	c := start(t, newSystem(t))
	called := 0
	count := actors.NoResult(func(ctx context.Context) error {
		called++
		_, ok := pending.Current(ctx)
		assert.True(t, ok)
		return nil
	})
	named := actors.Schedule(t.Context(), c, count, actors.Named("count"))
	result(t, named)
	assert.Equal(t, "count", named.Name())
	result(t, actors.ToThread(t.Context(), c, count))
	assert.Equal(t, 2, called)
}

func TestFunctionWithoutAResultNamesItsCall(t *testing.T) {
	c := start(t, newSystem(t))
	p := actors.CallSoon(t.Context(), c, actors.NoResult(flush))
	require.ErrorIs(t, failure(p), errBoom)
	assert.Equal(t, "github.com/seed-7fcaac1b/protocaller/actors_test.flush", p.Name())
	assert.Equal(t, p.Name(), p.Metadata()["func"])
}

func TestPanicOfAFunctionWithoutAResultIsThatOfItsCall(t *testing.T) {
	c := start(t, newSystem(t))
	var crash *pending.PanicError
	err := failure(actors.CallSoon(t.Context(), c, actors.NoResult(func(context.Context) error { panic(errBoom) })))
	require.ErrorAs(t, err, &crash)
	require.ErrorIs(t, err, errBoom)
}
