package pending

import "context"

// Cancel implements [Handle].
func (b *base) Cancel(cause error) bool { return b.cancelUnless(flagDone, cause) }

// cancelQueued cancels the pending if its function has not started.
func (b *base) cancelQueued(cause error) { b.cancelUnless(flagDone|flagStarted, cause) }

// cancelUnless cancels the pending if it has none of the flags.
func (b *base) cancelUnless(flags uint32, cause error) bool {
	b.mu.Lock()
	if b.is(flags) {
		b.mu.Unlock()
		return b.is(flagCancelled)
	}
	if b.is(flagCancelled) {
		b.err = joinCauses(b.err, cause)
	} else {
		b.set(flagCancelled)
		b.err = asCancellation(cause)
	}
	joined := b.err
	var canceller func(error)
	var observation Observation
	if b.extra != nil {
		canceller, observation = b.extra.canceller, b.extra.observation
	}
	running := b.is(flagStarted)
	if observation != nil {
		b.mu.Unlock()
		observation.CancelRequested(cause)
		b.mu.Lock()
	}
	if canceller == nil && !running && !b.is(flagDone) {
		b.finish()
		return true
	}
	b.mu.Unlock()
	if running {
		b.interrupt(joined)
	}
	if canceller != nil {
		canceller(joined)
	}
	return true
}

// interrupt cancels the context of the running function, and wakes it if it
// waits.
func (b *base) interrupt(cause error) {
	b.cancelContext().cancel(cause)
	b.runner.Resume()
}

// CancelWait implements [Handle].
func (b *base) CancelWait(ctx context.Context, cause error) error {
	b.Cancel(cause)
	return b.wait(ctx, Protect(), false)
}

// SetCanceller implements [Handle].
func (b *base) SetCanceller(fn func(cause error)) {
	b.watch()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.is(flagDone) {
		b.extras().canceller = fn
	}
}
