package pending_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/scheduled"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

func TestOutcomeOfAFunction(t *testing.T) {
	tests := map[string]struct {
		fn        func(context.Context) (string, error)
		value     string
		errs      []error
		cancelled bool
	}{
		"value":                     {fn: func(context.Context) (string, error) { return "value", nil }, value: "value"},
		"error":                     {fn: func(context.Context) (string, error) { return "", errBoom }, errs: []error{errBoom}},
		"value and error":           {fn: func(context.Context) (string, error) { return "value", errBoom }, errs: []error{errBoom}},
		"deadline of its own":       {fn: func(context.Context) (string, error) { return "", context.DeadlineExceeded }, errs: []error{context.DeadlineExceeded}},
		"cancellation of its own":   {fn: func(context.Context) (string, error) { return "", context.Canceled }, errs: []error{pending.ErrCancelled}, cancelled: true},
		"cancellation of something": {fn: func(context.Context) (string, error) { return "", fmt.Errorf("%w: %w", errWhy, context.Canceled) }, errs: []error{pending.ErrCancelled, errWhy}, cancelled: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			task, _ := queue(t.Context(), tt.fn)
			require.NoError(t, task.Run())
			assert.True(t, task.IsDone())
			assert.Equal(t, tt.cancelled, task.Cancelled())
			value, err := task.Result()
			assert.Equal(t, tt.value, value)
			for _, want := range tt.errs {
				require.ErrorIs(t, err, want)
			}
			assert.Equal(t, tt.errs == nil, err == nil)
		})
	}
}

func explode(value any) { panic(value) }

func TestPanicBecomesTheError(t *testing.T) {
	var none error
	tests := map[string]struct {
		value any
		check func(t *testing.T, err *pending.PanicError)
	}{
		"text":  {"oops", func(t *testing.T, err *pending.PanicError) { assert.Equal(t, "oops", err.Value) }},
		"error": {fmt.Errorf("wrapped: %w", errBoom), func(t *testing.T, err *pending.PanicError) { assert.ErrorIs(t, err, errBoom) }},
		"nil": {none, func(t *testing.T, err *pending.PanicError) {
			var panicked *runtime.PanicNilError
			assert.ErrorAs(t, err, &panicked)
		}},
		"a cancellation, which is no less a panic": {context.Canceled, func(t *testing.T, err *pending.PanicError) {
			assert.ErrorIs(t, err, context.Canceled)
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			task, r := queue(t.Context(), func(context.Context) (int, error) {
				explode(tt.value)
				return 1, nil
			})
			var left []bool
			r.left = func(panicked bool) { left = append(left, panicked) }
			crash, ok := task.Run().(*pending.PanicError) //nolint:errorlint // The very error.
			require.True(t, ok)
			assert.Equal(t, []bool{true}, left)
			assert.Same(t, crash, task.Err())
			assert.Contains(t, string(crash.Stack), "pending_test.explode", "the stack is that of the panic")
			assert.Contains(t, string(crash.Stack), "pending_test.TestPanicBecomesTheError")
			assert.False(t, task.Cancelled())
			tt.check(t, crash)
		})
	}
}

func TestRuntimeErrorIsAPanic(t *testing.T) {
	task := call(t.Context(), func(context.Context) (int, error) {
		none := map[string][]int{}
		return none["a"][0], nil
	})
	var crash *pending.PanicError
	require.ErrorAs(t, task.Err(), &crash)
	var reason runtime.Error
	require.ErrorAs(t, task.Err(), &reason)
}

func TestGoexitCancelsAndEndsTheGoroutine(t *testing.T) {
	task, r := queue(t.Context(), func(context.Context) (int, error) {
		runtime.Goexit()
		return 1, nil
	})
	var left []bool
	r.left = func(panicked bool) { left = append(left, panicked) }
	returned := true
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		returned = false
		_ = task.Run()
		returned = true
	}()
	<-ended
	assert.False(t, returned)
	assert.Equal(t, []bool{false}, left)
	assert.True(t, task.IsDone())
	assert.True(t, task.Cancelled())
	require.ErrorIs(t, task.Err(), pending.ErrCancelled)
	require.ErrorContains(t, task.Err(), "Goexit")
}

