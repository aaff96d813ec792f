package safelog_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-7fcaac1b/protocaller/internal/safelog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// broken is a handler whose methods panic if they are named.
type broken struct {
	slog.Handler
	methods map[string]bool
}

func (b broken) fail(method string) {
	if b.methods[method] {
		panic(method)
	}
}

func (b broken) Enabled(ctx context.Context, level slog.Level) bool {
	b.fail("Enabled")
	return b.Handler.Enabled(ctx, level)
}

func (b broken) Handle(ctx context.Context, r slog.Record) error {
	b.fail("Handle")
	return b.Handler.Handle(ctx, r)
}

func (b broken) WithAttrs(attrs []slog.Attr) slog.Handler {
	b.fail("WithAttrs")
	return broken{b.Handler.WithAttrs(attrs), b.methods}
}

func (b broken) WithGroup(name string) slog.Handler {
	b.fail("WithGroup")
	return broken{b.Handler.WithGroup(name), b.methods}
}

func TestPanicOfAHandlerGoesNoFurther(t *testing.T) {
	for method, want := range map[string]string{
		"":          "msg=hello g.a=1 g.b=2\n",
		"Enabled":   "",
		"Handle":    "",
		"WithAttrs": "msg=hello g.b=2\n",
		"WithGroup": "msg=hello a=1 b=2\n",
	} {
		t.Run(method, func(t *testing.T) {
			var text bytes.Buffer
			inner := slog.NewTextHandler(&text, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
					return slog.Attr{}
				}
				return a
			}})
			l := safelog.Wrap(slog.New(broken{inner, map[string]bool{method: true}}))
			l.WithGroup("g").With("a", 1).Info("hello", "b", 2)
			assert.Equal(t, want, text.String())
		})
	}
}

func TestHandlerThatPanicsReportsAnError(t *testing.T) {
	l := safelog.Wrap(slog.New(broken{slog.DiscardHandler, map[string]bool{"Handle": true}}))
	require.EqualError(t, l.Handler().Handle(t.Context(), slog.Record{}), "safelog: the handler panicked: Handle")
}

// A handler may return no handler, which panics later.
func TestHandlerThatDerivesNoneLogsNothing(t *testing.T) {
	l := safelog.Wrap(slog.New(none{slog.DiscardHandler}))
	l.With("a", 1).Info("hello")
	l.WithGroup("g").Info("hello")
}

type none struct{ slog.Handler }

func (none) WithAttrs([]slog.Attr) slog.Handler { return nil }
func (none) WithGroup(string) slog.Handler      { return nil }
