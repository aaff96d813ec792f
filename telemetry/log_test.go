package telemetry_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

func TestRecordsOfACallerCarryTheIDsOfTheTrace(t *testing.T) {
	var text bytes.Buffer
	s := newScene(t, props.Logger(slog.New(slog.NewTextHandler(&text, nil))))
	_, err := s.call(s.ctx, "job", func(ctx context.Context) error {
		c, _ := actors.Current(ctx)
		c.Logger().With("a", 1).WithGroup("g").InfoContext(ctx, "within", "b", 2)
		c.Logger().Info("without")
		return nil
	}).Wait(s.ctx)
	require.NoError(t, err)
	s.root.End()
	require.NoError(t, s.caller.StopWait(s.ctx))

	sc := s.one(t, "job").SpanContext()
	lines := strings.Split(text.String(), "\n")
	assert.Contains(t, lines[0], "a=1 g.b=2 g.trace_id="+sc.TraceID().String()+" g.span_id="+sc.SpanID().String())
	assert.NotContains(t, lines[1], "trace_id")
}

func TestLogHandlerLeavesRecordsWithoutATraceAlone(t *testing.T) {
	var text bytes.Buffer
	l := slog.New(telemetry.LogHandler(slog.NewTextHandler(&text, nil)))
	l.InfoContext(context.Background(), "plain")
	assert.NotContains(t, text.String(), "trace_id")
}

func TestRecordHasTheIDsOnce(t *testing.T) {
	wrap := map[string]func(h slog.Handler) slog.Handler{
		"wrapped twice": func(h slog.Handler) slog.Handler { return telemetry.LogHandler(telemetry.LogHandler(h)) },
		"wrapped with attributes": func(h slog.Handler) slog.Handler {
			return telemetry.LogHandler(h).WithAttrs([]slog.Attr{slog.Int("a", 1)})
		},
		"wrapped by another":      func(h slog.Handler) slog.Handler { return struct{ slog.Handler }{telemetry.LogHandler(h)} },
		"wrapped, and in a group": func(h slog.Handler) slog.Handler { return telemetry.LogHandler(h).WithGroup("g") },
	}
	for name, wrap := range wrap {
		t.Run(name, func(t *testing.T) {
			var text bytes.Buffer
			s := newScene(t, props.Logger(slog.New(wrap(slog.NewTextHandler(&text, nil)))))
			_, err := s.call(s.ctx, "job", func(ctx context.Context) error {
				c, _ := actors.Current(ctx)
				c.Logger().InfoContext(ctx, "within")
				return nil
			}).Wait(s.ctx)
			require.NoError(t, err)
			s.root.End()
			require.NoError(t, s.caller.StopWait(s.ctx))
			assert.Equal(t, 1, strings.Count(text.String(), "trace_id="), text.String())
			assert.Equal(t, 1, strings.Count(text.String(), "span_id="), text.String())
		})
	}
}
