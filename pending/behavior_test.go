package pending_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/scheduled"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// The tests of this file are items 30 to 41 of the seed's behavior, in this
// order.

// Item 30 of the seed's behavior.
func TestStringShowsTheState(t *testing.T) {
	keepOpen := func(error) {}
	tests := map[string]struct {
		do              func(p *pending.Pending[int])
		cancelled, done bool
		want            string
	}{
		"not done":  {func(*pending.Pending[int]) {}, false, false, "<Pending 🏃 #%d>"},
		"result":    {func(p *pending.Pending[int]) { p.SetResult(1) }, false, true, "<Pending 🏁 #%d>"},
		"error":     {func(p *pending.Pending[int]) { p.SetError(errBoom) }, false, true, "<Pending ❗ boom #%d>"},
		"cancelled": {func(p *pending.Pending[int]) { p.Cancel(nil) }, true, true, "<Pending ⛔ pending: cancelled 🏁 #%d>"},
		"cancelled but not done": {func(p *pending.Pending[int]) {
			p.SetCanceller(keepOpen)
			p.Cancel(errWhy)
		}, true, false, "<Pending ⛔ pending: cancelled: why 🏃 #%d>"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := pending.New[int](t.Context())
			tt.do(p)
			assert.Equal(t, fmt.Sprintf(tt.want, p.ID()), p.String())
			assert.Equal(t, tt.cancelled, p.Cancelled())
			assert.Equal(t, tt.done, p.IsDone())
		})
	}
}

// Item 31 of the seed's behavior.
func TestFirstCompletionWins(t *testing.T) {
	first := map[string]struct {
		complete func(p *pending.Pending[string]) bool
		value    string
		err      error
	}{
		"result": {func(p *pending.Pending[string]) bool { return p.SetResult("first") }, "first", nil},
		"error":  {func(p *pending.Pending[string]) bool { return p.SetError(errBoom) }, "", errBoom},
		"cancel": {func(p *pending.Pending[string]) bool { return p.Cancel(errWhy) }, "", errWhy},
	}
	second := map[string]func(p *pending.Pending[string]) bool{
		"result": func(p *pending.Pending[string]) bool { return p.SetResult("second") },
		"error":  func(p *pending.Pending[string]) bool { return p.SetError(errElse) },
	}
	for winner, tt := range first {
		for loser, completeAgain := range second {
			t.Run(winner+" before "+loser, func(t *testing.T) {
				p := pending.New[string](t.Context())
				assert.True(t, tt.complete(p))
				assert.False(t, completeAgain(p))
				value, err := p.Result()
				assert.Equal(t, tt.value, value)
				require.ErrorIs(t, err, tt.err)
				assert.NotErrorIs(t, err, errElse)
			})
		}
	}
}

// Item 32 of the seed's behavior.
func TestResultTellsTheOutcome(t *testing.T) {
	p := pending.New[string](t.Context())
	_, err := p.Result()
	require.ErrorIs(t, err, pending.ErrNotDone)
	require.ErrorIs(t, p.Err(), pending.ErrNotDone)

	p.SetResult("value")
	value, err := p.Result()
	require.NoError(t, err)
	assert.Equal(t, "value", value)
	require.NoError(t, p.Err())

	failed := pending.New[string](t.Context())
	failed.SetError(errBoom)
	_, err = failed.Result()
	assert.Same(t, errBoom, err, "the very error that was set")

	marked := pending.New[string](t.Context())
	marked.SetCanceller(func(error) {})
	marked.Cancel(errWhy)
	_, err = marked.Result()
	require.ErrorIs(t, err, pending.ErrCancelled, "cancelled comes before not done")
	require.NotErrorIs(t, err, pending.ErrNotDone)
	assert.False(t, marked.SetResult("too late"))
	assert.True(t, marked.IsDone())
	value, err = marked.Result()
	require.ErrorIs(t, err, errWhy)
	assert.Empty(t, value, "a value set after Cancel is never seen")
}

// Item 33 of the seed's behavior.
func TestEveryCancelReachesTheCancellerWithAllCauses(t *testing.T) {
	tests := map[string][]error{
		"one cause":          {errWhy},
		"no cause":           {nil},
		"two causes":         {errWhy, errElse},
		"three causes":       {errWhy, errElse, errBoom},
		"cause after none":   {nil, errWhy},
		"none after a cause": {errWhy, nil},
		"stopped, then more": {pending.ErrStopped, errWhy, errElse},
	}
	for name, causes := range tests {
		t.Run(name, func(t *testing.T) {
			p := pending.New[int](t.Context())
			var calls []error
			p.SetCanceller(func(cause error) { calls = append(calls, cause) })
			for i, cause := range causes {
				assert.True(t, p.Cancel(cause))
				require.Len(t, calls, i+1)
				require.ErrorIs(t, calls[i], pending.ErrCancelled)
				for _, before := range causes[:i+1] {
					if before != nil {
						require.ErrorIs(t, calls[i], before)
					}
				}
				assert.Equal(t, calls[i], p.Err())
			}
			assert.False(t, p.IsDone(), "done is up to whoever the canceller asks")
			assert.True(t, p.Cancelled())
		})
	}
}

