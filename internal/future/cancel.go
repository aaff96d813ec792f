package future

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/internal/safeerrors"
)

// Cancel marks the pending cancelled and requests the end of its work. It reports whether
// the pending is cancelled.
func (c *Core) Cancel(cause error) bool {
	if recording.Load() != 0 {
		c.noteCancel()
	}
	return c.cancelUnless(flagDone, cause, false)
}

// cancelUnstarted cancels the pending if its function has not started, unless
// it is cancelled for that reason.
func (c *Core) cancelUnstarted(cause error) { c.cancelUnless(flagDone|flagStarted, cause, true) }

// CancelFor cancels a pending unless that is cancelled for the same reason already. So the
// error names a reason once, even if several goroutines cancel. It reports whether the pending
// is cancelled.
func CancelFor(c *Core, reason error) bool { return c.cancelUnless(flagDone, reason, true) }

// cancelUnless cancels the pending if it has none of the flags. With once, it
// does nothing if the pending is cancelled for that reason already.
func (c *Core) cancelUnless(flags uint32, cause error, once bool) bool {
	cancelled, source, why := c.cancelOne(flags, cause, once)
	for source != nil { // a loop, so that a chain of Then may be long
		_, source, why = source.cancelOne(flagDone, why, false)
	}
	return cancelled
}

// cancelOne is cancelUnless without the source of the pending. It returns the
// source and the cause to cancel it with.
func (c *Core) cancelOne(flags uint32, cause error, once bool) (ok bool, source *Core, why error) {
	if was := c.flags.Load(); was&flags != 0 {
		return was&flagCancelled != 0, nil, nil
	}
	c.touchRunner()
	cancelled := AsCancellation(cause) // mu is not held: the cause may have methods of user code
	c.mu.Lock()
	if once && c.wasCancelledFor(cause, flags) {
		c.mu.Unlock()
		return true, nil, nil
	}
	was, ok := c.markCancelled(flags)
	why = cause
	switch {
	case !ok:
		c.mu.Unlock()
		return was&flagCancelled != 0, nil, nil
	case was&flagCancelled == 0:
		c.err, why = cancelled, cancelled
	case cause != nil:
		c.err = joinCauses(c.err, cause, cancelled)
		c.ensureDetails().later++
	}
	joined := c.err
	var canceller func(error)
	var observation Observation
	if c.details != nil {
		canceller, source, observation = c.details.canceller, c.details.source, c.details.observation
	}
	running := was&flagStarted != 0
	if observation != nil {
		c.mu.Unlock()
		c.guard("observer", func() { observation.CancelRequested(cause) })
		c.mu.Lock()
	}
	if canceller == nil && source == nil && !running && !c.is(flagDone) {
		c.markDoneAndNotify()
		return true, nil, nil
	}
	c.mu.Unlock()
	if running {
		c.interrupt(joined)
	}
	if canceller != nil {
		c.guard("canceller", func() { canceller(joined) })
	}
	return true, source, why
}

// wasCancelledFor reports whether the pending has none of the flags and is
// cancelled for that reason. mu must be held. It is released while the errors
// are compared, because errors may have methods of user code.
func (c *Core) wasCancelledFor(cause error, flags uint32) bool {
	for compared := -1; c.is(flagCancelled) && !c.is(flags) && compared != c.laterCauses(); {
		err := c.err
		compared = c.laterCauses()
		c.mu.Unlock()
		same := safeerrors.Is(err, reasonOf(cause))
		c.mu.Lock()
		if same {
			return true
		}
	}
	return false
}

// laterCauses returns the number of causes after the first one. mu must be
// held.
func (c *Core) laterCauses() int {
	if c.details == nil {
		return 0
	}
	return int(c.details.later)
}

// markCancelled sets flagCancelled unless one of the given flags is set. It
// returns the flags from before, and whether it set the flag. After that the
// function will not start.
func (c *Core) markCancelled(unless uint32) (was uint32, ok bool) {
	for {
		was = c.flags.Load()
		if was&unless != 0 {
			return was, false
		}
		if c.flags.CompareAndSwap(was, was|flagCancelled) {
			return was, true
		}
	}
}

// interrupt cancels the context of the running function, and wakes the function
// if it waits.
func (c *Core) interrupt(cause error) {
	c.cancelContext().cancel(cause)
	c.wakeAtEnd()
}

// wakeAtEnd wakes the function, whose context has ended, unless its wait does not end with
// that. Such a wait goes on. While a function looks again it is no part of the wait graph. A
// circle that it closes is found late then.
func (c *Core) wakeAtEnd() {
	if !c.is(flagWaitsOn) {
		c.runner.Resume()
	}
}

// CancelWait cancels the pending and waits until it is done. It returns the error of the
// wait, and never that of the pending.
func (c *Core) CancelWait(ctx context.Context, cause error) error {
	c.Cancel(cause)
	return c.wait(ctx, WaitOptions{Protect: true}, false)
}

// SetCanceller makes every later Cancel call fn, with the joined causes.
func (c *Core) SetCanceller(fn func(cause error)) {
	c.watch()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.is(flagDone) {
		x := c.ensureDetails()
		x.canceller, x.source = fn, nil
	}
}
