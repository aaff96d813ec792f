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
	g, ctx := pending.NewGroup(t.Context())
	for name, give := range map[string]func(){
		"function of CallSoon":   func() { actors.CallSoon(ctx, c, noFunction) },
		"function of CallLater":  func() { actors.CallLater(ctx, c, time.Hour, noFunction) },
		"function of Schedule":   func() { actors.Schedule(ctx, c, noFunction, actors.Named("none")) },
		"function of ToThread":   func() { actors.ToThread(ctx, c, noFunction) },
		"function of CallDirect": func() { _ = c.CallDirect(nil) },
		"function of Invoke":     func() { actors.Invoke(noFunction) },
		"context of CallSoon":    func() { actors.CallSoon(noContext, c, returns(1)) },
		"context of CallLater":   func() { actors.CallLater(noContext, c, time.Hour, returns(1)) },
		"context of ToThread":    func() { actors.ToThread(noContext, c, returns(1)) },
		"context of Request":     func() { actors.Request[int](noContext, system, c.PID(), 1) },
		"context of Run":         func() { _ = runnable(t, system).Run(noContext) },
		"context of StopWait":    func() { _ = c.StopWait(noContext) },
		"context of Drain":       func() { _ = c.Drain(noContext) },
		"context of Shutdown":    func() { _ = actors.Shutdown(noContext, system) },
		"context of Sleep":       func() { _ = actors.Sleep(noContext, time.Hour) },
		"caller of CallSoon":     func() { actors.CallSoon(ctx, noCaller, returns(1)) },
		"caller of ToThread":     func() { actors.ToThread(ctx, noCaller, returns(1)) },
		"system of Start":        func() { _, _ = actors.Start(nil) },
		"system of Main":         func() { actors.Main(nil) },
		"system of Request":      func() { actors.Request[int](ctx, nil, c.PID(), 1) },
		"system of Shutdown":     func() { _ = actors.Shutdown(ctx, nil) },
		"option of Schedule":     func() { actors.Schedule(ctx, c, returns(1), nil) },
		"option of Stop":         func() { c.Stop(nil) },
	} {
		assert.Panics(t, give, name)
	}
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
