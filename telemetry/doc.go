// Package telemetry connects callers to OpenTelemetry. It makes a span for each
// pending, metrics, and trace ids in logs.
//
//	shutdown, err := otlp.Setup(ctx, "shop") // or the set-up that the program has
//	defer shutdown(ctx)
//	t := telemetry.New()
//	err = actors.Defaults(system, props.Telemetry(t)) // for all callers without a parent
//	orders, err := actors.Start(system, props.Name("orders"))
//	p := actors.Schedule(ctx, orders, fetch, actors.Named("fetch the orders")) // a span
//	text, err := p.Wait(ctx)
//
// # Spans
//
// Each call has a span: of Call, Do, Schedule, CallSoon, CallLater, CallUsing,
// ToThread, Request, Invoke, and of each time that Every calls. Its parent is the span of the context that the call was
// scheduled with. It lasts until the pending is done. The spans of what its
// function schedules are its children. The name is that of the call, or else of
// its function.
//
// CONVENTIONS.md, beside this file, lists all that is emitted.
//
// Attributes show the caller, and how long the call was queued, ran and waited.
// Events show when the function was suspended and on what, and when it resumed. A requested cancellation is an event with its cause. An error
// or a panic is an exception of the span and sets its status. A cancellation is an
// outcome, and leaves the status unset.
//
// The span of a delayed call begins when the delay is over. If the span that
// scheduled it has ended by then, it begins a new trace with a link. Each item of
// a queue has a trace of its own, with a link to the span of its Put. An attempt at a call after
// the first one has a span below that of the call, with a link to the attempt before.
//
// A [Telemetry] is also an observer of other pendings, groups and loops:
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
//	protocaller.wait.duration     histogram of the time in waits, by method
//	protocaller.deadlocks         waits that could never end, by method
//	protocaller.turns.long        turns that the watchdog has reported
//	protocaller.caller.count      callers that have not stopped, idle and busy, by system
//	protocaller.mailbox.length    calls and messages that wait, by system
//	protocaller.worker.count      workers, idle and busy, by system
//	rpc.client.call.duration      histogram of calls of other nodes
//	rpc.server.call.duration      histogram of calls by other nodes
//	protocaller.rpc.denied        what other nodes were denied, by reason
//	protocaller.rpc.expelled      how often members were expelled from their clusters
//
// Callers, calls and workers are counted when metrics are collected. Each system has one
// callback for them, until its last caller has stopped.
//
// # Logs
//
// [LogHandler] adds the ids of trace and span to records. The logger of a caller with a
// [Telemetry] does that already.
//
// # Cost
//
// Without a [Telemetry] a caller pays nothing. With one, spans and metrics go to
// the providers that the program has set up. Package telemetry/otlp sets them up
// in one call.
//
// A call that is not sampled costs the sampling decision of the SDK. Its metrics are counted
// many at a time, and before each collection.
//
// # Plain actors
//
// Other actors take part with the middleware of protoactor. A root context takes
// part by [Telemetry.Root]:
//
//	pid := system.Root.Spawn(actor.PropsFromProducer(newClerk, t.Traced()))
//	t.Root(ctx, system.Root).Send(pid, message)
//
// In their Receive [ContextOf] returns the context for calls and requests. The W3C
// trace context travels in the headers of messages, also to other nodes.
//
// # The names you need
//
// [New], and props.Telemetry for callers. [Telemetry.Traced] and [ContextOf] for plain actors,
// [Telemetry.Root] for code outside of actors. [Telemetry.Named] for groups and loops. The keys
// of attributes for those who read spans.
//
// # Limits
//
// protoactor does not report the answer to a message of a plain actor. So the span of a message
// ends when it is sent. Direct calls have no span. A call that was made without a [Telemetry]
// has none later.
package telemetry
