package pending_test

import (
	"context"
	"runtime"
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

type key string

const keyA, keyB = key("a"), key("b")

// staleContext returns the context of a function that has returned.
func staleContext(t *testing.T) (stale context.Context) {
	t.Helper()
	inside(t, func(ctx context.Context) { stale = ctx })
	return stale
}

// derivations are ways to make one context from another.
var derivations = map[string]func(ctx context.Context, t *testing.T) context.Context{
	"itself":    func(ctx context.Context, _ *testing.T) context.Context { return ctx },
	"WithValue": func(ctx context.Context, _ *testing.T) context.Context { return context.WithValue(ctx, keyB, "b") },
	"WithTurn":  func(ctx context.Context, _ *testing.T) context.Context { return future.WithTurn(ctx, nil) },
	"WithTimeout": func(ctx context.Context, t *testing.T) context.Context {
		ctx, cancel := context.WithTimeout(ctx, time.Hour)
		t.Cleanup(cancel)
		return ctx
	},
	"WithCancelCause": func(ctx context.Context, t *testing.T) context.Context {
		ctx, cancel := context.WithCancelCause(ctx)
		t.Cleanup(func() { cancel(nil) })
		return ctx
	},
}

func TestFunctionContextIsThatOfTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		given, cancel := context.WithTimeout(context.WithValue(t.Context(), keyA, "a"), time.Hour)
		defer cancel()
		want, _ := given.Deadline()
		ran := call(given, func(ctx context.Context) (bool, error) {
			for name, derive := range derivations {
				derived := derive(ctx, t)
				deadline, ok := derived.Deadline()
				assert.True(t, ok, name)
				assert.Equal(t, want, deadline, name)
				assert.Equal(t, "a", derived.Value(keyA), name)
				assert.NoError(t, derived.Err(), name)
				assert.NoError(t, context.Cause(derived), name)
			}
			return true, nil
		})
		value, err := ran.Result()
		require.NoError(t, err)
		assert.True(t, value)
	})
	inside(t, func(ctx context.Context) {
		_, ok := ctx.Deadline()
		assert.False(t, ok)
		assert.Nil(t, ctx.Value(keyA))
	})
}

func TestFunctionContextEnds(t *testing.T) {
	type setting struct {
		task   *scheduled.Call[int]
		given  context.Context
		cancel context.CancelCauseFunc
		goOn   chan struct{}
	}
	ends := map[string]struct {
		end        func(s setting)
		err, cause error
	}{
		"cancelled":      {func(s setting) { s.task.Cancel(errWhy) }, context.Canceled, errWhy},
		"interrupted":    {func(s setting) { s.task.Interrupt(errWhy) }, context.Canceled, errWhy},
		"abandoned":      {func(s setting) { s.task.Abandon(errWhy) }, context.Canceled, errWhy},
		"given ended":    {func(s setting) { s.cancel(errWhy) }, context.Canceled, errWhy},
		"given deadline": {func(s setting) { <-s.given.Done() }, context.DeadlineExceeded, errElse},
		"returned":       {func(s setting) { close(s.goOn) }, context.Canceled, context.Canceled},
	}
	// What is done with the context, before and after its end.
	nothing := func(context.Context) {}
	looks := map[string]struct{ before, first func(ctx context.Context) }{
		"never asked before, Err first":   {nothing, nothing},
		"never asked before, Cause first": {nothing, func(ctx context.Context) { assert.Error(t, context.Cause(ctx)) }},
		"never asked before, Done first":  {nothing, func(ctx context.Context) { <-ctx.Done() }},
		"asked before":                    {func(ctx context.Context) { ctx.Done() }, nothing},
	}
	for endName, end := range ends {
		for derivation, derive := range derivations {
			for look, look2 := range looks {
				t.Run(endName+", "+derivation+", "+look, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						s := setting{goOn: make(chan struct{})}
						deadline, stop := context.WithTimeoutCause(t.Context(), time.Minute, errElse)
						defer stop()
						s.given, s.cancel = context.WithCancelCause(deadline)
						defer s.cancel(nil)
						var ctx context.Context
						s.task, _ = spawn(s.given, func(own context.Context) (int, error) {
							ctx = derive(own, t)
							look2.before(ctx)
							<-s.goOn
							return 1, nil
						})
						require.NoError(t, ctx.Err())
						end.end(s)
						synctest.Wait()
						look2.first(ctx)
						assert.Equal(t, end.err, ctx.Err())
						require.ErrorIs(t, context.Cause(ctx), end.cause)
						<-ctx.Done()
						if endName != "returned" {
							close(s.goOn)
						}
						<-s.task.Done()
					})
				})
			}
		}
	}
}

