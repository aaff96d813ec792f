package instrument

import "go.opentelemetry.io/otel/attribute"

// The keys of attributes. Package telemetry says what they mean.
const (
	CallerIDKey      = attribute.Key("protocaller.caller.id")
	CallerNameKey    = attribute.Key("protocaller.caller.name")
	WorkerIDKey      = attribute.Key("protocaller.worker.id")
	MethodKey        = attribute.Key("protocaller.method")
	OutcomeKey       = attribute.Key("protocaller.outcome")
	AttemptKey       = attribute.Key("protocaller.attempt")
	CauseKey         = attribute.Key("protocaller.cause")
	OnKey            = attribute.Key("protocaller.on")
	DelayKey         = attribute.Key("protocaller.delay")
	QueueDurationKey = attribute.Key("protocaller.queue.duration")
	RunDurationKey   = attribute.Key("protocaller.run.duration")
	WaitDurationKey  = attribute.Key("protocaller.wait.duration")
	ProgressDoneKey  = attribute.Key("protocaller.progress.done")
	ProgressTotalKey = attribute.Key("protocaller.progress.total")
	ProgressTextKey  = attribute.Key("protocaller.progress.text")
	MessageTypeKey   = attribute.Key("protocaller.message.type")
	SystemKey        = attribute.Key("protocaller.system.id")
	StateKey         = attribute.Key("protocaller.state")
	UnfinishedKey    = attribute.Key("protocaller.unfinished")
	ReasonKey        = attribute.Key("protocaller.reason")
	CallerStateKey   = attribute.Key("protocaller.caller.state")
	WorkerStateKey   = attribute.Key("protocaller.worker.state")
)

// The names of events. Package telemetry says what they mean.
const (
	EventSuspended       = "suspended"
	EventResumed         = "resumed"
	EventCancelRequested = "cancel requested"
	EventLongTurn        = "turn lasts long"
	EventAttempt         = "attempt"
	EventAbandoned       = "abandoned"
	EventWaitFailed      = "wait failed"
)
