package tracetest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// drawn returns the waterfall of what record does, in virtual time, without the
// ids of the traces.
func drawn(t *testing.T, record func(ctx context.Context, tracer trace.Tracer)) string {
	t.Helper()
	var text strings.Builder
	synctest.Test(t, func(t *testing.T) {
		r := tracetest.NewRecorder()
		record(context.Background(), r.Tracer())
		require.NoError(t, tracetest.Waterfall(&text, r.Spans()))
	})
	var lines []string
	for line := range strings.Lines(text.String()) {
		if strings.HasPrefix(line, "trace ") {
			line = "trace" + line[strings.IndexByte(line, ':'):]
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "")
}

// span records a span that begins now and takes so long.
func span(ctx context.Context, tracer trace.Tracer, name string, took, queued time.Duration) {
	begin := time.Now()
	_, s := tracer.Start(ctx, name, trace.WithTimestamp(begin))
	if queued > 0 {
		s.SetAttributes(telemetry.QueueDurationKey.Float64(queued.Seconds()),
			telemetry.RunDurationKey.Float64((took - queued).Seconds()))
	}
	s.End(trace.WithTimestamp(begin.Add(took)))
}

func TestWaterfallShowsWhenSpansWere(t *testing.T) {
	got := drawn(t, func(ctx context.Context, tracer trace.Tracer) {
		ctx, root := tracer.Start(ctx, "root")
		defer root.End()
		span(ctx, tracer, "first", time.Second, 500*time.Millisecond)
		time.Sleep(2 * time.Second)
		below, second := tracer.Start(ctx, "second, which has a name that is longer than the column")
		span(below, tracer, "deep", 0, 0)
		time.Sleep(2 * time.Second)
		second.SetStatus(codes.Error, errors.New("boom").Error())
		second.End()
	})
	assert.Equal(t, strings.TrimLeft(`
trace: 4 spans, 4s
root                                         ████████████████████████████████████████       4s
├ first                                      ░░░░░█████                                     1s
└ second, which has a name that is longer t…                     ████████████████████       2s  error "boom"
  └ deep                                                         █                          0s
`, "\n"), got)
}

func TestWaterfallIsBounded(t *testing.T) {
	got := drawn(t, func(ctx context.Context, tracer trace.Tracer) {
		for n := range 12 {
			ctx, root := tracer.Start(ctx, fmt.Sprint("root ", n))
			for n := range 1000 {
				span(ctx, tracer, "same", time.Duration(n+1)*time.Millisecond, 0)
			}
			span(ctx, tracer, "other", time.Second, 0)
			root.End()
			time.Sleep(time.Second)
		}
	})
	assert.Equal(t, 10*9+1, strings.Count(got, "\n"))
	assert.Contains(t, got, "└ … 995 more same, 6ms to 1s\n")
	assert.True(t, strings.HasSuffix(got, "… and 2 traces more\n"))
}

func TestWaterfallOfNothingIsEmpty(t *testing.T) {
	assert.Empty(t, drawn(t, func(context.Context, trace.Tracer) {}))
}
