package rpc_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/cluster/clusterproviders/test"
	"github.com/asynkron/protoactor-go/cluster/identitylookup/disthash"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// joinAgent makes a system a member of the cluster of an agent, which can expel it.
func joinAgent(
	t testing.TB, system *actor.ActorSystem, agent *test.InMemAgent, opts []rpc.Option, kinds ...*cluster.Kind,
) (*cluster.Cluster, func(context.Context) error) {
	c := clusterOf(t, system, agent, opts, kinds...)
	leave, err := rpc.Join(system, c)
	require.NoError(t, err)
	t.Cleanup(func() { _ = leave(context.Background()) })
	return c, leave
}

func clusterOf(
	t testing.TB, system *actor.ActorSystem, agent *test.InMemAgent, opts []rpc.Option, kinds ...*cluster.Kind,
) *cluster.Cluster {
	remote, err := rpc.RemoteConfig(system, "127.0.0.1:0", opts...)
	require.NoError(t, err)
	return cluster.New(system, cluster.Configure("shop", test.NewTestProvider(agent), disthash.New(), remote, cluster.WithKinds(kinds...)))
}

func TestAnExpelledMemberEndsWhatOnlyMembersMayHave(t *testing.T) {
	alone(t, func(t *testing.T) {
		system, agent := actorstest.NewSystem(t), test.NewInMemAgent()
		runs := make(chan struct{})
		require.NoError(t, errors.Join(handleCarts(system), rpc.Handle(system, "wait", func(ctx context.Context, _ struct{}) (int, error) {
			close(runs)
			<-ctx.Done()
			return 0, ctx.Err() // which does not say why
		})))
		reader := sdkmetric.NewManualReader()
		traced := telemetry.New(telemetry.MeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))
		saved := make(chan struct{}, 1)
		c, leave := joinAgent(t, system, agent, []rpc.Option{rpc.Telemetry(traced)}, kindOf(t, system, "cart", newCart,
			rpc.Passivated(func(context.Context, string, *cart) error { saved <- struct{}{}; return nil })))
		events := make(chan rpc.Expelled, 1)
		system.EventStream.Subscribe(func(event any) {
			if e, ok := event.(rpc.Expelled); ok {
				events <- e
			}
		})
		_, err := add(t, c, "alice", "tea")
		require.NoError(t, err)
		running := rpc.Call[struct{}, int](t.Context(), system, rpc.Identity(c, "cart", "alice"), "wait", struct{}{})
		<-runs
		queued := rpc.Call[string, []string](t.Context(), system, rpc.Identity(c, "cart", "alice"), "add", "milk", rpc.Idempotent(""))
		agent.DeregisterService(system.ID)
		<-rpc.Done(c)
		_, err = running.Wait(t.Context())
		require.ErrorIs(t, err, rpc.ErrExpelled)
		require.ErrorIs(t, err, pending.ErrStopped)
		assert.False(t, queued.IsDone(), "it is made again when there is a member")
		queued.Cancel(nil)
		event := <-events
		require.ErrorIs(t, event.Err, rpc.ErrExpelled)
		assert.Equal(t, system.Address(), event.Address)
		assert.Equal(t, system.ID, event.Member)
		var collected metricdata.ResourceMetrics
		require.NoError(t, reader.Collect(t.Context(), &collected))
		require.NotEmpty(t, collected.ScopeMetrics)
		assert.Equal(t, "protocaller.rpc.expelled", collected.ScopeMetrics[0].Metrics[0].Name)

		require.NoError(t, leave(context.Background()))
		assert.Empty(t, saved, "the state may be out of date")
	})
}

func TestAMemberThatLeavesIsNotExpelled(t *testing.T) {
	alone(t, func(t *testing.T) {
		system, agent := actorstest.NewSystem(t), test.NewInMemAgent()
		c, leave := joinAgent(t, system, agent, nil)
		system.EventStream.Subscribe(func(event any) {
			_, expelled := event.(rpc.Expelled)
			assert.False(t, expelled)
		})
		select {
		case <-rpc.Done(c):
			assert.Fail(t, "it is a member")
		default:
		}
		require.NoError(t, leave(context.Background()))
		<-rpc.Done(c)
	})
}

