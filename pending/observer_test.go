package pending_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/scheduled"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// recorder is an Observer, and the Observation of each pending, that writes
// down what it is told. It uses the pending while it is at it.
type recorder struct {
	h *future.Core

	mu     sync.Mutex
	events []string
}

func (r *recorder) Observe(ctx context.Context, h *future.Core) (context.Context, future.Observation) {
	r.h = h
	r.note("observe " + h.Name())
	return context.WithValue(ctx, keyB, "observed"), r
}

func (r *recorder) Due()                        { r.note("due") }
func (r *recorder) Started()                    { r.note("started") }
func (r *recorder) Suspended(on *future.Core)   { r.note("suspended on " + on.Name()) }
func (r *recorder) Resumed()                    { r.note("resumed") }
func (r *recorder) CancelRequested(cause error) { r.note(fmt.Sprint("cancel requested: ", cause)) }
func (r *recorder) Done(err error)              { r.note(fmt.Sprint("done: ", err)) }

func (r *recorder) note(event string) {
	_, _ = r.h.String(), r.h.Metadata() // none of it deadlocks
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event)
}

// indifferent is an Observer that takes no interest in any pending.
type indifferent struct{}

func (indifferent) Observe(ctx context.Context, _ *future.Core) (context.Context, future.Observation) {
	return ctx, nil
}

func TestObserverIsToldInOrder(t *testing.T) {
	tests := map[string]struct {
		do   func(task *scheduled.Call[string])
		want []string
	}{
		"run": {func(task *scheduled.Call[string]) { assert.NoError(t, task.Run()) },
			[]string{"observe it", "started", "suspended on other", "resumed", "done: <nil>"}},
		"cancelled early": {func(task *scheduled.Call[string]) {
			task.Cancel(errWhy)
			task.Cancel(errElse)
			assert.NoError(t, task.Run())
		}, []string{"observe it", "cancel requested: why", "done: pending: cancelled: why"}},
		"cancelled with a canceller": {func(task *scheduled.Call[string]) {
			task.SetCanceller(func(error) {})
			task.Cancel(errWhy)
			task.Cancel(errElse)
			task.Fail(errBoom) // too late
		}, []string{"observe it", "cancel requested: why", "cancel requested: something else", "done: pending: cancelled: why\nsomething else"}},
		"completed without running": {func(task *scheduled.Call[string]) { task.Fail(errBoom) },
			[]string{"observe it", "done: boom"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{}
				other := pending.New[string](t.Context(), pending.Named("other"))
				task, _ := queue(t.Context(), func(ctx context.Context) (string, error) {
					assert.Equal(t, "observed", ctx.Value(keyB))
					go func() {
						synctest.Wait() // until the function waits
						other.SetResult("value")
					}()
					return other.Wait(ctx)
				}, pending.Named("it"), pending.ObservedBy(r))
				assert.Equal(t, "observed", task.Context().Value(keyB))
				tt.do(task)
				assert.Equal(t, tt.want, r.events)
			})
		})
	}
}

func TestObserverSeesTheCancelOfARunningFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		other := pending.New[string](t.Context(), pending.Named("other"))
		task, _ := spawn(t.Context(), func(ctx context.Context) (string, error) {
			return other.Wait(ctx, pending.Protect())
		}, pending.Named("it"), pending.ObservedBy(r))
		task.Cancel(errWhy)
		<-task.Done()
		synctest.Wait()
		assert.Equal(t, []string{"observe it", "started", "suspended on other", "cancel requested: why", "resumed",
			"done: pending: cancelled: why"}, r.events)
	})
}

func TestObserverThatIsNotInterestedChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := pending.New[string](t.Context(), pending.ObservedBy(nil))
		task, _ := spawn(t.Context(), func(ctx context.Context) (string, error) { return other.Wait(ctx) },
			pending.ObservedBy(indifferent{}))
		assert.Equal(t, t.Context(), task.Context())
		task.Cancel(errWhy)
		<-task.Done()
		require.ErrorIs(t, task.Err(), errWhy)
		require.ErrorIs(t, other.Err(), errWhy)
	})
}

func TestObserverOfAGroupIsToldOfItAsOfAPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		other := pending.New[string](t.Context(), pending.Named("other"))
		err := pending.Run(t.Context(), func(ctx context.Context) error {
			assert.Equal(t, "observed", ctx.Value(keyB))
			g, _ := pending.CurrentTracker[*pending.Group](ctx)
			g.Add(other)
			other.SetError(errBoom)
			return nil
		}, pending.WithObserver(r))
		require.ErrorIs(t, err, errBoom)
		assert.Equal(t, []string{"observe pending.Group", "cancel requested: boom", "done: pending: group: boom"}, r.events)
	})
}

func TestObserverOfALoopIsToldOfItAsOfAPending(t *testing.T) {
	r := &recorder{}
	never := []*pending.Pending[string]{pending.New[string](t.Context())}
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errWhy)
	for _, err := range pending.AsCompletedOf(ended, never, pending.LoopObservedBy(r)) {
		r.note(fmt.Sprint("handed out: ", err))
	}
	const why = "pending: wait for pendings: why"
	assert.Equal(t, []string{"observe pending.AsCompleted", "handed out: " + why, "done: " + why}, r.events)
}

func TestObserverThatIsNotInterestedChangesNoGroupAndNoLoop(t *testing.T) {
	done := pending.New[string](t.Context())
	done.SetResult("")
	require.NoError(t, pending.Run(t.Context(), func(ctx context.Context) error {
		g, _ := pending.CurrentTracker[*pending.Group](ctx)
		g.Add(done)
		return nil
	}, pending.WithObserver(indifferent{})))
	n := 0
	for _, err := range pending.AsCompletedOf(t.Context(), []*pending.Pending[string]{done}, pending.LoopObservedBy(indifferent{})) {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, 1, n)
}

func TestObserverIsToldWhenADelayedCallIsDue(t *testing.T) {
	r := &recorder{}
	task, _ := queue(t.Context(), func(context.Context) (string, error) { return "", nil }, pending.ObservedBy(r))
	task.Due()
	require.NoError(t, task.Run())
	assert.Equal(t, []string{"due", "started", "done: <nil>"}, r.events[1:])
	unobserved, _ := queue(t.Context(), func(context.Context) (string, error) { return "", nil })
	unobserved.Due()
}

// careless is an observer that panics at the ends of pendings.
type careless struct{ future.Observation }

func (c careless) Observe(ctx context.Context, _ *future.Core) (context.Context, future.Observation) {
	return ctx, c
}

func (careless) CancelRequested(error) { panic("careless") }
func (careless) Done(error)            { panic("careless") }

func TestObserverThatPanicsKeepsNobodyWaiting(t *testing.T) {
	p := pending.New[int](t.Context(), pending.ObservedBy(careless{}))
	told := 0
	p.OnDone(func(pending.Handle) { told++ })
	assert.True(t, p.Cancel(errWhy))
	require.ErrorIs(t, p.Err(), errWhy)
	assert.True(t, p.IsDone())
	assert.Equal(t, 1, told)
}
