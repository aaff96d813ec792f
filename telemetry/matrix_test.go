package telemetry_test

import (
	"context"
	"errors"
	"runtime"
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
	root   bool // it has a trace of its own, with a link
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
	"CallLater": {method: "CallLater", make: func(s *scene, ctx context.Context, fn function) func(error) {
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
	"Request": {method: "Request", kind: api.SpanKindClient, make: func(s *scene, ctx context.Context, fn function) func(error) {
		return cancelOf(actors.Request[int](s.telemetry.NewContext(ctx), s.system, s.caller.PID(), actors.Invoke(fn)))
	}},
}

// end is a way in which a pending can end.
type end struct {
	outcome string
	fn      function // asleep for a minute unless given
	exits   bool     // the function ends its goroutine
	busy    bool     // the caller and its worker are, meanwhile
	do      func(s *scene, cancel func(error))
}

var waysToEnd = map[string]end{
	"a result":              {fn: func(ctx context.Context) (int, error) { return 1, actors.Sleep(ctx, time.Second) }},
	"an error":              {outcome: "error", fn: func(context.Context) (int, error) { return 0, errBoom }},
	"a panic":               {outcome: "panic", fn: func(context.Context) (int, error) { panic("bang") }},
	"Goexit":                {outcome: "cancelled", exits: true, fn: func(context.Context) (int, error) { runtime.Goexit(); return 0, nil }},
	"a cancel in a wait":    {outcome: "cancelled", do: func(_ *scene, cancel func(error)) { cancel(errBoom) }},
	"a cancel in the queue": {outcome: "cancelled", busy: true, do: func(_ *scene, cancel func(error)) { cancel(errBoom) }},
	"a stop in a wait":      {outcome: "cancelled", do: func(s *scene, _ func(error)) { s.caller.Stop() }},
	"a stop in the queue":   {outcome: "cancelled", busy: true, do: func(s *scene, _ func(error)) { s.caller.Stop() }},
	"abandonment in a wait": {outcome: "cancelled", fn: func(ctx context.Context) (int, error) {
		return pending.New[int](context.Background()).Wait(ctx, pending.Shield())
	}, do: func(s *scene, _ func(error)) { s.caller.Stop() }},
	"abandonment at work": {outcome: "cancelled", fn: func(context.Context) (int, error) {
		time.Sleep(time.Hour)
		return 1, nil
	}, do: func(s *scene, _ func(error)) { s.caller.Stop() }},
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
			t.Run(name+" ends by "+fate, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { checkWay(t, w, e) })
			})
		}
	}
}

func checkWay(t *testing.T, w way, e end) {
	m, counted := newMeters(), &ends{seen: make(map[api.SpanID]int)}
	r := tracetest.NewRecorder(sdk.WithSpanProcessor(counted))
	s := &scene{Recorder: r, system: newSystem(), telemetry: r.Telemetry(telemetry.MeterProvider(m))}
	var err error
	s.caller, err = actors.Start(s.system, props.Name("it"), props.Telemetry(s.telemetry), props.MaxWorkers(1),
		props.StopTimeout(time.Second), props.TurnWarning(0))
	require.NoError(t, err)
	ctx, root := r.Tracer().Start(context.Background(), "root")
	free := make(chan struct{})
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
	cancel := w.make(s, ctx, fn)
	time.Sleep(100 * time.Millisecond)
	if e.do != nil {
		e.do(s, cancel)
	}
	time.Sleep(10 * time.Second)
	close(free)
	time.Sleep(time.Second)
	cancel(errors.New("over"))
	require.NoError(t, s.caller.StopWait(context.Background()))
	root.End()
	time.Sleep(2 * time.Hour)

	require.Empty(t, r.Open())
	var found []sdk.ReadOnlySpan
	for _, span := range r.Spans() {
		assert.Equal(t, 1, counted.seen[span.SpanContext().SpanID()], span.Name())
		if attributesOf(span)["protocaller.method"] == w.method && span.Name() != "busy" {
			found = append(found, span)
		}
	}
	if w.method == "Every" && len(found) == 2 { // the next one was cancelled before its time
		assert.Equal(t, "cancelled", attributesOf(found[1])["protocaller.outcome"])
		found = found[:1]
	}
	require.Len(t, found, 1, r.Tree())
	span, a := found[0], attributesOf(found[0])
	if w.kind == 0 {
		w.kind = api.SpanKindInternal
	}
	assert.Equal(t, w.kind, span.SpanKind())
	switch {
	case w.root:
		assert.False(t, span.Parent().IsValid())
		assert.Equal(t, root.SpanContext(), span.Links()[0].SpanContext)
	default:
		assert.Equal(t, root.SpanContext().SpanID(), span.Parent().SpanID())
	}
	outcome := e.outcome
	switch {
	case w.method == "Request" && e.outcome == "panic":
		outcome = "error" // the function of the invocation has panicked, not that of the request
	case w.method == "Put" && e.exits:
		outcome = "error" // the queue goes on, and logs the failure of the item
	}
	assert.Equal(t, outcome, a["protocaller.outcome"])
	lasted := span.EndTime().Sub(span.StartTime()).Seconds()
	if w.method != "Request" {
		queued, ran, waited := number(t, a["protocaller.queue.duration"]), 0.0, 0.0
		if a["protocaller.run.duration"] != "" {
			ran = number(t, a["protocaller.run.duration"])
		}
		if a["protocaller.wait.duration"] != "" {
			waited = number(t, a["protocaller.wait.duration"])
		}
		assert.InDelta(t, lasted, queued+ran, 1e-6)
		assert.LessOrEqual(t, waited, ran+1e-6)
		assert.Contains(t, a, attribute.Key("code.function.name"))
	}
	lines := m.collect(t)
	assert.Equal(t, total(lines, "pending.started{"), total(lines, "pending.done{"), lines)
	if outcome == "" {
		outcome = "ok"
	}
	assert.NotZero(t, total(lines, "pending.done{method="+w.method+",outcome="+outcome+"}"), lines)
}
