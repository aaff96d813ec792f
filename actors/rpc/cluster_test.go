package rpc_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/cluster/clusterproviders/test"
	"github.com/asynkron/protoactor-go/cluster/identitylookup/disthash"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// cart is the state of an identity in the tests.
type cart struct {
	id    string
	items []string
}

// newCart is how nearly all carts are made.
func newCart(_ context.Context, id string) (*cart, error) { return &cart{id: id}, nil }

// handleCarts registers the functions of carts.
func handleCarts(system *actor.ActorSystem) error {
	return errors.Join(
		rpc.Handle(system, "add", func(ctx context.Context, item string) ([]string, error) {
			c, ok := rpc.State[*cart](ctx)
			if !ok {
				return nil, errors.New("there is no cart")
			}
			c.items = append(c.items, item)
			return c.items, nil
		}),
		rpc.Handle(system, "whose", func(ctx context.Context, _ struct{}) (string, error) {
			c, _ := rpc.State[*cart](ctx)
			return c.id, nil
		}),
	)
}

// join starts a cluster of one node.
func join(t testing.TB, system *actor.ActorSystem, kinds ...*cluster.Kind) (*cluster.Cluster, func(context.Context) error) {
	remote, err := rpc.RemoteConfig(system, "127.0.0.1:0")
	require.NoError(t, err)
	provider := test.NewTestProvider(test.NewInMemAgent())
	c := cluster.New(system, cluster.Configure("shop", provider, disthash.New(), remote, cluster.WithKinds(kinds...)))
	leave, err := rpc.Join(system, c)
	require.NoError(t, err)
	t.Cleanup(func() { _ = leave(context.Background()) })
	return c, leave
}

func kindOf[S any](
	t testing.TB, system *actor.ActorSystem, name string, state func(context.Context, string) (S, error), opts ...rpc.KindOption,
) *cluster.Kind {
	k, err := rpc.Kind(system, name, state, opts...)
	require.NoError(t, err)
	return k
}

// add calls "add" on a cart.
func add(t testing.TB, c *cluster.Cluster, id, item string) ([]string, error) {
	return rpc.Call[string, []string](t.Context(), c.ActorSystem, rpc.Identity(c, "cart", id), "add", item).Wait(t.Context())
}

func TestAnIdentityKeepsItsStateFromCallToCall(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		require.NoError(t, handleCarts(system))
		c, _ := join(t, system, kindOf(t, system, "cart", newCart))

		_, err := add(t, c, "alice", "tea")
		require.NoError(t, err)
		items, err := add(t, c, "alice", "milk")
		require.NoError(t, err)
		assert.Equal(t, []string{"tea", "milk"}, items)

		items, err = add(t, c, "bob/ä", "rice")
		require.NoError(t, err)
		assert.Equal(t, []string{"rice"}, items, "another identity has a state of its own")
		whose, err := rpc.Call[struct{}, string](t.Context(), system, rpc.Identity(c, "cart", "bob/ä"), "whose", struct{}{}).Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "bob/ä", whose)
	})
}

func TestALeavingNodeFinishesWhatItHasAcceptedAndSavesItsStates(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		running, finish := make(chan struct{}), make(chan struct{})
		require.NoError(t, rpc.Handle(system, "slow", func(ctx context.Context, _ struct{}) (string, error) {
			close(running)
			<-finish
			c, _ := rpc.State[*cart](ctx)
			c.items = append(c.items, "last")
			return "done", nil
		}))
		saved := make(chan []string, 1)
		c, leave := join(t, system, kindOf(t, system, "cart", newCart,
			rpc.Passivated(func(_ context.Context, _ string, c *cart) error { saved <- c.items; return errors.New("no disk") })))
		p := rpc.Call[struct{}, string](t.Context(), system, rpc.Identity(c, "cart", "alice"), "slow", struct{}{})
		<-running
		left := make(chan error)
		go func() { left <- leave(context.Background()) }()
		close(finish)
		require.NoError(t, <-left)
		require.NoError(t, leave(context.Background()), "again")
		answer, err := p.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "done", answer)
		assert.Equal(t, []string{"last"}, <-saved)
	})
}

