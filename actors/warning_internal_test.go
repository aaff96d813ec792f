package actors

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// A stop may come between the queue and the start of a function.
func TestFirstFunctionOfAllMayBeRefusedWithATurnWarning(t *testing.T) {
	c, err := New(actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	})), props.TurnWarning(time.Hour))
	require.NoError(t, err)
	fn := func(context.Context) (int, error) { return 1, nil }
	taken := newCall(t.Context(), &c.box, fn, nil)
	require.NoError(t, c.StopWait(t.Context()))
	assert.True(t, c.box.runFunction(&taken.turn))
	assert.ErrorIs(t, taken.Err(), pending.ErrStopped)
}

// A timer that fires as its turn ends finds the next one.
func TestTurnWarningIsNotForTheNextTurn(t *testing.T) {
	var log bytes.Buffer
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
	c, err := Start(system, props.TurnWarning(time.Hour), props.Logger(slog.New(slog.NewTextHandler(&log, nil))))
	require.NoError(t, err)
	p := CallSoon(t.Context(), c, func(context.Context) (int, error) {
		c.box.watch.warn()
		return 1, nil
	})
	_, err = p.Wait(t.Context())
	require.NoError(t, err)
	require.NoError(t, c.StopWait(t.Context()))
	assert.Empty(t, log.String())
}
