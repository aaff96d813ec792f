package actors_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// hang is a function that keeps its turn until free is closed.
func hang(free <-chan struct{}) func(context.Context) (int, error) {
	return func(context.Context) (int, error) { <-free; return 1, nil }
}

func TestTurnWarningSaysWhatWaits(t *testing.T) {
	type setup struct {
		system *actor.ActorSystem
		c      *actors.Caller              // whose turn lasts long
		other  *actors.Caller              // another caller
		p      *pending.Pending[int]       // of the function that has the turn
		call   func(func(context.Context)) // calls a function on the other caller
	}
	tests := map[string]struct {
		before func(t *testing.T, s *setup) // the long turn
		wait   func(t *testing.T, s *setup)
		want   string
	}{
		"a call": {
			wait: func(t *testing.T, s *setup) { actors.CallSoon(t.Context(), s.c, returns(1)) },
			want: "1 queued calls or messages",
		},
		"an urgent call": {
			wait: func(t *testing.T, s *setup) { actors.Schedule(t.Context(), s.c, returns(1), actors.Urgent()) },
			want: "1 queued calls or messages",
		},
		"a function that wants its turn back": {
			before: func(t *testing.T, s *setup) {
				do(t.Context(), s.c, func(ctx context.Context) { _ = actors.Sleep(ctx, time.Second) })
			},
			want: "1 functions that want their turn back",
		},
		"a function elsewhere": {
			wait: func(_ *testing.T, s *setup) { s.call(func(ctx context.Context) { _, _ = s.p.Wait(ctx) }) },
			want: "the function waiter of callers/other",
		},
		"a function elsewhere that keeps its turn": {
			wait: func(_ *testing.T, s *setup) { s.call(func(ctx context.Context) { _, _ = s.p.WaitSync(ctx) }) },
			want: "the function waiter of callers/other",
		},
		"All": {
			wait: func(_ *testing.T, s *setup) { s.call(func(ctx context.Context) { _, _ = pending.All(ctx, s.p) }) },
			want: "the function waiter of callers/other",
		},
		"WaitAll": {
			wait: func(_ *testing.T, s *setup) {
				s.call(func(ctx context.Context) { _, _, _ = pending.WaitAll(ctx, []*pending.Pending[int]{s.p}) })
			},
			want: "the function waiter of callers/other",
		},
		"AsCompletedOf": {
			wait: func(_ *testing.T, s *setup) {
				s.call(func(ctx context.Context) {
					for _, err := range pending.AsCompletedOf(ctx, []*pending.Pending[int]{s.p}) {
						_ = err // that of the end of the test
					}
				})
			},
			want: "the function waiter of callers/other",
		},
		"Then": {
			wait: func(_ *testing.T, s *setup) {
				then := pending.Then(pending.Then(s.p, func(n int) (int, error) { return n, nil }), func(n int) (int, error) { return n, nil })
				s.call(func(ctx context.Context) { _, _ = then.Wait(ctx) })
			},
			want: "the function waiter of callers/other",
		},
		"an outer group": {
			wait: func(_ *testing.T, s *setup) {
				s.call(func(ctx context.Context) {
					outer, ctx := pending.NewGroup(ctx)
					inner, _ := pending.NewGroup(ctx)
					inner.Add(s.p)
					_ = outer.Wait()
				})
			},
			want: "the function waiter of callers/other",
		},
		"many functions": {
			wait: func(_ *testing.T, s *setup) {
				for range 9 {
					s.call(func(ctx context.Context) { _, _ = s.p.Wait(ctx) })
				}
			},
			want: strings.Repeat("the function waiter of callers/other | ", 4) + "other functions",
		},
		"a stop": {
			wait: func(_ *testing.T, s *setup) { s.c.Stop() },
			want: "a stop",
		},
		"a stop by protoactor": {
			wait: func(_ *testing.T, s *setup) { s.system.Root.Stop(s.c.PID()) },
			want: "a stop",
		},
		"a drain": {
			wait: func(t *testing.T, s *setup) { go func() { _ = s.c.Drain(t.Context()) }() },
			want: "a drain",
		},
		"the failure of a child": {
			wait: func(t *testing.T, s *setup) {
				failing := child(t, s.c, props.Supervision(supervision.Escalate()))
				actors.CallSoon(t.Context(), failing, panics)
			},
			want: "1 failures of children",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				free := make(chan struct{})
				defer close(free)
				log, logTo := warned()
				s := &setup{system: system, other: start(t, system, props.Name("other"))}
				s.call = func(fn func(context.Context)) {
					actors.Schedule(t.Context(), s.other, func(ctx context.Context) (any, error) {
						fn(ctx)
						return nil, nil
					}, actors.Named("waiter"))
				}
				s.c = start(t, system, logTo, props.StopTimeout(0))
				if tt.before != nil {
					tt.before(t, s)
					synctest.Wait()
				}
				s.p = actors.Schedule(t.Context(), s.c, hang(free), actors.Named("hanging"))
				synctest.Wait()
				if tt.before == nil { // else the wait has begun
					time.Sleep(time.Hour)
					assert.Empty(t, log.get(), "nothing waits yet")
				}
				if tt.wait != nil {
					tt.wait(t, s)
				}
				time.Sleep(time.Minute)
				w := log.only(t)
				assert.Equal(t, "hanging", w.function)
				assert.Equal(t, tt.want, w.waiting)
				assert.Equal(t, 1, w.goroutines(), w.stack)
				time.Sleep(time.Hour)
				assert.Len(t, log.get(), 1)
			})
		})
	}
}

