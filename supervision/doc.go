// Package supervision says what happens when a function of a caller panics, or when a child of an
// actor fails.
//
// A [Policy] is the answer, given before anything has failed. There are four:
//
//   - [Capture], the default: the failure goes into the pending of the call and nowhere else.
//   - [Restart]: the caller's actor is restarted. Queued pendings survive, running ones are
//     cancelled with the panic as the cause. [MaxRestarts] limits how often, [Backoff] and [Jitter]
//     say how long to wait first.
//   - [Stop]: the caller is stopped.
//   - [Escalate]: the failure becomes the parent's failure, and the parent's policy decides.
//
// An error that a function returns is a result and no failure: no policy ever sees it.
//
// # From a failure to an action
//
// A policy never changes and knows nothing of the past. The failures of one caller are kept in a
// [Record]; [Record.Decide] adds one to it and tells the [Action] to take and the delay before it:
//
//	policy := supervision.Restart(
//		supervision.MaxRestarts(5, time.Minute),
//		supervision.Backoff(100*time.Millisecond, 10*time.Second),
//		supervision.Jitter(0.2),
//	)
//	action, delay := record.Decide(policy, time.Now())
//
// This caller is restarted after 100 ms, 200 ms, 400 ms and so on, each a random fifth or less
// shorter. It is stopped at the sixth failure in a minute. Once it has worked for 10 s without a
// failure, the delays begin with 100 ms again.
//
// # Plain actors
//
// [OneForOne] and [AllForOne] turn a policy into a protoactor supervisor strategy, for actors that
// supervise plain actors. They behave as protoactor's own strategies do, and add what these lack: an
// exponential backoff with jitter, and limits together with it.
//
// # Watching it happen
//
// Callers publish [Failed], [Restarted] and [Stopped] on the event stream of their actor system. The
// strategies for plain actors publish protoactor's own [actor.SupervisorEvent].
package supervision
