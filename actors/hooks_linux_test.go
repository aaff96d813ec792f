package actors_test

import (
	"context"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
)

func TestHooksRunWhereTheFunctionsRun(t *testing.T) {
	if backend.name != "thread" {
		return
	}
	var ids [3]int
	note := func(i int) func(context.Context) error {
		return func(context.Context) error { ids[i] = syscall.Gettid(); return nil }
	}
	c := start(t, newSystem(t), props.OnStart(note(0)), props.OnStop(note(2)))
	result(t, actors.CallSoon(t.Context(), c, actors.NoResult(note(1))))
	require.NoError(t, c.StopWait(t.Context()))
	assert.Equal(t, [3]int{ids[0], ids[0], ids[0]}, ids)
}
