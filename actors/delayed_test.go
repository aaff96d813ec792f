package actors_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/served"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

func TestEqualDelaysComeUpInTheOrderOfTheirCalls(t *testing.T) {
	for name, delay := range map[string]func(*actors.Caller, func()) *pending.Pending[any]{
		"of calls": func(c *actors.Caller, note func()) *pending.Pending[any] {
			return actors.CallLater(context.Background(), c, 10*time.Millisecond, func(context.Context) (any, error) {
				note()
				return nil, nil
			})
		},
		"of functions that sleep": func(c *actors.Caller, note func()) *pending.Pending[any] {
			return actors.CallSoon(context.Background(), c, func(ctx context.Context) (any, error) {
				err := actors.Sleep(ctx, 10*time.Millisecond)
				note()
				return nil, err
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system)
				var order []int
				var all []*pending.Pending[any]
				for i := range 50 {
					all = append(all, delay(c, func() { order = append(order, i) }))
				}
				for _, p := range all {
					result(t, p)
				}
				assert.Equal(t, upTo(50), order)
			})
		})
	}
}

// delayedEvent is a delay of a random program.
type delayedEvent struct {
	name   string
	due    time.Time
	number int
}

// In random programs, delays come up by due time. Where that is the same, they come in
// the order in which they began.
func TestRandomDelaysComeUpInOrder(t *testing.T) {
	for _, seed := range seeds(t) {
		bubble(t, func(t *testing.T, system *actor.ActorSystem) {
			t.Logf("seed %d", seed)
			choose := newSeeded(seed, 0)
			c := start(t, system)
			want, got := make(map[string][]delayedEvent), make(map[string][]string)
			number := 0
			begin := func(kind string, d time.Duration) (name string) { // on the turn
				number++
				name = fmt.Sprint(kind, " ", number, " of ", d)
				want[kind] = append(want[kind], delayedEvent{name, time.Now().Add(max(0, d)), number})
				return name
			}
			delay := func() time.Duration { return time.Duration(choose.below(6)-1) * time.Millisecond }
			var all []*pending.Pending[any]
			for range 300 {
				d, kind := delay(), choose.below(3)
				all = append(all, do(t.Context(), c, func(ctx context.Context) {
					switch kind {
					case 0:
						if d <= 0 { // it only lets others have their turn
							assert.NoError(t, actors.Sleep(ctx, d))
							return
						}
						name := begin("sleep", d)
						if err := actors.Sleep(ctx, d); err != nil {
							t.Errorf("%s: %v", name, err)
						}
						got["sleep"] = append(got["sleep"], name)
					case 1:
						d = max(d, 1) // else it is no delay
						name := begin("call", d)
						actors.CallLater(context.WithoutCancel(ctx), c, d, func(context.Context) (any, error) {
							got["call"] = append(got["call"], name)
							return nil, nil
						})
					default:
						begin("cancelled", d)
						p := actors.CallLater(context.WithoutCancel(ctx), c, max(d, 1), func(context.Context) (any, error) {
							t.Error("a cancelled call has run")
							return nil, nil
						})
						p.Cancel(nil)
					}
				}))
				if choose.below(4) == 0 {
					time.Sleep(delay())
				}
			}
			time.Sleep(time.Second)
			for _, p := range all {
				result(t, p)
			}
			synctest.Wait() // what the functions have written is seen
			for _, kind := range []string{"sleep", "call"} {
				slices.SortFunc(want[kind], func(a, b delayedEvent) int {
					return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.number, b.number))
				})
				var names []string
				for _, e := range want[kind] {
					names = append(names, e.name)
				}
				assert.Equal(t, names, got[kind])
			}
			n, room := actors.TimersSize(c)
			assert.Zero(t, n)
			assert.LessOrEqual(t, room, 32)
		})
	}
}

