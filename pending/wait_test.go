package pending_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/scheduled"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Item 36 of the seed's behavior.
func TestHowAWaitEnds(t *testing.T) {
	const never = time.Hour
	protect, shield := pending.Protect(), pending.Shield()
	tests := map[string]struct {
		opts      []pending.WaitOption
		ends      time.Duration // when the context of the wait does
		completes time.Duration // when the pending does
		want      time.Duration // when the wait does
		errs      []error       // all of those the wait returns
		cancelled bool          // what becomes of the pending
	}{
		"completed":                       {ends: never, completes: 2 * time.Second, want: 2 * time.Second},
		"completed in time":               {opts: []pending.WaitOption{pending.Timeout(3 * time.Second)}, ends: never, completes: 2 * time.Second, want: 2 * time.Second},
		"timeout":                         {opts: []pending.WaitOption{pending.Timeout(time.Second)}, ends: never, completes: never, want: time.Second, errs: []error{context.DeadlineExceeded}, cancelled: true},
		"timeout, protected":              {opts: []pending.WaitOption{pending.Timeout(time.Second), protect}, ends: never, completes: never, want: time.Second, errs: []error{context.DeadlineExceeded}},
		"no time at all":                  {opts: []pending.WaitOption{pending.Timeout(0)}, ends: never, completes: never, errs: []error{context.DeadlineExceeded}, cancelled: true},
		"less than no time":               {opts: []pending.WaitOption{pending.Timeout(-time.Second), protect}, ends: never, completes: never, errs: []error{context.DeadlineExceeded}},
		"the last timeout counts":         {opts: []pending.WaitOption{pending.Timeout(time.Second), pending.Timeout(2 * time.Second)}, ends: never, completes: never, want: 2 * time.Second, errs: []error{context.DeadlineExceeded}, cancelled: true},
		"context ends":                    {ends: time.Second, completes: never, want: time.Second, errs: []error{context.DeadlineExceeded, errWhy}, cancelled: true},
		"context ends, protected":         {opts: []pending.WaitOption{protect}, ends: time.Second, completes: never, want: time.Second, errs: []error{context.DeadlineExceeded, errWhy}},
		"context has ended":               {completes: never, errs: []error{context.DeadlineExceeded, errWhy}, cancelled: true},
		"context ends before timeout":     {opts: []pending.WaitOption{pending.Timeout(2 * time.Second)}, ends: time.Second, completes: never, want: time.Second, errs: []error{errWhy}, cancelled: true},
		"context ends, shielded":          {opts: []pending.WaitOption{shield}, ends: time.Second, completes: 2 * time.Second, want: 2 * time.Second},
		"context has ended, shielded":     {opts: []pending.WaitOption{shield}, completes: time.Second, want: time.Second},
		"timeout of a shielded wait":      {opts: []pending.WaitOption{shield, pending.Timeout(2 * time.Second)}, ends: time.Second, completes: never, want: 2 * time.Second, errs: []error{context.DeadlineExceeded}, cancelled: true},
		"timeout, shielded and protected": {opts: []pending.WaitOption{shield, pending.Timeout(time.Second), protect}, ends: never, completes: never, want: time.Second, errs: []error{context.DeadlineExceeded}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(outer context.Context, t *testing.T, wait waitFunc) {
				p := pending.New[string](context.WithoutCancel(t.Context()))
				timer := time.AfterFunc(tt.completes, func() { p.SetResult("value") })
				defer timer.Stop()
				ctx, cancel := context.WithTimeoutCause(outer, tt.ends, errWhy)
				defer cancel()

				begin := time.Now()
				value, err := wait(p, ctx, tt.opts...)
				assert.Equal(t, tt.want, time.Since(begin))
				assert.Equal(t, tt.cancelled, p.Cancelled())
				if tt.errs == nil {
					require.NoError(t, err)
					assert.Equal(t, "value", value)
					return
				}
				assert.Empty(t, value)
				for _, want := range tt.errs {
					require.ErrorIs(t, err, want)
					if tt.cancelled {
						require.ErrorIs(t, p.Err(), want)
					}
				}
				if !tt.cancelled {
					require.ErrorIs(t, p.Err(), pending.ErrNotDone)
				}
			})
		})
	}
}

