package actors_test

import (
	"context"
	"errors"
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

// A program that has configured nothing learns of waits that no search for circles sees.
func TestHiddenDeadlockIsLoggedByDefault(t *testing.T) {
	unseen := context.Background()
	tests := map[string]struct {
		fn   func(c *actors.Caller)
		line string
		want string
	}{
		"Wait": {
			fn:   func(c *actors.Caller) { _, _ = actors.CallSoon(unseen, c, returns(1)).Wait(unseen) },
			line: "pending.(*Pending[...]).Wait(", want: "1 queued calls or messages",
		},
		"WaitSync": {
			fn:   func(c *actors.Caller) { _, _ = actors.CallSoon(unseen, c, returns(1)).WaitSync(unseen) },
			line: "pending.(*Pending[...]).WaitSync(", want: "1 queued calls or messages",
		},
		"All": {
			fn:   func(c *actors.Caller) { _, _ = pending.All(unseen, actors.CallSoon(unseen, c, returns(1))) },
			line: "pending.All[...](", want: "1 queued calls or messages",
		},
		"PutWait": {
			fn: func(c *actors.Caller) {
				q := actors.NewQueue(c, func(context.Context, int) error { return nil }, actors.QueueCapacity(1))
				_ = q.Put(1)
				_ = q.PutWait(unseen, 2)
			},
			line: "actors.(*Queue[...]).PutWait(", want: "1 queued calls or messages",
		},
		"Call": {
			fn:   func(c *actors.Caller) { _, _ = actors.Call(unseen, c, returns(1)) },
			line: "actors.Call[...](", want: "1 queued calls or messages",
		},
		"a group": {
			fn: func(c *actors.Caller) {
				g, _ := pending.NewGroup(unseen)
				g.Add(actors.CallSoon(unseen, c, returns(1)))
				_ = g.Wait()
			},
			line: "pending.(*Group).Wait(", want: "1 queued calls or messages",
		},
		"WaitAll": {
			fn: func(c *actors.Caller) {
				_, _, _ = pending.WaitAll(unseen, []*pending.Pending[int]{actors.CallSoon(unseen, c, returns(1))})
			},
			line: "pending.WaitAll[...](", want: "1 queued calls or messages",
		},
		"a job for itself": {
			fn: func(c *actors.Caller) {
				_, _ = actors.ToThread(unseen, c, func(context.Context) (int, error) {
					return actors.CallSoon(unseen, c, returns(1)).Wait(unseen)
				}).Wait(unseen)
			},
			line: "pending.(*Pending[...]).Wait(", want: "1 queued calls or messages",
		},
		"Drain of the parent": {
			fn:   func(c *actors.Caller) { _ = c.Parent().Drain(unseen) },
			line: "actors.(*Caller).Drain(", want: "a drain",
		},
		"Shutdown": {
			fn:   func(c *actors.Caller) { _ = actors.Shutdown(unseen, c.System()) },
			line: "actors.Shutdown(", want: "a drain",
		},
		"Done": {
			fn:   func(c *actors.Caller) { <-actors.CallSoon(unseen, c, returns(1)).Done() },
			line: "TestHiddenDeadlockIsLoggedByDefault", want: "1 queued calls or messages",
		},
		"StopWait": {
			fn:   func(c *actors.Caller) { _ = c.StopWait(unseen) },
			line: "actors.(*Caller).StopWait(", want: "a stop",
		},
		"StopWait on another goroutine": {
			fn: func(c *actors.Caller) {
				stopped := make(chan struct{})
				go func() {
					defer close(stopped)
					_ = c.StopWait(unseen)
				}()
				<-stopped
			},
			line: "TestHiddenDeadlockIsLoggedByDefault", want: "a stop",
		},
		"Stopped": {
			fn: func(c *actors.Caller) {
				c.Stop()
				<-c.Stopped()
			},
			line: "TestHiddenDeadlockIsLoggedByDefault", want: "a stop",
		},
		"Drain": {
			fn:   func(c *actors.Caller) { _ = c.Drain(unseen) },
			line: "actors.(*Caller).Drain(", want: "a drain",
		},
		"StopWait of the parent": {
			fn:   func(c *actors.Caller) { _ = c.Parent().StopWait(unseen) },
			line: "actors.(*Caller).StopWait(", want: "a stop",
		},
	}
	for name, tt := range tests {
		for kind, opts := range map[string][]props.Option{"": nil, ", non-reentrant": {props.NonReentrant()}} {
			t.Run(name+kind, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					log, logTo := warned()
					parent := start(t, system, logTo)
					c := child(t, parent, append(on(t, nil), opts...)...)
					p := actors.Schedule(t.Context(), c, func(context.Context) (any, error) {
						tt.fn(c)
						return nil, nil
					}, actors.Named("trap"))
					time.Sleep(5 * props.DefaultTurnWarning / 4)
					synctest.Wait()
					w := log.only(t)
					assert.GreaterOrEqual(t, w.after, props.DefaultTurnWarning)
					assert.Equal(t, "trap", w.function)
					assert.Equal(t, c.ID(), w.caller)
					assert.Equal(t, tt.want, w.waiting)
					assert.Equal(t, 1, w.goroutines(), w.stack)
					assert.Contains(t, strings.Join(w.stack, "\n"), tt.line)
					require.NoError(t, parent.StopWait(t.Context())) // which abandons the function
					assert.True(t, p.IsDone())
					assert.Len(t, log.get(), 1)
				})
			})
		}
	}
}

