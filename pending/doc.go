// Package pending holds the typed results of functions that run on a caller. A
// result can be waited for, cancelled and observed.
//
// A [Pending] ends exactly once: with a value, with an error, or cancelled.
// Cancel marks it at once. It is done when the work behind it has stopped. A
// queued function never runs after its pending was cancelled. If the
// function is running, its context ends. A pending with a function is completed by that
// function alone.
//
//	p := actors.CallSoon(ctx, c, fetch) // *pending.Pending[string]
//	p.OnDone(func(h pending.Handle) { fmt.Println(h.Name(), h.Err()) })
//	page, err := p.Wait(ctx, pending.Timeout(time.Second))
//	if errors.Is(err, context.DeadlineExceeded) {
//		fmt.Println("too late, and cancelled:", p.Cancelled())
//	} else if err == nil {
//		fmt.Println(page)
//	}
//
// # Waiting and turns
//
// The functions of a caller run one at a time. The right to run is a [Turn]. A
// wait finds the turn in its context. With the context of the function, it gives
// the turn away and takes it back before it returns. So a function that waits
// never blocks the other functions. With any other context a wait blocks the
// goroutine.
//
// The context of a function is for the goroutine of that function. Package
// actors describes when a wait on another goroutine is detected.
//
// # Contexts
//
// A pending is cancelled when the context it was made with ends before its
// function starts. The cause is the context's cause, and the function does not
// run. The pending is cancelled at once if it is waited for, or Done or OnDone
// was called. Otherwise it is cancelled when its turn comes. If the function is
// running already, its own context ends. The function then decides: a value that
// it still returns counts.
//
// A function is given a context of its own. It has the values of the context
// that the pending was made with. It ends with that context, when the pending
// is cancelled, and when the function returns. What the function schedules with
// its context outlives the function. Its life is bounded by the context that
// the function itself was scheduled with. A derived context with an end of its
// own, as by [context.WithTimeout], ends like any other.
//
// # Many at once
//
// [WaitAll], [All] and [Any] wait for several pendings. [AsCompleted] yields
// pendings in the order in which they are done. It pulls a sequence of calls
// only as far ahead as its limit. [AsCompletedOf] and [AsCompletedFrom] iterate
// over a slice and a channel. A [Group] waits for everything called under its
// context, on any caller. It cancels the rest when one member fails. A
// [Manager] lists what is not done yet.
//
// # Locks
//
// A caller runs one function at a time, so what its functions share needs no
// lock between waits. State that must not change across a wait does: during the
// wait other functions run. A [Mutex] is for that. A [Semaphore] bounds how much
// work that waits is under way. A wait for either gives the turn away, and ends
// with its context. A [sync.Mutex] would block all functions of the caller, and
// a deadlock on it is not seen.
//
// # Errors
//
// A wait that could never end fails with [ErrDeadlock]. The text names the
// circle: the calls, their callers, and what each waits for. Of a circle one
// wait fails, the one that began last. A wait that ends by itself never fails so,
// as one with a [Timeout]. The end of a context does not count as such an end.
//
// The error of a cancelled pending matches [ErrCancelled], [context.Canceled]
// and the causes given to Cancel. [ErrStopped] is the cause when the caller was
// stopped. A panic in a function becomes a [*PanicError], and is logged once.
//
// # The names you need
//
// [Pending] with Wait, Result and Cancel, for the results of calls. [Timeout], [Protect] and
// [Shield] for waits. [Run] or [AsCompleted] for many calls, and [All], [Any] or [WaitAll] for
// pendings that exist. [ErrCancelled], [ErrStopped] and [ErrDeadlock] with errors.Is. [New] for a
// result that other code completes, with [CompletedBy] where a function completes it. [Mutex] for
// state that must not change across a wait.
//
// Timeout limits one wait, and actors.Timeout a call. Named, With, TrackedBy and Protected are
// options of [New] here. Package actors has options of these names for calls.
//
// The package knows no actor: package actors runs functions, and says what their waits need. Both
// stand on an internal package, which has what programs do not need.
//
// # Limits
//
// The search for deadlocks leaves out a wait for a channel or a sync.Mutex. It also leaves out a
// wait for a pending of [New] that names no completer. A callback of OnDone has no turn, and must
// not wait. A pending cannot be used again.
package pending
