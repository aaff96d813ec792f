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
func (c *Core) watchError(err error, runner Runner) {
	if IsPanic(err) || c.is(flagCancelled|flagSeen) {
		return
	}
	e := unseenError{logger: safelog.Wrap(runner.Logger()), name: c.Name(), text: textOf(err)}
	if r, ok := runner.(interface{ CallerName() string }); ok {
		e.caller = r.CallerName()
	}
	cleanup := runtime.AddCleanup(c, logUnseen, e)
	c.mu.Lock()
	watched := c.is(flagSeen) || c.ensureDetails().unseen != nil
	if !watched {
		c.details.unseen = &cleanup
	}
	c.mu.Unlock()
	if watched {
		cleanup.Stop()
	}
}

// passError notes, before c is done, that c gets the error of the pending that Then has made
// it of. That may be nil. It returns the runner of the call behind c, or nil.
func (c *Core) passError(from *Core, err error) (origin Runner) {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.details // Then has made it
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
func (c *Core) watchEnd(err error, origin Runner) {
	if origin == nil {
		return
	}
	if passed := c.details.passed; passed != nil {
		c = passed
	}
	c.watchError(err, origin)
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
func (c *Core) seeError() {
	if c.is(flagSeen) || c.runner == nil && !c.is(flagDerived) {
		return
	}
	c.set(flagSeen)
	c.mu.Lock()
	var cleanup *runtime.Cleanup
	var passed *Core
	if c.details != nil {
		cleanup, c.details.unseen = c.details.unseen, nil
		passed = c.details.passed
	}
	c.mu.Unlock()
	if passed != nil {
		passed.seeError()
	}
	if cleanup != nil {
		cleanup.Stop()
	}
	runtime.KeepAlive(c)
}
