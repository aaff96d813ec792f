package actors_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// What is nil by mistake is noticed where it is given, and leaves nothing
// behind: the caller, a group and a shutdown go on.
func TestWhatIsNilPanicsWhereItIsGiven(t *testing.T) {
	system := newSystem(t)
	c := start(t, system, props.Supervision(supervision.Stop()))
	var noContext context.Context
	var noFunction func(context.Context) (int, error)
	var noCaller *actors.Caller
	var noSystem *actor.ActorSystem
	g, ctx := pending.NewGroup(t.Context())
	q := actors.NewQueue(c, func(context.Context, int) error { return nil })
	item := func(context.Context, int) error { return nil }
	later := time.Hour
	for message, give := range map[string]func(){
		"CallSoon with a nil context":     func() { actors.CallSoon(noContext, c, returns(1)) },
		"CallSoon on a nil caller":        func() { actors.CallSoon(ctx, noCaller, returns(1)) },
		"CallSoon with a nil function":    func() { actors.CallSoon(ctx, c, noFunction) },
		"CallLater with a nil context":    func() { actors.CallLater(noContext, c, later, returns(1)) },
		"CallLater on a nil caller":       func() { actors.CallLater(ctx, noCaller, later, returns(1)) },
		"CallLater with a nil function":   func() { actors.CallLater(ctx, c, later, noFunction) },
		"CallUsing with a nil context":    func() { actors.CallUsing(noContext, c, props.Thread, returns(1)) },
		"CallUsing on a nil caller":       func() { actors.CallUsing(ctx, noCaller, props.Thread, returns(1)) },
		"CallUsing with a nil function":   func() { actors.CallUsing(ctx, c, props.Thread, noFunction) },
		"Schedule with a nil context":     func() { actors.Schedule(noContext, c, returns(1)) },
		"Schedule on a nil caller":        func() { actors.Schedule(ctx, noCaller, returns(1)) },
		"Schedule with a nil function":    func() { actors.Schedule(ctx, c, noFunction, actors.Named("none")) },
		"Schedule with a nil option":      func() { actors.Schedule(ctx, c, returns(1), actors.Delay(later), nil) },
		"TrackedBy with a nil function":   func() { actors.TrackedBy(nil) },
		"NoResult with a nil function":    func() { actors.NoResult(nil) },
		"Retry with a nil option":         func() { actors.Retry(nil) },
		"RetryIf with a nil function":     func() { actors.RetryIf(nil) },
		"Every with a nil context":        func() { actors.Every(noContext, c, later, flush) },
		"Every on a nil caller":           func() { actors.Every(ctx, noCaller, later, flush) },
		"Every with a nil function":       func() { actors.Every(ctx, c, later, nil) },
		"Every with a nil option":         func() { actors.Every(ctx, c, later, flush, actors.Immediately(), nil) },
		"ToThread with a nil context":     func() { actors.ToThread(noContext, c, returns(1)) },
		"ToThread on a nil caller":        func() { actors.ToThread(ctx, noCaller, returns(1)) },
		"ToThread with a nil function":    func() { actors.ToThread(ctx, c, noFunction) },
		"CallDirect on a nil caller":      func() { _ = noCaller.CallDirect(func() {}) },
		"CallDirect with a nil function":  func() { _ = c.CallDirect(nil) },
		"NewQueue on a nil caller":        func() { actors.NewQueue(noCaller, item) },
		"NewQueue with a nil function":    func() { actors.NewQueue[int](c, nil) },
		"NewQueue with a nil option":      func() { actors.NewQueue(c, item, nil) },
		"QueueFor on a nil caller":        func() { actors.QueueFor(noCaller, "key", item) },
		"QueueFor with a nil function":    func() { actors.QueueFor[int](c, "key", nil) },
		"QueueFor with a nil option":      func() { actors.QueueFor(c, "key", item, nil) },
		"QueueContext with a nil context": func() { actors.QueueContext(noContext) },
		"PutContext with a nil context":   func() { _ = q.PutContext(noContext, 1) },
		"PutWait with a nil context":      func() { _ = q.PutWait(noContext, 1) },
		"CloseWait with a nil context":    func() { _ = q.CloseWait(noContext) },
		"Invoke with a nil function":      func() { actors.Invoke(noFunction) },
		"PipeTo of a nil pending":         func() { _ = actors.PipeTo[int](nil, c.PID()) },
		"Request with a nil context":      func() { actors.Request[int](noContext, system, c.PID(), 1) },
		"Request with a nil system":       func() { actors.Request[int](ctx, noSystem, c.PID(), 1) },
		"Sleep with a nil context":        func() { _ = actors.Sleep(noContext, later) },
		"Detach with a nil context":       func() { actors.Detach(noContext) },
		"Current with a nil context":      func() { actors.Current(noContext) },
		"Of with a nil context":           func() { actors.Of(nil) },
		"Run with a nil context":          func() { _ = runnable(t, system).Run(noContext) },
		"Stop with a nil option":          func() { c.Stop(nil) },
		"StopWait with a nil context":     func() { _ = c.StopWait(noContext) },
		"StopWait with a nil option":      func() { _ = c.StopWait(ctx, nil) },
		"Drain with a nil context":        func() { _ = c.Drain(noContext) },
		"Shutdown with a nil context":     func() { _ = actors.Shutdown(noContext, system) },
		"Shutdown with a nil system":      func() { _ = actors.Shutdown(ctx, noSystem) },
		"New with a nil system":           func() { _, _ = actors.New(noSystem) },
		"Start with a nil system":         func() { _, _ = actors.Start(noSystem) },
		"Main with a nil system":          func() { actors.Main(noSystem) },
		"Lookup with a nil system":        func() { actors.Lookup(noSystem, "id") },
		"All with a nil system":           func() { actors.All(noSystem) },
		"Running with a nil system":       func() { actors.Running(noSystem) },
		"Defaults with a nil system":      func() { _ = actors.Defaults(noSystem) },
	} {
		assert.PanicsWithValue(t, "actors: "+message, give, message)
	}
	require.NoError(t, q.CloseWait(t.Context()), "it goes on until then")
	require.NoError(t, g.Wait(), "no call was made")
	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
	require.NoError(t, actors.Shutdown(t.Context(), system))
}

