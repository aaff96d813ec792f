package actors_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// readsQueue is an error that looks at something before it says what it is.
type readsQueue struct{ look func() }

func (c *readsQueue) Error() string { c.look(); return "readsQueue" }

// curiousContext looks at something before it has a value.
type curiousContext struct {
	context.Context
	look func()
}

func (c curiousContext) Value(key any) any { c.look(); return c.Context.Value(key) }

func TestCauseOfAStopMayLookAtTheQueuesOfItsCaller(t *testing.T) {
	c := start(t, newSystem(t), props.Supervision(supervision.Stop()))
	q := actors.NewQueue(c, func(context.Context, int) error { return nil })
	do(t.Context(), c, func(context.Context) { panic(&readsQueue{func() { q.Len() }}) })
	<-c.Stopped()
	require.Error(t, q.Put(1))
}

func TestContextOfAnItemMayLookAtItsQueue(t *testing.T) {
	c := start(t, newSystem(t), props.Telemetry(tracetest.NewRecorder().Telemetry()))
	q := actors.NewQueue(c, func(context.Context, int) error { return nil }, actors.QueueCapacity(1))
	require.NoError(t, q.PutContext(curiousContext{t.Context(), func() { q.Len() }}, 1))
	require.NoError(t, q.CloseWait(t.Context()))
}