func TestDelayedCallsAreCountedApartFromThoseThatAreQueued(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.MaxQueued(2))
		for range 10 {
			do(t.Context(), c, func(ctx context.Context) { _ = actors.Sleep(ctx, time.Hour) })
			synctest.Wait()
		}
		release := occupy(t, c)
		later := func() *pending.Pending[int] { return actors.CallLater(t.Context(), c, time.Minute, returns(1)) }
		first, second := later(), later()
		require.NoError(t, notDone(first))
		require.NoError(t, notDone(second))
		require.ErrorIs(t, later().Err(), actors.ErrOverloaded)
		for range 2 {
			require.NoError(t, notDone(actors.CallSoon(t.Context(), c, returns(1))))
		}
		require.ErrorIs(t, actors.CallSoon(t.Context(), c, returns(1)).Err(), actors.ErrOverloaded)

		first.Cancel(nil)
		require.NoError(t, notDone(later()), "a cancelled one does not count")
		require.ErrorIs(t, later().Err(), actors.ErrOverloaded)
		release()
		assert.Equal(t, 1, result(t, second))
		require.NoError(t, notDone(later()), "one that was queued does not count")
	})
}

func TestCancelledDelaysLeaveNothing(t *testing.T) {
	if again() {
		return
	}
	n := fewer(t, 300_000)
	c := start(t, newSystem(t))
	all := make([]*pending.Pending[int], n)
	result(t, actors.CallLater(t.Context(), c, 1, returns(1)))
	before := liveHeap()
	for i := range all {
		all[i] = actors.CallLater(context.Background(), c, time.Hour, returns(1))
	}
	last := actors.CallLater(t.Context(), c, time.Minute, returns(1))
	for i, p := range all {
		p.Cancel(nil)
		all[i] = nil
	}
	assert.Less(t, liveHeap()-before, slack, "bytes after %d calls", n)
	entries, room := actors.TimersSize(c)
	assert.Equal(t, 1, entries)
	assert.LessOrEqual(t, room, 32, "one that is left keeps no memory of the others")
	require.NoError(t, notDone(last))
}

func TestCallbackOfADelayedCallThatBlocksHoldsUpNoOther(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.MaxQueued(2))
		sleeper := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
			return 1, actors.Sleep(ctx, 2*time.Second)
		})
		synctest.Wait()
		free := make(chan struct{})
		for _, end := range []func(){exitGoroutine, func() { <-free }} {
			actors.CallLater(t.Context(), c, time.Second, returns(1)).OnDone(func(pending.Handle) { end() })
		}
		release := occupy(t, c)
		for range 2 {
			actors.CallSoon(t.Context(), c, returns(1))
		}
		time.Sleep(2 * time.Second) // they are refused, because two are queued
		release()
		synctest.Wait()
		assert.True(t, sleeper.IsDone())
		assert.Equal(t, 1, result(t, actors.CallLater(t.Context(), c, time.Second, returns(1))))
		close(free)
	})
}

func TestStopCancelsDelayedCallsInTheOrderInWhichTheyWereDue(t *testing.T) {
	c := start(t, newSystem(t))
	var order []int
	var all []*pending.Pending[int]
	for i := range 50 {
		p := actors.CallLater(t.Context(), c, time.Duration(100-i)*time.Hour, returns(1))
		p.OnDone(func(pending.Handle) { order = append(order, 49-i) })
		all = append(all, p)
	}
	c.Stop()
	for _, p := range all {
		require.ErrorIs(t, p.Err(), pending.ErrStopped)
	}
	assert.Equal(t, upTo(50), order)
	require.ErrorIs(t, actors.CallLater(t.Context(), c, time.Hour, returns(1)).Err(), pending.ErrStopped)
}

func TestDelayedCallsEndWhateverTheStopMeets(t *testing.T) {
	for range fewer(t, 100) {
		system := newSystem(t)
		for name, stop := range map[string]func(*actors.Caller) error{
			"stop":  func(c *actors.Caller) error { return c.StopWait(context.Background()) },
			"drain": func(c *actors.Caller) error { return c.Drain(context.Background()) },
		} {
			c := start(t, system)
			var all []*pending.Pending[int]
			for i := range 20 {
				all = append(all, actors.CallLater(t.Context(), c, time.Duration(1+10*i)*time.Microsecond, returns(1)))
			}
			require.NoError(t, stop(c))
			for _, p := range all {
				require.True(t, p.IsDone())
				if name == "drain" {
					require.NoError(t, p.Err())
				}
			}
		}
	}
}

