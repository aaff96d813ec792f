package rpc_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// What calls between nodes promise, whatever the order.
var explored = []struct {
	name string
	body func(t testing.TB, w *actorstest.World)
	opts []actorstest.ExploreOption
}{
	{"retries with a key run once", retriesWithKey, nil},
	{"a call is answered or fails when its node is gone", expelled, nil},
	{"a stream sends no more than it may", creditOfStream, []actorstest.ExploreOption{actorstest.Delay(0, 10*time.Millisecond)}},
	{"an identity is passivated with its state", passivation, nil},
	{"an identity that leaves finishes what it has", leaving, nil},
	{"a wait ends if it is part of a circle, and no other one", entangled, []actorstest.ExploreOption{
		actorstest.Delay(0, 50*time.Millisecond), actorstest.Loss(0.02), actorstest.Reorder(), actorstest.Hurry(100 * time.Millisecond),
	}},
	{"a wait for an answer that is under way is in no circle", crossing, []actorstest.ExploreOption{
		actorstest.Delay(0, 2*time.Second), actorstest.Hurry(100 * time.Millisecond),
	}},
}

var schedules = flag.Int("rpc.schedules", 0, "how many schedules each exploration tries; 0 for few")

// explorations is how many schedules are tried: fewer with the race detector, which takes eight
// times as long.
func explorations() int {
	switch {
	case *schedules > 0:
		return *schedules
	case raceEnabled:
		return 50
	default:
		return 1000
	}
}

func TestExplore(t *testing.T) {
	for _, e := range explored {
		t.Run(e.name, func(t *testing.T) {
			actorstest.Explore(t, e.body, append(e.opts, actorstest.Schedules(explorations()))...)
		})
	}
	t.Run("one of several waits ends if all are part of a circle", exploreRandomPrograms)
}

// market is a node with a caller that sells things, and a customer's node.
func market(t testing.TB, w *actorstest.World, sell func(context.Context, string) (int, error)) (here *actor.ActorSystem, at rpc.Target) {
	here = w.System("here")
	there := w.System("there")
	require.NoError(t, rpc.Handle(there, "sell", sell))
	seller := actorstest.Start(t, there, props.Name("seller"))
	return here, rpc.At("there", seller.ID())
}

func retriesWithKey(t testing.TB, w *actorstest.World) {
	sold := 0
	here, at := market(t, w, func(ctx context.Context, _ string) (int, error) {
		sold++
		return sold, nil
	})
	cable := actorstest.Start(t, here, props.Name("cable"))
	cut := actors.CallLater(t.Context(), cable, time.Millisecond, actors.NoResult(func(context.Context) error {
		w.Network().Reset("here", "there")
		return nil
	}))
	n, err := rpc.Call[string, int](t.Context(), here, at, "sell", "tea", rpc.Idempotent("order 1")).Wait(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, err = cut.Wait(t.Context())
	require.NoError(t, err)
	n, err = rpc.Call[string, int](t.Context(), here, at, "sell", "tea", rpc.Idempotent("order 1")).Wait(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n, "the second call is the first")
	require.Equal(t, 1, sold)
}

func expelled(t testing.TB, w *actorstest.World) {
	sold := 0
	here, at := market(t, w, func(ctx context.Context, _ string) (int, error) {
		sold++
		return sold, actors.Sleep(ctx, time.Millisecond)
	})
	cable := actorstest.Start(t, here, props.Name("cable"))
	crash := actors.CallLater(t.Context(), cable, time.Millisecond, actors.NoResult(func(context.Context) error {
		w.Network().Crash("there")
		return nil
	}))
	var calls []*pending.Pending[int]
	for i := range 3 {
		calls = append(calls, rpc.Call[string, int](t.Context(), here, at, "sell", fmt.Sprint(i)))
	}
	answered := 0
	for _, c := range calls {
		if _, err := c.Wait(t.Context()); err == nil {
			answered++
		} else {
			require.True(t, errors.Is(err, rpc.ErrNodeDown) || errors.Is(err, pending.ErrStopped), "%v", err)
		}
	}
	require.LessOrEqual(t, answered, sold)
	_, err := crash.Wait(t.Context())
	require.NoError(t, err)
	_, err = rpc.Call[string, int](t.Context(), here, at, "sell", "late").Wait(t.Context())
	require.ErrorIs(t, err, rpc.ErrNodeDown)
	require.Zero(t, rpc.StatsOf(here).Open)
}

func creditOfStream(t testing.TB, w *actorstest.World) {
	here, there := w.System("here"), w.System("there")
	sent, taken, returned := 0, 0, 0
	const window = 3
	require.NoError(t, rpc.HandleStream(there, "count", func(_ context.Context, n int) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			defer func() { returned++ }()
			for i := range n {
				sent++
				assert.LessOrEqual(t, sent-taken, window+1, "one waits to be sent")
				if !yield(i, nil) {
					return
				}
			}
		}
	}))
	counter := actorstest.Start(t, there, props.Name("counter"))
	for i, err := range rpc.Stream[int, int](t.Context(), here, rpc.At("there", counter.ID()), "count", 8, rpc.Window(window)) {
		require.NoError(t, err)
		require.Equal(t, taken, i)
		if taken++; taken == 6 {
			break
		}
	}
	w.Settle()
	require.NoError(t, counter.Drain(t.Context()))
	require.Equal(t, 1, returned, "the function learns that nobody listens")
}

