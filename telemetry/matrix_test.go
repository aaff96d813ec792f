package telemetry_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

type function = func(context.Context) (int, error)

// way is a way to make a pending. make returns how to cancel it.
type way struct {
	method string
	kind   api.SpanKind
	root   bool          // it has a trace of its own, with a link
	below  string        // the method of what is above it, if that is no span of the test
	delay  time.Duration // after which its span begins
	noRun  bool          // it has no function
	make   func(s *scene, ctx context.Context, fn function) (cancel func(error))
}

func cancelOf(h pending.Handle) func(error) { return func(cause error) { h.Cancel(cause) } }

var waysToMake = map[string]way{
	"Schedule": {method: "Schedule", make: func(s *scene, ctx context.Context, fn function) func(error) {
		return cancelOf(actors.Schedule(ctx, s.caller, fn))
	}},
	"Schedule, urgent": {method: "Schedule", make: func(s *scene, ctx context.Context, fn function) func(error) {
		return cancelOf(actors.Schedule(ctx, s.caller, fn, actors.Urgent()))
	}},
	"CallSoon": {method: "CallSoon", make: func(s *scene, ctx context.Context, fn function) func(error) {
		return cancelOf(actors.CallSoon(ctx, s.caller, fn))
	}},
	"Schedule, on a worker": {method: "Schedule", make: func(s *scene, ctx context.Context, fn function) func(error) {
		return cancelOf(actors.Schedule(ctx, s.caller, fn, actors.OnWorker()))
	}},
	"Schedule, with a delay": {method: "Schedule", delay: time.Millisecond, make: func(s *scene, ctx context.Context, fn function) func(error) {
		return cancelOf(actors.Schedule(ctx, s.caller, fn, actors.Delay(time.Millisecond)))
	}},
	"Schedule, with a delay, on a worker": {method: "Schedule", delay: time.Millisecond, make: func(s *scene, ctx context.Context, fn function) func(error) {
		return cancelOf(actors.Schedule(ctx, s.caller, fn, actors.Delay(time.Millisecond), actors.OnWorker()))
	}},
	"Schedule, to be tried again": {method: "Schedule", make: func(s *scene, ctx context.Context, fn function) func(error) {
		return cancelOf(actors.Schedule(ctx, s.caller, fn, actors.Retry(actors.Attempts(1))))
	}},
	"CallLater": {method: "CallLater", delay: time.Millisecond, make: func(s *scene, ctx context.Context, fn function) func(error) {
		return cancelOf(actors.CallLater(ctx, s.caller, time.Millisecond, fn))
	}},
	"CallUsing": {method: "CallUsing", make: func(s *scene, ctx context.Context, fn function) func(error) {
		return cancelOf(actors.CallUsing(ctx, s.caller, props.Thread, fn))
	}},
	"ToThread": {method: "ToThread", make: func(s *scene, ctx context.Context, fn function) func(error) {
		return cancelOf(actors.ToThread(ctx, s.caller, fn))
	}},
	"Call": {method: "Call", make: func(s *scene, ctx context.Context, fn function) func(error) {
		ctx, cancel := context.WithCancelCause(ctx)
		go func() { _, _ = actors.Call(ctx, s.caller, fn) }()
		return cancel
	}},
	"Every": {method: "Every", make: func(s *scene, ctx context.Context, fn function) func(error) {
		p := actors.Every(ctx, s.caller, time.Hour, func(ctx context.Context) error {
			_, err := fn(ctx)
			return err
		}, actors.Immediately())
		return cancelOf(p)
	}},
	"Put": {method: "Put", root: true, make: func(s *scene, ctx context.Context, fn function) func(error) {
		q := actors.NewQueue(s.caller, func(ctx context.Context, _ int) error { _, err := fn(ctx); return err })
		_ = q.PutContext(ctx, 1)
		return cancelOf(q.Pending())
	}},
	"Invoke": {method: "Invoke", below: "Request", make: func(s *scene, ctx context.Context, fn function) func(error) {
		return cancelOf(actors.Request[int](s.telemetry.NewContext(ctx), s.system, s.caller.PID(), actors.Invoke(fn)))
	}},
	"Request": {method: "Request", kind: api.SpanKindClient, noRun: true, make: func(s *scene, ctx context.Context, fn function) func(error) {
		return cancelOf(actors.Request[int](s.telemetry.NewContext(ctx), s.system, s.caller.PID(), actors.Invoke(fn)))
	}},
}

