// Package telemetry shows what callers do to OpenTelemetry: a span for each
// pending, metrics, and the ids of the trace in the logs.
//
//	t := telemetry.New()
//	caller, err := actors.Start(system, props.Telemetry(t))
//
// Without a [Telemetry] a caller pays nothing for all this. With one, what
// becomes of the spans and the metrics is up to the providers of the
// OpenTelemetry SDK that the program has set up; telemetry/otlp does that in
// one call.
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
