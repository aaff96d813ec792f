package telemetry

import "github.com/seed-7fcaac1b/protocaller/internal/instrument"

// The attributes of spans and metrics without a semantic convention of
// OpenTelemetry. Durations are in seconds.
const (
	// CallerIDKey is the id of the caller that runs the call. The id is the
	// caller's path in the tree of callers too.
	CallerIDKey = instrument.CallerIDKey // protocaller.caller.id
	// CallerNameKey is the name of the caller, if it was given one.
	CallerNameKey = instrument.CallerNameKey // protocaller.caller.name
	// WorkerIDKey is the id of the worker that ran the function of a ToThread.
	WorkerIDKey = instrument.WorkerIDKey // protocaller.worker.id
	// MethodKey is the function of package actors that made the pending: "CallSoon". Those of
	// package rpc have "rpc." before them.
	MethodKey = instrument.MethodKey // protocaller.method
	// OutcomeKey is "ok", "error", "panic" or "cancelled". Spans with the outcome
	// ok do not have it.
	OutcomeKey = instrument.OutcomeKey // protocaller.outcome
	// AttemptKey is the number of an attempt, from 1.
	AttemptKey = instrument.AttemptKey // protocaller.attempt
	// CauseKey is why a pending was cancelled, or why there is another attempt.
	CauseKey = instrument.CauseKey // protocaller.cause
	// OnKey is the name of the pending that a function waits for.
	OnKey = instrument.OnKey // protocaller.on
	// DelayKey is how long a delayed call was held back. Its span begins after the
	// delay.
	DelayKey = instrument.DelayKey // protocaller.delay
	// QueueDurationKey is how long a call was queued, until its function was
	// called or the call was cancelled.
	QueueDurationKey = instrument.QueueDurationKey // protocaller.queue.duration
	// RunDurationKey is how long the function of a call ran, waits included. It is
	// the rest of the span.
	RunDurationKey = instrument.RunDurationKey // protocaller.run.duration
	// WaitDurationKey is how long the function waited, as a part of its run.
	WaitDurationKey = instrument.WaitDurationKey // protocaller.wait.duration
	// ProgressDoneKey, ProgressTotalKey and ProgressTextKey are what the function of a call
	// last said of its progress.
	ProgressDoneKey  = instrument.ProgressDoneKey  // protocaller.progress.done
	ProgressTotalKey = instrument.ProgressTotalKey // protocaller.progress.total
	ProgressTextKey  = instrument.ProgressTextKey  // protocaller.progress.text
	// MessageTypeKey is the type of a message between actors.
	MessageTypeKey = instrument.MessageTypeKey // protocaller.message.type
	// SystemKey is the id of the actor system.
	SystemKey = instrument.SystemKey // protocaller.system.id
	// StateKey is how far a call is that is not done: queued, running, or waiting. See
	// [Unfinished].
	StateKey = instrument.StateKey // protocaller.state
	// UnfinishedKey is how many spans [Unfinished] has made of a call.
	UnfinishedKey = instrument.UnfinishedKey // protocaller.unfinished
	// ReasonKey is why another node was denied something.
	ReasonKey = instrument.ReasonKey // protocaller.reason
	// CallerStateKey is "idle" or "busy".
	CallerStateKey = instrument.CallerStateKey // protocaller.caller.state
	// WorkerStateKey is "idle" or "busy".
	WorkerStateKey = instrument.WorkerStateKey // protocaller.worker.state
)

// The names of the events of a span, besides the semantic conventions'
// "exception".
const (
	// EventSuspended is that the function waits. [OnKey] says for what.
	EventSuspended = instrument.EventSuspended // "suspended"
	// EventResumed is that the function has stopped waiting.
	EventResumed = instrument.EventResumed // "resumed"
	// EventCancelRequested is a call of Cancel. [CauseKey] says why.
	EventCancelRequested = instrument.EventCancelRequested // "cancel requested"
	// EventLongTurn is that the function has held its turn for long.
	EventLongTurn = instrument.EventLongTurn // "turn lasts long"
	// EventAttempt is that the function is called again, or the call sent again.
	EventAttempt = instrument.EventAttempt // "attempt"
	// EventAbandoned is that a stop or a restart waits no longer for the function.
	// [StateKey] says how far that is.
	EventAbandoned = instrument.EventAbandoned // "abandoned"
	// EventWaitFailed is that a wait of the function has failed, as one that could never
	// end. [CauseKey] says why.
	EventWaitFailed = instrument.EventWaitFailed // "wait failed"
)
