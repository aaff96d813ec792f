// Package safelog guards the log calls of the library against the handlers that
// user code gives it. Many of those calls are made on goroutines of the library,
// where a panic would end the process.
package safelog

import (
	"context"
	"fmt"
	"log/slog"
)

// Wrap returns a logger that logs to the handler of l. A panic of the handler goes
// no further: what it was to log is lost. It is safe for concurrent use.
func Wrap(l *slog.Logger) *slog.Logger { return slog.New(handler{l.Handler()}) }

type handler struct{ slog.Handler }

// Enabled implements [slog.Handler]. A handler that panics is not enabled.
func (h handler) Enabled(ctx context.Context, level slog.Level) (enabled bool) {
	defer func() { _ = recover() }()
	return h.Handler.Enabled(ctx, level)
}

// Handle implements [slog.Handler].
func (h handler) Handle(ctx context.Context, r slog.Record) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("safelog: the handler panicked: %v", p)
		}
	}()
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler]. The attributes are lost if the handler panics.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.derive(func() slog.Handler { return h.Handler.WithAttrs(attrs) })
}

// WithGroup implements [slog.Handler]. The group is lost if the handler panics.
func (h handler) WithGroup(name string) slog.Handler {
	return h.derive(func() slog.Handler { return h.Handler.WithGroup(name) })
}

func (h handler) derive(with func() slog.Handler) (derived handler) {
	derived = h
	defer func() { _ = recover() }()
	derived.Handler = with()
	return derived
}
