// Package pending is the future of protocaller: the typed result of a function
// that was scheduled on a caller, which can be waited for, cancelled and
// observed.
//
// A [Pending] ends exactly once: with a value, with an error, or cancelled.
// Cancelling marks it at once. It is done when the work behind it has stopped. A
// queued function never runs after its pending was cancelled. A running one sees
// its context end. A pending with a function is completed by that function alone.
//
//	p := actors.CallSoon(ctx, caller, fetch)
//	page, err := p.Wait(ctx)
//
// # Waiting and turns
//
// The functions of a caller run one at a time; the right to run is a [Turn]. A
// wait finds the turn in its context. With the context its function was given, it
// gives the turn away while it waits and takes it back before it returns. So a
// function that waits is never in the way of the others. With any other context a
// wait blocks the goroutine.
//
// The context of a function is for the goroutine of that function. Package actors
// describes when a wait on another goroutine is noticed.
//
// # Contexts
//
// A pending lives under the context it was made with. When that ends before its
// function has started, the function will not run, and the pending is cancelled
// with the context's cause: at once if anybody waits for it or has asked for
// Done or OnDone, else when its turn comes. A function that is running sees its
// own context end, and decides: returned in time, a value counts.
//
// The context that a function is given has the values of the one its pending
// was made with, ends with that or with the pending's cancellation, and ends
// when the function returns. What a function schedules with its context
// outlives it all the same: it lives under the context that the function itself
// was scheduled with. A context that is derived with an end of its own, as by
// [context.WithTimeout], ends like any other.
//
// # Many at once
//
// [WaitAll], [All] and [Any] wait for several pendings, and [AsCompleted] hands
// them out in the order in which they are done, making calls only as far ahead
// as it may; [AsCompletedOf] and [AsCompletedFrom] do so for those of a slice
// and a channel. A [Group] waits for everything that is called under its context,
// wherever that runs, and cancels the rest when one fails. A [Manager] knows
// what is not done yet.
//
// # Errors
//
// The error of a cancelled pending matches [ErrCancelled] and
// [context.Canceled], and the causes given to Cancel. [ErrStopped] says that
// its caller was stopped. A panic in a function becomes a [*PanicError], and is
// logged once.
//
// The package knows no actor: it is the vocabulary shared by those who
// schedule functions and those who wait for them. [Task], [Runner], [Turn] and
// [Observer] are the seams through which package actors runs functions and
// package telemetry watches them; programs need none of them.
package pending
