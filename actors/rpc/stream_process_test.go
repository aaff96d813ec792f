package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// step is an item of a member's: where it comes from, and how many its identity, or
// its stream on a pool, has sent.
type step struct {
	Node, Caller string
	Count        int
}

// poolOfMembers is the id of the pool that each member has.
const poolOfMembers = "callers/worker"

// handleSteps registers the functions of members that stream.
func handleSteps(system *actor.ActorSystem) error {
	left := make(chan string, 10) // why streams have ended before their last item
	return errors.Join(
		rpc.HandleStream(system, "steps", func(ctx context.Context, n int) iter.Seq2[step, error] {
			id := poolOfMembers
			count, ok := rpc.State[*int](ctx)
			if ok {
				c, _ := actors.Current(ctx)
				id = c.ID()
			} else {
				count = new(int)
			}
			return func(yield func(step, error) bool) {
				for range n {
					*count++
					if !yield(step{system.Address(), id, *count}, nil) {
						left <- context.Cause(ctx).Error()
						return
					}
				}
			}
		}),
		rpc.Handle(system, "left", func(ctx context.Context, _ struct{}) (string, error) {
			select {
			case why := <-left:
				return why, nil
			case <-ctx.Done():
				return "", context.Cause(ctx)
			}
		}),
	)
}

// stepsOf streams so many steps.
func stepsOf(ctx context.Context, c *cluster.Cluster, target rpc.Target, n int) iter.Seq2[step, error] {
	return rpc.Stream[int, step](ctx, c.ActorSystem, target, "steps", n)
}

// countsTo returns the counts of n steps, after the first ones.
func countsTo(first, n int) (all []int) {
	for i := range n {
		all = append(all, first+i+1)
	}
	return all
}

// collectSteps returns the counts of a stream, which is of one node.
func collectSteps(t *testing.T, seq iter.Seq2[step, error]) (node string, counts []int) {
	steps, err := collect(seq)
	require.NoError(t, err)
	for _, s := range steps {
		assert.Equal(t, steps[0].Node, s.Node)
		counts = append(counts, s.Count)
	}
	return steps[0].Node, counts
}

// amongMembers runs a test with a cluster of three members, and this one.
func amongMembers(t *testing.T, test func(t *testing.T, c *cluster.Cluster, members map[string]*other)) {
	inCluster(t, func(t *testing.T, etcd string) {
		c := driver(t, etcd)
		members := make(map[string]*other)
		for _, m := range startMembers(t) {
			members[m.address] = m
		}
		settle(t, c, "counter", len(members))
		settle(t, c, "worker", len(members))
		test(t, c, members)
	})
}

// targetsOf are an identity and the pool of a cluster.
func targetsOf(c *cluster.Cluster) map[string]rpc.Target {
	return map[string]rpc.Target{"identity": rpc.Identity(c, "counter", "x"), "pool": rpc.Pool(c, "worker")}
}

func TestStreamOfAnIdentityOnAnotherMemberFindsItsState(t *testing.T) {
	amongMembers(t, func(t *testing.T, c *cluster.Cluster, _ map[string]*other) {
		nodes := make(map[string]bool)
		for i := range 20 {
			target := rpc.Identity(c, "counter", fmt.Sprint(i))
			node, counts := collectSteps(t, stepsOf(t.Context(), c, target, 200))
			assert.Equal(t, countsTo(0, 200), counts)
			again, counts := collectSteps(t, stepsOf(t.Context(), c, target, 200))
			assert.Equal(t, countsTo(200, 200), counts)
			assert.Equal(t, node, again)
			nodes[node] = true
		}
		assert.Len(t, nodes, 3)
		assert.Zero(t, rpc.StatsOf(c.ActorSystem).Open)
	})
}

func TestStreamsOfAPoolAreSpreadOverItsMembers(t *testing.T) {
	amongMembers(t, func(t *testing.T, c *cluster.Cluster, _ map[string]*other) {
		nodes := make(map[string]int)
		var open []func() // all of them at a time
		for range 12 {
			next, stop := iter.Pull2(stepsOf(t.Context(), c, rpc.Pool(c, "worker"), 200))
			defer stop()
			first, err, _ := next()
			require.NoError(t, err)
			nodes[first.Node]++
			open = append(open, func() {
				_, counts := collectSteps(t, func(yield func(step, error) bool) {
					for more := true; more; {
						s, err, ok := next()
						more = ok && yield(s, err)
					}
				})
				assert.Equal(t, countsTo(1, 199), counts)
			})
		}
		for node, streams := range nodes {
			assert.Equal(t, 4, streams, node)
		}
		for _, finish := range open {
			finish()
		}
		assert.Zero(t, rpc.StatsOf(c.ActorSystem).Open)
	})
}

func TestLeavingTheLoopCancelsTheFunctionOfAMember(t *testing.T) {
	amongMembers(t, func(t *testing.T, c *cluster.Cluster, _ map[string]*other) {
		for name, target := range targetsOf(c) {
			var last step
			for s, err := range stepsOf(t.Context(), c, target, 1<<60) {
				require.NoError(t, err, name)
				if last = s; s.Count == 50 {
					break
				}
			}
			why, err := rpc.Call[struct{}, string](
				t.Context(), c.ActorSystem, rpc.At(last.Node, poolOfMembers), "left", struct{}{}).Wait(t.Context())
			require.NoError(t, err, name)
			assert.Contains(t, why, "left by Stream", name)
		}
	})
}

func TestMemberThatIsKilledEndsItsStreamsAtOnce(t *testing.T) {
	amongMembers(t, func(t *testing.T, c *cluster.Cluster, members map[string]*other) {
		for name, target := range targetsOf(c) {
			var counts []int
			var failed error
			for s, err := range stepsOf(t.Context(), c, target, 1<<60) {
				if failed = err; err == nil {
					counts = append(counts, s.Count)
				}
				if s.Count == 100 {
					members[s.Node].kill(t)
				}
			}
			require.ErrorIs(t, failed, rpc.ErrNodeDown, name)
			assert.Equal(t, countsTo(0, len(counts)), counts, name)
			assert.GreaterOrEqual(t, len(counts), 100, name)
			assert.Zero(t, rpc.StatsOf(c.ActorSystem).Open, name)
		}
	})
}

func TestMemberThatLeavesFinishesItsStreams(t *testing.T) {
	amongMembers(t, func(t *testing.T, c *cluster.Cluster, members map[string]*other) {
		for name, target := range targetsOf(c) {
			node, counts := collectSteps(t, func(yield func(step, error) bool) {
				for s, err := range stepsOf(t.Context(), c, target, 500) {
					if s.Count == 50 {
						require.NoError(t, members[s.Node].input.Close())
						awaitLeaving(t, c, s)
					}
					if !yield(s, err) {
						return
					}
				}
			})
			assert.Equal(t, countsTo(0, 500), counts, name)
			require.NoError(t, members[node].Wait(), name)

			next, _ := collectSteps(t, stepsOf(t.Context(), c, target, 1))
			assert.NotEqual(t, node, next, name)
		}
	})
}

// awaitLeaving waits until the caller that a step has come from takes no more calls.
func awaitLeaving(t *testing.T, c *cluster.Cluster, from step) {
	for {
		_, err := rpc.Call[time.Duration, visit](
			t.Context(), c.ActorSystem, rpc.At(from.Node, from.Caller), "nap", 0).Wait(t.Context())
		if errors.Is(err, pending.ErrStopped) {
			return
		}
		require.NoError(t, err)
	}
}