// Item 33 of the seed's behavior.
func TestCancelOfADonePendingChangesNothing(t *testing.T) {
	succeeded := pending.New[int](t.Context())
	succeeded.SetResult(1)
	assert.False(t, succeeded.Cancel(errWhy))
	assert.False(t, succeeded.Cancelled())
	require.NoError(t, succeeded.Err())

	cancelled := pending.New[int](t.Context())
	assert.True(t, cancelled.Cancel(errWhy))
	assert.True(t, cancelled.IsDone(), "nobody has to be asked")
	assert.True(t, cancelled.Cancel(errElse))
	assert.NotErrorIs(t, cancelled.Err(), errElse)
}

// Item 34 of the seed's behavior.
func TestQueuedFunctionNeverRunsAfterCancel(t *testing.T) {
	task, _ := queue(t.Context(), func(context.Context) (int, error) {
		t.Error("it ran")
		return 1, nil
	})
	assert.True(t, task.Cancel(errWhy))
	assert.True(t, task.IsDone())
	require.NoError(t, task.Run())
	require.ErrorIs(t, task.Err(), errWhy)
}

// Item 34 of the seed's behavior.
func TestRunningFunctionIsAskedAndAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cause error
		goOn := make(chan struct{})
		task, _ := spawn(t.Context(), func(ctx context.Context) (int, error) {
			<-ctx.Done()
			cause = context.Cause(ctx)
			<-goOn
			return 1, nil
		})
		assert.True(t, task.Cancel(errWhy))
		synctest.Wait()
		assert.True(t, task.Cancelled(), "marked at once")
		assert.False(t, task.IsDone(), "done when the function has returned")
		require.ErrorIs(t, task.Err(), errWhy)
		require.ErrorIs(t, cause, errWhy)

		close(goOn)
		<-task.Done()
		assert.True(t, task.IsDone())
	})
}

// Item 35 of the seed's behavior.
func TestCancelledStaysCancelledWhateverTheFunctionDoes(t *testing.T) {
	tests := map[string]func() (string, error){
		"value":          func() (string, error) { return "value", nil },
		"error":          func() (string, error) { return "value", errBoom },
		"panic":          func() (string, error) { panic(errBoom) },
		"its own end":    func() (string, error) { return "", context.Canceled },
		"another cancel": func() (string, error) { return "", pending.ErrStopped },
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			task := call(t.Context(), func(ctx context.Context) (string, error) {
				self, _ := pending.Current(ctx)
				self.Cancel(errWhy)
				return end()
			})
			value, err := task.Result()
			assert.Empty(t, value)
			require.ErrorIs(t, err, errWhy)
			require.ErrorIs(t, err, pending.ErrCancelled)
			require.NotErrorIs(t, err, errBoom)
			require.NotErrorIs(t, err, pending.ErrStopped)
		})
	}
}

// Item 36 of the seed's behavior.
// Item 37 of the seed's behavior.
func TestCancellingOneWaiterCancelsForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pending.New[string](t.Context())
		impatient, cancel := context.WithCancelCause(t.Context())
		var one, other error
		var all sync.WaitGroup
		all.Go(func() { _, one = p.Wait(impatient) })
		all.Go(func() { _, other = p.WaitSync(t.Context()) })
		synctest.Wait()
		cancel(errWhy)
		all.Wait()
		require.ErrorIs(t, one, errWhy)
		require.ErrorIs(t, other, pending.ErrCancelled)
		require.ErrorIs(t, other, errWhy)
	})
}

// Item 36 of the seed's behavior.
// Item 37 of the seed's behavior.
func TestTimeoutOfThePendingItselfIsItsError(t *testing.T) {
	everywhere(t, func(ctx context.Context, t *testing.T, wait waitFunc) {
		p := pending.New[string](t.Context())
		p.SetError(context.DeadlineExceeded)
		_, err := wait(p, ctx)
		assert.Equal(t, context.DeadlineExceeded, err)
		assert.False(t, p.Cancelled())
	})
}