func TestFunctionRunsOnceAndNotWhenItIsTooLate(t *testing.T) {
	expired, stop := context.WithTimeoutCause(t.Context(), 0, errWhy)
	defer stop()
	tests := map[string]struct {
		ctx    context.Context
		before func(task *scheduled.Call[int])
		runs   int
		err    error
	}{
		"in time":         {t.Context(), func(*scheduled.Call[int]) {}, 1, nil},
		"again":           {t.Context(), func(task *scheduled.Call[int]) { assert.NoError(t, task.Run()) }, 1, nil},
		"cancelled":       {t.Context(), func(task *scheduled.Call[int]) { task.Cancel(errWhy) }, 0, errWhy},
		"rejected":        {t.Context(), func(task *scheduled.Call[int]) { task.Reject(pending.ErrStopped) }, 0, pending.ErrStopped},
		"abandoned":       {t.Context(), func(task *scheduled.Call[int]) { task.Abandon(pending.ErrStopped) }, 0, pending.ErrStopped},
		"failed":          {t.Context(), func(task *scheduled.Call[int]) { task.Fail(errBoom) }, 0, errBoom},
		"context ended":   {expired, func(*scheduled.Call[int]) {}, 0, errWhy},
		"interrupt of it": {t.Context(), func(task *scheduled.Call[int]) { task.Interrupt(errWhy) }, 1, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			runs := 0
			task, _ := queue(tt.ctx, func(ctx context.Context) (int, error) {
				runs++
				return runs, ctx.Err()
			})
			tt.before(task)
			require.NoError(t, task.Run())
			assert.Equal(t, tt.runs, runs)
			assert.True(t, task.IsDone())
			require.ErrorIs(t, task.Err(), tt.err)
		})
	}
}

// How a stop treats running functions, as decided at the top of the seed's
// behavior.
func TestFunctionWhoseContextEndedDecidesItself(t *testing.T) {
	ends := map[string]struct {
		end   func(task *scheduled.Call[string], end context.CancelCauseFunc)
		cause error
	}{
		"interrupted": {func(task *scheduled.Call[string], _ context.CancelCauseFunc) { task.Interrupt(pending.ErrStopped) }, pending.ErrStopped},
		"given ended": {func(_ *scheduled.Call[string], end context.CancelCauseFunc) { end(errWhy) }, errWhy},
	}
	returns := map[string]struct {
		with      func(ctx context.Context) (string, error)
		cancelled bool
		err       error // besides the cause, if that is expected
	}{
		"a value":           {func(context.Context) (string, error) { return "value", nil }, false, nil},
		"another error":     {func(context.Context) (string, error) { return "", errBoom }, false, errBoom},
		"the error":         {func(ctx context.Context) (string, error) { return "", ctx.Err() }, true, nil},
		"the cause":         {func(ctx context.Context) (string, error) { return "", context.Cause(ctx) }, true, nil},
		"the error wrapped": {func(ctx context.Context) (string, error) { return "", fmt.Errorf("%w: %w", errElse, ctx.Err()) }, true, errElse},
		"the cause wrapped": {func(ctx context.Context) (string, error) {
			return "", fmt.Errorf("%w: %w", errElse, context.Cause(ctx))
		}, true, errElse},
	}
	for end, how := range ends {
		for name, tt := range returns {
			t.Run(end+", returns "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					given, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					task, _ := spawn(given, func(ctx context.Context) (string, error) {
						<-ctx.Done()
						time.Sleep(time.Second) // it cleans up
						return tt.with(ctx)
					})
					how.end(task, cancel)
					synctest.Wait()
					assert.False(t, task.Cancelled(), "not before the function has decided")
					<-task.Done()
					assert.Equal(t, tt.cancelled, task.Cancelled())
					value, err := task.Result()
					assert.Equal(t, name == "a value", err == nil)
					assert.Equal(t, err == nil, value == "value")
					if tt.err != nil {
						require.ErrorIs(t, err, tt.err)
					}
					assert.Equal(t, tt.cancelled, errors.Is(err, how.cause))
					assert.Equal(t, tt.cancelled, errors.Is(err, pending.ErrCancelled))
				})
			})
		}
	}
}