// The function waits for what it holds itself.
func TestHiddenDeadlockOfALockIsLoggedByDefault(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log, logTo := warned()
		c := start(t, system, logTo)
		m := pending.NewMutex(pending.Named("m"))
		actors.Schedule(t.Context(), c, func(ctx context.Context) (any, error) {
			return nil, errors.Join(m.Lock(ctx), m.Lock(context.Background()))
		}, actors.Named("trap"))
		time.Sleep(5 * props.DefaultTurnWarning / 4)
		w := log.only(t)
		assert.Equal(t, "trap", w.function)
		assert.Equal(t, "1 goroutines that wait for mutex m", w.waiting)
		assert.Contains(t, strings.Join(w.stack, "\n"), "pending.(*Mutex).Lock(")
		m.Unlock()
	})
}

func TestHiddenDeadlockOfReceiveIsLoggedByDefault(t *testing.T) {
	unseen := context.Background()
	tests := map[string]struct {
		receive func(c *actors.Caller)
		want    string
	}{
		"Wait": {
			receive: func(c *actors.Caller) { _, _ = actors.CallSoon(unseen, c, returns(1)).Wait(unseen) },
			want:    "1 queued calls or messages",
		},
		"StopWait": {receive: func(c *actors.Caller) { _ = c.StopWait(unseen) }, want: "a stop"},
		"Drain":    {receive: func(c *actors.Caller) { _ = c.Drain(unseen) }, want: "a drain"},
		"a child": {
			receive: func(c *actors.Caller) {
				kid, _ := c.Child()
				_, _ = actors.CallSoon(unseen, kid, func(context.Context) (int, error) {
					return actors.CallSoon(unseen, c, returns(1)).Wait(unseen)
				}).Wait(unseen)
			},
			want: "1 queued calls or messages",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				log, logTo := warned()
				free, release := newGate()
				defer release()
				c := adopted(t, system, nil, "c", func(ctx actor.Context) {
					if ctx.Message() == "trap" {
						c, _ := actors.Of(ctx)
						go func() { tt.receive(c) }()
						<-free
					}
				}, []props.Option{logTo})
				system.Root.Send(c.PID(), "trap")
				time.Sleep(5 * props.DefaultTurnWarning / 4)
				w := log.only(t)
				assert.Contains(t, w.function, "TestHiddenDeadlockOfReceiveIsLoggedByDefault")
				assert.Equal(t, tt.want, w.waiting)
				assert.Equal(t, 1, w.goroutines(), w.stack)
			})
		})
	}
}

// Two callers wait for each other, and one of the waits is hidden.
func TestHiddenCircleOfCallersIsLogged(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log, logTo := warned()
		a, b := start(t, system, logTo, props.Name("a")), start(t, system, logTo, props.Name("b"))
		var first *pending.Pending[int]
		made := make(chan struct{})
		first = actors.Schedule(t.Context(), a, func(context.Context) (int, error) {
			<-made
			second := actors.Schedule(context.Background(), b, func(ctx context.Context) (int, error) {
				return first.Wait(ctx)
			}, actors.Named("second"))
			return second.Wait(context.Background())
		}, actors.Named("first"))
		close(made)
		time.Sleep(time.Minute)
		w := log.only(t)
		assert.Equal(t, "first", w.function)
		assert.Equal(t, "the function second of callers/b", w.waiting)
		require.NoError(t, b.StopWait(t.Context()))
	})
}

func TestLongHandlersAreLogged(t *testing.T) {
	receive := func(ctx actor.Context) {
		if d, ok := ctx.Message().(time.Duration); ok {
			compute(d)
		}
	}
	tests := map[string]func(t *testing.T, c *actors.Caller){
		"Receive": func(_ *testing.T, c *actors.Caller) {
			c.System().Root.Send(c.PID(), time.Minute)
			c.System().Root.Send(c.PID(), time.Duration(0))
		},
		"direct call": func(t *testing.T, c *actors.Caller) {
			require.NoError(t, c.CallDirect(func() { compute(time.Minute) }))
			require.NoError(t, c.CallDirect(func() {}))
		},
	}
	for name, begin := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				other := adopted(t, system, nil, "other", receive, nil) // handles a message at the same time
				begin(t, other)
				log, logTo := warned()
				c := adopted(t, system, nil, "c", receive, []props.Option{logTo})
				begin(t, c)
				time.Sleep(time.Hour)
				w := log.only(t)
				assert.Equal(t, c.ID(), w.caller)
				assert.Contains(t, w.function, "actors_test.TestLongHandlersAreLogged.")
				assert.Equal(t, "1 queued calls or messages", w.waiting)
				assert.Equal(t, 1, w.goroutines(), w.stack)
				assert.Contains(t, w.record, "actors_test.compute(")
			})
		})
	}
}

func TestLongEventHandlerIsLoggedWhileEventsWait(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log, logTo := warned()
		c := start(t, system, logTo, props.Supervision(supervision.Restart()))
		waiting := start(t, system, props.TurnWarning(0))
		system.EventStream.Subscribe(func(event any) {
			if _, ok := event.(supervision.Failed); ok {
				compute(time.Minute)
			}
		})
		require.ErrorIs(t, failure(actors.CallSoon(t.Context(), c, panics)), errBoom)
		synctest.Wait()
		time.Sleep(time.Hour)
		require.ErrorIs(t, failure(actors.CallSoon(t.Context(), c, panics)), errBoom)
		waiting.Stop()
		time.Sleep(time.Hour)
		all := log.get()
		require.Len(t, all, 2)
		for _, w := range all {
			assert.Equal(t, c.ID(), w.caller)
			assert.Contains(t, w.function, "actors_test.TestLongEventHandlerIsLogged")
			assert.Equal(t, 1, w.goroutines(), w.stack)
			assert.Contains(t, w.record, "actors_test.compute(")
			assert.Contains(t, w.waiting, " events")
		}
	})
}
