package main

import (
	"context"
	"net"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/clitest"
	"github.com/seed-7fcaac1b/protocaller/examples/tracing/jaeger"
	"github.com/seed-7fcaac1b/protocaller/examples/tracing/jaeger/jaegertest"
)

var traceID = regexp.MustCompile(`(?m)^trace +(\w+)$`)

// seen returns the spans of the trace that a program has begun.
func seen(t *testing.T, server *jaeger.Server, got clitest.Outcome, n int) (spans []jaeger.Span) {
	t.Helper()
	match := traceID.FindStringSubmatch(got.Stdout)
	require.NotNil(t, match, got.Stdout+got.Stderr)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	spans, err := server.Trace(ctx, match[1], func(spans []jaeger.Span) bool { return len(spans) >= n })
	require.NoError(t, err)
	return spans
}

func TestOneTraceSpansAllProcesses(t *testing.T) {
	server := jaegertest.Start(t, "../tracing/tool")
	const files = 300
	p := start(t, "-trace", "-local", "3", makeTree(t, files))
	members := p.members(3)
	got := p.end()
	require.Zero(t, got.Status, got.Stderr)

	spans := seen(t, server, got, 1+2*files)
	byID, members3 := make(map[string]jaeger.Span), make(map[string]bool)
	for _, s := range spans {
		byID[s.ID] = s
	}
	count := make(map[string]int)
	for _, s := range spans {
		parent := byID[s.Parent]
		count[parent.Name+" "+parent.Kind+" > "+s.Name+" "+s.Kind]++
		for _, e := range s.Events {
			if address, ok := e.Attributes["server.address"]; ok {
				members3[net.JoinHostPort(address, e.Attributes["server.port"])] = true
			}
		}
	}
	assert.Equal(t, map[string]int{
		"  > hash all internal":           1,
		"hash all internal > hash client": files,
		"hash client > hash server":       files,
	}, count, "one tree")
	for _, m := range members {
		assert.Contains(t, members3, m.address)
	}
}

func TestCancellationIsSeenOnTheFarSide(t *testing.T) {
	server := jaegertest.Start(t, "../tracing/tool")
	dir := t.TempDir()
	endless := makeEndless(t, dir)
	p := start(t, "-trace", "-local", "1", dir)
	waitUntilOpen(t, p.members(1)[0].pid, endless)
	p.signal(os.Interrupt)
	got := p.end()
	require.Equal(t, cli.StatusInterrupted, got.Status, got.Stderr)
	for _, s := range seen(t, server, got, 3) {
		assert.Equal(t, "cancelled", s.Attributes["protocaller.outcome"], s.Name+" "+s.Kind)
	}
}