// Item 36 of the seed's behavior.
func TestDonePendingIsReturnedAtOnce(t *testing.T) {
	everywhere(t, func(ctx context.Context, t *testing.T, wait waitFunc) {
		p := pending.New[string](t.Context())
		p.SetResult("value")
		ended, cancel := context.WithCancel(ctx)
		cancel()
		for _, opts := range [][]pending.WaitOption{nil, {pending.Timeout(0)}, {pending.Timeout(-1), pending.Protect()}} {
			value, err := wait(p, ended, opts...)
			require.NoError(t, err)
			assert.Equal(t, "value", value)
		}
	})
}

// Item 36 of the seed's behavior.
func TestTimeoutAsksTheCancellerAndDoesNotWaitForIt(t *testing.T) {
	everywhere(t, func(ctx context.Context, t *testing.T, wait waitFunc) {
		p := pending.New[string](t.Context())
		var cause error
		p.SetCanceller(func(c error) { cause = c })
		_, err := wait(p, ctx, pending.Timeout(time.Second))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, cause, context.DeadlineExceeded)
		assert.True(t, p.Cancelled())
		assert.False(t, p.IsDone())
	})
}

func TestErrorOfAWaitNamesWhatItWaitedFor(t *testing.T) {
	everywhere(t, func(ctx context.Context, t *testing.T, wait waitFunc) {
		p := pending.New[string](t.Context(), pending.Named("the answer"))
		_, err := wait(p, ctx, pending.Timeout(time.Second))
		require.ErrorContains(t, err, "the answer")
		require.ErrorContains(t, err, "not done after 1s")
	})
}

func TestWaitOfAFunctionEndsWithItsContext(t *testing.T) {
	ends := map[string]func(task *scheduled.Call[string], end context.CancelCauseFunc){
		"cancelled":          func(task *scheduled.Call[string], _ context.CancelCauseFunc) { task.Cancel(errWhy) },
		"interrupted":        func(task *scheduled.Call[string], _ context.CancelCauseFunc) { task.Interrupt(errWhy) },
		"given context ends": func(_ *scheduled.Call[string], end context.CancelCauseFunc) { end(errWhy) },
	}
	derive := map[string]func(ctx context.Context) context.Context{
		"its own context": func(ctx context.Context) context.Context { return ctx },
		"with a value":    func(ctx context.Context) context.Context { return context.WithValue(ctx, keyA, "a") },
		"without a turn":  func(ctx context.Context) context.Context { return future.WithTurn(ctx, nil) },
	}
	for end, endIt := range ends {
		for derivation, with := range derive {
			for name, wait := range waits {
				t.Run(name+" "+derivation+", "+end, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						first, second := pending.New[string](t.Context()), pending.New[string](t.Context())
						given, cancel := context.WithCancelCause(t.Context())
						defer cancel(nil)
						task, _ := spawn(given, func(ctx context.Context) (string, error) {
							if _, err := wait(first, with(ctx)); err != nil {
								return "", err
							}
							return wait(second, with(ctx))
						})
						first.SetResult("value")
						synctest.Wait()
						endIt(task, cancel)
						synctest.Wait()
						assert.True(t, task.IsDone())
						assert.True(t, task.Cancelled())
						require.ErrorIs(t, task.Err(), errWhy)
						require.ErrorIs(t, second.Err(), errWhy)
					})
				})
			}
		}
	}
}

func TestFunctionAndWhatItWaitsForEndTogether(t *testing.T) {
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				given, end := context.WithCancelCause(t.Context())
				var p *pending.Pending[string]
				task, _ := spawn(given, func(ctx context.Context) (string, error) {
					p = pending.New[string](ctx)
					return wait(p, ctx)
				})
				end(errWhy)
				synctest.Wait()
				assert.True(t, task.IsDone())
				assert.True(t, p.IsDone())
				require.ErrorIs(t, task.Err(), errWhy)
				require.ErrorIs(t, p.Err(), errWhy)
			})
		})
	}
}

