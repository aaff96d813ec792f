package instrument

import (
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// observation records one pending as a span, in metrics, or both.
type observation struct {
	*source
	ctx      spanContext
	parent   parentContext // of the span, if that is observed too
	pending  *future.Core
	function *function       // nil if there is none
	span     trace.Span      // nil if it is not recorded
	open     *openSpan       // nil without Unfinished
	room     *future.Details // for the pending, nil if that has its own
	counted  bool
	sampled  bool        // an exemplar can be made of its values
	over     atomic.Bool // it is done

	// Times are in nanoseconds since it began; 0 is never.
	began     time.Time
	started   atomic.Int64
	suspended atomic.Int64 // 0 while it does not wait
	waited    atomic.Int64 // altogether
}

var _ future.Observation = (*observation)(nil)

// newObservation returns the observation of a pending. With it comes memory for the details
// of the pending, if that has none.
func newObservation(c *future.Core) *observation {
	if !future.IsBare(c) {
		return &observation{}
	}
	made := &struct {
		observation
		details future.Details
	}{}
	made.room = &made.details
	return &made.observation
}

// Room returns memory for the details of the pending, or nil.
func (o *observation) Room() *future.Details { return o.room }

func (o *observation) elapsed() int64 { return max(1, int64(time.Since(o.began))) }

// values returns where the values of the pending go first, or nil: those of a sampled trace
// are recorded at once, with its context.
func (o *observation) values() *shard {
	if o.sampled {
		return nil
	}
	return o.source.values
}

// Due implements [future.Observation].
func (o *observation) Due() {}

// Started implements [future.Observation].
func (o *observation) Started() {
	defer survive()
	queued := o.elapsed()
	o.started.Store(queued)
	if o.counted {
		o.counters.queuedFor(&o.ctx, o.values(), queued)
	}
}

// Suspended implements [future.Observation].
func (o *observation) Suspended(on *future.Core) {
	o.suspended.Store(o.elapsed())
	if o.span == nil {
		return
	}
	defer survive()
	if o.open != nil && on != nil {
		o.open.on.Store(on)
	}
	if on == nil {
		o.span.AddEvent(EventSuspended)
		return
	}
	o.span.AddEvent(EventSuspended, trace.WithAttributes(text(OnKey, on.Name())))
}

// Resumed implements [future.Observation].
func (o *observation) Resumed() {
	o.endWait(o.elapsed())
	if o.span == nil {
		return
	}
	defer survive()
	if o.open != nil {
		o.open.on.Store(nil)
	}
	o.span.AddEvent(EventResumed)
}

// endWait adds the wait that is under way, if there is one, to what was waited.
func (o *observation) endWait(now int64) {
	if began := o.suspended.Swap(0); began > 0 {
		o.waited.Add(now - began)
	}
}

// WaitFailed is called when a wait of the function has failed: it could never end.
func (o *observation) WaitFailed(err error) {
	if o.counted && isDeadlock(err) {
		o.counters.deadlocked(&o.ctx)
	}
	if o.span != nil {
		defer survive()
		o.span.AddEvent(EventWaitFailed, trace.WithAttributes(text(CauseKey, textOf(err))))
	}
}

// CancelRequested implements [future.Observation].
func (o *observation) CancelRequested(cause error) {
	defer survive()
	switch {
	case o.span == nil:
	case cause == nil:
		o.span.AddEvent(EventCancelRequested)
	default:
		o.span.AddEvent(EventCancelRequested, trace.WithAttributes(text(CauseKey, textOf(cause))))
	}
}

// Done implements [future.Observation].
func (o *observation) Done(err error) { o.done(err, future.TaskOf(o.pending).Panicked()) }

// done is Done of a pending whose function has panicked, or not. Later calls do nothing.
func (o *observation) done(err error, crashed bool) {
	if o.over.Swap(true) {
		return
	}
	err = printable(err)
	total, started := o.elapsed(), o.started.Load()
	end := outcomeOf(err, crashed)
	status := o.statusOf(err)
	o.endWait(total) // the function was abandoned while it waited
	if o.counted {
		ran := total - started
		if started == 0 {
			ran = -1
		}
		o.counters.done(&o.ctx, o.values(), end, ran, o.waited.Load())
		if o.counters.rpc != nil {
			o.counters.called(&o.ctx, total, o.callAttributes(status))
		}
	}
	if o.span == nil {
		return
	}
	defer endSpan(o.span)
	defer survive()
	if o.open != nil {
		if n := o.source.open.remove(o.open); n > 0 {
			o.span.SetAttributes(UnfinishedKey.Int(n))
		}
	}
	o.describe(end, total, started, status)
	if err != nil {
		o.fail(end, err, status)
	}
}

// describe sets all attributes of the span at once: the SDK is fastest at that.
func (o *observation) describe(end outcome, total, started int64, status string) {
	all := scratch.Get().(*[maxAttributes]attribute.KeyValue)
	defer scratch.Put(all)
	o.span.SetAttributes(o.appendAttributes(append(all[:0], o.attributes...), end, total, started, status)...)
}

// scratch holds memory for the attributes of a span. The span copies them.
var scratch = sync.Pool{New: func() any { return new([maxAttributes]attribute.KeyValue) }}

const maxAttributes = 16

func (o *observation) appendAttributes(
	all []attribute.KeyValue, end outcome, total, started int64, status string,
) []attribute.KeyValue {
	if o.function != nil {
		queued := total
		if started > 0 {
			queued = started
			all = append(all, RunDurationKey.Float64(seconds(total-started)))
		}
		all = append(all, o.function.attribute, QueueDurationKey.Float64(seconds(queued)))
	}
	if o.served {
		all = append(all, o.servedMethod())
	}
	if status != "" {
		all = append(all, text(semconv.RPCResponseStatusCodeKey, status))
	}
	if end != ok {
		all = append(all, OutcomeKey.String(end.String()))
	}
	if waited := o.waited.Load(); waited > 0 {
		all = append(all, WaitDurationKey.Float64(seconds(waited)))
	}
	if where, ok := future.RunnerOf(o.pending).(worker); ok && started > 0 {
		if id := where.WorkerID(); id != "" {
			all = append(all, text(WorkerIDKey, id))
		}
	}
	return all
}

// servedMethod returns the name of the function that another node calls.
func (o *observation) servedMethod() attribute.KeyValue {
	name, _ := future.Origin(o.pending)
	return text(semconv.RPCMethodKey, name)
}

// statusOf returns the status of a call between nodes, "" for any other pending.
func (o *observation) statusOf(err error) string {
	switch {
	case !o.rpc:
		return ""
	case err != nil && o.codeOf != nil:
		if code := codeOf(err, o.codeOf); code != "" {
			return code
		}
	}
	return o.rpcStatus(err)
}

// codeOf returns the code that an error travels with, or "". The methods of the error may panic.
func codeOf(err error, of func(error) string) (code string) {
	defer func() {
		if recover() != nil {
			code = ""
		}
	}()
	return of(err)
}

// callAttributes returns what the metrics say of a call between nodes.
func (o *observation) callAttributes(status string) []attribute.KeyValue {
	all := []attribute.KeyValue{text(semconv.RPCResponseStatusCodeKey, status)}
	if status != statusOK {
		all = append(all, text(semconv.ErrorTypeKey, status))
	}
	for _, a := range o.attributes {
		switch a.Key {
		case semconv.RPCSystemNameKey, semconv.RPCMethodKey, semconv.ServerAddressKey, semconv.ServerPortKey:
			all = append(all, a)
		}
	}
	if o.served {
		all = append(all, o.servedMethod())
	}
	return all
}

// worker is implemented by a [future.Runner] that may be a worker.
type worker interface {
	// WorkerID returns the id of the worker that runs the function, or "".
	WorkerID() string
}

// fail records why the pending has no result. A cancellation is not a failure: it
// leaves the status unset.
func (o *observation) fail(end outcome, err error, status string) {
	switch {
	case end == cancelled:
		o.span.SetAttributes(text(CauseKey, textOf(err)))
	case status != "": // the conventions want that as the type of the error
		o.recordError(o.span, err, status)
	default:
		o.recordError(o.span, err, o.nameOf(err))
	}
}

func seconds(nanoseconds int64) float64 { return time.Duration(nanoseconds).Seconds() }