// Item 37 of the seed's behavior.
func TestManyWaitersOfAllKindsSeeTheResult(t *testing.T) {
	kinds := []func(context.Context, *pending.Pending[int]) (int, error){
		func(ctx context.Context, p *pending.Pending[int]) (int, error) { return p.Wait(ctx) },
		func(ctx context.Context, p *pending.Pending[int]) (int, error) { return p.WaitSync(ctx) },
		func(ctx context.Context, p *pending.Pending[int]) (int, error) { return p.Wait(ctx, pending.Shield()) },
		func(_ context.Context, p *pending.Pending[int]) (int, error) {
			<-p.Done()
			return p.Result()
		},
		func(_ context.Context, p *pending.Pending[int]) (int, error) {
			called := make(chan struct{})
			p.OnDone(func(pending.Handle) { close(called) })
			<-called
			return p.Result()
		},
		func(ctx context.Context, p *pending.Pending[int]) (int, error) {
			return call(ctx, func(ctx context.Context) (int, error) { return p.Wait(ctx) }).Result()
		},
	}
	const goroutines = 20
	p := pending.New[int](t.Context())
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for _, wait := range kinds {
				all.Go(func() {
					value, err := wait(t.Context(), p)
					assert.Equal(t, outcome{42, nil}, outcome{value, err})
				})
			}
		})
	}
	p.SetResult(42)
	all.Wait()
}

// Item 38 of the seed's behavior.
func TestCancelWaitReturnsWhenDoneAndHidesTheOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		succeeded := pending.New[int](t.Context())
		succeeded.SetResult(1)
		require.NoError(t, succeeded.CancelWait(t.Context(), errWhy))
		require.NoError(t, succeeded.Err(), "nothing is left to cancel")

		begin := time.Now()
		task, _ := spawn(t.Context(), func(ctx context.Context) (int, error) {
			<-ctx.Done()
			time.Sleep(time.Second) // it cleans up
			return 0, errBoom
		})
		require.NoError(t, task.CancelWait(t.Context(), errWhy))
		assert.True(t, task.IsDone())
		assert.Equal(t, time.Second, time.Since(begin))
		require.ErrorIs(t, task.Err(), errWhy)
	})
}

// Item 39 of the seed's behavior.
func TestCallbacksRunInOrderOnTheGoroutineThatCompletes(t *testing.T) {
	p := pending.New[int](t.Context())
	var seen []string // with no lock: all of it happens on this goroutine
	same := func(h pending.Handle) {
		value, err := p.Result()
		assert.Same(t, p, h)
		assert.Equal(t, outcome{1, nil}, outcome{value, err})
		seen = append(seen, "same")
	}
	p.OnDone(same)
	p.OnDone(func(h pending.Handle) {
		seen = append(seen, "outer")
		h.OnDone(func(pending.Handle) { seen = append(seen, "added meanwhile") })
	})
	p.OnDone(same)
	assert.Empty(t, seen)
	p.SetResult(1)
	assert.Equal(t, []string{"same", "outer", "added meanwhile", "same"}, seen)

	p.OnDone(func(pending.Handle) { seen = append(seen, "late") })
	assert.Equal(t, "late", seen[len(seen)-1], "on a done pending it runs at once")
}

// Item 40 of the seed's behavior.
func TestCancellerIsIgnoredOnceDone(t *testing.T) {
	p := pending.New[int](t.Context())
	calls := 0
	p.SetCanceller(func(error) { calls++ })
	p.SetResult(1)
	p.Cancel(errWhy)
	p.SetCanceller(func(error) { calls++ })
	p.Cancel(errWhy)
	assert.Zero(t, calls)
}

// Item 37 of the seed's behavior.
// Item 40 of the seed's behavior.
// Here it is found out by the turn.
func TestWaitForTheCurrentPendingIsRefused(t *testing.T) {
	deadlock := fmt.Errorf("%w: a waits for a", pending.ErrDeadlock)
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) {
			var task *scheduled.Call[string]
			var r *runner
			task, r = queue(t.Context(), func(ctx context.Context) (string, error) {
				_, err := wait(&task.Pending, ctx)
				return "went on", err
			})
			r.refuse = deadlock
			require.NoError(t, task.Run())
			assert.Same(t, deadlock, task.Err())
			assert.False(t, task.Cancelled(), "the pending is left as it is")
			assert.Equal(t, []park{{&task.Pending, name == "WaitSync"}}, r.parked())
		})
	}
}

// Item 41 of the seed's behavior.
func TestNewPendingBelongsToNobody(t *testing.T) {
	ctx := context.WithValue(t.Context(), keyA, "a")
	p := pending.New[int](ctx)
	assert.Nil(t, future.RunnerOf(p))
	assert.Nil(t, future.CompleterOf(future.Of(p)))
	assert.Same(t, future.Of(p), future.CompleterOf(future.Of(pending.New[string](t.Context(), pending.CompletedBy(p)))))
	assert.Equal(t, ctx, p.Context())
	assert.Empty(t, p.Metadata())
	assert.Empty(t, p.Name())
}
