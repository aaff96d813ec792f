// Package actors gives a protoactor system callers.
//
// A [Caller] is an actor whose mailbox is a scheduler queue for functions. From
// any goroutine a function is scheduled on it, which returns a
// [pending.Pending] at once: a typed future to wait for, cancel or observe.
//
//	counter, err := actors.Start(system, props.Name("counter"))
//	n := 0 // belongs to the caller's functions, and needs no lock
//	p := actors.CallSoon(ctx, counter, func(ctx context.Context) (int, error) {
//		n++
//		return n, nil
//	})
//	value, err := p.Wait(ctx)
//
// # Turns
//
// The functions of a caller run one at a time. The right to run is called the
// turn. A function that waits, by [pending.Pending.Wait], [Sleep],
// [Caller.StopWait] or [Caller.Drain] with the context it was given, gives its
// turn away and has it back when the wait returns: meanwhile the other
// functions run, so what they share may have changed across a wait, and only
// there. [pending.Pending.WaitSync] and [props.NonReentrant] keep the turn
// instead; a wait that could never end is then reported as
// [pending.ErrDeadlock].
//
// A function that never waits costs neither a goroutine nor a channel. One that
// waits keeps the goroutine it runs on, and another one takes over the mailbox.
//
// With [props.Thread] all functions of a caller, and all resumptions of those
// that have waited, are on one OS thread, its own or that of the goroutine
// which calls [Caller.Run]; with [props.HostedBy] they are on the loop of a GUI
// or of a main goroutine. There a function that waits leaves the goroutine to
// the others. All else is the same on each backend.
//
// The context of a function belongs to the function's goroutine. A goroutine
// that the function starts itself is to use [Detach].
//
// # Ways to call
//
//   - [CallSoon], [CallLater] and, with options, [Schedule] queue a function.
//   - [ToThread] runs it on a worker, in parallel with the caller.
//   - [CallUsing] runs it on the caller's turn, but on a thread that the caller
//     keeps for that, or not on its thread.
//   - [Caller.CallDirect] queues a function that needs no pending.
//   - [NewQueue] makes a queue that calls one function for item after item.
//   - [Invoke] makes a call a message, for routers and middleware.
//   - [Request] sends a message to any actor and returns a pending.
//   - [PipeTo] makes the outcome of a pending a message again.
//
// [Caller.Publish] sends data to what the caller's [props.Publisher] has opened
// for it; [EventStream] is a publisher onto the actor system's own events.
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
// Whoever stops a caller, in whatever way: its queued pendings are cancelled
// with [pending.ErrStopped], the contexts of its running functions end, and no
// pending is ever left undone. [Caller.Drain] and [Shutdown] finish what was
// accepted first. What a panic in a function does is up to package supervision;
// by default it becomes a [*pending.PanicError] and the caller goes on.
//
// # Logs
//
// Each panic in a function is logged once, at error level, to [Caller.Logger]
// of the caller that runs the function, whether anybody waits for it or not.
// The attributes are "caller", "function", "panic" and "stack". The record is
// written before the pending is done. A function that returns the error of
// another one, or panics with it, adds no record. [runtime.Goexit] is no panic.
//
// An item of a queue that fails is logged with "queue", "position", which
// counts from 1, "error" and "item", and with "stack" if the function panicked.
//
// The attributes "panic" and "item" have at most a kilobyte of text. A value
// that is a [slog.LogValuer] decides what is logged of it, also where it is a
// field of another one. A value that other goroutines write to needs such a
// method, or one of [error] or [fmt.Stringer], that is safe to call then.
package actors
