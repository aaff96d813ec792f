package actors_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// The host's loop belongs to others too, however much the dispatcher lets pass.
func TestHostedActorYieldsToItsHostWhateverTheThroughput(t *testing.T) {
	if again() {
		return
	}
	for _, throughput := range []int{0, 1, 3, 15, 16, 300} {
		t.Run(fmt.Sprint(throughput), func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				w := newWindow()
				received := 0
				as, err := actors.AsCaller(props.HostedBy(w))
				require.NoError(t, err)
				pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
					if _, ok := ctx.Message().(int); ok {
						received++
					}
				}, actor.WithDispatcher(actor.NewDefaultDispatcher(throughput)), as))
				c, _ := actors.Lookup(system, pid.GetId())
				w.settle()
				ran := 0
				for range 100 {
					system.Root.Send(pid, 1)
					require.NoError(t, c.CallDirect(func() { ran++ }))
					do(t.Context(), c, func(context.Context) { ran++ })
				}
				synctest.Wait()
				turns := 0
				for w.turnOver() {
					turns++
					assert.LessOrEqual(t, ran+received, 16*turns, "between two looks of the host")
					synctest.Wait()
				}
				assert.Equal(t, 300, ran+received)
				c.Stop()
				w.settle()
				<-c.Stopped()
			})
		})
	}
}

// inlineSometimes is a dispatcher that runs every other function at once, on the goroutine
// that asks for it.
type inlineSometimes struct{ n atomic.Int64 }

func (d *inlineSometimes) Throughput() int { return 3 }

func (d *inlineSometimes) Schedule(fn func()) {
	if d.n.Add(1)%2 == 0 {
		fn()
		return
	}
	go fn()
}

// onInlineDispatchers runs a test for dispatchers that run functions on the goroutine
// that asks for it. become makes a caller of a puppet.
func onInlineDispatchers(
	t *testing.T, test func(t *testing.T, system *actor.ActorSystem, become func(name string, opts ...props.Option) *actors.Caller),
) {
	for name, dispatcher := range map[string]actor.Dispatcher{
		"protoactor's synchronized one": actor.NewSynchronizedDispatcher(300),
		"of no throughput":              actor.NewSynchronizedDispatcher(0),
		"at times":                      &inlineSometimes{},
	} {
		t.Run(name, func(t *testing.T) {
			system := newSystem(t)
			test(t, system, func(name string, opts ...props.Option) *actors.Caller {
				return adopted(t, system, nil, name, puppet, opts, actor.WithDispatcher(dispatcher))
			})
		})
	}
}

// callRound returns a function that calls the next of the callers, and so on, until the
// first is called again.
func callRound(callers []*actors.Caller, next int) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		if next == len(callers) {
			return 1, nil
		}
		n, err := actors.CallSoon(ctx, callers[(next+1)%len(callers)], callRound(callers, next+1)).Wait(ctx)
		return n + 1, err
	}
}

func TestCirclesOfCallsOnInlineDispatchers(t *testing.T) {
	for _, n := range []int{1, 2, 3} {
		for _, reentrant := range []bool{true, false} {
			t.Run(fmt.Sprint(n, " reentrant ", reentrant), func(t *testing.T) {
				onInlineDispatchers(t, func(t *testing.T, _ *actor.ActorSystem, become func(string, ...props.Option) *actors.Caller) {
					var opts []props.Option
					if !reentrant {
						opts = append(opts, props.NonReentrant())
					}
					var callers []*actors.Caller
					for i := range n {
						callers = append(callers, become(fmt.Sprint("caller", i), opts...))
					}
					for range 50 {
						p := actors.CallSoon(t.Context(), callers[0], callRound(callers, 0))
						if reentrant {
							assert.Equal(t, n+1, result(t, p))
						} else {
							require.ErrorIs(t, failure(p), pending.ErrDeadlock)
						}
					}
				})
			})
		}
	}
}

