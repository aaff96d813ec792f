package actors

import (
	"context"
	"log/slog"

	"github.com/seed-7fcaac1b/protocaller/internal/bounded"
	"github.com/seed-7fcaac1b/protocaller/internal/safeerrors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// logError logs a failure. The handler is user code, so no lock may be held.
func (c *Caller) logError(ctx context.Context, what string, attrs ...slog.Attr) {
	attrs = append([]slog.Attr{slog.String("caller", c.path())}, attrs...)
	c.log().LogAttrs(ctx, slog.LevelError, "actors: "+what, attrs...)
}

// logCrash logs a panic with its stack, on the goroutine that has panicked. A
// panic with the error of an earlier panic was logged then, and is not logged
// again.
func (c *Caller) logCrash(ctx context.Context, what string, crash *pending.PanicError, attrs ...slog.Attr) {
	if !isRethrown(crash) {
		c.logError(ctx, what+" panicked", append(attrs, loggable("panic", crash.Value), stackOfCrash(crash))...)
	}
}

func stackOfCrash(crash *pending.PanicError) slog.Attr {
	return slog.String("stack", string(crash.Stack))
}

// loggable returns an attribute for a value of user code.
func loggable(key string, value any) slog.Attr {
	return slog.Attr{Key: key, Value: bounded.Value(value)}
}

// isRethrown reports whether a function has panicked with the error of another
// one that has panicked, which was logged then.
func isRethrown(crash *pending.PanicError) bool {
	err, ok := crash.Value.(error)
	if !ok {
		return false
	}
	first, ok := safeerrors.As[*pending.PanicError](err)
	return ok && len(first.Stack) > 0
}
