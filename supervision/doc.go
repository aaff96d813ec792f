// Package supervision decides what happens when a function of a caller panics, or a child of an actor
// fails.
//
//	pump, err := actors.Start(system, props.Supervision(supervision.Restart(
//		supervision.MaxRestarts(5, time.Minute),
//		supervision.Backoff(100*time.Millisecond, 10*time.Second),
//		supervision.Jitter(0.2),
//	)))
//	system.EventStream.Subscribe(func(event any) {
//		if failed, ok := event.(supervision.Failed); ok {
//			fmt.Println(failed.Name, failed.Err, failed.Action, failed.Delay)
//		}
//	})
//
// This caller restarts after 100 ms, 200 ms, 400 ms and so on. Each delay is shortened by up to a fifth,
// at random. The sixth failure within a minute stops the caller. After it has worked for 10 s without a
// failure, the delays begin with 100 ms again.
//
// # Policies
//
// A [Policy] is the decision, made before anything has failed. There are four:
//
//   - [Capture], the default: the failure goes into the pending of the call, and nothing else happens.
//   - [Restart]: the caller's actor is restarted. Queued pendings and periodic calls survive. Running
//     ones are cancelled with the panic as the cause. A queue that is at work on an item is cancelled
//     too, and drops the items behind. It is kept if it is idle, or if its own item panicked.
//     [MaxRestarts] limits the restarts, [Backoff] and [Jitter] delay them.
//   - [Stop]: the caller is stopped.
//   - [Escalate]: the failure becomes one of the parent, and the parent's policy decides.
//
// An error that a function returns is a result and not a failure. No policy applies to it.
//
// # From a failure to an action
//
// A policy never changes. The failures of one caller are counted in a [Record]. [Record.Decide] adds a
// failure, and returns the [Action] and the delay before it:
//
//	action, delay := record.Decide(policy, time.Now())
//
// # Plain actors
//
// [OneForOne] and [AllForOne] turn a policy into a protoactor supervisor strategy, for actors that
// supervise plain actors. They behave as protoactor's own strategies do, and add exponential backoff
// with jitter, also together with a limit.
//
// # Events
//
// [Failed], [Restarted] and [Stopped] of callers are published on the EventStream of the actor system.
// Handlers run one after the other, in the order of the events, on a goroutine of their own. It holds no
// turn, so a handler may wait for callers. Callers do not wait for handlers. If handlers are slow, at most
// 65 536 events wait. Further ones are dropped, which is logged.
//
// The strategies for plain actors publish protoactor's own [actor.SupervisorEvent]. They do so on the
// goroutine of the supervisor, where a handler must not block.
//
// # The names you need
//
// [Capture], [Restart], [Stop] and [Escalate], with [MaxRestarts] and [Backoff] for most restarts.
// [OneForOne] if plain actors are supervised. [Record] is for other supervisors than callers.
//
// # Limits
//
// A policy applies to panics, and to failures that children escalate. It does not distinguish one
// failure from another. A [MaxRestarts] that the delays of [Backoff] keep from ever being exceeded is an
// error of the options. The limits of protoactor's supervisors are listed at
// [OneForOne].
package supervision
