package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry/inspect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve serves the pages of a system whose caller shop has a call that waits.
func serve(t *testing.T) (address string, call uint64) {
	t.Helper()
	system := actor.NewActorSystem(func(config *actor.Config) {
		config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
	})
	c, err := actors.Start(system, props.Name("shop"))
	require.NoError(t, err)
	gate := pending.New[int](context.Background(), pending.Named("the bank"))
	began := make(chan struct{})
	p := actors.Schedule(context.Background(), c, func(ctx context.Context) (int, error) {
		close(began)
		return gate.Wait(ctx)
	}, actors.Named("pay"))
	<-began
	mux := http.NewServeMux()
	mux.Handle("/debug/callers/", inspect.Handler(system))
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		server.Close()
		gate.SetResult(1)
		require.NoError(t, c.StopWait(context.Background()))
	})
	for s := take(t, system); len(s.Callers[0].Suspended) == 0; s = take(t, system) { //nolint:revive // It waits at once.
	}
	return server.URL + "/debug/callers/", p.ID()
}

func take(t *testing.T, system *actor.ActorSystem) *inspect.Snapshot {
	t.Helper()
	s, err := inspect.Take(t.Context(), system)
	require.NoError(t, err)
	return s
}

// answering serves one answer to all requests.
func answering(t *testing.T, status int, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		server.Close()
	})
	return server.URL
}

func call(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(context.Background(), args, &o, &e)
	return code, o.String(), e.String()
}

func TestEachCommandShowsTheCallers(t *testing.T) {
	address, id := serve(t)
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"shop  running, 1 waiting", "pay waiting for the bank"}},
		{[]string{"tree"}, []string{"shop  running, 1 waiting"}},
		{[]string{"ps"}, []string{"CALL", "pay", "callers/shop", "waiting", "the bank"}},
		{[]string{"waits"}, []string{"pay on callers/shop waits for the bank"}},
		{[]string{"call", strconv.FormatUint(id, 10)}, []string{"pay", "the bank (promise)"}},
	} {
		code, out, errs := call(append([]string{address}, tt.args...)...)
		assert.Zero(t, code, errs)
		for _, want := range tt.want {
			assert.Contains(t, out, want, tt.args)
		}
	}
	code, _, errs := call(address, "call", "999999999")
	assert.Equal(t, 1, code)
	assert.Equal(t, "callers: there is no call 999999999 now\n", errs)
}

func TestNodesShowsTheOtherNodes(t *testing.T) {
	address, _ := serve(t)
	code, out, errs := call(address, "nodes")
	assert.Zero(t, code, errs)
	assert.Equal(t, "the process has no other nodes\n", out)

	code, out, errs = call(answering(t, http.StatusOK, `{"version": 1, "node": {"address": "a:1"}, "nodes": [
		null, {"address": "b:2", "state": "answers", "snapshot": {"callers": [{"id": "x"}], "node": {"identities_count": 7}}},
		{"address": "c:3\u001b[2J", "state": "silent", "error": "no answer"}],
		"across": [[{"node": "a:1", "call": 1, "name": "f", "caller": "x"}, {"node": "b:2", "call": 2, "name": "g\u001b", "caller": "y"}]]}`), "nodes")
	assert.Zero(t, code, errs)
	for _, want := range []string{"a:1", "asks", "b:2", "answers", "7", "c:3\uFFFD[2J", "silent", "no answer", "circle across nodes:", "f on x of a:1", "g\uFFFD on y of b:2"} {
		assert.Contains(t, out, want)
	}
	assert.NotContains(t, out, "\x1b")
}

// screen ends top when it is drawn for the second time.
type screen struct {
	text bytes.Buffer
	end  context.CancelFunc
}

func (s *screen) Write(b []byte) (int, error) {
	s.text.Write(b)
	if strings.Count(s.text.String(), clearScreen) == 2 {
		s.end()
	}
	return len(b), nil
}

func TestTopDrawsAgainUntilItIsInterrupted(t *testing.T) {
	address, _ := serve(t)
	c, err := parse([]string{address, "top"})
	require.NoError(t, err)
	c.every = time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out := &screen{end: cancel}
	require.NoError(t, c.do(ctx, out))
	assert.Equal(t, 2, strings.Count(out.text.String(), "nothing unusual"))
	assert.Contains(t, out.text.String(), "callers/shop")
}

