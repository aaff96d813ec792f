package pending

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
)

// unseenError is the error of a call, for the log. It must not reference the pending, which
// would never be collected then. So it has the text of the error, and no context.
type unseenError struct {
	logger             *slog.Logger
	name, caller, text string
}

// watchError has an error logged when the pending is collected and nobody has looked at it
// by then. A panic was logged before. All waiters must have been notified, because methods
// of the error are user code, which may end the goroutine.
//
// It is not part of complete, whose calls that succeed must not pay for it.
//
//go:noinline
func (b *base) watchError(err error) {
	_, panicked := err.(*PanicError) //nolint:errorlint // A panic of another pending counts as any error.
	if panicked || b.is(flagCancelled|flagSeen) {
		return
	}
	e := unseenError{logger: b.logger(), name: b.Name(), text: textOf(err)}
	if r, ok := b.runner.(interface{ CallerName() string }); ok {
		e.caller = r.CallerName()
	}
	cleanup := runtime.AddCleanup(b, logUnseen, e)
	b.mu.Lock()
	seen := b.is(flagSeen)
	if !seen {
		b.ensureLazy().unseen = &cleanup
	}
	b.mu.Unlock()
	if seen {
		cleanup.Stop()
	}
}

// logUnseen is called when a pending was collected. All cleanups share a goroutine, and a log
// handler may block.
func logUnseen(e unseenError) {
	go e.logger.LogAttrs(context.Background(), slog.LevelError, "pending: call failed, and nobody has looked at its error",
		slog.String("caller", e.caller), slog.String("function", e.name), slog.String("error", e.text))
}

// textOf returns the text of an error, whose methods may panic.
func textOf(err error) string { return fmt.Sprint(err) }

// seeError notes that the error of the pending was looked at.
func (b *base) seeError() {
	if b.is(flagSeen) || b.runner == nil {
		return
	}
	b.set(flagSeen)
	b.mu.Lock()
	var cleanup *runtime.Cleanup
	if b.lazy != nil {
		cleanup, b.lazy.unseen = b.lazy.unseen, nil
	}
	b.mu.Unlock()
	if cleanup != nil {
		cleanup.Stop()
	}
	runtime.KeepAlive(b)
}
