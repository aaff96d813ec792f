package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/cluster/clusterproviders/test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// plan is what a function does: it makes calls on other nodes, and waits for them. One without
// calls takes some time.
type plan struct {
	Any   bool          // one of the calls is enough
	Takes time.Duration // if there are no calls
	Late  time.Duration // before the calls
	Looks time.Duration // waits so often anew, and for so long, instead of once
	Calls []branch
	Name  string
}

// branch is a call: the caller that it is for, and what its function does.
type branch struct {
	On   int
	Plan plan
}

// all, anyOf and then make plans.
func all(calls ...branch) plan            { return plan{Calls: calls} }
func anyOf(calls ...branch) plan          { return plan{Any: true, Calls: calls} }
func on(at int, p plan) branch            { return branch{at, p} }
func (p plan) after(d time.Duration) plan { p.Late = d; return p }
func (p plan) named(name string) plan     { p.Name = name; return p }
func takes(d time.Duration) plan          { return plan{Takes: d} }

// web is nodes with a caller each, which keeps its turn while it waits. Their functions carry out
// plans.
type web struct {
	testing.TB
	nodes   []*actor.ActorSystem
	callers []*actors.Caller

	mu      sync.Mutex
	victims []string  // names of plans whose own wait has ended with ErrDeadlock
	errs    []error   // with which they have
	last    time.Time // when the last call was made
}

func newWeb(tb testing.TB, node func(name string) *actor.ActorSystem, size int, opts ...props.Option) *web {
	w := &web{TB: tb}
	for i := range size {
		system := node(fmt.Sprint("node", i))
		require.NoError(tb, rpc.Handle(system, "do", func(ctx context.Context, p plan) (int, error) { return i, w.do(ctx, i, p) }))
		w.nodes = append(w.nodes, system)
		w.callers = append(w.callers, actorstest.Start(tb, system, append(opts, props.Name(fmt.Sprint("caller", i)), props.NonReentrant())...))
	}
	return w
}

// do carries out a plan on a node.
func (w *web) do(ctx context.Context, at int, p plan) error {
	if len(p.Calls) == 0 {
		return actors.Sleep(ctx, p.Takes)
	}
	time.Sleep(p.Late)
	var calls []*pending.Pending[int]
	for _, b := range p.Calls {
		calls = append(calls, rpc.Call[plan, int](ctx, w.nodes[at], rpc.At(w.nodes[b.On].Address(), w.callers[b.On].ID()), "do", b.Plan))
	}
	w.mu.Lock()
	w.last = time.Now()
	w.mu.Unlock()
	err := p.wait(ctx, calls)
	if own := ownDeadlock(err); own != nil {
		w.mu.Lock()
		w.victims, w.errs = append(w.victims, p.Name), append(w.errs, own)
		w.mu.Unlock()
	}
	return err
}

// ownDeadlock returns the part of an error that says that the own wait is part of a circle.
func ownDeadlock(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok && !isRemote(err) {
		for _, one := range joined.Unwrap() {
			if own := ownDeadlock(one); own != nil {
				return err
			}
		}
		return nil
	}
	if errors.Is(err, pending.ErrDeadlock) && !isRemote(err) {
		return err
	}
	return nil
}

func isRemote(err error) bool {
	_, is := err.(*rpc.RemoteError) //nolint:errorlint // Of that one alone.
	return is
}

func (p plan) wait(ctx context.Context, calls []*pending.Pending[int]) (err error) {
	if p.Looks > 0 {
		return p.look(ctx, calls[0])
	}
	if p.Any {
		_, err = pending.Any(ctx, calls...)
	} else {
		_, err = pending.All(ctx, calls...)
	}
	return err
}