func TestSleepOfNoTimeLetsOthersHaveTheirTurn(t *testing.T) {
	c := start(t, newSystem(t))
	for _, d := range []time.Duration{0, -time.Hour} {
		n := 0
		_, err := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
			for i := range 10_000 {
				if err := c.CallDirect(func() { n++ }); err != nil {
					return 0, err
				}
				if err := actors.Sleep(ctx, d); err != nil {
					return 0, err
				}
				if n <= i {
					return 0, fmt.Errorf("no other function has run after %d of %v", i, d)
				}
			}
			return 1, nil
		}).Wait(t.Context())
		require.NoError(t, err)
	}
}

func TestSleepOfNoTimeWhileOthersDoTheSame(t *testing.T) {
	c := start(t, newSystem(t))
	var all []*pending.Pending[any]
	turns := make([]int, 5)
	for i := range turns {
		all = append(all, do(t.Context(), c, func(ctx context.Context) {
			for range 500 {
				assert.NoError(t, actors.Sleep(ctx, 0))
				turns[i]++
			}
		}))
	}
	for _, p := range all {
		result(t, p)
	}
	assert.Equal(t, []int{500, 500, 500, 500, 500}, turns)
}

func TestSleepWithAContextThatHasEnded(t *testing.T) {
	c := start(t, newSystem(t))
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errBoom)
	for range 1000 {
		require.ErrorIs(t, actors.Sleep(ctx, 0), errBoom)
	}
	result(t, do(t.Context(), c, func(fctx context.Context) {
		fctx, cancel := context.WithCancelCause(fctx)
		cancel(errBoom)
		for range 1000 {
			assert.ErrorIs(t, actors.Sleep(fctx, 0), errBoom)
		}
	}))
	n, _ := actors.TimersSize(c)
	assert.Zero(t, n)
}

func TestSleepOnAGoroutineOfAFunction(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		result(t, do(t.Context(), c, func(ctx context.Context) {
			begin := time.Now()
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() { assert.NoError(t, actors.Sleep(actors.Detach(ctx), time.Second)) })
			}
			all.Wait()
			assert.Equal(t, time.Second, time.Since(begin))
		}))
		n, _ := actors.TimersSize(c)
		assert.Zero(t, n, "it is no function of the caller")
	})
}

func TestDelayThatIsTooLongToEnd(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		forever := actors.CallLater(t.Context(), c, math.MaxInt64, returns(1))
		sleeper := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
			return 1, actors.Sleep(ctx, math.MaxInt64)
		})
		assert.Equal(t, 1, result(t, actors.CallLater(t.Context(), c, time.Hour, returns(1))))
		assert.False(t, forever.IsDone())
		assert.False(t, sleeper.IsDone())
	})
}

// leaver is an observer that ends the goroutine when the time of a call has come.
type leaver struct{ future.Observation }

func (l leaver) Observe(ctx context.Context, _ *future.Core) (context.Context, future.Observation) {
	return ctx, l
}

func (leaver) Due()       { runtime.Goexit() }
func (leaver) Started()   {}
func (leaver) Done(error) {}

func TestDelayedCallRunsAlthoughItsObserverEndsTheGoroutine(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		observed := &served.Context{Context: t.Context(), Options: []pending.Option{pending.ObservedBy(leaver{})}}
		p := actors.Schedule(observed, c, one, actors.Delay(time.Second))
		later := actors.CallLater(t.Context(), c, 2*time.Second, one)

		value, err := p.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, value)
		_, err = later.Wait(t.Context())
		require.NoError(t, err, "the timers of the caller go on")
	})
}
