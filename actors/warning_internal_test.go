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

	"github.com/seed-7fcaac1b/protocaller/props"
)

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
