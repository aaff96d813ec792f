package future

import "context"

// Cancel marks the pending cancelled and requests the end of its work. It reports whether
// the pending is cancelled.
func (b *Core) Cancel(cause error) bool { return b.cancelUnless(flagDone, cause, false) }

// cancelUnstarted cancels the pending if its function has not started, unless
// it is cancelled for that reason.
func (b *Core) cancelUnstarted(cause error) { b.cancelUnless(flagDone|flagStarted, cause, true) }

// CancelFor cancels a pending unless that is cancelled for the same reason already. So the
// error names a reason once, even if several goroutines cancel. It reports whether the pending
// is cancelled.
func CancelFor(b *Core, reason error) bool { return b.cancelUnless(flagDone, reason, true) }

// cancelUnless cancels the pending if it has none of the flags. With once, it
// does nothing if the pending is cancelled for that reason already.
func (b *Core) cancelUnless(flags uint32, cause error, once bool) bool {
	cancelled, source, why := b.cancelOne(flags, cause, once)
	for source != nil { // a loop, so that a chain of Then may be long
		_, source, why = source.cancelOne(flagDone, why, false)
	}
	return cancelled
}

// cancelOne is cancelUnless without the source of the pending. It returns the
// source and the cause to cancel it with.
func (b *Core) cancelOne(flags uint32, cause error, once bool) (ok bool, source *Core, why error) {
	if was := b.flags.Load(); was&flags != 0 {
		return was&flagCancelled != 0, nil, nil
	}
	b.touchRunner()
	cancelled := AsCancellation(cause) // mu is not held: the cause may have methods of user code
	b.mu.Lock()
	if once && b.wasCancelledFor(cause, flags) {
		b.mu.Unlock()
		return true, nil, nil
	}
	was, ok := b.markCancelled(flags)
	why = cause
	switch {
	case !ok:
		b.mu.Unlock()
		return was&flagCancelled != 0, nil, nil
	case was&flagCancelled == 0:
		b.err, why = cancelled, cancelled
	case cause != nil:
		b.err = joinCauses(b.err, cause, cancelled)
		b.ensureDetails().later++
	}
	joined := b.err
	var canceller func(error)
	var observation Observation
	if b.details != nil {
		canceller, source, observation = b.details.canceller, b.details.source, b.details.observation
	}
	running := was&flagStarted != 0
	if observation != nil {
		b.mu.Unlock()
		b.guard("observer", func() { observation.CancelRequested(cause) })
		b.mu.Lock()
	}
	if canceller == nil && source == nil && !running && !b.is(flagDone) {
		b.markDoneAndNotify()
		return true, nil, nil
	}
	b.mu.Unlock()
	if running {
		b.interrupt(joined)
	}
	if canceller != nil {
		b.guard("canceller", func() { canceller(joined) })
	}
	return true, source, why
}

// wasCancelledFor reports whether the pending has none of the flags and is
// cancelled for that reason. mu must be held. It is released while the errors
// are compared, because errors may have methods of user code.
func (b *Core) wasCancelledFor(cause error, flags uint32) bool {
	for compared := -1; b.is(flagCancelled) && !b.is(flags) && compared != b.laterCauses(); {
		err := b.err
		compared = b.laterCauses()
		b.mu.Unlock()
		same := matches(err, reasonOf(cause))
		b.mu.Lock()
		if same {
			return true
		}
	}
	return false
}

// laterCauses returns the number of causes after the first one. mu must be
// held.
func (b *Core) laterCauses() int {
	if b.details == nil {
		return 0
	}
	return int(b.details.later)
}

// markCancelled sets flagCancelled unless one of the given flags is set. It
// returns the flags from before, and whether it set the flag. After that the
// function will not start.
func (b *Core) markCancelled(unless uint32) (was uint32, ok bool) {
	for {
		was = b.flags.Load()
		if was&unless != 0 {
			return was, false
		}
		if b.flags.CompareAndSwap(was, was|flagCancelled) {
			return was, true
		}
	}
}

// interrupt cancels the context of the running function, and wakes the function
// if it waits.
func (b *Core) interrupt(cause error) {
	b.cancelContext().cancel(cause)
	b.wakeAtEnd()
}

// wakeAtEnd wakes the function, whose context has ended, unless its wait does not end with
// that. Such a wait goes on. While the function looks again it is no part of the wait graph,
// and a circle that it closes is found late.
func (b *Core) wakeAtEnd() {
	if !b.is(flagWaitsOn) {
		b.runner.Resume()
	}
}

// CancelWait cancels the pending and waits until it is done. It returns the error of the
// wait, and never that of the pending.
func (b *Core) CancelWait(ctx context.Context, cause error) error {
	b.Cancel(cause)
	return b.wait(ctx, WaitOptions{Protect: true}, false)
}

// SetCanceller makes every later Cancel call fn, with the joined causes.
func (b *Core) SetCanceller(fn func(cause error)) {
	b.watch()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.is(flagDone) {
		x := b.ensureDetails()
		x.canceller, x.source = fn, nil
	}
}
