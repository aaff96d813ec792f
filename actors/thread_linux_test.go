package actors_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
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

// thread is a function that returns the id of the OS thread it is on.
func thread(context.Context) (int, error) { return syscall.Gettid(), nil }

// startThread returns a caller on a thread, and the id of that.
func startThread(tb testing.TB, system *actor.ActorSystem, opts ...props.Option) (c *actors.Caller, tid int) {
	tb.Helper()
	c, err := actors.Start(system, append(opts, props.Backend(props.Thread))...)
	require.NoError(tb, err)
	stopAtEnd(tb, c)
	return c, result(tb, actors.CallSoon(tb.Context(), c, thread))
}

func TestHundredThousandWaitsOnAThreadComeBackToIt(t *testing.T) {
	if again() {
		return
	}
	const goroutines, waits = 32, 25
	functions := fewer(t, 125)
	system := newSystem(t)
	c, want := startThread(t, system)
	other, _ := startThread(t, system)
	ordinary := start(t, system)
	ways := []func(ctx context.Context) error{
		func(ctx context.Context) error { return actors.Sleep(ctx, 0) },
		func(ctx context.Context) error { _, err := actors.CallSoon(ctx, c, one).Wait(ctx); return err },
		func(ctx context.Context) error { _, err := actors.CallSoon(ctx, other, one).Wait(ctx); return err },
		func(ctx context.Context) error { _, err := actors.CallSoon(ctx, ordinary, one).Wait(ctx); return err },
	}
	n, elsewhere := 0, 0 // of the caller's functions
	check := func() {
		if syscall.Gettid() != want {
			elsewhere++
		}
	}
	waiting := func(ctx context.Context) (int, error) {
		for range waits {
			way := ways[n%len(ways)]
			n++
			check()
			if err := way(ctx); err != nil {
				return 0, err
			}
			check()
		}
		return waits, nil
	}
	var total atomic.Int64
	var calling sync.WaitGroup
	for range goroutines {
		calling.Go(func() {
			var ps []*pending.Pending[int]
			for range functions {
				ps = append(ps, actors.CallSoon(t.Context(), c, waiting))
			}
			for _, p := range ps {
				waited, err := p.Wait(t.Context())
				if assert.NoError(t, err) {
					total.Add(int64(waited))
				}
			}
		})
	}
	calling.Wait()
	assert.EqualValues(t, goroutines*functions*waits, total.Load())
	assert.Equal(t, goroutines*functions*waits, n)
	assert.Zero(t, elsewhere)
}

