package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
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

// foundWithin is how long a circle of waits stands at most, besides what probes take on the way.
const foundWithin = 3 * time.Second

// apart is the time between the waits of a circle, so that it is clear which began last.
const apart = 50 * time.Millisecond

// ring is nodes with a caller each. The functions of each call the next one.
type ring struct {
	nodes   []*actor.ActorSystem
	callers []*actors.Caller

	mu      sync.Mutex
	victims []int     // the nodes whose own wait has ended with ErrDeadlock
	closed  time.Time // when the last wait began
}

// wait is how a function waits for a call.
type wait func(ctx context.Context, p *pending.Pending[int]) (int, error)

func plain(ctx context.Context, p *pending.Pending[int]) (int, error) { return p.Wait(ctx) }

func newRing(tb testing.TB, node func(name string) *actor.ActorSystem, size int, how wait, opts ...props.Option) *ring {
	r := &ring{}
	for i := range size {
		system := node(fmt.Sprint("node", i))
		require.NoError(tb, rpc.Handle(system, "pass", func(ctx context.Context, calls int) (int, error) {
			return r.pass(ctx, i, calls, how)
		}))
		r.nodes = append(r.nodes, system)
		r.callers = append(r.callers, actorstest.Start(tb, system, append(opts, props.Name(fmt.Sprint("caller", i)))...))
	}
	return r
}

// pass makes so many calls, each on the next caller, and returns where the last one ran.
func (r *ring) pass(ctx context.Context, at, calls int, how wait) (int, error) {
	if calls == 0 {
		return at, nil
	}
	time.Sleep(apart)
	r.mu.Lock()
	r.closed = time.Now()
	r.mu.Unlock()
	next := (at + 1) % len(r.nodes)
	target := rpc.At(r.nodes[next].Address(), r.callers[next].ID())
	n, err := how(ctx, rpc.Call[int, int](ctx, r.nodes[at], target, "pass", calls-1))
	r.note(at, err)
	return n, err
}

// note notes whose wait has ended with ErrDeadlock.
func (r *ring) note(at int, err error) {
	var elsewhere *rpc.RemoteError
	if errors.Is(err, pending.ErrDeadlock) && !errors.As(err, &elsewhere) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.victims = append(r.victims, at)
	}
}

// begin has a function of the first caller pass calls on.
func (r *ring) begin(ctx context.Context, calls int, how wait) *pending.Pending[int] {
	return actors.CallSoon(ctx, r.callers[0], func(ctx context.Context) (int, error) { return r.pass(ctx, 0, calls, how) })
}

// isBroken checks that a circle was found, and how it has ended.
func (r *ring) isBroken(tb testing.TB, err error, victim int) {
	tb.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	require.ErrorIs(tb, err, pending.ErrDeadlock)
	assert.Less(tb, time.Since(r.closed), foundWithin)
	assert.Equal(tb, []int{victim}, r.victims, "the wait ends that began last, and no other one")
	for i := range r.nodes {
		assert.ErrorContains(tb, err, r.callers[i].ID()+" on "+r.nodes[i].Address())
	}
	r.victims = nil
}

// onRings runs a test with rings of two and three nodes, in memory and on sockets.
func onRings(t *testing.T, test func(t *testing.T, node func(name string) *actor.ActorSystem, size int)) {
	t.Parallel()
	for _, size := range []int{2, 3} {
		t.Run(fmt.Sprintf("memory %d", size), func(t *testing.T) {
			inNetwork(t, func(t *testing.T, n *actorstest.Network) {
				test(t, func(name string) *actor.ActorSystem { return n.System(name) }, size)
			})
		})
		t.Run(fmt.Sprintf("sockets %d", size), func(t *testing.T) {
			alone(t, func(t *testing.T) {
				test(t, func(name string) *actor.ActorSystem { return onSockets{}.node(t, name) }, size)
			})
		})
	}
}

// inNetwork runs a test in a bubble, with a network.
func inNetwork(t *testing.T, test func(t *testing.T, n *actorstest.Network), opts ...actorstest.Option) {
	synctest.Test(t, func(t *testing.T) { test(t, actorstest.NewNetwork(t, opts...)) })
}

func TestACircleOfCallersOfSeveralNodesIsADeadlock(t *testing.T) {
	onRings(t, func(t *testing.T, node func(string) *actor.ActorSystem, size int) {
		r := newRing(t, node, size, plain, props.NonReentrant())
		for range 2 {
			_, err := r.begin(t.Context(), size, plain).Wait(t.Context())
			r.isBroken(t, err, size-1)
			last, err := r.begin(t.Context(), size-1, plain).Wait(t.Context())
			require.NoError(t, err, "the callers go on")
			assert.Equal(t, size-1, last)
		}
	})
}

