// Package actors gives a protoactor system callers.
//
// A [Caller] is an actor whose mailbox is a scheduler queue for functions. A
// function is scheduled on it from any goroutine. That returns a [pending.Pending]
// at once: a typed future to wait for, cancel or observe.
//
//	counter, err := actors.Start(system, props.Name("counter"))
//	n := 0 // belongs to the caller's functions, and needs no lock
//	p := actors.CallSoon(ctx, counter, func(ctx context.Context) (int, error) {
//		n++
//		return n, nil
//	})
//	value, err := p.Wait(ctx)
//
// The guide is in README.md, beside the code, and GUARANTEES.md says what one can rely on.
//
// # Turns
//
// The functions of a caller run one at a time. The right to run is called the
// turn. A function gives its turn away while it waits with its context: by
// [pending.Pending.Wait], [Sleep], [Caller.StopWait] or [Caller.Drain]. It has
// the turn back when the wait returns. Meanwhile the other functions run. So what
// they share may have changed across a wait, and only there.
//
// What must not change needs a [pending.Mutex].
//
// [pending.Pending.WaitSync] and [props.NonReentrant] keep the turn instead. A wait that could
// never end is reported as [pending.ErrDeadlock]: for a call, a group, room in a queue, a
// worker, a lock, or the end of a caller. What no search can see is logged when a turn lasts
// long: see [props.TurnWarning].
//
// A function that never waits costs neither a goroutine nor a channel. One that
// waits keeps the goroutine it runs on, and another one takes over the mailbox.
//
// With [props.Thread] all functions of a caller are on one OS thread, also after a
// wait. It is a thread of the caller, or that of the goroutine in [Caller.Run]. With
// [props.HostedBy] they are on the loop of a GUI or of a main goroutine. There a
// function that waits leaves the goroutine to the others. All else is the same on
// each backend.
//
// The context of a function belongs to the function's goroutine. A goroutine that
// the function starts itself must use [Detach]. If such a goroutine waits with the
// function's context, two functions run at once. [props.CheckTurns] panics then, as
// do callers of package actorstest. On a thread or a host the wait always returns an
// error.
//
// # Order
//
// Functions start in the order in which they were queued, within a lane. Calls with
// [Urgent] have a lane of their own, which comes before the other one. The items of
// queues and the messages of an adopted actor are in the lane of the other calls.
// Delayed calls are queued in the order of their due times. Where these are equal, the order is that of the
// calls of [CallLater]. Functions that [Sleep] wake in the same order.
//
// # Ways to call
//
//   - [Call] and [Do] run a function and wait for it. On an idle caller it runs in place.
//   - [CallSoon], [CallLater] and, with options, [Schedule] queue a function.
//   - [Every] calls a function again and again, at an interval.
//   - [ToThread] runs it on a worker, in parallel with the caller.
//   - [CallUsing] runs it on the caller's turn, but on the other backend.
//   - [Caller.CallDirect] queues a function that needs no pending.
//   - [NewQueue] makes a queue that calls one function for item after item.
//   - [Invoke] makes a call a message, for routers and middleware.
//   - [Request] sends a message to any actor and returns a pending.
//   - [PipeTo] makes the outcome of a pending a message again.
//
// [NoResult] adapts a function without a result. [Retry], [Timeout], [Urgent] and other
// options are for [Call], [Do] and [Schedule].
//
// [Caller.Publish] sends data to the publication of [props.Publisher].
// [props.EventStream] makes it the event stream of the actor system.
//
// # The tree
//
// [Caller.Child] makes a caller below another one, from any goroutine. Stopping
// a caller stops its children, and it ends after the last of them. Callers are
// real actors, children included: they can be watched, poisoned and supervised
// as any other. [AsCaller] makes an ordinary actor a caller, whose functions
// take turns with its Receive.
//
// # The end
//
// Any stop of a caller cancels its queued pendings with [pending.ErrStopped], and
// ends the contexts of its running functions. No pending is ever left undone.
// [Caller.Drain] and [Shutdown] finish what was accepted first.
//
// Package supervision decides what a panic in a function does. By default it
// becomes a [*pending.PanicError] and the caller goes on. [props.OnStart] makes what the
// functions share, also after a restart, and [props.OnStop] closes it.
//
// # Events
//
// The events of package supervision are published on the event stream of the actor
// system, in order, by one goroutine. It holds no turn, so handlers may wait for
// callers. [Caller.Stopped] closes before the event supervision.Stopped is published.
// When handlers are slow, at most 65 536 events wait. Further ones are dropped, which
// is logged.
//
// # Errors that explain themselves
//
// The error of a wait that ends by its context or a timeout names the call and its caller.
// It says whether the call is queued, and behind how many, running, or waiting, and for
// what. [Caller.Drain], [Caller.StopWait] and [Shutdown] list the functions that have not
// returned when their context ends.
//
// # Logs
//
// A call may fail unnoticed: its pending is dropped, and no Wait, Result or Err has looked at
// the error. The error is logged when the pending is garbage collected, with "caller",
// "function" and "error". Cancellations are not logged.
//
// Each panic in a function is logged once, at error level, whether anybody waits for
// it or not. It goes to [Caller.Logger] of the caller that runs the function. The
// attributes are "caller", "function", "panic" and "stack". The record is
// written before the pending is done. A function that returns the error of
// another one, or panics with it, adds no record. [runtime.Goexit] is no panic.
//
// An item of a queue that fails is logged with "queue", "position", "error" and "item". If the
// function panicked, the record also has "stack". Positions count from 1.
//
// The attributes "panic" and "item" have at most a kilobyte of text. A value
// that is a [slog.LogValuer] decides what is logged of it, also as a field of
// another one. If other goroutines write to a value, it needs such a method, or one
// of [error] or [fmt.Stringer]. The method must be safe to call then.
//
// # The names you need
//
// [Start], [Call], [Do] and [CallSoon] for most programs, with Wait of the pending. [ToThread]
// for work in parallel, and [Every] for periodic work. [Caller.Child], [Caller.StopWait] and
// [Shutdown] for the tree. [MustAsCaller], [Lookup], [Of] and [Request] for plain actors.
// [NewQueue] for a stream of items. [Detach] for goroutines that a function starts.
//
// # Limits
//
// [props.MaxQueued] bounds the calls of a caller that wait and are not done. Delayed
// calls are counted apart, with the same limit, and so are calls that wait for a
// worker. [props.MaxSuspended] bounds the functions that wait. Beyond a limit the
// error matches [ErrOverloaded].
//
// Go cannot interrupt a function: one that never looks at its context runs on. Functions and
// [Invoke] messages do not leave the process. Package rpc calls functions of other nodes.
package actors