// However a function comes to a caller on a thread, it is on that thread.
func TestFunctionsOfAThreadAreAllOnIt(t *testing.T) {
	if again() {
		return
	}
	system := newSystem(t)
	seen := make(chan int, 1)
	record := func() { seen <- syscall.Gettid() }
	key := new(int)
	for name, call := range map[string]func(ctx context.Context, c *actors.Caller){
		"CallSoon":   func(ctx context.Context, c *actors.Caller) { do(ctx, c, func(context.Context) { record() }) },
		"CallDirect": func(_ context.Context, c *actors.Caller) { assert.NoError(t, c.CallDirect(record)) },
		"CallLater": func(ctx context.Context, c *actors.Caller) {
			actors.CallLater(ctx, c, time.Millisecond, func(context.Context) (any, error) { record(); return nil, nil })
		},
		"CallUsing": func(ctx context.Context, c *actors.Caller) {
			actors.CallUsing(ctx, c, props.Thread, func(context.Context) (any, error) { record(); return nil, nil })
		},
		"a queue": func(ctx context.Context, c *actors.Caller) {
			q := actors.NewQueue(c, func(context.Context, int) error { record(); return nil })
			assert.NoError(t, q.Put(1))
		},
		"a queue with a key": func(ctx context.Context, c *actors.Caller) {
			q := actors.QueueFor(c, key, func(context.Context, int) error { record(); return nil })
			assert.NoError(t, q.Put(1))
		},
		"Invoke": func(_ context.Context, c *actors.Caller) {
			system.Root.Send(c.PID(), actors.Invoke(func(context.Context) (any, error) { record(); return nil, nil }))
		},
		"Invoke that is forwarded": func(_ context.Context, c *actors.Caller) {
			forward := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) { ctx.Forward(c.PID()) }))
			system.Root.Send(forward, actors.Invoke(func(context.Context) (any, error) { record(); return nil, nil }))
			assert.NoError(t, system.Root.PoisonFuture(forward).Wait())
		},
		"after a panic": func(ctx context.Context, c *actors.Caller) {
			require.Error(t, failure(actors.CallSoon(ctx, c, panics)))
			do(ctx, c, func(context.Context) { record() })
		},
		"after Goexit": func(ctx context.Context, c *actors.Caller) {
			require.Error(t, failure(do(ctx, c, func(context.Context) { exitGoroutine() })))
			do(ctx, c, func(context.Context) { record() })
		},
		"after a wait and Goexit": func(ctx context.Context, c *actors.Caller) {
			require.Error(t, failure(do(ctx, c, func(ctx context.Context) {
				assert.NoError(t, actors.Sleep(ctx, time.Millisecond))
				exitGoroutine()
			})))
			do(ctx, c, func(context.Context) { record() })
		},
		"after a wait that was ended": func(ctx context.Context, c *actors.Caller) {
			do(ctx, c, func(ctx context.Context) {
				never := pending.New[int](ctx)
				_, err := never.Wait(ctx, pending.Timeout(time.Millisecond))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				record()
			})
		},
		"after WaitSync": func(ctx context.Context, c *actors.Caller) {
			do(ctx, c, func(ctx context.Context) {
				_, err := actors.ToThread(ctx, c, one).WaitSync(ctx)
				require.NoError(t, err)
				record()
			})
		},
		"in the middle of an iteration": func(ctx context.Context, c *actors.Caller) {
			do(ctx, c, func(ctx context.Context) {
				for _, err := range pending.AsCompletedOf(ctx, []*pending.Pending[int]{actors.ToThread(ctx, c, one)}) {
					require.NoError(t, err)
					record()
				}
			})
		},
	} {
		for kind, opts := range map[string][]props.Option{
			"": nil, ", non-reentrant": {props.NonReentrant()}, ", watched": {props.TurnWarning(time.Hour)},
		} {
			t.Run(name+kind, func(t *testing.T) {
				c, want := startThread(t, system, opts...)
				call(t.Context(), c)
				assert.Equal(t, want, <-seen)
			})
		}
	}
}

func TestRestartKeepsTheThread(t *testing.T) {
	if again() {
		return
	}
	c, want := startThread(t, newSystem(t), props.Supervision(supervision.Restart()))
	for range 10 {
		require.ErrorIs(t, failure(actors.CallSoon(t.Context(), c, panics)), errBoom)
		assert.Equal(t, want, result(t, actors.CallSoon(t.Context(), c, thread)))
	}
}

// Only a function that cannot be got rid of does that: it has the old one.
func TestRestartWithoutAFunctionThatDoesNotReturnTakesAnotherThread(t *testing.T) {
	if again() {
		return
	}
	c, stuckOn := startThread(t, newSystem(t),
		props.Supervision(supervision.Restart()), props.StopTimeout(time.Millisecond))
	release := make(chan struct{})
	returned := make(chan int)
	stuck := do(t.Context(), c, func(ctx context.Context) {
		require.Error(t, actors.Sleep(ctx, time.Hour))
		<-release
		require.Error(t, actors.Sleep(ctx, time.Hour), "it was abandoned")
		returned <- syscall.Gettid()
	})
	require.ErrorIs(t, failure(actors.CallSoon(t.Context(), c, panics)), errBoom)
	require.ErrorIs(t, failure(stuck), pending.ErrCancelled)

	now := result(t, actors.CallSoon(t.Context(), c, thread))
	assert.NotEqual(t, stuckOn, now)
	close(release)
	assert.Equal(t, stuckOn, <-returned)
	assert.Equal(t, now, result(t, actors.CallSoon(t.Context(), c, thread)))
}