func TestFunctionContextHasOneEndForAllWhoAsk(t *testing.T) {
	askAtOnce := func(ctx context.Context) {
		var all sync.WaitGroup
		ends := make([]<-chan struct{}, 4)
		begin := make(chan struct{})
		for i := range ends {
			all.Go(func() {
				<-begin
				ends[i] = ctx.Done()
			})
		}
		close(begin)
		all.Wait()
		for _, end := range ends {
			assert.Equal(t, ctx.Done(), end)
		}
	}
	for range 100 {
		inside(t, askAtOnce)
	}
}

// What a function schedules with its context lives under the context that the
// function was given. The same goes for a derivation of its context that has no
// end of its own.
func TestWhatAFunctionSchedulesOutlivesIt(t *testing.T) {
	schedulers := map[string]func(ctx context.Context) context.Context{
		"itself":       func(ctx context.Context) context.Context { return ctx },
		"with a value": func(ctx context.Context) context.Context { return context.WithValue(ctx, keyB, "b") },
		"with values": func(ctx context.Context) context.Context {
			return context.WithValue(context.WithValue(ctx, keyA, "-"), keyA, "a")
		},
		"with no turn": func(ctx context.Context) context.Context { return future.WithTurn(ctx, nil) },
		"of a New pending": func(ctx context.Context) context.Context {
			return pending.New[int](context.WithValue(ctx, keyB, "b")).Context()
		},
	}
	asks := map[string]struct{ before, after bool }{
		"never asked": {}, "asked before": {before: true}, "asked after": {after: true},
	}
	for how, with := range schedulers {
		for when, ask := range asks {
			t.Run(how+", "+when, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					given, end := context.WithCancelCause(context.WithValue(t.Context(), keyA, "a"))
					defer end(nil)
					var p *pending.Pending[int]
					var q *scheduled.Call[int]
					var inner context.Context
					goOn := make(chan struct{})
					call(given, func(ctx context.Context) (int, error) {
						if ask.before {
							ctx.Done()
						}
						p = pending.New[int](with(ctx))
						q, _ = queue(with(ctx), func(ctx context.Context) (int, error) {
							var cancel context.CancelFunc
							inner, cancel = context.WithTimeout(ctx, time.Hour)
							defer cancel()
							<-goOn
							return 0, inner.Err()
						})
						p.Done()
						if ask.after {
							ctx.Done()
						}
						self, _ := pending.Current(ctx)
						self.Cancel(errElse)
						return 1, nil
					})
					go func() { _ = q.Run() }()
					synctest.Wait()
					assert.False(t, p.IsDone(), "the function has returned, and was cancelled")
					require.NoError(t, inner.Err())
					assert.Equal(t, "a", p.Context().Value(keyA))
					assert.Equal(t, with(given).Value(keyB), inner.Value(keyB))

					end(errWhy)
					synctest.Wait()
					require.ErrorIs(t, p.Err(), errWhy)
					require.NotErrorIs(t, p.Err(), errElse)
					require.ErrorIs(t, inner.Err(), context.Canceled)
					require.ErrorIs(t, context.Cause(inner), errWhy)
					require.ErrorIs(t, context.Cause(p.Context()), errWhy)
					close(goOn)
					<-q.Done()
					require.ErrorIs(t, q.Err(), errWhy)
				})
			})
		}
	}
}

func TestDerivationWithAnEndOfItsOwnKeepsIt(t *testing.T) {
	wrappers := map[string]func(ctx context.Context) context.Context{
		"itself":       func(ctx context.Context) context.Context { return ctx },
		"with a value": func(ctx context.Context) context.Context { return context.WithValue(ctx, keyB, "b") },
	}
	for name, wrap := range wrappers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inside(t, func(ctx context.Context) {
					cancelled, cancel := context.WithCancelCause(ctx)
					expiring, stop := context.WithTimeoutCause(ctx, time.Second, errElse)
					defer stop()
					one, two := pending.New[string](wrap(cancelled)), pending.New[string](wrap(expiring))
					begin := time.Now()
					_, err := two.Wait(t.Context())
					require.ErrorIs(t, err, errElse)
					assert.Equal(t, time.Second, time.Since(begin))

					done := one.Done()
					cancel(errWhy)
					<-done
					require.ErrorIs(t, one.Err(), errWhy)
				})
			})
		})
	}
}