// The calls within one node are part of the circle.
func TestACircleThatLeadsThroughSeveralCallersOfANode(t *testing.T) {
	onRings(t, func(t *testing.T, node func(string) *actor.ActorSystem, size int) {
		r := newRing(t, node, size, plain, props.NonReentrant())
		inner := actorstest.Start(t, r.nodes[0], props.Name("inner"), props.NonReentrant())
		_, err := actors.CallSoon(t.Context(), r.callers[0], func(ctx context.Context) (int, error) {
			return actors.CallSoon(ctx, inner, func(ctx context.Context) (int, error) { return r.pass(ctx, 0, size, plain) }).Wait(ctx)
		}).Wait(t.Context())
		r.isBroken(t, err, size-1)
		require.ErrorContains(t, err, inner.ID())
	})
}

func TestWaitsForAllOfSeveralCallsAreFollowed(t *testing.T) {
	onRings(t, func(t *testing.T, node func(string) *actor.ActorSystem, size int) {
		inGroup := func(ctx context.Context, p *pending.Pending[int]) (int, error) {
			other := pending.New[int](ctx)
			other.SetResult(1)
			results, err := pending.All(ctx, other, p)
			if err != nil {
				return 0, err
			}
			return results[1], nil
		}
		r := newRing(t, node, size, inGroup, props.NonReentrant())
		_, err := r.begin(t.Context(), size, inGroup).Wait(t.Context())
		r.isBroken(t, err, size-1)
	})
}

// Waits that end by themselves, or may.
func TestNoCircleIsSeenWhereAWaitEndsByItself(t *testing.T) {
	const limit = 20 * time.Second
	waits := map[string]wait{
		"a time limit": func(ctx context.Context, p *pending.Pending[int]) (int, error) {
			return p.Wait(ctx, pending.Timeout(limit))
		},
		"one of several is enough": func(ctx context.Context, p *pending.Pending[int]) (int, error) {
			other := pending.New[int](ctx)
			time.AfterFunc(limit, func() { other.SetResult(-1) })
			first, err := pending.Any(ctx, p, other)
			return first, err
		},
		"not awaited": func(ctx context.Context, _ *pending.Pending[int]) (int, error) {
			return 0, actors.Sleep(ctx, limit)
		},
	}
	for name, how := range waits {
		for _, size := range []int{2, 3} {
			t.Run(fmt.Sprintf("%s, %d nodes", name, size), func(t *testing.T) {
				inNetwork(t, func(t *testing.T, n *actorstest.Network) {
					r := newRing(t, func(name string) *actor.ActorSystem { return n.System(name) }, size, plain, props.NonReentrant())
					began := time.Now()
					_, err := r.begin(t.Context(), size, how).Wait(t.Context())
					require.NotErrorIs(t, err, pending.ErrDeadlock)
					assert.GreaterOrEqual(t, time.Since(began), limit)
					assert.Empty(t, r.victims)
				})
			})
		}
	}
}

// A function that gives its turn away does not keep its caller from running others.
func TestCallersThatGiveTheirTurnAwayAreInNoCircle(t *testing.T) {
	onRings(t, func(t *testing.T, node func(string) *actor.ActorSystem, size int) {
		r := newRing(t, node, size, plain)
		_, err := r.begin(t.Context(), 5*size, plain).Wait(t.Context())
		require.NoError(t, err)
	})
}

// A chain of calls of which the last takes long is none either.
func TestASlowCallIsNoDeadlock(t *testing.T) {
	inNetwork(t, func(t *testing.T, n *actorstest.Network) {
		r := newRing(t, func(name string) *actor.ActorSystem { return n.System(name) }, 3, plain, props.NonReentrant())
		busy := actors.CallSoon(t.Context(), r.callers[2], func(context.Context) (int, error) {
			time.Sleep(time.Minute)
			return 0, nil
		})
		last, err := r.begin(t.Context(), 2, plain).Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 2, last)
		_, err = busy.Wait(t.Context())
		require.NoError(t, err)
	})
}

func TestACircleIsFoundOverLinksThatLoseAndDelay(t *testing.T) {
	for seed := range uint64(20) {
		inNetwork(t, func(t *testing.T, n *actorstest.Network) {
			r := newRing(t, func(name string) *actor.ActorSystem { return n.System(name) }, 3, plain, props.NonReentrant())
			_, err := r.begin(t.Context(), 3, plain).Wait(t.Context())
			r.isBroken(t, err, 2)
		}, actorstest.Seed(seed), actorstest.Delay(0, 20*time.Millisecond), actorstest.Loss(0.05), actorstest.Reorder())
	}
}

func TestACircleOfWorkersOfPools(t *testing.T) {
	alone(t, func(t *testing.T) {
		agent := test.NewInMemAgent()
		r := &ring{}
		var members []*cluster.Cluster
		for i := range 2 {
			system := actorstest.NewSystem(t)
			kind, err := rpc.PoolKind(system, fmt.Sprint("pool", i), props.MaxWorkers(1), props.NonReentrant())
			require.NoError(t, err)
			require.NoError(t, rpc.Handle(system, "pass", func(ctx context.Context, calls int) (int, error) {
				if calls == 0 {
					return i, nil
				}
				time.Sleep(apart)
				to := rpc.Pool(members[i], fmt.Sprint("pool", 1-i))
				n, err := rpc.Call[int, int](ctx, system, to, "pass", calls-1).Wait(ctx)
				r.note(i, err)
				return n, err
			}))
			c, _ := joinAgent(t, system, agent, nil, kind)
			members = append(members, c)
		}
		pass := func(calls int) (int, error) {
			return rpc.Call[int, int](t.Context(), members[1].ActorSystem, rpc.Pool(members[1], "pool0"), "pass", calls).Wait(t.Context())
		}
		_, err := pass(1)
		require.NoError(t, err)
		_, err = pass(2)
		require.ErrorIs(t, err, pending.ErrDeadlock)
		assert.Equal(t, []int{1}, r.victims)
		_, err = pass(1)
		require.NoError(t, err)
	})
}

