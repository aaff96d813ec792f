package actors_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// newSystem returns an actor system that keeps quiet, and whose dead letters
// leave no goroutine behind.
func newSystem(testing.TB) *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond),
	)
}

// start returns a running caller that is stopped when the test ends.
func start(tb testing.TB, system *actor.ActorSystem, opts ...props.Option) *actors.Caller {
	tb.Helper()
	c, err := actors.Start(system, opts...)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, c.StopWait(context.Background(), actors.Force())) })
	return c
}
