package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-7fcaac1b/protocaller/examples/tracing/jaeger"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/otlp"
)

func TestMain(m *testing.M) {
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

// startJaeger returns a Jaeger that ends with the test, and has the environment
// name it.
func startJaeger(t *testing.T) *jaeger.Server {
	t.Helper()
	if os.Getenv("JAEGER") == "" {
		t.Skip("needs a Jaeger: JAEGER=1 go test ./... builds it, which takes some minutes the first time, and runs it")
	}
	program, err := jaeger.Build(t.Context(), "tool")
	require.NoError(t, err)
	server, err := jaeger.Start(context.Background(), program)
	require.NoError(t, err)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		assert.NoError(t, server.Stop())
	})
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.OTLP)
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
	t.Setenv("OTEL_METRICS_EXPORTER", "none")
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
	return server
}

// open returns the address of a shop that is open until close is called, which
// sends its traces.
func open(t *testing.T, later time.Duration) (address string, closeShop func()) {
	t.Helper()
	flush, err := otlp.Setup(t.Context(), service)
	require.NoError(t, err)
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
	s, err := openShop(system, telemetry.New(), later)
	require.NoError(t, err)
	web := httptest.NewServer(s.handler())
	return web.URL, func() {
		web.Close()
		require.NoError(t, s.close(context.Background()))
		require.NoError(t, flush(context.Background()))
	}
}
