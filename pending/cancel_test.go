package pending_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/scheduled"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Item 38 of the seed's behavior.
func TestCancelWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pending.New[int](t.Context())
		p.SetCanceller(func(error) {}) // and nothing ever comes of it
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errElse)
		defer cancel()
		begin := time.Now()
		err := p.CancelWait(ctx, errWhy)
		assert.Equal(t, time.Second, time.Since(begin))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, errElse)
		require.ErrorIs(t, p.Err(), errWhy)
		require.NotErrorIs(t, p.Err(), errElse, "the end of the wait is no cause")
		assert.False(t, p.IsDone())
	})
}

func TestCancelWaitGivesTheTurnAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pending.New[int](t.Context())
		p.SetCanceller(func(error) {})
		task, r := spawn(t.Context(), func(ctx context.Context) (int, error) {
			return 0, p.CancelWait(ctx, errWhy)
		})
		assert.Equal(t, []park{{p, false}}, r.parked())
		assert.False(t, task.IsDone())
		p.SetResult(1)
		<-task.Done()
		require.NoError(t, task.Err())
	})
}

func TestCancelWakesAFunctionThatWaits(t *testing.T) {
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pending.New[string](t.Context())
				var ended error
				task, _ := spawn(t.Context(), func(ctx context.Context) (string, error) {
					_, ended = wait(p, ctx)
					return "", ended
				})
				assert.False(t, task.IsDone())
				require.NoError(t, task.CancelWait(t.Context(), errWhy))
				require.ErrorIs(t, ended, context.Canceled)
				require.ErrorIs(t, ended, errWhy)
				require.ErrorIs(t, task.Err(), errWhy)
				require.ErrorIs(t, p.Err(), errWhy, "what it waited for is cancelled too")
			})
		})
	}
}

// Item 33 of the seed's behavior.
func TestEveryCancelReachesTheRunningFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pending.New[string](t.Context())
		task, r := spawn(t.Context(), func(ctx context.Context) (string, error) {
			return p.Wait(ctx, pending.Shield())
		})
		var calls []error
		task.SetCanceller(func(cause error) { calls = append(calls, cause) })
		for i, cause := range []error{errWhy, errElse} {
			task.Cancel(cause)
			synctest.Wait()
			require.Len(t, calls, i+1)
			require.ErrorIs(t, calls[i], cause)
			assert.Len(t, r.parked(), 1, "its wait goes on")
		}
		p.SetResult("value")
		<-task.Done()
		require.ErrorIs(t, task.Err(), errWhy)
		require.ErrorIs(t, task.Err(), errElse)
	})
}

func TestCancellerOfAQueuedFunctionIsAskedFirst(t *testing.T) {
	tests := map[string]func(task *scheduled.Call[int], end context.CancelCauseFunc){
		"Cancel":                 func(task *scheduled.Call[int], _ context.CancelCauseFunc) { task.Cancel(errWhy) },
		"the end of its context": func(_ *scheduled.Call[int], end context.CancelCauseFunc) { end(errWhy) },
	}
	for name, cancel := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, end := context.WithCancelCause(t.Context())
				defer end(nil)
				task, _ := queue(ctx, func(context.Context) (int, error) {
					t.Error("it ran")
					return 1, nil
				})
				calls := 0
				task.SetCanceller(func(error) { calls++ })
				cancel(task, end)
				synctest.Wait()
				assert.Equal(t, 1, calls)
				assert.True(t, task.Cancelled())
				assert.False(t, task.IsDone())

				require.NoError(t, task.Run())
				assert.True(t, task.IsDone(), "with no function that runs nobody else ends it")
				require.ErrorIs(t, task.Err(), errWhy)
			})
		})
	}
}

func TestCancellerMayCompleteThePending(t *testing.T) {
	p := pending.New[int](t.Context())
	p.SetCanceller(func(cause error) { p.SetError(cause) })
	assert.True(t, p.Cancel(errWhy))
	assert.True(t, p.IsDone())
	require.ErrorIs(t, p.Err(), errWhy)
}

func TestPanicOfACancellerIsLogged(t *testing.T) {
	tests := map[string]func(task *scheduled.Call[int], end context.CancelCauseFunc){
		"Cancel":                 func(task *scheduled.Call[int], _ context.CancelCauseFunc) { task.Cancel(errWhy) },
		"Reject":                 func(task *scheduled.Call[int], _ context.CancelCauseFunc) { task.Reject(errWhy) },
		"the end of its context": func(_ *scheduled.Call[int], end context.CancelCauseFunc) { end(errWhy) },
	}
	for name, cancel := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, end := context.WithCancelCause(t.Context())
				defer end(nil)
				task, r := queue(ctx, one)
				task.SetCanceller(func(error) { panic(errBoom) })
				cancel(task, end)
				synctest.Wait()
				assert.Contains(t, r.logged(), "canceller panicked")
				assert.Contains(t, r.logged(), "boom")
				assert.True(t, task.Cancelled())
				require.NoError(t, task.Run())
				assert.True(t, task.IsDone())
			})
		})
	}
}

func TestCancellerMayBeTakenAway(t *testing.T) {
	p := pending.New[int](t.Context())
	p.SetCanceller(func(error) { t.Error("it was called") })
	p.SetCanceller(nil)
	assert.True(t, p.Cancel(errWhy))
	assert.True(t, p.IsDone(), "there is nobody to ask")
}

func TestCallbacksSeeTheCancellation(t *testing.T) {
	p := pending.New[int](t.Context())
	var err error
	p.OnDone(func(h pending.Handle) {
		assert.True(t, h.Cancelled())
		assert.True(t, h.IsDone())
		err = h.Err()
	})
	p.Cancel(errWhy)
	require.ErrorIs(t, err, errWhy)
}
