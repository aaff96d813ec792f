package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
)

func TestTraceIsDrawn(t *testing.T) {
	contents := map[string]string{}
	for _, name := range strings.Split("abcdefghij", "") {
		contents[name] = name
	}
	got := runArgs(t, "-trace", makeTree(t, contents))
	assert.Zero(t, got.Status)
	assert.Regexp(t, `\ntrace [0-9a-f]{32}: 12 spans, `, got.Stdout)
	assert.Regexp(t, `\nquickstart +█+ `, got.Stdout)
	assert.Regexp(t, `\n└ \w+\.\(\*tally\)\.count +░*█+ `, got.Stdout)
	assert.Regexp(t, `\n  ├ \w+\.\(\*tally\)\.hash\.func1 +░*█+`, got.Stdout)
	assert.Regexp(t, `\n  └ … 5 more \w+\.\(\*tally\)\.hash\.func1, `, got.Stdout)
}

func TestTraceIsSentWhereTheEnvironmentSays(t *testing.T) {
	var mu sync.Mutex
	sent := map[string]string{}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		mu.Lock()
		defer mu.Unlock()
		sent[r.URL.Path] += string(body)
	}))
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
	t.Setenv("OTEL_METRICS_EXPORTER", "otlp")
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), []string{"-trace", makeTree(t, map[string]string{"file": "content"})}, &stdout, &stderr)
	collector.Close()
	require.NoError(t, leaks())
	assert.Zero(t, status)
	assert.Empty(t, stderr.String())
	assert.Regexp(t, `\ntrace [0-9a-f]{32} was sent\n$`, stdout.String())
	assert.Contains(t, sent["/v1/traces"], "(*tally).hash.func1")
	assert.Contains(t, sent["/v1/metrics"], "protocaller.pending.done")
}

func TestTraceThatCannotBeSentIsTheLastOfTheErrors(t *testing.T) {
	nobody := httptest.NewServer(http.NotFoundHandler())
	nobody.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", nobody.URL)
	t.Setenv("OTEL_METRICS_EXPORTER", "")
	got := runArgs(t, "-trace", t.TempDir())
	assert.Equal(t, cli.StatusFailed, got.Status)
	assert.Contains(t, got.Stdout, "files       0\n")
	assert.Regexp(t, `^quickstart: the trace was not sent: [^\n]+\n$`, got.Stderr)

	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	var stdout, stderr bytes.Buffer
	assert.Equal(t, cli.StatusInterrupted, run(ctx, []string{"-trace", t.TempDir()}, &stdout, &stderr))
	assert.Equal(t, "quickstart: interrupted before all files were read\n", stderr.String())
}