func TestOptionThatIsNilIsAnError(t *testing.T) {
	system := newSystem(t)
	c := start(t, system)
	for name, give := range map[string]func() error{
		"New":      func() error { _, err := actors.New(system, nil); return err },
		"Start":    func() error { _, err := actors.Start(system, props.Protected(), nil); return err },
		"Child":    func() error { _, err := c.Child(nil); return err },
		"AsCaller": func() error { _, err := actors.AsCaller(nil); return err },
	} {
		require.ErrorContains(t, give(), "props: option ", name)
		require.ErrorContains(t, give(), " is nil", name)
	}
}

// In protoactor a message without a sender has a nil one.
func TestNoPIDIsAnError(t *testing.T) {
	system := newSystem(t)
	c := start(t, system)
	require.ErrorIs(t, failure(actors.Request[int](t.Context(), system, nil, "hello")), actor.ErrDeadLetter)

	require.ErrorContains(t, actors.PipeTo(actors.CallSoon(t.Context(), c, returns(1)), c.PID(), nil), "actors: pipe to no PID")
}

func TestOptionsAsLargeAsCanBe(t *testing.T) {
	c := start(t, newSystem(t),
		props.MaxQueued(math.MaxInt), props.MaxSuspended(math.MaxInt), props.MaxWorkers(math.MaxInt),
		props.MaxIdleWorkers(math.MaxInt), props.IdleTimeout(math.MaxInt64), props.TurnWarning(math.MaxInt64),
		props.StopTimeout(math.MaxInt64))
	ctx := t.Context()
	for name, p := range map[string]*pending.Pending[int]{
		"call":   actors.Schedule(ctx, c, returns(1), actors.Timeout(math.MaxInt64), actors.QueueTimeout(math.MaxInt64)),
		"worker": actors.ToThread(ctx, c, returns(1)),
		"delay":  actors.CallLater(ctx, c, math.MinInt64, returns(1)),
		"wait": actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) {
			return actors.CallSoon(ctx, c, returns(1)).Wait(ctx, pending.Timeout(math.MaxInt64))
		}),
	} {
		assert.Equal(t, 1, result(t, p), name)
	}
	late := actors.CallLater(ctx, c, math.MaxInt64, returns(1))
	assert.False(t, late.IsDone())
	require.NoError(t, c.StopWait(ctx))
	require.ErrorIs(t, late.Err(), pending.ErrStopped)
}

func TestCallWithoutTimeNeverRuns(t *testing.T) {
	c := start(t, newSystem(t))
	for name, limit := range map[string]actors.CallOption{
		"Timeout, none":          actors.Timeout(0),
		"Timeout, negative":      actors.Timeout(-time.Second),
		"QueueTimeout, none":     actors.QueueTimeout(0),
		"QueueTimeout, negative": actors.QueueTimeout(math.MinInt64),
	} {
		p := actors.Schedule(t.Context(), c, func(context.Context) (int, error) {
			t.Error("it ran")
			return 1, nil
		}, limit)
		assert.True(t, p.IsDone(), name)
		require.ErrorIs(t, p.Err(), context.DeadlineExceeded, name)
		require.ErrorIs(t, p.Err(), pending.ErrCancelled, name)
	}
	result(t, actors.CallSoon(t.Context(), c, returns(1)))
}