// end is a way in which a pending can end.
type end struct {
	outcome string
	fn      function                           // asleep for a minute unless given
	exits   bool                               // the function ends its goroutine
	busy    bool                               // the caller and its worker are, meanwhile
	do      func(s *scene, cancel func(error)) // a tenth of a second after it was made

	// How long it takes, if it is not delayed.
	queued, ran, waited time.Duration
}

const (
	soon = 100 * time.Millisecond // when something is done to a pending
	late = soon + time.Second     // when a stop abandons its function
)

var waysToEnd = map[string]end{
	"a result": {fn: func(ctx context.Context) (int, error) { return 1, actors.Sleep(ctx, time.Second) }, ran: time.Second, waited: time.Second},
	"a result, after the queue": {busy: true, do: func(s *scene, _ func(error)) { s.free() }, queued: soon, ran: time.Second, waited: time.Second,
		fn: func(ctx context.Context) (int, error) { return 1, actors.Sleep(ctx, time.Second) }},
	"a result, of work and a wait": {ran: 3 * time.Second, waited: time.Second, fn: func(ctx context.Context) (int, error) {
		time.Sleep(2 * time.Second)
		return 1, actors.Sleep(ctx, time.Second)
	}},
	"an error":              {outcome: "error", fn: func(context.Context) (int, error) { return 0, errBoom }},
	"a panic":               {outcome: "panic", fn: func(context.Context) (int, error) { panic("bang") }},
	"Goexit":                {outcome: "cancelled", exits: true, fn: func(context.Context) (int, error) { runtime.Goexit(); return 0, nil }},
	"a cancel in a wait":    {outcome: "cancelled", do: func(_ *scene, cancel func(error)) { cancel(errBoom) }, ran: soon, waited: soon},
	"a cancel in the queue": {outcome: "cancelled", busy: true, do: func(_ *scene, cancel func(error)) { cancel(errBoom) }, queued: soon},
	"a stop in a wait":      {outcome: "cancelled", do: func(s *scene, _ func(error)) { s.caller.Stop() }, ran: soon, waited: soon},
	"a stop in the queue":   {outcome: "cancelled", busy: true, do: func(s *scene, _ func(error)) { s.caller.Stop() }, queued: soon},
	"abandonment in a wait": {outcome: "cancelled", fn: func(ctx context.Context) (int, error) {
		return pending.New[int](context.Background()).Wait(ctx, pending.Shield())
	}, do: func(s *scene, _ func(error)) { s.caller.Stop() }, ran: late, waited: late},
	"abandonment at work": {outcome: "cancelled", fn: func(context.Context) (int, error) {
		time.Sleep(time.Hour)
		return 1, nil
	}, do: func(s *scene, _ func(error)) { s.caller.Stop() }, ran: late},
}

// parent is what is in the context that a pending is made with.
type parent struct {
	over  bool // its end is known
	drops bool // nothing below it is recorded
	make  func(r *tracetest.Recorder) context.Context
}

var parents = map[string]parent{
	"no span": {make: func(*tracetest.Recorder) context.Context { return context.Background() }},
	"an open span": {make: func(r *tracetest.Recorder) context.Context {
		ctx, _ := r.Tracer().Start(context.Background(), "above")
		return ctx
	}},
	"a span that has ended": {over: true, make: func(r *tracetest.Recorder) context.Context {
		ctx, span := r.Tracer().Start(context.Background(), "above")
		span.End()
		return ctx
	}},
	"a span context": {make: func(*tracetest.Recorder) context.Context {
		return api.ContextWithSpanContext(context.Background(), above(api.FlagsSampled))
	}},
	"a span of another node": {make: func(*tracetest.Recorder) context.Context {
		return api.ContextWithRemoteSpanContext(context.Background(), above(api.FlagsSampled))
	}},
	"a span that is not sampled": {drops: true, make: func(*tracetest.Recorder) context.Context {
		return api.ContextWithSpanContext(context.Background(), above(0))
	}},
	"a span of another node that is not sampled": {drops: true, make: func(*tracetest.Recorder) context.Context {
		return api.ContextWithRemoteSpanContext(context.Background(), above(0))
	}},
}