func TestReceiveOfAnAdoptedActorIsOnItsThread(t *testing.T) {
	if again() {
		return
	}
	system := newSystem(t)
	var mu sync.Mutex
	var messages []string
	threads := make(map[int]bool)
	receive := func(ctx actor.Context) {
		mu.Lock()
		defer mu.Unlock()
		threads[syscall.Gettid()] = true
		switch m := ctx.Message().(type) {
		case *actor.Started:
			messages = append(messages, "started")
		case *actor.Restarting:
			messages = append(messages, "restarting")
		case *actor.Stopping:
			messages = append(messages, "stopping")
		case *actor.Stopped:
			messages = append(messages, "stopped")
		case string:
			messages = append(messages, m)
			if m == "panic" {
				panic(m)
			}
		}
	}
	c := adopted(t, system, nil, "gopher", receive, []props.Option{props.Backend(props.Thread)})
	for _, m := range []string{"one", "panic", "two"} {
		system.Root.Send(c.PID(), m)
	}
	p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
		return syscall.Gettid(), actors.Sleep(ctx, time.Millisecond)
	})
	want := result(t, p)
	require.NoError(t, c.StopWait(t.Context()))
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, "started one panic restarting started two stopping stopped", strings.Join(messages, " "))
	assert.Equal(t, map[int]bool{want: true}, threads)
}

// Item 65 of the seed's behavior.
func TestWorkersOfAThreadHaveThreadsOfTheirOwn(t *testing.T) {
	if again() {
		return
	}
	c, own := startThread(t, newSystem(t))
	const workers = 5
	var together sync.WaitGroup
	together.Add(workers)
	meet := func(ctx context.Context) (int, error) {
		together.Done()
		together.Wait() // so that each is on another worker
		before := syscall.Gettid()
		err := actors.Sleep(ctx, time.Millisecond)
		assert.Equal(t, before, syscall.Gettid())
		return before, err
	}
	var ps []*pending.Pending[int]
	for range workers {
		ps = append(ps, actors.ToThread(t.Context(), c, meet))
	}
	threads := []int{own}
	for _, p := range ps {
		threads = append(threads, result(t, p))
	}
	slices.Sort(threads)
	assert.Len(t, slices.Compact(threads), workers+1)
	for _, w := range c.Children() {
		assert.Equal(t, props.Thread, w.Backend())
	}
}

func TestCallersOnThreadsWaitForEachOther(t *testing.T) {
	if again() {
		return
	}
	system := newSystem(t)
	parent, above := startThread(t, system)
	kid := child(t, parent)
	below := result(t, actors.CallSoon(t.Context(), kid, thread))
	assert.Equal(t, props.Thread, kid.Backend(), "it is inherited")
	assert.NotEqual(t, above, below)

	// There and back again, a few times over, while both have other things to do.
	var descend func(n int) func(ctx context.Context) (int, error)
	descend = func(n int) func(ctx context.Context) (int, error) {
		return func(ctx context.Context) (int, error) {
			here, want := parent, above
			there := kid
			if n%2 == 1 {
				here, there, want = kid, parent, below
			}
			assert.Equal(t, want, syscall.Gettid())
			current, _ := actors.Current(ctx)
			same(t, here, current)
			if n == 10 {
				return n, nil
			}
			deepest, err := actors.CallSoon(ctx, there, descend(n+1)).Wait(ctx)
			assert.Equal(t, want, syscall.Gettid())
			return deepest, err
		}
	}
	var ps []*pending.Pending[int]
	for range 50 {
		ps = append(ps, actors.CallSoon(t.Context(), parent, descend(0)))
	}
	for _, p := range ps {
		assert.Equal(t, 10, result(t, p))
	}
}

func TestCircleOfThreadsIsReported(t *testing.T) {
	if again() {
		return
	}
	system := newSystem(t)
	a, _ := startThread(t, system, props.NonReentrant())
	b, _ := startThread(t, system)
	p := actors.CallSoon(t.Context(), a, func(ctx context.Context) (int, error) {
		return actors.CallSoon(ctx, b, func(ctx context.Context) (int, error) {
			return actors.CallSoon(ctx, a, one).WaitSync(ctx)
		}).Wait(ctx)
	})
	require.ErrorIs(t, failure(p), pending.ErrDeadlock)
}
