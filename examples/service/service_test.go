package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/clitest"
)

func TestVotesAreCounted(t *testing.T) {
	s := openService(t, newOptions(t))
	for _, tt := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/votes", http.StatusOK, `{"coffee":0,"tea":0}` + "\n"},
		{"POST", "/votes/tea", http.StatusOK, "1\n"},
		{"POST", "/votes/tea", http.StatusOK, "2\n"},
		{"POST", "/votes/beer", http.StatusNotFound, "Not Found\n"},
		{"GET", "/votes/tea", http.StatusMethodNotAllowed, "Method Not Allowed\n"},
		{"GET", "/votes", http.StatusOK, `{"coffee":0,"tea":2}` + "\n"},
		{"GET", "/healthz", http.StatusOK, `"ok"` + "\n"},
	} {
		status, body := request(s, tt.method, tt.path)
		assert.Equal(t, tt.status, status, tt.path)
		assert.Equal(t, tt.body, body, tt.path)
	}
}

func TestVotesAtTheSameTimeAreAllCounted(t *testing.T) {
	o := newOptions(t)
	bubble(t, func(t *testing.T) {
		s := openService(t, o)
		var all sync.WaitGroup
		for range 500 {
			all.Go(func() { request(s, "POST", "/votes/tea") })
		}
		all.Wait()
		_, body := request(s, "GET", "/votes")
		assert.JSONEq(t, `{"coffee":0,"tea":500}`, body)
	})
}

func TestVotesAreSavedPeriodically(t *testing.T) {
	o := newOptions(t)
	bubble(t, func(t *testing.T) {
		s := openService(t, o)
		request(s, "POST", "/votes/tea")
		assert.NoFileExists(t, o.file)
		time.Sleep(o.interval)
		synctest.Wait()
		text, err := os.ReadFile(o.file)
		require.NoError(t, err)
		assert.JSONEq(t, `{"coffee":0,"tea":1}`, string(text))
	})
}

func TestPanicRestartsTheBallotWithTheVotesThatWereSaved(t *testing.T) {
	o := newOptions(t)
	bubble(t, func(t *testing.T) {
		s := openService(t, o)
		request(s, "POST", "/votes/tea")
		require.NoError(t, actors.Do(t.Context(), s.ballot.caller, s.ballot.save))
		_ = actors.Do(t.Context(), s.ballot.caller, func(context.Context) error {
			s.ballot.votes["tea"] = 1000
			panic("half done")
		})
		status, body := request(s, "POST", "/votes/tea")
		assert.Equal(t, http.StatusOK, status)
		assert.Equal(t, "2\n", body)
	})
}

func TestTooManyPanicsEndTheService(t *testing.T) {
	o := newOptions(t)
	bubble(t, func(t *testing.T) {
		s := openService(t, o)
		for range 6 {
			_ = actors.Do(t.Context(), s.ballot.caller, func(context.Context) error { panic("again") })
		}
		require.ErrorIs(t, s.wait(t.Context()), errFailedTooOften)
		status, _ := request(s, "GET", "/healthz")
		assert.Equal(t, http.StatusServiceUnavailable, status)
	})
}

func TestTooManyRequestsAreRefused(t *testing.T) {
	s := openService(t, newOptions(t))
	release := occupy(t, s)
	defer release()
	for range mostQueued {
		actors.CallSoon(t.Context(), s.ballot.caller, func(context.Context) (any, error) { return nil, nil })
	}
	status, _ := request(s, "GET", "/votes")
	assert.Equal(t, http.StatusServiceUnavailable, status)
}

func TestServiceThatIsBusyIsHealthy(t *testing.T) {
	s := openService(t, newOptions(t))
	release := occupy(t, s)
	defer release()
	for range mostQueued {
		actors.CallSoon(t.Context(), s.ballot.caller, func(context.Context) (any, error) { return nil, nil })
	}
	status, _ := request(s, "GET", "/healthz")
	assert.Equal(t, http.StatusOK, status)
}