// identity is an activation of a kind, as a cluster makes it.
func identity(t testing.TB, w *actorstest.World, opts ...rpc.KindOption) (there *actor.ActorSystem, spawn func(name string) *actors.Caller) {
	there = w.System("there")
	require.NoError(t, rpc.Handle(there, "add", func(ctx context.Context, item string) (int, error) {
		items, ok := rpc.State[*[]string](ctx)
		if !ok {
			return 0, errors.New("no state")
		}
		*items = append(*items, item)
		if err := actors.Sleep(ctx, time.Millisecond); err != nil {
			return 0, err
		}
		return len(*items), nil
	}))
	activated, err := rpc.PropsOfKind(there, "cart", func(context.Context, string) (*[]string, error) { return &[]string{}, nil }, opts...)
	require.NoError(t, err)
	return there, func(name string) *actors.Caller {
		pid, err := there.Root.SpawnNamed(activated, name)
		require.NoError(t, err)
		there.Root.Send(pid, &cluster.ClusterInit{Identity: &cluster.ClusterIdentity{Identity: name, Kind: "cart"}})
		c, ok := actors.Lookup(there, pid.Id)
		require.True(t, ok)
		return c
	}
}

func passivation(t testing.TB, w *actorstest.World) {
	var saved []int
	there, spawn := identity(t, w, rpc.Idle(5*time.Millisecond), rpc.Passivated(func(_ context.Context, _ string, items *[]string) error {
		saved = append(saved, len(*items))
		return nil
	}))
	c := spawn("alice")
	answered := 0
	for i := range 3 {
		n, err := rpc.Call[string, int](t.Context(), there, rpc.At("", c.ID()), "add", fmt.Sprint(i)).Wait(t.Context())
		if err != nil {
			require.True(t, errors.Is(err, pending.ErrStopped) || errors.Is(err, rpc.ErrNoCaller), "%v", err)
			break
		}
		answered++
		require.Equal(t, answered, n)
		require.NoError(t, actors.Sleep(t.Context(), 2*time.Millisecond))
	}
	require.NoError(t, actors.Sleep(t.Context(), time.Minute))
	require.Equal(t, actors.StateStopped, c.State())
	require.Equal(t, []int{answered}, saved, "what was answered is saved, once")
}

func leaving(t testing.TB, w *actorstest.World) {
	saved := -1
	there, spawn := identity(t, w, rpc.Passivated(func(_ context.Context, _ string, items *[]string) error {
		saved = len(*items)
		return nil
	}))
	c := spawn("alice")
	var calls []*pending.Pending[int]
	for i := range 3 {
		calls = append(calls, rpc.Call[string, int](t.Context(), there, rpc.At("", c.ID()), "add", fmt.Sprint(i)))
	}
	there.Root.Poison(c.PID()) // as a cluster does when the identity goes to another node
	calls = append(calls, rpc.Call[string, int](t.Context(), there, rpc.At("", c.ID()), "add", "late"))
	answered := 0
	for _, p := range calls {
		if _, err := p.Wait(t.Context()); err == nil {
			answered++
		} else {
			require.True(t, errors.Is(err, pending.ErrStopped) || errors.Is(err, rpc.ErrNoCaller), "%v", err)
		}
	}
	require.NoError(t, c.StopWait(t.Context()))
	require.Equal(t, answered, saved, "what was answered is saved")
}