func TestMessagesAreHandledWhereTheSynchronizedDispatcherIsAsked(t *testing.T) {
	if again() {
		return
	}
	system := newSystem(t)
	as, err := actors.AsCaller()
	require.NoError(t, err)
	here, _ := goroutine(t.Context())
	var at []string
	pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(int); ok {
			g, _ := goroutine(t.Context())
			at = append(at, g)
		}
	}, actor.WithDispatcher(actor.NewSynchronizedDispatcher(300)), as))
	c, _ := actors.Lookup(system, pid.GetId())
	stopAtEnd(t, c)
	for i := range 100 {
		system.Root.Send(pid, 1)
		require.Len(t, at, i+1, "it was handled before Send returned")
		assert.Equal(t, here, at[i])
	}
	assert.NotEqual(t, here, result(t, actors.CallSoon(t.Context(), c, goroutine)), "functions are not")
}

func TestEverythingGoesOnWithInlineDispatchers(t *testing.T) {
	onInlineDispatchers(t, func(t *testing.T, system *actor.ActorSystem, become func(string, ...props.Option) *actors.Caller) {
		c := become("gopher")
		state := 0 // without a lock
		messages, items := make(chan struct{}, 200), 0
		q := actors.NewQueue(c, func(ctx context.Context, i int) error {
			assert.Equal(t, items, i)
			items++
			state++
			if i%5 == 0 {
				return actors.Sleep(ctx, 0)
			}
			return nil
		})
		var all []*pending.Pending[int]
		var sending sync.WaitGroup
		for range 4 {
			sending.Go(func() {
				for range 50 {
					system.Root.Send(c.PID(), func(actor.Context) {
						state++
						messages <- struct{}{}
					})
				}
			})
		}
		for i := range 200 {
			require.NoError(t, q.Put(i))
			require.NoError(t, c.CallDirect(func() { state++ }))
			all = append(all, actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
				state++
				if i%7 == 0 {
					exitGoroutine()
				}
				if i%7 == 1 {
					panic(errBoom)
				}
				return i, actors.Sleep(ctx, time.Duration(i%3)*time.Microsecond)
			}))
		}
		for i, p := range all {
			switch i % 7 {
			case 0:
				require.ErrorIs(t, failure(p), pending.ErrCancelled)
			case 1:
				require.ErrorIs(t, failure(p), errBoom)
			default:
				assert.Equal(t, i, result(t, p))
			}
		}
		sending.Wait()
		for range 200 {
			<-messages
		}
		require.NoError(t, q.CloseWait(t.Context()))
		result(t, do(t.Context(), c, func(context.Context) { assert.Equal(t, 800, state) }))
	})
}

func TestChildrenWorkersAndStopWithInlineDispatchers(t *testing.T) {
	onInlineDispatchers(t, func(t *testing.T, system *actor.ActorSystem, become func(string, ...props.Option) *actors.Caller) {
		c := become("gopher")
		kid := child(t, c, props.Name("kid"))
		assert.Equal(t, 2, result(t, actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
			return actors.CallSoon(ctx, kid, func(ctx context.Context) (int, error) {
				return actors.CallSoon(ctx, c, returns(2)).Wait(ctx)
			}).Wait(ctx)
		})))
		assert.Equal(t, 1, result(t, actors.ToThread(t.Context(), c, returns(1))))
		sleeper := actors.CallSoon(t.Context(), c, asleep)
		result(t, do(t.Context(), c, func(context.Context) {}))
		queued := actors.CallLater(t.Context(), c, time.Hour, returns(1))
		require.NoError(t, c.StopWait(t.Context()))
		require.ErrorIs(t, sleeper.Err(), pending.ErrStopped)
		require.ErrorIs(t, queued.Err(), pending.ErrStopped)
		assert.Equal(t, actors.StateStopped, kid.State())
	})
}

// A message whose handler panics, or ends its goroutine, is handled on the goroutine that
// has sent it.
func TestFailuresOfMessagesWithInlineDispatchers(t *testing.T) {
	for name, fail := range map[string]func(){"a panic": func() { panic(errBoom) }, "Goexit": exitGoroutine} {
		t.Run(name, func(t *testing.T) {
			onInlineDispatchers(t, func(t *testing.T, system *actor.ActorSystem, become func(string, ...props.Option) *actors.Caller) {
				c := become("gopher")
				for range 5 { // fewer than protoactor's default strategy allows
					away(func() { system.Root.Send(c.PID(), func(actor.Context) { fail() }) })
					handled := make(chan struct{})
					system.Root.Send(c.PID(), func(actor.Context) { close(handled) })
					<-handled
					assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
				}
			})
		})
	}
}
