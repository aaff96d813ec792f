package telemetry

import "go.opentelemetry.io/otel/attribute"

// The attributes of spans and metrics without a semantic convention of
// OpenTelemetry. Durations are in seconds.
const (
	// CallerIDKey is the id of the caller that runs the call. The id is the
	// caller's path in the tree of callers too.
	CallerIDKey = attribute.Key("protocaller.caller.id")
	// CallerNameKey is the name of the caller, if it was given one.
	CallerNameKey = attribute.Key("protocaller.caller.name")
	// WorkerIDKey is the id of the worker that ran the function of a ToThread.
	WorkerIDKey = attribute.Key("protocaller.worker.id")
	// MethodKey is the function of package actors that made the pending, as in
	// [Method.String].
	MethodKey = attribute.Key("protocaller.method")
	// OutcomeKey is "ok", "error", "panic" or "cancelled". Spans with the outcome
	// ok do not have it.
	OutcomeKey = attribute.Key("protocaller.outcome")
	// AttemptKey is the number of an attempt, from 1.
	AttemptKey = attribute.Key("protocaller.attempt")
	// CauseKey is why a pending was cancelled, or why there is another attempt.
	CauseKey = attribute.Key("protocaller.cause")
	// OnKey is the name of the pending that a function waits for.
	OnKey = attribute.Key("protocaller.on")
	// DelayKey is how long a delayed call was held back. Its span begins after the
	// delay.
	DelayKey = attribute.Key("protocaller.delay")
	// QueueDurationKey is how long a call was queued, until its function was
	// called or the call was cancelled.
	QueueDurationKey = attribute.Key("protocaller.queue.duration")
	// RunDurationKey is how long the function of a call ran, waits included. It is
	// the rest of the span.
	RunDurationKey = attribute.Key("protocaller.run.duration")
	// WaitDurationKey is how long the function waited, as a part of its run.
	WaitDurationKey = attribute.Key("protocaller.wait.duration")
	// ProgressDoneKey, ProgressTotalKey and ProgressTextKey are what the function of a call
	// last said of its progress.
	ProgressDoneKey  = attribute.Key("protocaller.progress.done")
	ProgressTotalKey = attribute.Key("protocaller.progress.total")
	ProgressTextKey  = attribute.Key("protocaller.progress.text")
	// MessageTypeKey is the type of a message between actors.
	MessageTypeKey = attribute.Key("protocaller.message.type")
	// SystemKey is the id of the actor system.
	SystemKey = attribute.Key("protocaller.system.id")
	// StateKey is how far a call is that is not done: queued, running, or waiting. See
	// [Unfinished].
	StateKey = attribute.Key("protocaller.state")
	// UnfinishedKey is how many spans [Unfinished] has made of a call.
	UnfinishedKey = attribute.Key("protocaller.unfinished")
	// ReasonKey is why another node was denied something.
	ReasonKey = attribute.Key("protocaller.reason")
	// CallerStateKey is "idle" or "busy".
	CallerStateKey = attribute.Key("protocaller.caller.state")
	// WorkerStateKey is "idle" or "busy".
	WorkerStateKey = attribute.Key("protocaller.worker.state")
)

// The names of the events of a span, besides the semantic conventions'
// "exception".
const (
	// EventSuspended is that the function waits. [OnKey] says for what.
	EventSuspended = "suspended"
	// EventResumed is that the function has stopped waiting.
	EventResumed = "resumed"
	// EventCancelRequested is a call of Cancel. [CauseKey] says why.
	EventCancelRequested = "cancel requested"
	// EventLongTurn is that the function has held its turn for long.
	EventLongTurn = "turn lasts long"
	// EventAttempt is that the function is called again, or the call sent again.
	EventAttempt = "attempt"
	// EventAbandoned is that a stop or a restart waits no longer for the function.
	// [StateKey] says how far that is.
	EventAbandoned = "abandoned"
	// EventWaitFailed is that a wait of the function has failed, as one that could never
	// end. [CauseKey] says why.
	EventWaitFailed = "wait failed"
)