func TestWaitInAFunctionUsesItsTurn(t *testing.T) {
	tests := map[string]struct {
		derive func(ctx context.Context, t *testing.T) context.Context
		parks  bool
	}{
		"its context":     {func(ctx context.Context, _ *testing.T) context.Context { return ctx }, true},
		"with a value":    {func(ctx context.Context, _ *testing.T) context.Context { return context.WithValue(ctx, keyA, "a") }, true},
		"WithTurn nil":    {func(ctx context.Context, _ *testing.T) context.Context { return future.WithTurn(ctx, nil) }, false},
		"WithoutCancel":   {func(ctx context.Context, _ *testing.T) context.Context { return context.WithoutCancel(ctx) }, true},
		"outside of it":   {func(_ context.Context, t *testing.T) context.Context { return t.Context() }, false},
		"stale, returned": {func(_ context.Context, t *testing.T) context.Context { return staleContext(t) }, false},
		"derived of stale": {func(_ context.Context, t *testing.T) context.Context {
			return context.WithValue(staleContext(t), keyA, "a")
		}, false},
	}
	for name, tt := range tests {
		for waitName, wait := range waits {
			t.Run(waitName+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := pending.New[string](t.Context())
					task, r := spawn(t.Context(), func(ctx context.Context) (string, error) {
						if tt.parks {
							return wait(p, tt.derive(ctx, t))
						}
						return wait(p, tt.derive(ctx, t), pending.Shield()) // some of them have ended
					})
					if tt.parks {
						assert.Equal(t, []park{{p, waitName == "WaitSync"}}, r.parked())
					} else {
						assert.Empty(t, r.parked())
					}
					p.SetResult("value")
					<-task.Done()
					require.NoError(t, task.Err())
				})
			})
		}
	}
}

func TestTurnNeedsNoFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pending.New[string](t.Context())
		r := newRunner()
		go func() {
			synctest.Wait()
			assert.Equal(t, []park{{p, false}}, r.parked())
			p.SetResult("value")
		}()
		value, err := p.Wait(future.WithTurn(t.Context(), r))
		require.NoError(t, err)
		assert.Equal(t, "value", value)
	})
}

func TestFunctionWokenForNothingWaitsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pending.New[string](t.Context())
		task, r := spawn(t.Context(), func(ctx context.Context) (string, error) { return p.Wait(ctx) })
		for range 3 {
			r.Resume()
			synctest.Wait()
		}
		assert.Len(t, r.parked(), 4)
		assert.False(t, task.IsDone())
		p.SetResult("value")
		value, err := task.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "value", value)
	})
}

func TestNobodyIsWokenWhoIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		given, end := context.WithCancel(t.Context())
		p := pending.New[string](t.Context())
		task, r := spawn(given, func(ctx context.Context) (string, error) { return p.Wait(ctx, pending.Timeout(time.Second)) })
		p.SetResult("value")
		<-task.Done()
		end()
		synctest.Wait()
		<-time.After(time.Minute)
		assert.Empty(t, r.awake)
	})
}

func TestRefusedWaitLeavesNothingBehind(t *testing.T) {
	p := pending.New[string](t.Context())
	task, r := queue(t.Context(), func(ctx context.Context) (string, error) { return p.Wait(ctx) })
	r.refuse = pending.ErrDeadlock
	require.NoError(t, task.Run())
	require.ErrorIs(t, task.Err(), pending.ErrDeadlock)
	assert.False(t, p.Cancelled())
	p.SetResult("value")
	assert.Empty(t, r.awake, "nobody is woken who does not wait")
}

func TestWaitIsOverInTimeWhenACallbackIsSlow(t *testing.T) {
	everywhere(t, func(ctx context.Context, t *testing.T, wait waitFunc) {
		p := pending.New[string](t.Context())
		goOn := make(chan struct{})
		defer close(goOn)
		p.OnDone(func(pending.Handle) { <-goOn })
		time.AfterFunc(time.Second, func() { p.SetResult("value") })
		begin := time.Now()
		value, err := wait(p, ctx, pending.Timeout(2*time.Second))
		assert.Equal(t, 2*time.Second, time.Since(begin))
		require.NoError(t, err, "it was done")
		assert.Equal(t, "value", value)
	})
}

func TestWaitInABubbleLeavesNothingOfItOutside(t *testing.T) {
	waitOnce := func(t *testing.T) {
		for _, opts := range [][]pending.WaitOption{nil, {pending.Shield()}, {pending.Timeout(time.Hour)}} {
			p := pending.New[int](t.Context())
			go p.SetResult(1)
			_, err := p.Wait(t.Context(), opts...)
			require.NoError(t, err)
		}
	}
	for range 10 {
		synctest.Test(t, waitOnce)
		waitOnce(t)
	}
}