func TestALeavingNodeStopsWhatIsNotDoneInTime(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		require.NoError(t, register(system))
		c, leave := join(t, system, kindOf(t, system, "cart", newCart))
		p := rpc.Call[struct{}, int](t.Context(), system, rpc.Identity(c, "cart", "alice"), "wait", struct{}{})
		_, err := rpc.Call[string, string](t.Context(), system, rpc.Identity(c, "cart", "bob"), "echo", "x").Wait(t.Context())
		require.NoError(t, err)
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		require.ErrorIs(t, leave(ended), context.Canceled)
		_, err = p.Wait(t.Context())
		require.Error(t, err)
		t.Log(err)
	})
}

// stuck is a provider that waits for what it cannot reach.
type stuck struct {
	*test.Provider
	reached chan struct{}
	gone    chan struct{} // closed when it was told that the member is gone
}

func (s *stuck) StartMember(c *cluster.Cluster) error {
	<-s.reached
	return s.Provider.StartMember(c)
}

func (s *stuck) Shutdown(graceful bool) error {
	defer close(s.gone)
	return s.Provider.Shutdown(graceful)
}

func TestJoiningEndsWithItsContext(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		remote, err := rpc.RemoteConfig(system, "127.0.0.1:0")
		require.NoError(t, err)
		provider := &stuck{test.NewTestProvider(test.NewInMemAgent()), make(chan struct{}), make(chan struct{})}
		c := cluster.New(system, cluster.Configure("shop", provider, disthash.New(), remote))
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errSoldOut)
		_, err = rpc.JoinContext(ctx, system, c)
		require.ErrorIs(t, err, errSoldOut)
		close(provider.reached)
		<-provider.gone // and all that has begun, which the search for leaks sees
	})
}

func TestAKindThatNoMemberHas(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		c, _ := join(t, system)
		ids := failure[string](t, system, rpc.Identity(c, "cart", "alice"), "add", "x")
		require.ErrorIs(t, ids, rpc.ErrNoMember)
	})
}

func TestAPoolRunsCallsOnItsWorkers(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		all := make(chan struct{})
		var running atomic.Int32
		require.NoError(t, rpc.Handle(system, "sum", func(_ context.Context, n int) (int, error) {
			if running.Add(1) == 4 {
				close(all)
			}
			<-all // all of them at the same time
			return n + 1, nil
		}))
		k, err := rpc.PoolKind(system, "hash", props.MaxWorkers(4))
		require.NoError(t, err)
		c, _ := join(t, system, k)
		var calls []*pending.Pending[int]
		for i, opts := range [][]rpc.PoolOption{nil, {rpc.RoundRobin()}, {rpc.ByKey("a")}, nil} {
			calls = append(calls, rpc.Call[int, int](t.Context(), system, rpc.Pool(c, "hash", opts...), "sum", i))
		}
		for i, p := range calls {
			n, err := p.Wait(t.Context())
			require.NoError(t, err)
			assert.Equal(t, i+1, n)
		}
	})
}

func TestAPoolThatHasTooMuchToDo(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		require.NoError(t, register(system))
		k, err := rpc.PoolKind(system, "hash", props.MaxWorkers(1), props.MaxQueued(1))
		require.NoError(t, err)
		c, _ := join(t, system, k)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 3)
		for range 3 { // one runs, one is queued
			p := rpc.Call[struct{}, int](ctx, system, rpc.Pool(c, "hash"), "wait", struct{}{})
			p.OnDone(func(pending.Handle) { ended <- p.Err() })
		}
		require.ErrorIs(t, <-ended, actors.ErrOverloaded)
	})
}

func TestKindsThatMakeNoSense(t *testing.T) {
	system := actorstest.NewSystem(t)
	for name, make := range map[string]func() (*cluster.Kind, error){
		"no name":  func() (*cluster.Kind, error) { return rpc.Kind(system, "", newCart) },
		"a slash":  func() (*cluster.Kind, error) { return rpc.Kind(system, "a/b", newCart) },
		"no func":  func() (*cluster.Kind, error) { return rpc.Kind[int](system, "cart", nil) },
		"bad idle": func() (*cluster.Kind, error) { return rpc.Kind(system, "cart", newCart, rpc.Idle(-1)) },
		"no save":  func() (*cluster.Kind, error) { return rpc.Kind(system, "cart", newCart, rpc.Passivated[int](nil)) },
		"bad option": func() (*cluster.Kind, error) {
			return rpc.Kind(system, "cart", newCart, rpc.CallerOptions(props.MaxQueued(-1)))
		},
		"pool": func() (*cluster.Kind, error) { return rpc.PoolKind(system, "a/b") },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := make()
			require.Error(t, err)
		})
	}
}