func TestWrongArgumentsAreOneLineAndExitStatus2(t *testing.T) {
	for _, args := range [][]string{
		{}, {"localhost:80"}, {"ftp://localhost"}, {"http://h", "dance"}, {"http://h", "call"}, {"http://h", "call", "x"},
		{"http://h", "ps", "more"}, {"-verbose", "http://h"}, {"http://h", "\x1b[31m"}, {"%zz"},
	} {
		code, out, errs := call(args...)
		assert.Equal(t, 2, code, args)
		assert.Empty(t, out)
		assert.Equal(t, 1, strings.Count(errs, "\n"), errs)
		assert.NotContains(t, errs, "\x1b")
	}
	code, out, errs := call("-help")
	assert.Zero(t, code)
	assert.Equal(t, usage, out)
	assert.Empty(t, errs)
}

func TestProcessThatDoesNotAnswerAsExpectedIsExitStatus1(t *testing.T) {
	for name, address := range map[string]string{
		"refused":       answering(t, http.StatusForbidden, "inspect: not you\x1b[31m"),
		"no JSON":       answering(t, http.StatusOK, "<html>"),
		"other version": answering(t, http.StatusOK, `{"version": 99}`),
		"nobody":        "http://127.0.0.1:1",
		"no callers":    answering(t, http.StatusOK, `{"version": 1, "callers": [null]}`),
		"half a node":   answering(t, http.StatusOK, `{"version": 1, "nodes": [{"snapshot": {}}]}`),
		"twice there":   answering(t, http.StatusOK, `{"version": 1, "nodes": [{"snapshot": {"node": {}, "callers": [{"id": "a"}, {"id": "a"}]}}]}`),
		"twice":         answering(t, http.StatusOK, `{"version": 1, "callers": [{"id": "a"}, {"id": "a"}]}`),
	} {
		for _, command := range []string{"tree", "top"} {
			code, out, errs := call(address, command)
			assert.Equal(t, 1, code, name)
			assert.Empty(t, out, name)
			assert.Equal(t, 1, strings.Count(errs, "\n"), errs)
			assert.NotContains(t, errs, "\x1b")
		}
	}
	_, err := read(strings.NewReader(`{"version": 1, "system": "`+strings.Repeat("x", 1000)), 100)
	require.EqualError(t, err, "the answer is longer than 100 bytes")
}

func TestHostileSnapshotDoesNoHarm(t *testing.T) {
	evil := "\\u001b[2J\\u0000\\u009b" + strings.Repeat("x", 5000)
	body := fmt.Sprintf(`{"version": 1, "system": %[1]q, "circles": [[1, 2], [1]], "tails": [], "failures": [{"error": %[1]q}], "callers": [
		{"id": "a", "parent": "a/b", "name": %[1]q, "children": ["a/b", "nobody"], "state": %[1]q, "queues": [{"name": "%%d%%s", "items": 3}]},
		{"id": "a/b", "parent": "a", "children": ["a"], "suspended": [null, {"id": 1, "name": %[1]q, "state": "waiting", "waits_for": {"what": %[1]q, "needs": [1, 2]}}],
		 "running": {"id": 2, "name": "r", "progress": {"text": %[1]q}}, "delayed": [null]}]}`, evil)
	body = strings.ReplaceAll(body, `\\u`, `\u`)
	address := answering(t, http.StatusOK, body)
	for _, args := range [][]string{{"tree"}, {"ps"}, {"waits"}, {"call", "1"}} {
		code, out, errs := call(append([]string{address}, args...)...)
		require.Zero(t, code, "%v: %s", args, errs)
		assert.NotContains(t, out, "\x1b")
		assert.NotContains(t, out, "\x00")
		assert.NotContains(t, out, "\u009b")
		assert.Less(t, len(out), 10_000)
	}
	s, err := read(strings.NewReader(body), mostBytes)
	require.NoError(t, err)
	assert.NotContains(t, busiest(s, new(rates)), "\x1b")
}

func FuzzSnapshotOfAnotherProcess(f *testing.F) {
	f.Add(`{"version": 1, "callers": [{"id": "a", "suspended": [{"id": 1}]}], "circles": [[1]]}`)
	f.Add(`{"version": 1, "callers": [{"id": "", "parent": ""}]}`)
	f.Add(`{"version": 1, "callers": [{"id": "a/b", "parent": "a"}, {"id": "a", "parent": ""}]}`)
	f.Add(`{"version": 1, "node": {}, "nodes": [{"snapshot": {"node": {}, "callers": [{"id": "a"}], "nodes": [{}]}}, null], "across": [[{}], null]}`)
	f.Fuzz(func(t *testing.T, body string) {
		s, err := read(strings.NewReader(body), 1<<16)
		if err != nil {
			return
		}
		for _, text := range []string{s.String(), processes(s), waits(s), nodes(s), busiest(s, new(rates))} {
			assert.NotContains(t, text, "\x1b")
		}
	})
}
