package inspect_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry/inspect"
)

func newSystem() *actor.ActorSystem {
	return actor.NewActorSystem(func(config *actor.Config) {
		config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
	})
}

// start returns a running caller that is stopped when the test ends.
func start(t testing.TB, system *actor.ActorSystem, opts ...props.Option) *actors.Caller {
	t.Helper()
	c, err := actors.Start(system, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.StopWait(context.Background())) })
	return c
}

// take returns a snapshot.
func take(t testing.TB, system *actor.ActorSystem, opts ...inspect.Option) *inspect.Snapshot {
	t.Helper()
	s, err := inspect.Take(context.Background(), system, opts...)
	require.NoError(t, err)
	return s
}

// hold has a function of c wait until the returned function is called.
func hold(t testing.TB, c *actors.Caller, wait func(ctx context.Context, release *pending.Pending[int])) (release func()) {
	t.Helper()
	gate := pending.New[int](context.Background(), pending.Named("gate"))
	began := make(chan struct{})
	p := actors.CallSoon(context.Background(), c, actors.NoResult(func(ctx context.Context) error {
		close(began)
		wait(ctx, gate)
		return nil
	}))
	<-began
	release = func() {
		gate.SetResult(1)
		_, _ = p.Wait(context.Background()) // how it ends does not matter
	}
	t.Cleanup(release)
	return release
}

// suspend has a function of the caller wait without the turn. It returns when it does.
func suspend(t testing.TB, c *actors.Caller) {
	t.Helper()
	hold(t, c, func(ctx context.Context, gate *pending.Pending[int]) { _, _ = gate.Wait(ctx) })
	require.NoError(t, actors.Do(context.Background(), c, func(context.Context) error { return nil }))
}

// held has a function wait on the goroutine, so that it runs.
func held(_ context.Context, gate *pending.Pending[int]) { <-gate.Done() }

// local returns a request of this machine.
func local(method, path string) *http.Request {
	r := httptest.NewRequest(method, "http://localhost"+path, nil)
	r.RemoteAddr = "127.0.0.1:4242"
	return r
}

// get returns the answer of a handler to a request of this machine.
func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, local(http.MethodGet, path))
	return w
}

// post returns the answer of a handler to a POST of this machine.
func post(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, local(http.MethodPost, path))
	return w
}

func itoa(id uint64) string { return strconv.FormatUint(id, 10) }
