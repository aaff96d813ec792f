// Package telemetry shows what callers do to OpenTelemetry: a span for each
// pending, metrics, and the ids of the trace in the logs.
//
//	t := telemetry.New()
//	caller, err := actors.Start(system, props.Telemetry(t))
//	err = actors.Defaults(system, props.Telemetry(t)) // for the main caller
//
// # Spans
//
// Each pending of a Schedule, CallSoon, CallLater, CallUsing, ToThread, Request
// or Invoke has a span, a child of the one in the context it was scheduled
// with, from then until it is done; what its function schedules is below it.
// The name is that of the call, else of its function. Attributes say on which
// caller it was and how long it queued, ran and waited; events say when the
// function started, was suspended, on what, and resumed, and who asked for its
// end, and why. An error or a panic is an exception of the span and its status;
// a cancellation is an outcome, and leaves the status open.
//
// A delayed call has its span when its time has come. If the span of what
// scheduled it has ended by then, it begins a new trace that has a link to that.
// The items of a queue have a trace each, with a link to the span of their Put.
//
// A [Telemetry] is an observer of anything else that is asked for:
//
//	pending.Run(ctx, body, pending.WithObserver(t.Named("fetch all")))
//	pending.AsCompleted(ctx, jobs, pending.LoopObservedBy(t.Named("jobs")))
//	pending.New[int](ctx, pending.Named("answer"), pending.ObservedBy(t))
//
// # Metrics
//
//	protocaller.pending.started   pendings made, by method
//	protocaller.pending.done      pendings done, by method and outcome
//	protocaller.queue.duration    histogram of the time in the queue, by method
//	protocaller.run.duration      histogram of the time after it, by method and outcome
//	protocaller.caller.count      callers that have not stopped, by system
//	protocaller.mailbox.length    calls and messages that wait, by system
//	protocaller.worker.count      workers, idle and busy, by system
//	protocaller.rpc.denied        what other nodes were denied, by reason
//
// The counts of callers, calls and workers are read when metrics are collected, by one callback for each
// system, which ends with the last of its callers.
//
// # Cost
//
// Without a [Telemetry] a caller pays nothing for all this. With one, what
// becomes of the spans and the metrics is up to the providers of the
// OpenTelemetry SDK that the program has set up; telemetry/otlp does that in
// one call.
//
// A call that is not sampled costs what the SDK takes to decide that.
//
// # Plain actors
//
// Actors that are no callers take part with protoactor's middleware, and a root
// context stands for the trace of a context:
//
//	pid := system.Root.Spawn(actor.PropsFromProducer(newClerk, t.Traced()))
//	t.Root(ctx, system.Root).Send(pid, message)
//
// In their Receive [ContextOf] returns the context for calls and requests. The
// W3C trace context travels in the headers of the messages, also to other nodes.
package telemetry
