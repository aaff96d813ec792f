package future

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"

	"github.com/seed-7fcaac1b/protocaller/internal/safelog"
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
func (b *Core) watchError(err error, runner Runner) {
	if isPanic(err) || b.is(flagCancelled|flagSeen) {
		return
	}
	e := unseenError{logger: safelog.Wrap(runner.Logger()), name: b.Name(), text: textOf(err)}
	if r, ok := runner.(interface{ CallerName() string }); ok {
		e.caller = r.CallerName()
	}
	cleanup := runtime.AddCleanup(b, logUnseen, e)
	b.mu.Lock()
	watched := b.is(flagSeen) || b.ensureDetails().unseen != nil
	if !watched {
		b.details.unseen = &cleanup
	}
	b.mu.Unlock()
	if watched {
		cleanup.Stop()
	}
}

// passError notes, before b is done, that b gets the error of the pending that Then has made
// it of. That may be nil. It returns the runner of the call behind b, or nil.
func (b *Core) passError(from *Core, err error) (origin Runner) {
	b.mu.Lock()
	defer b.mu.Unlock()
	x := b.details // Then has made it
	origin, x.origin = x.origin, nil
	if err != nil {
		x.passed = from
		if from.is(flagDerived) && from.details.passed != nil { // constant, as from is done
			x.passed = from.details.passed
		}
	}
	return origin
}

// watchEnd is watchError for the last pending of a chain of Then, which nobody waits for. What
// is watched is where the error comes from.
func (b *Core) watchEnd(err error, origin Runner) {
	if origin == nil {
		return
	}
	if passed := b.details.passed; passed != nil {
		b = passed
	}
	b.watchError(err, origin)
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
func (b *Core) seeError() {
	if b.is(flagSeen) || b.runner == nil && !b.is(flagDerived) {
		return
	}
	b.set(flagSeen)
	b.mu.Lock()
	var cleanup *runtime.Cleanup
	var passed *Core
	if b.details != nil {
		cleanup, b.details.unseen = b.details.unseen, nil
		passed = b.details.passed
	}
	b.mu.Unlock()
	if passed != nil {
		passed.seeError()
	}
	if cleanup != nil {
		cleanup.Stop()
	}
	runtime.KeepAlive(b)
}