func above(flags api.TraceFlags) api.SpanContext {
	return api.NewSpanContext(api.SpanContextConfig{TraceID: api.TraceID{1}, SpanID: api.SpanID{2}, TraceFlags: flags})
}

// ends counts how often each span ends.
type ends struct {
	hooks
	mu   sync.Mutex
	seen map[api.SpanID]int
}

// OnEnd implements [sdk.SpanProcessor].
func (e *ends) OnEnd(span sdk.ReadOnlySpan) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen[span.SpanContext().SpanID()]++
}

func TestEveryPendingHasOneSpanThatEndsOnceHoweverItEnds(t *testing.T) {
	for name, w := range waysToMake {
		for fate, e := range waysToEnd {
			if w.below != "" && strings.HasPrefix(fate, "a cancel") {
				continue // which is that of the request, and not of what it has called
			}
			t.Run(name+" ends by "+fate, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					newWayScene(t).check(t, w, parents["an open span"], e)
				})
			})
		}
	}
}

func TestEveryPendingHasTheParentOfItsContext(t *testing.T) {
	for name, w := range waysToMake {
		for of, p := range parents {
			t.Run(name+" with "+of, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { newWayScene(t).check(t, w, p, waysToEnd["a result"]) })
			})
		}
	}
}

// wayScene is a scene for one pending.
type wayScene struct {
	*scene
	meters *meters
	ends   *ends
}

func newWayScene(t *testing.T) *wayScene {
	t.Helper()
	w := &wayScene{meters: newMeters(), ends: &ends{seen: make(map[api.SpanID]int)}}
	r := tracetest.NewRecorder(sdk.WithSpanProcessor(w.ends), sdk.WithSampler(sdk.ParentBased(sdk.AlwaysSample())))
	w.scene = &scene{Recorder: r, system: newSystem(), telemetry: r.Telemetry(telemetry.MeterProvider(w.meters))}
	var err error
	w.caller, err = actors.Start(w.system, props.Name("it"), props.Telemetry(w.telemetry), props.MaxWorkers(1),
		props.StopTimeout(time.Second), props.TurnWarning(0))
	require.NoError(t, err)
	return w
}

// check makes a pending with that parent, has it end, and looks at what was recorded.
func (s *wayScene) check(t *testing.T, w way, p parent, e end) {
	t.Helper()
	ctx := p.make(s.Recorder)
	s.play(t, w, e, ctx)
	if span := api.SpanFromContext(ctx); !span.SpanContext().IsRemote() {
		span.End()
	}
	time.Sleep(2 * time.Hour)

	require.Empty(t, s.Open())
	found := s.find(t, w)
	if p.drops {
		assert.Empty(t, found, s.Tree())
		return
	}
	require.Len(t, found, 1, s.Tree())
	s.checkParent(t, found[0], w, p, api.SpanContextFromContext(ctx))
	outcome := s.checkOutcome(t, found[0], w, e)
	checkDurations(t, found[0], w, e)
	lines := s.meters.collect(t)
	assert.Equal(t, total(lines, "pending.started{"), total(lines, "pending.done{"), lines)
	assert.NotZero(t, total(lines, "pending.done{method="+w.method+",outcome="+outcome+"}"), lines)
}

