package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/clitest"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/otlp"
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

// open returns the address of a shop that is open until close is called, which
// sends its traces.
func open(t *testing.T, later time.Duration) (address string, closeShop func()) {
	t.Helper()
	flush, err := otlp.Setup(t.Context(), service)
	require.NoError(t, err)
	s := newShop(t, later)
	web := httptest.NewServer(s.handler())
	return web.URL, func() {
		web.Close()
		require.NoError(t, s.close(context.Background()))
		require.NoError(t, flush(context.Background()))
	}
}

func newShop(t *testing.T, later time.Duration) *shop {
	t.Helper()
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
	s, err := openShop(system, telemetry.New(), later)
	require.NoError(t, err)
	return s
}
