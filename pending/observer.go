package pending

import "context"

// Observer is told of pendings as they are made. Package telemetry implements
// it with spans. Without one nothing is paid for it.
type Observer interface {
	// Observe is called before the function of h can run. The context it
	// returns takes the place of ctx as the pending's. A nil Observation says
	// that nobody is interested in this pending.
	Observe(ctx context.Context, h Handle) (context.Context, Observation)
}

// Observation follows one pending from its start to its end. Its methods are
// called on the goroutine on which the thing happens, so CancelRequested and
// Done may come at the same time as the others, and others after Done where a
// function was abandoned. A panic in those two is logged; the others must not
// panic.
type Observation interface {
	// Due says that the time of a delayed call has come, which goes into its
	// queue now. A call that is not delayed is due when it is made.
	Due()
	// Started says that the function begins to run.
	Started()
	// Suspended says that the function waits; on is nil where it waits for
	// something that is no pending.
	Suspended(on Handle)
	// Resumed says that the function has stopped waiting.
	Resumed()
	// CancelRequested says that Cancel was called, for each call.
	CancelRequested(cause error)
	// Done says that the pending is done: with its error, or nil for a result.
	Done(err error)
}