func TestClientThatHasGoneIsNoFailureOfTheService(t *testing.T) {
	s := openService(t, newOptions(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	s.ballot.routes().ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/votes", http.NoBody))
	assert.Equal(t, statusClientGone, w.Code)
}

func TestRequestThatTakesTooLongIsAnswered(t *testing.T) {
	o := newOptions(t)
	bubble(t, func(t *testing.T) {
		s := openService(t, o)
		release := occupy(t, s)
		defer release()
		status, body := request(s, "GET", "/votes")
		assert.Equal(t, http.StatusServiceUnavailable, status)
		assert.Equal(t, "the service is busy\n", body)
	})
}

func TestCloseAnswersTheRequestsThatHaveCome(t *testing.T) {
	o := newOptions(t)
	s, err := open(t.Context(), o, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	begun, next := make(chan struct{}), s.web.Handler
	s.web.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		next.ServeHTTP(w, r)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { s.served <- s.web.Serve(listener) }()
	release := occupy(t, s)
	answered := make(chan int)
	go func() {
		response, err := http.Post("http://"+listener.Addr().String()+"/votes/tea", "", http.NoBody)
		if assert.NoError(t, err) {
			response.Body.Close()
			answered <- response.StatusCode
		}
		close(answered)
	}()
	<-begun
	closed := make(chan error)
	go func() { closed <- s.close(t.Context()) }()
	require.ErrorIs(t, <-s.served, http.ErrServerClosed)
	release()

	assert.Equal(t, http.StatusOK, <-answered)
	require.NoError(t, <-closed)
	text, err := os.ReadFile(o.file)
	require.NoError(t, err)
	assert.JSONEq(t, `{"coffee":0,"tea":1}`, string(text))
	http.DefaultClient.CloseIdleConnections()
}

func TestCloseEndsAtTheDeadlineWhateverRuns(t *testing.T) {
	o := newOptions(t)
	bubble(t, func(t *testing.T) {
		s := openService(t, o)
		request(s, "POST", "/votes/tea")
		release := occupy(t, s)
		begin := time.Now()
		err := s.close(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.LessOrEqual(t, time.Since(begin), o.grace+2*stopTimeout)
		release()
	})
}

func TestSignalSavesTheVotes(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			file := newFile(t)
			cmd := clitest.Command(t, "-listen", "127.0.0.1:0", "-file", file, "tea", "coffee")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			line, err := bufio.NewReader(stdout).ReadString('\n')
			require.NoError(t, err)
			address := strings.TrimPrefix(strings.TrimSpace(line), "votes are taken at ")

			response, err := http.Post(address+"/tea", "", http.NoBody)
			require.NoError(t, err)
			response.Body.Close()
			http.DefaultClient.CloseIdleConnections()
			require.NoError(t, cmd.Process.Signal(signal))
			require.NoError(t, cmd.Wait(), &stderr)
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.JSONEq(t, `{"coffee":0,"tea":1}`, string(text))
		})
	}
}

func TestMetricsAreSent(t *testing.T) {
	var mu sync.Mutex
	sent := map[string]string{}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		mu.Lock()
		defer mu.Unlock()
		sent[r.URL.Path] += string(body)
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	s := openService(t, newOptions(t))
	request(s, "POST", "/votes/tea")
	require.NoError(t, s.close(t.Context()))
	mu.Lock()
	defer mu.Unlock()
	for _, name := range []string{"service.votes", "protocaller.run.duration", "protocaller.queue.duration"} {
		assert.Contains(t, sent["/v1/metrics"], name)
	}
}

func TestVotesThatCannotBeSavedAreAnError(t *testing.T) {
	s := openService(t, options{file: "/nowhere/votes.json", interval: time.Hour, grace: time.Minute, choices: []string{"tea", "coffee"}})
	request(s, "POST", "/votes/tea")
	require.ErrorIs(t, s.close(t.Context()), os.ErrNotExist)
}

func TestVotesOfTheLastTimeAreThere(t *testing.T) {
	for text, want := range map[string]string{
		`{"tea":2,"beer":1}`: `{"beer":1,"coffee":0,"tea":2}`,
		`null`:               `{"coffee":0,"tea":0}`,
	} {
		o := newOptions(t)
		require.NoError(t, os.WriteFile(o.file, []byte(text), 0o600))
		_, body := request(openService(t, o), "GET", "/votes")
		assert.JSONEq(t, want, body)
	}
}

func TestVotesThatCannotBeReadAreAnError(t *testing.T) {
	file := newFile(t)
	require.NoError(t, os.WriteFile(file, []byte("no JSON"), 0o600))
	got := clitest.Execute(t, nil, "-listen", "127.0.0.1:0", "-file", file, "tea", "coffee")
	assert.Equal(t, cli.StatusFailed, got.Status)
	assert.Regexp(t, `service: [^\n]*votes of `+file+`: invalid character[^\n]*\n$`, got.Stderr)
}

func TestAddressThatCannotBeWrittenIsAnError(t *testing.T) {
	clitest.CheckUnwritable(t, command, "-listen", "127.0.0.1:0", "-file", newFile(t), "tea", "coffee")
	clitest.CheckUnwritable(t, command, "-help")
}

func TestUnusableArguments(t *testing.T) {
	for want, args := range map[string][]string{
		"flag provided but not defined: -?[2J":          {"-\x1b[2J"},
		"two choices are needed, not 1; try -help":      {"tea"},
		"-save 0s: it must be positive":                 {"-save", "0", "tea", "coffee"},
		"-grace -1s: it must be positive":               {"-grace", "-1s", "tea", "coffee"},
		"-file /dev/null: it is not a regular file":     {"-file", "/dev/null", "tea", "coffee"},
		"stat /dev/null/?: not a directory":             {"-file", "/dev/null/\a", "tea", "coffee"},
		"-listen ?: address ?: missing port in address": {"-listen", "\a", "tea", "coffee"},
	} {
		t.Run(want, func(t *testing.T) {
			assert.Equal(t, clitest.Outcome{Status: cli.StatusUsage, Stderr: "service: " + want + "\n"}, clitest.Execute(t, nil, args...))
		})
	}
}

func TestHelp(t *testing.T) {
	assert.Equal(t, clitest.Outcome{Stdout: usage}, clitest.Execute(t, nil, "-help"))
}