func TestDeadlineOfTheCallIsTheCauseOfItsCancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		given, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		task := call(given, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		})
		assert.True(t, task.Cancelled())
		require.ErrorIs(t, task.Err(), pending.ErrCancelled)
		require.ErrorIs(t, task.Err(), context.DeadlineExceeded)
	})
}

func TestRejectLeavesARunningFunctionAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goOn := make(chan struct{})
		task, _ := spawn(t.Context(), func(ctx context.Context) (error, error) {
			<-goOn
			return ctx.Err(), nil
		})
		task.Reject(pending.ErrStopped)
		assert.False(t, task.Cancelled())
		close(goOn)
		seen, err := task.Wait(t.Context())
		require.NoError(t, err)
		require.NoError(t, seen)
	})
}

func TestAbandonedPendingIsDoneBeforeItsFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goOn, returned := make(chan struct{}), make(chan struct{})
		task, r := queue(t.Context(), func(ctx context.Context) (string, error) {
			<-goOn
			return "too late", ctx.Err()
		})
		go func() {
			assert.NoError(t, task.Run())
			close(returned)
		}()
		synctest.Wait()
		var called completed
		task.OnDone(called.add("a"))
		task.Abandon(pending.ErrStopped)
		assert.True(t, task.IsDone())
		assert.Equal(t, []string{"a"}, called.names)
		require.ErrorIs(t, task.Err(), pending.ErrStopped)
		assert.Len(t, r.awake, 1, "it is woken, in case it waits")

		close(goOn)
		<-returned
		value, err := task.Result()
		assert.Empty(t, value)
		require.ErrorIs(t, err, pending.ErrStopped)
		assert.Len(t, called.names, 1)
	})
}

func TestPendingOfAFunctionIsCompletedByNothingElse(t *testing.T) {
	complete := func(p *pending.Pending[string]) {
		done, cancelled := p.IsDone(), p.Cancelled()
		assert.False(t, p.SetResult("early"))
		assert.False(t, p.SetError(errBoom))
		assert.False(t, p.SetError(context.Canceled))
		assert.False(t, p.SetError(nil))
		assert.Equal(t, done, p.IsDone())
		assert.Equal(t, cancelled, p.Cancelled())
	}
	var task *scheduled.Call[string]
	task, _ = queue(t.Context(), func(context.Context) (string, error) {
		complete(&task.Pending)
		return "value", nil
	})
	complete(&task.Pending)
	require.NoError(t, task.Run())
	complete(&task.Pending)
	value, err := task.Result()
	require.NoError(t, err)
	assert.Equal(t, "value", value)

	cancelled, _ := queue(t.Context(), func(context.Context) (string, error) { return "value", nil })
	cancelled.SetCanceller(func(error) { complete(&cancelled.Pending) })
	cancelled.Cancel(errWhy)
	complete(&cancelled.Pending)
	require.NoError(t, cancelled.Run())
	requireErrors(t, cancelled.Err(), errWhy)
}

func TestTaskThatWillNotRunFailsOnce(t *testing.T) {
	task, _ := queue(t.Context(), one)
	assert.True(t, task.Fail(errBoom))
	assert.False(t, task.Fail(errElse))
	require.NoError(t, task.Run())
	requireErrors(t, task.Err(), errBoom)
}

func TestFunctionHasReturnedWhenItsPendingIsDone(t *testing.T) {
	var own context.Context
	task, r := queue(t.Context(), func(ctx context.Context) (int, error) {
		own = ctx
		return 1, nil
	})
	var seen []string
	r.left = func(panicked bool) {
		assert.False(t, panicked)
		assert.False(t, task.IsDone())
		seen = append(seen, "left")
	}
	task.OnDone(func(pending.Handle) {
		assert.Equal(t, context.Canceled, own.Err())
		assert.Nil(t, future.TurnOf(own))
		seen = append(seen, "done")
	})
	require.NoError(t, task.Run())
	assert.Equal(t, []string{"left", "done"}, seen)
	task.Cancel(errWhy)
	task.Interrupt(errWhy)
	require.NoError(t, task.Err())
	assert.Empty(t, r.awake, "nobody is woken who is gone")
}
