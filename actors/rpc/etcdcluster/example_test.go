package etcdcluster_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/cluster/identitylookup/disthash"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/etcdcluster"
)

// errOldFence is the error of a write of an activation that is not the last one any more.
var errOldFence = errors.New("bank: the account has another owner by now")

// account is the state of an identity. Its record in etcd is the fence of the last write, a
// space, and the balance.
type account struct {
	client  *clientv3.Client
	key     string
	balance int
}

// load writes the fence before it counts on the balance: what the owner before writes is
// either read here, or refused from now on.
func load(client *clientv3.Client) func(context.Context, string) (*account, error) {
	return func(ctx context.Context, id string) (*account, error) {
		a := &account{client: client, key: "/bank/accounts/" + id}
		return a, a.change(ctx, 0)
	}
}

// change adds to the balance, in one transaction with the fence.
func (a *account) change(ctx context.Context, amount int) error {
	fence, ok := rpc.Fence(ctx)
	if !ok {
		return errors.New("bank: the kind needs rpc.SingleOwner")
	}
	for {
		got, err := a.client.Get(ctx, a.key)
		if err != nil {
			return err
		}
		var last uint64
		var balance int
		var revision int64
		for _, record := range got.Kvs {
			number, rest, _ := strings.Cut(string(record.Value), " ")
			if last, err = strconv.ParseUint(number, 10, 64); err != nil {
				return err
			}
			if balance, err = strconv.Atoi(rest); err != nil {
				return err
			}
			revision = record.ModRevision
		}
		if last > fence {
			return fmt.Errorf("%w: %d after %d", errOldFence, fence, last)
		}
		done, err := a.client.Txn(ctx).
			If(clientv3.Compare(clientv3.ModRevision(a.key), "=", revision)).
			Then(clientv3.OpPut(a.key, fmt.Sprintf("%d %d", fence, balance+amount))).
			Commit()
		if err != nil {
			return err
		}
		if done.Succeeded {
			a.balance = balance + amount
			return nil
		}
	}
}

// An account lives on one member of the cluster. If that is frozen or cut off, another one
// takes over, and what the first may still write is refused.
func Example() {
	ctx, etcd := context.Background(), clientv3.Config{Endpoints: []string{"127.0.0.1:2379"}}
	client, err := clientv3.New(etcd)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	err = rpc.RunMember(ctx, func() (*actor.ActorSystem, *cluster.Cluster, error) {
		system := actor.NewActorSystem()
		accounts, err := rpc.Kind(system, "account", load(client))
		if err != nil {
			return nil, nil, err
		}
		err = rpc.Handle(system, "deposit", func(ctx context.Context, amount int) (int, error) {
			a, _ := rpc.State[*account](ctx)
			err := a.change(ctx, amount)
			return a.balance, err
		})
		if err != nil {
			return nil, nil, err
		}
		provider, err := etcdcluster.NewProvider("/bank/members", etcd)
		if err != nil {
			return nil, nil, err
		}
		owners := etcdcluster.NewOwners(client, "/bank/owners")
		remote, err := rpc.RemoteConfig(system, "127.0.0.1:0", rpc.SingleOwner(owners))
		if err != nil {
			return nil, nil, err
		}
		c := cluster.New(system, cluster.Configure("bank", provider, disthash.New(), remote, cluster.WithKinds(accounts)))
		return system, c, nil
	})
	fmt.Println(err)
}