func TestLongTurnOfAQueueIsLoggedWhileItemsWait(t *testing.T) {
	for name, put := range map[string]func(ctx context.Context, q *actors.Queue[int]) error{
		"put":                   func(_ context.Context, q *actors.Queue[int]) error { return q.Put(2) },
		"waiting for more room": func(ctx context.Context, q *actors.Queue[int]) error { _ = q.Put(2); return q.PutWait(ctx, 3) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				free := make(chan struct{})
				log, logTo := warned()
				c, producer := start(t, system, logTo), start(t, system, logTo, props.Name("producer"))
				q := actors.NewQueue(c, func(context.Context, int) error { <-free; return nil },
					actors.QueueName("orders"), actors.QueueCapacity(1))
				require.NoError(t, q.Put(1))
				time.Sleep(time.Minute)
				assert.Empty(t, log.get())
				put := actors.Schedule(t.Context(), producer, func(ctx context.Context) (any, error) { return nil, put(ctx, q) }, actors.Named("put"))
				time.Sleep(time.Minute)
				w := log.only(t)
				assert.Equal(t, "orders", w.function)
				want := "1 queued calls or messages | 1 items of the queue orders"
				if !put.IsDone() {
					want += " | the function put of callers/producer"
				}
				assert.Equal(t, want, w.waiting)
				assert.Contains(t, w.stack[len(w.stack)-1], "TestLongTurnOfAQueueIsLogged")
				close(free)
				result(t, put)
				require.NoError(t, q.CloseWait(t.Context()))
			})
		})
	}
}

func TestLongWorkThatKeepsNobodyWaitingIsNotLogged(t *testing.T) {
	tests := map[string]func(ctx context.Context, c *actors.Caller) *pending.Pending[int]{
		"a call that a goroutine waits for": func(ctx context.Context, c *actors.Caller) *pending.Pending[int] {
			return actors.CallSoon(ctx, c, func(context.Context) (int, error) { compute(time.Hour); return 1, nil })
		},
		"a job that a goroutine waits for": func(ctx context.Context, c *actors.Caller) *pending.Pending[int] {
			return actors.ToThread(ctx, c, func(context.Context) (int, error) { compute(time.Hour); return 1, nil })
		},
		"a job that a function waits for": func(ctx context.Context, c *actors.Caller) *pending.Pending[int] {
			return actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) {
				return actors.ToThread(ctx, c, func(context.Context) (int, error) { compute(time.Hour); return 1, nil }).Wait(ctx)
			})
		},
		"many jobs that a function waits for": func(ctx context.Context, c *actors.Caller) *pending.Pending[int] {
			return actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) {
				var jobs []*pending.Pending[int]
				for range 20 {
					jobs = append(jobs, actors.ToThread(ctx, c, func(context.Context) (int, error) { compute(time.Hour); return 1, nil }))
				}
				_, err := pending.All(ctx, jobs...)
				return 1, err
			})
		},
		"a wait": func(ctx context.Context, c *actors.Caller) *pending.Pending[int] {
			return actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) { return 1, actors.Sleep(ctx, time.Hour) })
		},
	}
	for name, begin := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				log, logTo := warned()
				assert.Equal(t, 1, result(t, begin(t.Context(), start(t, system, logTo))))
				assert.Empty(t, log.get())
			})
		})
	}
}

func TestLongJobIsLoggedWhileOthersWaitForItsWorker(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		free := make(chan struct{})
		log, logTo := warned()
		c := start(t, system, logTo, props.MaxWorkers(1), props.Name("shop"))
		first := actors.ToThread(t.Context(), c, hang(free))
		time.Sleep(time.Hour)
		assert.Empty(t, log.get())
		next := actors.ToThread(t.Context(), c, returns(2))
		time.Sleep(time.Minute)
		w := log.only(t)
		assert.Equal(t, "1 calls that wait for a worker of callers/shop", w.waiting)
		assert.True(t, strings.HasPrefix(w.caller, "callers/shop/"), w.caller)
		close(free)
		assert.Equal(t, 3, result(t, first)+result(t, next))
	})
}