func TestRunMemberJoinsAnewAfterAnExpulsion(t *testing.T) {
	alone(t, func(t *testing.T) {
		agent, joined := test.NewInMemAgent(), make(chan *cluster.Cluster, 1)
		ctx, end := context.WithCancel(t.Context())
		defer end()
		build := func() (*actor.ActorSystem, *cluster.Cluster) {
			system := actorstest.NewSystem(t)
			require.NoError(t, handleCarts(system))
			system.EventStream.Subscribe(func(event any) {
				if e, ok := event.(rpc.Joined); ok {
					joined <- e.Cluster
				}
			})
			return system, clusterOf(t, system, agent, nil, kindOf(t, system, "cart", newCart))
		}
		builds := make(chan func() (*actor.ActorSystem, *cluster.Cluster, error), 3)
		for range 2 {
			system, c := build()
			builds <- func() (*actor.ActorSystem, *cluster.Cluster, error) { return system, c, nil }
			if len(builds) == 1 { // the second one fails, and is tried again
				builds <- func() (*actor.ActorSystem, *cluster.Cluster, error) { return nil, nil, errSoldOut }
			}
		}
		ran := make(chan error, 1)
		go func() {
			ran <- rpc.RunMember(ctx, func() (*actor.ActorSystem, *cluster.Cluster, error) { return (<-builds)() })
		}()
		first := <-joined
		_, err := add(t, first, "alice", "tea")
		require.NoError(t, err)
		agent.DeregisterService(first.ActorSystem.ID)
		second := <-joined
		assert.NotEqual(t, first.ActorSystem.ID, second.ActorSystem.ID)
		items, err := add(t, second, "alice", "milk")
		require.NoError(t, err)
		assert.Equal(t, []string{"milk"}, items)
		end()
		require.NoError(t, <-ran)
		<-rpc.Done(second)
	})
}

func TestRunMemberReturnsWhatIsWrongFromTheBeginning(t *testing.T) {
	alone(t, func(t *testing.T) {
		require.ErrorIs(t, rpc.RunMember(t.Context(), func() (*actor.ActorSystem, *cluster.Cluster, error) {
			return nil, nil, errSoldOut
		}), errSoldOut)
		require.ErrorContains(t, rpc.RunMember(t.Context(), func() (*actor.ActorSystem, *cluster.Cluster, error) {
			return nil, nil, nil
		}), "there is no system")
		system := listen(t)
		require.ErrorIs(t, rpc.RunMember(t.Context(), func() (*actor.ActorSystem, *cluster.Cluster, error) {
			remote, err := rpc.RemoteConfig(system, "127.0.0.1:0")
			return system, clusterWith(system, remote), err
		}), rpc.ErrStarted)
		assert.PanicsWithValue(t, "rpc: RunMember with a nil context or function", func() { _ = rpc.RunMember(t.Context(), nil) })
		assert.PanicsWithValue(t, "rpc: Done with a nil cluster", func() { rpc.Done(nil) })
	})
}

// A function that ignores its context keeps nobody from joining anew.
func TestAnExpelledMemberDoesNotWaitForFunctionsThatGoOn(t *testing.T) {
	alone(t, func(t *testing.T) {
		system, agent := actorstest.NewSystem(t), test.NewInMemAgent()
		runs, end := make(chan struct{}), make(chan struct{})
		require.NoError(t, rpc.Handle(system, "stubborn", func(context.Context, struct{}) (int, error) {
			close(runs)
			<-end
			return 0, nil
		}))
		c, leave := joinAgent(t, system, agent, nil, kindOf(t, system, "cart", newCart))
		p := rpc.Call[struct{}, int](t.Context(), system, rpc.Identity(c, "cart", "alice"), "stubborn", struct{}{})
		<-runs
		agent.DeregisterService(system.ID)
		<-rpc.Done(c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.ErrorIs(t, leave(ctx), context.DeadlineExceeded)
		assert.False(t, p.IsDone(), "it runs")
		close(end)
		_, err := p.Wait(t.Context())
		require.NoError(t, err, "a value counts")
	})
}

// A cluster that is shut down by protoactor's own means expels nobody.
func TestAMemberThatOthersHaveStartedIsNotExpelled(t *testing.T) {
	alone(t, func(t *testing.T) {
		system, agent := actorstest.NewSystem(t), test.NewInMemAgent()
		require.NoError(t, handleCarts(system))
		c := clusterOf(t, system, agent, nil, kindOf(t, system, "cart", newCart))
		c.StartMember()
		_, err := add(t, c, "alice", "tea")
		require.NoError(t, err)
		agent.DeregisterService(system.ID)
		select {
		case <-rpc.Done(c):
			assert.Fail(t, "it has not joined")
		default:
		}
		c.IdentityLookup.Shutdown()
		c.Gossip.Shutdown()
		c.Remote.Shutdown(false)
	})
}
