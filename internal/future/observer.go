package future

import "context"

// Observer observes pendings from the time they are made. Package instrument implements it
// with spans. A pending without an observer costs nothing for it.
type Observer interface {
	// Observe is called before the function of c can run. The returned context
	// replaces ctx as the context of the pending. With a nil Observation the
	// pending is not observed. A panic is logged, and the pending not observed.
	Observe(ctx context.Context, c *Core) (context.Context, Observation)
}

// AddObserver adds an observer to those that there are.
func (d *Details) AddObserver(o Observer) {
	all, several := d.Observer.(observers)
	switch {
	case several:
		all = append(all, o)
		d.Observer = all
	case d.Observer != nil:
		d.Observer = observers{d.Observer, o}
	default:
		d.Observer = o
	}
}

// observers are several observers of one pending. The first one is the outermost: the
// contexts of the others derive from its context.
type observers []Observer

// Observe implements [Observer].
func (all observers) Observe(ctx context.Context, c *Core) (context.Context, Observation) {
	var made observations
	for _, o := range all {
		var one Guarded
		if ctx, one = Observe(ctx, o, c); one.Observation != nil {
			made = append(made, one)
		}
	}
	if len(made) == 0 { // which is no nil Observation
		return ctx, nil
	}
	return ctx, made
}

// Observe has o observe a pending. If o panics, the pending is not observed.
func Observe(ctx context.Context, o Observer, c *Core) (with context.Context, made Guarded) {
	with = ctx
	c.guard("observer", func() { with, made.Observation = o.Observe(ctx, c) })
	made.of = c
	return with, made
}

// roomy is an [Observation] that has the memory for the details of its pending, so that both
// take one allocation.
type roomy interface {
	// Room returns the memory, or nil for none.
	Room() *Details
}

// roomOf returns the memory for the details of a pending that has none yet.
func roomOf(o Observation) *Details {
	if o, ok := o.(roomy); ok {
		if room := o.Room(); room != nil {
			return room
		}
	}
	return &Details{}
}

// IsBare reports whether a pending has no details. It is for observers.
func IsBare(c *Core) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.details == nil
}

// waitObservation is an [Observation] that follows why waits have failed.
type waitObservation interface {
	// WaitFailed is called when a wait of the function has failed, as one that could
	// never end. It is called between Suspended and Resumed.
	WaitFailed(err error)
}

// observations are those of several observers. A panic of one does not concern the others.
type observations []Guarded

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
func (all observations) Suspended(on *Core) {
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
	Suspended(on *Core)
	// Resumed is called when the function has stopped waiting.
	Resumed()
	// CancelRequested is called for each call of Cancel.
	CancelRequested(cause error)
	// Done is called when the pending is done: with its error, or nil for a
	// result.
	Done(err error)
}

// Guarded is an observation whose panics are logged, and go no further. Its events may come
// on goroutines where a panic would end the process. The zero value is none.
type Guarded struct {
	Observation
	of *Core
}

// Due implements [Observation].
func (g Guarded) Due() { g.of.guard("observer", g.Observation.Due) }

// Started implements [Observation].
func (g Guarded) Started() { g.of.guard("observer", g.Observation.Started) }

// Suspended implements [Observation].
func (g Guarded) Suspended(on *Core) {
	g.of.guard("observer", func() { g.Observation.Suspended(on) })
}

// Resumed implements [Observation].
func (g Guarded) Resumed() { g.of.guard("observer", g.Observation.Resumed) }

// WaitFailed implements [waitObservation].
func (g Guarded) WaitFailed(err error) {
	if o, ok := g.Observation.(waitObservation); ok {
		g.of.guard("observer", func() { o.WaitFailed(err) })
	}
}

// CancelRequested implements [Observation].
func (g Guarded) CancelRequested(cause error) {
	g.of.guard("observer", func() { g.Observation.CancelRequested(cause) })
}

// Done implements [Observation].
func (g Guarded) Done(err error) { g.of.guard("observer", func() { g.Observation.Done(err) }) }