func TestACircleOfIdentities(t *testing.T) {
	alone(t, func(t *testing.T) {
		agent := test.NewInMemAgent()
		r := &ring{}
		var members []*cluster.Cluster
		var opts []rpc.CallOption
		for i := range 2 {
			system := actorstest.NewSystem(t)
			require.NoError(t, rpc.Handle(system, "visit", func(ctx context.Context, others []string) (int, error) {
				if len(others) == 0 {
					return i, nil
				}
				time.Sleep(apart)
				to := rpc.Identity(members[i], "cart", others[0])
				n, err := rpc.Call[[]string, int](ctx, system, to, "visit", others[1:], opts...).Wait(ctx)
				r.note(i, err)
				return n, err
			}))
			c, _ := joinAgent(t, system, agent, nil, kindOf(t, system, "cart", newCart, rpc.CallerOptions(props.NonReentrant())))
			members = append(members, c)
		}
		visit := func(ids ...string) (int, error) {
			to := rpc.Identity(members[0], "cart", ids[0])
			return rpc.Call[[]string, int](t.Context(), members[0].ActorSystem, to, "visit", ids[1:]).Wait(t.Context())
		}
		homes := make(map[int][]string) // identities by the node that they are on
		for i := 0; len(homes[0]) < 2 || len(homes[1]) < 2; i++ {
			id := fmt.Sprint("cart", i)
			home, err := visit(id)
			require.NoError(t, err)
			homes[home] = append(homes[home], id)
		}
		a, a2, b := homes[0][0], homes[0][1], homes[1][0]
		for _, opts = range [][]rpc.CallOption{nil, {rpc.Idempotent("")}} {
			for _, way := range [][]string{{a, b, a}, {a, a2, b, a}, {a, a2, a}} {
				_, err := visit(way...)
				require.ErrorIs(t, err, pending.ErrDeadlock, "%v", way)
				if slices.Contains(way, b) {
					assert.Equal(t, []int{1}, r.victims, "%v", way)
				} else { // the error passes through functions of one node
					assert.NotContains(t, r.victims, 1)
				}
				r.victims = nil
			}
		}
	})
}

// streams registers a function that streams some items and passes calls on before it ends.
func (r *ring) streams(tb testing.TB) {
	for i := range r.nodes {
		require.NoError(tb, rpc.HandleStream(r.nodes[i], "stream", func(ctx context.Context, items int) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) {
				for n := range items {
					if !yield(n, nil) {
						return
					}
				}
				yield(r.pass(ctx, i, len(r.nodes)-1, plain))
			}
		}))
	}
}

// take has a function of the first caller take the items of a stream of the second one.
func (r *ring) take(ctx context.Context, items int, each func(ctx context.Context) error, opts ...rpc.CallOption) error {
	_, err := actors.CallSoon(ctx, r.callers[0], actors.NoResult(func(ctx context.Context) error {
		time.Sleep(apart)
		from := rpc.At(r.nodes[1].Address(), r.callers[1].ID())
		for _, err := range rpc.Stream[int, int](ctx, r.nodes[0], from, "stream", items, opts...) {
			if err == nil {
				err = each(ctx)
			}
			if err != nil {
				r.note(0, err)
				return err
			}
		}
		return nil
	})).Wait(ctx)
	return err
}

func TestACircleThroughAStreamWhoseItemIsAwaited(t *testing.T) {
	onRings(t, func(t *testing.T, node func(string) *actor.ActorSystem, size int) {
		r := newRing(t, node, size, plain, props.NonReentrant())
		r.streams(t)
		err := r.take(t.Context(), 3, func(context.Context) error { return nil })
		r.isBroken(t, err, size-1)
		last, err := r.begin(t.Context(), size-1, plain).Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, size-1, last)
	})
}

func TestACircleThroughAStreamWhoseItemsAreNotTaken(t *testing.T) {
	onRings(t, func(t *testing.T, node func(string) *actor.ActorSystem, size int) {
		r := newRing(t, node, size, plain, props.NonReentrant())
		r.streams(t)
		err := r.take(t.Context(), 100, func(ctx context.Context) error {
			_, err := r.pass(ctx, 0, 1, plain) // the other function waits for room
			return err
		}, rpc.Window(1))
		r.mu.Lock()
		defer r.mu.Unlock()
		require.ErrorIs(t, err, pending.ErrDeadlock)
		assert.Equal(t, 0, r.victims[0])
		assert.ErrorContains(t, err, "the loop over its items")
	})
}