// play makes the pending, and has it end.
func (s *wayScene) play(t *testing.T, w way, e end, ctx context.Context) { //nolint:revive // The context is the subject.
	t.Helper()
	free := make(chan struct{})
	s.free = sync.OnceFunc(func() { close(free) })
	if e.busy {
		wait := func(context.Context) (any, error) { <-free; return nil, nil } //nolint:nilnil // It is for no result.
		actors.Schedule(context.Background(), s.caller, wait, actors.Named("busy"))
		actors.Schedule(context.Background(), s.caller, wait, actors.Named("busy"), actors.OnWorker())
		synctest.Wait()
	}
	fn := e.fn
	if fn == nil {
		fn = nap
	}
	cancel := w.make(s.scene, ctx, fn)
	time.Sleep(soon)
	if e.do != nil {
		e.do(s.scene, cancel)
	}
	time.Sleep(10 * time.Second)
	s.free()
	time.Sleep(time.Second)
	cancel(errors.New("over"))
	require.NoError(t, s.caller.StopWait(context.Background()))
}

// find returns the spans of the pending. Each span there is has ended once.
func (s *wayScene) find(t *testing.T, w way) (found []sdk.ReadOnlySpan) {
	t.Helper()
	for _, span := range s.Spans() {
		assert.Equal(t, 1, s.ends.seen[span.SpanContext().SpanID()], span.Name())
		if attributesOf(span)["protocaller.method"] == w.method && span.Name() != "busy" {
			found = append(found, span)
		}
	}
	if w.method == "Every" && len(found) == 2 { // the next one was cancelled before its time
		assert.Equal(t, "cancelled", attributesOf(found[1])["protocaller.outcome"])
		found = found[:1]
	}
	return found
}

func (s *wayScene) checkParent(t *testing.T, span sdk.ReadOnlySpan, w way, p parent, above api.SpanContext) {
	t.Helper()
	kind := w.kind
	if kind == 0 {
		kind = api.SpanKindInternal
	}
	assert.Equal(t, kind, span.SpanKind())
	linked := above.IsValid() && (w.root || w.delay > 0 && p.over)
	switch {
	case linked:
		assert.False(t, span.Parent().IsValid())
		require.Len(t, span.Links(), 1)
		assert.Equal(t, above.SpanID(), span.Links()[0].SpanContext.SpanID())
		assert.NotEqual(t, above.TraceID(), span.SpanContext().TraceID())
		return
	case w.below != "":
		for _, other := range s.Spans() {
			if attributesOf(other)["protocaller.method"] == w.below {
				above = other.SpanContext()
			}
		}
	}
	assert.Empty(t, span.Links())
	assert.Equal(t, above.SpanID(), span.Parent().SpanID())
	if above.IsValid() {
		assert.Equal(t, above.TraceID(), span.SpanContext().TraceID())
	}
}

func (s *wayScene) checkOutcome(t *testing.T, span sdk.ReadOnlySpan, w way, e end) (outcome string) {
	t.Helper()
	outcome = e.outcome
	switch {
	case w.method == "Request" && e.outcome == "panic":
		outcome = "error" // the function of the invocation has panicked, not that of the request
	case w.method == "Put" && e.exits:
		outcome = "error" // the queue goes on, and logs the failure of the item
	}
	assert.Equal(t, outcome, attributesOf(span)["protocaller.outcome"])
	if outcome == "" {
		return "ok"
	}
	return outcome
}

// checkDurations checks that the times are those of the end, and add up to that of the span.
func checkDurations(t *testing.T, span sdk.ReadOnlySpan, w way, e end) {
	t.Helper()
	a := attributesOf(span)
	of := func(key attribute.Key) time.Duration {
		if a[key] == "" {
			return 0
		}
		return time.Duration(number(t, a[key]) * float64(time.Second))
	}
	if e.do != nil && w.delay > 0 { // the end does not wait for the delay
		if e.queued > 0 {
			e.queued -= w.delay
		} else {
			e.ran -= w.delay
		}
		e.waited = min(e.waited, e.ran)
	}
	const delta = float64(time.Microsecond)
	assert.InDelta(t, e.queued+e.ran, span.EndTime().Sub(span.StartTime()), delta, "lasted")
	if w.noRun {
		return
	}
	assert.InDelta(t, e.queued, of("protocaller.queue.duration"), delta, "queued")
	assert.InDelta(t, e.ran, of("protocaller.run.duration"), delta, "ran")
	assert.InDelta(t, e.waited, of("protocaller.wait.duration"), delta, "waited")
	assert.Contains(t, a, attribute.Key("code.function.name"))
}
