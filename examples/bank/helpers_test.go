package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/clitest"
)

func TestMain(m *testing.M) {
	if clitest.IsProgram() {
		main() // it does not return
	}
	status := m.Run()
	if err := leaks(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// leaks returns an error if goroutines are left. It asks several times, because
// a dead letter keeps one of protoactor's for a second, and goleak waits less.
func leaks() (err error) {
	for range 5 {
		if err = goleak.Find(); err == nil {
			return nil
		}
	}
	return err
}

// newSystem returns an actor system whose callers are stopped when the test
// ends, and which leaves no goroutine behind then.
func newSystem(t *testing.T) *actor.ActorSystem {
	t.Helper()
	system := actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond),
	)
	t.Cleanup(func() {
		require.NoError(t, actors.Shutdown(context.Background(), system))
		require.NoError(t, leaks())
	})
	return system
}

// newPair returns two accounts with 100 each.
func newPair(t *testing.T) (a, b *account) {
	t.Helper()
	system := newSystem(t)
	a, err := openAccount(system, "a", 100)
	require.NoError(t, err)
	b, err = openAccount(system, "b", 100)
	require.NoError(t, err)
	return a, b
}

// balanceOf asks an account.
func balanceOf(t *testing.T, a *account) int {
	t.Helper()
	money, err := a.ask(t.Context(), balance{}).Wait(t.Context())
	require.NoError(t, err)
	return money
}

// occupy holds the turn of an account until release is called.
func occupy(t *testing.T, a *account) (release func()) {
	t.Helper()
	begun, end := make(chan struct{}), make(chan struct{})
	require.NoError(t, a.caller.CallDirect(func() {
		close(begun)
		<-end
	}))
	<-begun
	return func() { close(end) }
}