// look waits for a call again and again, each time for shorter than it takes to confirm a circle.
func (p plan) look(ctx context.Context, call *pending.Pending[int]) error {
	for until := time.Now().Add(p.Looks); time.Now().Before(until); {
		short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		_, err := call.Wait(short, pending.Protect())
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
	return nil
}

// begin has the first caller carry out a plan.
func (w *web) begin(p plan) *pending.Pending[int] {
	return actors.CallSoon(w.Context(), w.callers[0], func(ctx context.Context) (int, error) { return 0, w.do(ctx, 0, p) })
}

// isBroken waits until circles were found, of which the waits of some plans end and no other ones.
// The first names callers.
func (w *web) isBroken(victims []string, names ...int) {
	w.Helper()
	time.Sleep(time.Duration(len(victims)) * foundWithin)
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Equal(w, victims, w.victims)
	for _, i := range names {
		assert.ErrorContains(w, w.errs[0], w.callers[i].ID()+" on "+w.nodes[i].Address())
	}
	w.victims, w.errs = nil, nil
}

// stands checks that no wait ends for a while.
func (w *web) stands() {
	w.Helper()
	time.Sleep(4 * foundWithin)
	w.mu.Lock()
	defer w.mu.Unlock()
	assert.Empty(w, w.errs)
}

// onWebs runs a test with some nodes in memory.
func onWebs(t *testing.T, size int, test func(w *web), opts ...actorstest.Option) {
	inNetwork(t, func(t *testing.T, n *actorstest.Network) {
		test(newWeb(t, func(name string) *actor.ActorSystem { return n.System(name) }, size))
	}, opts...)
}

func TestOneOfSeveralCallsThatAllWaitForTheFirstFunction(t *testing.T) {
	back := all(on(0, takes(0)))
	onWebs(t, 3, func(w *web) {
		p := w.begin(anyOf(on(1, back.after(apart).named("b")), on(2, back.after(2*apart).named("c"))).named("a"))
		w.isBroken([]string{"c", "a"}, 0, 1, 2)
		_, err := p.Wait(w.Context())
		require.ErrorIs(w, err, pending.ErrDeadlock)
	})
}

// ends waits for functions, and returns how many have failed.
func (w *web) ends(all ...*pending.Pending[int]) (failed int) {
	w.Helper()
	for _, p := range all {
		if _, err := p.Wait(w.Context()); err != nil {
			require.ErrorIs(w, err, pending.ErrDeadlock)
			failed++
		}
	}
	return failed
}

func TestOneOfSeveralCallsIsAnsweredWhenTheOtherOneHasFailed(t *testing.T) {
	onWebs(t, 3, func(w *web) {
		back := all(on(0, takes(0)))
		w.begin(anyOf(on(1, back.after(apart).named("b")), on(2, anyOf(on(0, takes(0)), on(1, takes(0))).after(2*apart).named("c"))))
		w.isBroken([]string{"c", ""}, 0, 1, 2)
	})
}

// Whichever call of several can end, the wait is left alone.
func TestNoCircleIsSeenWhereOneOfSeveralCallsEnds(t *testing.T) {
	const limit = 20 * time.Second
	back := all(on(0, takes(0)))
	looks := back
	looks.Looks = limit
	for name, plan := range map[string]plan{
		"a function runs":              anyOf(on(1, back), on(2, takes(limit))),
		"one behind another one":       anyOf(on(1, back), on(2, anyOf(on(1, takes(0)), on(3, takes(limit))))),
		"one of all":                   anyOf(on(1, back), on(2, all(on(3, takes(limit))))),
		"a wait is always another one": anyOf(on(1, back), on(2, looks)),
	} {
		t.Run(name, func(t *testing.T) {
			onWebs(t, 4, func(w *web) {
				p := w.begin(plan)
				w.stands()
				assert.Zero(w, w.ends(p))
			})
		})
	}
}

// A function needs all of several, of which one goes on. That does not end the circle.
func TestACircleOfWaitsForOneAndForAll(t *testing.T) {
	onWebs(t, 4, func(w *web) {
		c := all(on(0, takes(0)), on(3, takes(time.Minute))).after(2 * apart).named("c")
		b := anyOf(on(0, takes(0)), on(2, c)).after(apart).named("b")
		p := w.begin(all(on(1, b), on(3, takes(time.Minute))).named("a"))
		w.isBroken([]string{"c", "b"}, 0, 1, 2) // b waits anew
		assert.Equal(w, 1, w.ends(p))
	})
}

func TestACircleOfWaitsForOneIsFoundOverLinksThatLoseAndDelay(t *testing.T) {
	for seed := range uint64(20) {
		onWebs(t, 3, func(w *web) {
			back := all(on(0, takes(0)))
			p := w.begin(anyOf(on(1, back.after(time.Second).named("b")), on(2, back.named("c"))))
			time.Sleep(time.Second)
			w.isBroken([]string{"b", ""}, 0, 1, 2)
			assert.Equal(w, 1, w.ends(p))
		}, actorstest.Seed(seed), actorstest.Delay(0, 20*time.Millisecond), actorstest.Loss(0.05), actorstest.Reorder())
	}
}

// Each worker of two pools waits for a worker of the other one.
func TestACircleOfPoolsOfSeveralWorkers(t *testing.T) {
	const workers = 8
	alone(t, func(t *testing.T) {
		agent := test.NewInMemAgent()
		var members []*cluster.Cluster
		var mu sync.Mutex
		victims := 0
		for i := range 2 {
			system := actorstest.NewSystem(t)
			kind, err := rpc.PoolKind(system, fmt.Sprint("pool", i), props.MaxWorkers(workers), props.NonReentrant())
			require.NoError(t, err)
			require.NoError(t, rpc.Handle(system, "pass", func(ctx context.Context, calls int) (int, error) {
				if calls == 0 {
					return i, nil
				}
				time.Sleep(4 * apart) // until all workers are busy
				to := rpc.Pool(members[i], fmt.Sprint("pool", 1-i))
				n, err := rpc.Call[int, int](ctx, system, to, "pass", calls-1).Wait(ctx)
				if ownDeadlock(err) != nil {
					mu.Lock()
					defer mu.Unlock()
					victims++
				}
				return n, err
			}))
			c, _ := joinAgent(t, system, agent, nil, kind)
			members = append(members, c)
		}
		pass := func(calls int) *pending.Pending[int] {
			return rpc.Call[int, int](t.Context(), members[1].ActorSystem, rpc.Pool(members[1], "pool0"), "pass", calls)
		}
		var all []*pending.Pending[int]
		for range workers {
			all = append(all, pass(2))
		}
		failed := 0
		for _, p := range all {
			if _, err := p.Wait(t.Context()); err != nil {
				require.ErrorIs(t, err, pending.ErrDeadlock)
				failed++
			}
		}
		mu.Lock()
		defer mu.Unlock()
		assert.Equal(t, 1, failed)
		assert.Equal(t, 1, victims)
		_, err := pass(1).Wait(t.Context())
		require.NoError(t, err)
	})
}

// A loop over a stream waits for a function that waits for one of two calls.
func TestACircleThroughAStreamAndWaitsForOne(t *testing.T) {
	onWebs(t, 3, func(w *web) {
		back := all(on(0, takes(0)))
		require.NoError(w, rpc.HandleStream(w.nodes[1], "stream", func(ctx context.Context, items int) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) {
				for n := range items {
					if !yield(n, nil) {
						return
					}
				}
				yield(0, w.do(ctx, 1, anyOf(on(0, takes(0)), on(2, back.after(apart).named("last"))).after(apart).named("stream")))
			}
		}))
		items := 0
		p := actors.CallSoon(w.Context(), w.callers[0], actors.NoResult(func(ctx context.Context) error {
			from := rpc.At(w.nodes[1].Address(), w.callers[1].ID())
			for _, err := range rpc.Stream[int, int](ctx, w.nodes[0], from, "stream", 3) {
				if err != nil {
					return err
				}
				items++
			}
			return nil
		}))
		w.isBroken([]string{"last", "stream"}, 0, 1, 2)
		_, err := p.Wait(w.Context())
		require.ErrorIs(w, err, pending.ErrDeadlock)
		assert.Equal(w, 3, items)
	})
}
