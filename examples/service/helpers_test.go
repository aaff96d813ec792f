package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

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

// bubble runs a test in a bubble of testing/synctest.
func bubble(t *testing.T, test func(t *testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(2 * time.Second) }) // for the throttle of the dead letters
		test(t)
	})
}

// newFile returns the name of a file that there is not yet.
func newFile(t *testing.T) string { return filepath.Join(t.TempDir(), "votes.json") }

func newOptions(t *testing.T) options {
	return options{file: newFile(t), interval: time.Hour, grace: time.Minute, choices: []string{"tea", "coffee"}}
}

// openService returns a service that is closed when the test ends.
func openService(t *testing.T, o options) *service {
	t.Helper()
	s, err := open(t.Context(), o, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.close(context.Background()) })
	return s
}

// request returns the status and the body of an answer.
func request(s *service, method, path string) (status int, body string) {
	w := httptest.NewRecorder()
	s.web.Handler.ServeHTTP(w, httptest.NewRequest(method, path, http.NoBody))
	text, _ := io.ReadAll(w.Body)
	return w.Code, string(text)
}

// occupy holds the turn of the ballot until release is called.
func occupy(t *testing.T, s *service) (release func()) {
	t.Helper()
	begun, end := make(chan struct{}), make(chan struct{})
	actors.CallSoon(t.Context(), s.ballot.caller, func(context.Context) (any, error) {
		close(begun)
		<-end
		return nil, nil
	})
	<-begun
	return func() { close(end) }
}
