package pending

import "context"

// Observer observes pendings from the time they are made. Package telemetry implements it
// with spans. A pending without an observer costs nothing for it.
type Observer interface {
	// Observe is called before the function of h can run. The returned context
	// replaces ctx as the context of the pending. With a nil Observation the
	// pending is not observed.
	Observe(ctx context.Context, h Handle) (context.Context, Observation)
}

// Observation follows one pending from its start to its end. Each method is
// called on the goroutine that causes the event. So CancelRequested and Done
// may run at the same time as the other methods. After the function was
// abandoned, the others may also be called after Done. A panic in
// CancelRequested or Done is logged. The others must not panic.
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
