package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/examples/tracing/jaeger"
	"github.com/seed-7fcaac1b/protocaller/examples/tracing/jaeger/jaegertest"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// The traces in testdata have a line for each span, below that of its parent.
// Its events and its attributes follow.

func TestAnOrderIsSeenInJaeger(t *testing.T) {
	server := jaegertest.Start(t, "tool")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	address, closeShop := open(t, 2*time.Second) // long enough for the span of the request to be over

	id, err := order(ctx, address)
	require.NoError(t, err)
	closeShop() // after the receipt

	spans, err := server.Trace(ctx, id, atLeast(spansOfAnOrder))
	require.NoError(t, err)
	later, err := server.Linked(ctx, service, "send receipt", id, atLeast(1))
	require.NoError(t, err)
	assert.Equal(t, read(t, "order.txt"), tree(spans, spans, "", 0))
	require.Len(t, later, 1)
	assert.NotEqual(t, id, later[0].TraceID)
	assert.Equal(t, read(t, "receipt.txt"), tree(later, spans, "", 0))
	for _, s := range append(spans, later...) {
		timesAddUp(t, s)
	}

	svg, err := draw(ctx, server, id, 1)
	require.NoError(t, err)
	for _, s := range append(spans, later...) {
		assert.Contains(t, svg, ">"+s.Name+"<")
	}
	assert.Contains(t, svg, "the card is declined")
}

func TestThePictureOfAnOrderIsWritten(t *testing.T) {
	jaegertest.Start(t, "tool") // keeps the environment, and is not the one that the program starts
	file := filepath.Join(t.TempDir(), "order.svg")

	require.Equal(t, cli.StatusOK, run(t.Context(), []string{"-picture", file, "-listen", "127.0.0.1:0"}, io.Discard, os.Stderr))

	svg, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Contains(t, string(svg), "another trace, linked to this one")
	assert.Less(t, len(svg), 20_000)
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	require.NoError(t, err)
	return string(text)
}

// tree describes the spans below a parent, siblings in the order of their names.
func tree(spans, linked []jaeger.Span, parent string, depth int) string {
	var below []jaeger.Span
	for _, s := range spans {
		if s.Parent == parent {
			below = append(below, s)
		}
	}
	slices.SortFunc(below, func(a, b jaeger.Span) int { return strings.Compare(a.Name, b.Name) })
	var b strings.Builder
	for _, s := range below {
		for i, line := range describe(s, linked) {
			b.WriteString(strings.Repeat("  ", depth+min(i, 1)) + line + "\n")
		}
		b.WriteString(tree(spans, linked, s.ID, depth+1))
	}
	return b.String()
}

func describe(s jaeger.Span, linked []jaeger.Span) (text []string) {
	head := s.Name + " [" + s.Kind + "]"
	if s.Failed {
		head += " error: " + s.Message
	}
	for _, link := range s.Links {
		i := slices.IndexFunc(linked, func(other jaeger.Span) bool { return other.ID == link.SpanID })
		head += " linked to " + linked[i].Name
	}
	return append(append([]string{head}, eventsOf(s)...), attributesOf(s)...)
}

// eventsOf lists the events. The worker waits for what is written down, unless
// that is done already.
func eventsOf(s jaeger.Span) (list []string) {
	for _, e := range s.Events {
		text := "* " + e.Name
		for _, key := range []string{string(telemetry.OnKey), string(telemetry.CauseKey), "exception.type"} {
			if value, ok := e.Attributes[key]; ok {
				text += ": " + value
			}
		}
		list = append(list, text)
	}
	if strings.HasSuffix(s.Name, "shelves") && len(list) == 1 {
		list = append(list, "* suspended: write down", "* resumed")
	}
	return list
}

// invented are the parts of ids that the actor system makes up, and the folder
// of this package.
var invented = regexp.MustCompile(`\$\w+$|^github.com/.*/`)

// attributesOf lists the attributes. It leaves out those that are different each
// time, and those of HTTP that other programs have as well.
func attributesOf(s jaeger.Span) (list []string) {
	for key, value := range s.Attributes {
		switch {
		case strings.HasSuffix(key, ".duration"), key == "internal.span.format":
		case s.Kind == "server" && !strings.HasPrefix(key, "messaging.") && !strings.HasPrefix(key, "protocaller.") &&
			key != "http.route" && key != "http.response.status_code":
		default:
			list = append(list, "- "+key+"="+invented.ReplaceAllString(value, ""))
		}
	}
	slices.Sort(list)
	return list
}

// timesAddUp checks what a span says of its time.
func timesAddUp(t *testing.T, s jaeger.Span) {
	t.Helper()
	const rounding = 1e-8 // of seconds, as the attributes have them
	seconds := func(key string) float64 {
		value, err := strconv.ParseFloat(s.Attributes[key], 64)
		require.NoError(t, err, "%s of %s", key, s.Name)
		return value
	}
	if s.Attributes["code.function.name"] == "" { // no call
		return
	}
	queue, run := seconds(string(telemetry.QueueDurationKey)), seconds(string(telemetry.RunDurationKey))
	assert.LessOrEqual(t, queue+run, s.End.Sub(s.Start).Seconds()+rounding, s.Name)
	for _, e := range s.Events {
		if e.Name != "exception" { // is noted after the end
			assert.GreaterOrEqual(t, queue+run+rounding, e.Time.Sub(s.Start).Seconds(), "%s: %s comes after it", s.Name, e.Name)
		}
	}
	for _, e := range s.Events {
		if e.Name == telemetry.EventSuspended {
			assert.LessOrEqual(t, queue, e.Time.Sub(s.Start).Seconds()+rounding, s.Name)
		}
	}
	if waited := s.Attributes[string(telemetry.WaitDurationKey)]; waited != "" {
		assert.LessOrEqual(t, seconds(string(telemetry.WaitDurationKey)), run+rounding, s.Name)
	}
}
