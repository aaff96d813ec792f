package rpc_test

import (
	"context"
	"fmt"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/cluster/clusterproviders/test"
	"github.com/asynkron/protoactor-go/cluster/identitylookup/disthash"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

// A cart for each customer, on whichever member of the cluster it lives. The
// provider of protoactor's tests knows one process only; take that of etcd, Consul
// or Kubernetes.
func ExampleJoin() {
	ctx := context.Background()
	system := actor.NewActorSystem(quiet)
	carts, err := rpc.Kind(system, "cart", newCart, rpc.Passivated(func(_ context.Context, id string, c *cart) error {
		fmt.Println(id, "has", c.items)
		return nil
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = rpc.Handle(system, "add", func(ctx context.Context, item string) (int, error) {
		c, _ := rpc.State[*cart](ctx)
		c.items = append(c.items, item)
		return len(c.items), nil
	})

	remote, err := rpc.RemoteConfig(system, "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	provider := test.NewTestProvider(test.NewInMemAgent())
	c := cluster.New(system, cluster.Configure("shop", provider, disthash.New(), remote, cluster.WithKinds(carts)))
	leave, err := rpc.Join(system, c)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rpc.Call[string, int](ctx, system, rpc.Identity(c, "cart", "alice"), "add", "tea").Wait(ctx))
	fmt.Println(leave(ctx))
	// Output:
	// 1 <nil>
	// alice has [tea]
	// <nil>
}
