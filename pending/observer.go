package pending

import "context"

// Observer observes pendings from the time they are made. Package telemetry implements it
// with spans. A pending without an observer costs nothing for it.
type Observer interface {
	// Observe is called before the function of h can run. The returned context
	// replaces ctx as the context of the pending. With a nil Observation the
	// pending is not observed. A panic is logged, and the pending not observed.
	Observe(ctx context.Context, h Handle) (context.Context, Observation)
}

// observers are several observers of one pending. The first one is the outermost: the
// contexts of the others derive from its context.
type observers []Observer

// Observe implements [Observer].
func (all observers) Observe(ctx context.Context, h Handle) (context.Context, Observation) {
	var made observations
	for _, o := range all {
		var one guarded
		if ctx, one = observe(ctx, o, h); one.Observation != nil {
			made = append(made, one)
		}
	}
	if len(made) == 0 { // which is no nil Observation
		return ctx, nil
	}
	return ctx, made
}

// observe has o observe h. If o panics, h is not observed.
func observe(ctx context.Context, o Observer, h Handle) (with context.Context, made guarded) {
	with = ctx
	b := h.core()
	b.guard("observer", func() { with, made.Observation = o.Observe(ctx, h) })
	made.of = b
	return with, made
}

// waitObservation is an [Observation] that follows why waits have failed.
type waitObservation interface {
	// WaitFailed is called when a wait of the function has failed, as one that could
	// never end. It is called between Suspended and Resumed.
	WaitFailed(err error)
}

// observations are those of several observers. A panic of one does not concern the others.
type observations []guarded

// Due implements [Observation].
func (all observations) Due() {
	for _, o := range all {
		o.Due()
	}
}

// Started implements [Observation].
func (all observations) Started() {
	for _, o := range all {
		o.Started()
	}
}

// Suspended implements [Observation].
func (all observations) Suspended(on Handle) {
	for _, o := range all {
		o.Suspended(on)
	}
}

// Resumed implements [Observation].
func (all observations) Resumed() {
	for _, o := range all {
		o.Resumed()
	}
}

// WaitFailed implements [waitObservation].
func (all observations) WaitFailed(err error) {
	for _, o := range all {
		o.WaitFailed(err)
	}
}

// CancelRequested implements [Observation].
func (all observations) CancelRequested(cause error) {
	for _, o := range all {
		o.CancelRequested(cause)
	}
}

// Done implements [Observation].
func (all observations) Done(err error) {
	for _, o := range all {
		o.Done(err)
	}
}

// Observation follows one pending from its start to its end. Each method is
// called on the goroutine that causes the event. So CancelRequested and Done
// may run at the same time as the other methods. After the function was
// abandoned, the others may also be called after Done. A panic is logged.
type Observation interface {
	// Due is called when the time of a delayed call has come and the call
	// enters its queue. A call without a delay is due when it is made.
	Due()
	// Started is called when the function begins to run.
	Started()
	// Suspended is called when the function waits. on is nil when the function
	// waits for something that is no pending.
	Suspended(on Handle)
	// Resumed is called when the function has stopped waiting.
	Resumed()
	// CancelRequested is called for each call of Cancel.
	CancelRequested(cause error)
	// Done is called when the pending is done: with its error, or nil for a
	// result.
	Done(err error)
}

// guarded is an observation whose panics are logged, and go no further. Its events may come
// on goroutines where a panic would end the process. The zero value is none.
type guarded struct {
	Observation
	of *base
}

// Due implements [Observation].
func (g guarded) Due() { g.of.guard("observer", g.Observation.Due) }

// Started implements [Observation].
func (g guarded) Started() { g.of.guard("observer", g.Observation.Started) }

// Suspended implements [Observation].
func (g guarded) Suspended(on Handle) {
	g.of.guard("observer", func() { g.Observation.Suspended(on) })
}

// Resumed implements [Observation].
func (g guarded) Resumed() { g.of.guard("observer", g.Observation.Resumed) }

// WaitFailed implements [waitObservation].
func (g guarded) WaitFailed(err error) {
	if o, ok := g.Observation.(waitObservation); ok {
		g.of.guard("observer", func() { o.WaitFailed(err) })
	}
}

// CancelRequested implements [Observation].
func (g guarded) CancelRequested(cause error) {
	g.of.guard("observer", func() { g.Observation.CancelRequested(cause) })
}

// Done implements [Observation].
func (g guarded) Done(err error) { g.of.guard("observer", func() { g.Observation.Done(err) }) }