func TestContextWithoutCancelHasNoEnd(t *testing.T) {
	for name, ask := range map[string]bool{"never asked": false, "asked": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				given, end := context.WithCancelCause(t.Context())
				var p *pending.Pending[int]
				call(given, func(ctx context.Context) (int, error) {
					if ask {
						ctx.Done()
					}
					p = pending.New[int](context.WithoutCancel(ctx))
					return 1, nil
				})
				p.Done()
				end(errWhy)
				synctest.Wait()
				assert.False(t, p.IsDone())
				require.NoError(t, p.Context().Err())
			})
		})
	}
}

func TestContextOfAPendingBelongsToNoFunction(t *testing.T) {
	for name, derive := range derivations {
		t.Run(name, func(t *testing.T) {
			inside(t, func(ctx context.Context) {
				p := pending.New[int](derive(ctx, t))
				assert.Nil(t, future.TurnOf(p.Context()), "others may wait with it")
				_, ok := pending.Current(p.Context())
				assert.False(t, ok)
			})
		})
	}
}

func TestCurrentIsThePendingOfTheFunction(t *testing.T) {
	_, ok := pending.Current(t.Context())
	assert.False(t, ok)
	var task *scheduled.Call[int]
	task, r := queue(t.Context(), func(ctx context.Context) (int, error) {
		for name, derive := range derivations {
			current, ok := pending.Current(derive(ctx, t))
			assert.True(t, ok, name)
			assert.Same(t, &task.Pending, current, name)
			inner := call(derive(ctx, t), func(ctx context.Context) (uint64, error) {
				current, _ := pending.Current(ctx)
				return current.ID(), nil
			})
			id, err := inner.Result()
			require.NoError(t, err)
			assert.Equal(t, inner.ID(), id, name)
		}
		return 1, nil
	})
	require.NoError(t, task.Run())
	assert.Equal(t, r, future.RunnerOf(task))
	assert.True(t, task.IsDone())
}

func TestTurnOfAContext(t *testing.T) {
	other := newRunner()
	assert.Nil(t, future.TurnOf(t.Context()))
	assert.Equal(t, other, future.TurnOf(future.WithTurn(t.Context(), other)))
	task, r := queue(t.Context(), func(ctx context.Context) (context.Context, error) {
		assert.Equal(t, future.RunnerOf(current(ctx)), future.TurnOf(ctx))
		assert.Equal(t, other, future.TurnOf(future.WithTurn(ctx, other)))
		assert.Nil(t, future.TurnOf(future.WithTurn(ctx, nil)))
		return ctx, nil
	})
	require.NoError(t, task.Run())
	stale, err := task.Result()
	require.NoError(t, err)
	assert.Nil(t, future.TurnOf(stale), "the function has returned")
	assert.Empty(t, r.parked())
}

func current(ctx context.Context) pending.Handle {
	h, _ := pending.Current(ctx)
	return h
}

func TestDerivedContextsStartNoGoroutines(t *testing.T) {
	given, end := context.WithCancel(t.Context())
	defer end()
	inside := call(context.WithValue(given, keyA, "a"), func(ctx context.Context) (int, error) {
		before := runtime.NumGoroutine()
		for range 100 {
			for _, derive := range derivations {
				p := pending.New[int](derive(ctx, t))
				p.Done() // watches
				inner, cancel := context.WithCancel(p.Context())
				defer cancel()
				context.AfterFunc(inner, func() {})
			}
		}
		return runtime.NumGoroutine() - before, nil
	})
	started, err := inside.Result()
	require.NoError(t, err)
	assert.LessOrEqual(t, started, 0)
}

func TestLongChainsOfTasksDoNotGrow(t *testing.T) {
	const length, allowance = 100_000, 1 << 20 // bytes
	heap := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	root, end := context.WithCancelCause(context.WithValue(t.Context(), keyA, "a"))
	var task *scheduled.Call[int]
	r := newRunner()
	ctx := root
	before := heap()
	for range length {
		task = &scheduled.Call[int]{}
		task.Init(ctx, func(own context.Context) (int, error) {
			ctx = own
			own.Done()
			return 1, nil
		}, r)
		require.NoError(t, task.Run())
	}
	assert.Less(t, heap(), before+allowance)
	assert.Equal(t, root, task.Context(), "nothing comes between the two")
	last := pending.New[int](ctx)
	last.Done()
	end(errWhy)
	<-last.Done()
	require.ErrorIs(t, last.Err(), errWhy)
}
