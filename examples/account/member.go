//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/etcdcluster"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
)

const (
	kind = "account"
	// refused begins the line that a member prints when a write of its was refused.
	refused = "refused"
	// thinking is the line that a member prints before a deposit that takes a while.
	thinking = "thinking"
)

// member has accounts, until ctx ends or stdin does. It prints a line when it is there.
func member(ctx context.Context, etcd string, stdin io.Reader, stdout io.Writer) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		end()
	}()
	client, err := clientv3.New(configOf(etcd))
	if err != nil {
		return err
	}
	defer client.Close()
	var first sync.Once
	return rpc.RunMember(ctx, func() (*actor.ActorSystem, *cluster.Cluster, error) {
		system := newSystem()
		system.EventStream.Subscribe(func(event any) {
			if _, ok := event.(rpc.Joined); ok {
				first.Do(func() { fmt.Fprintln(stdout, "there") })
			}
		})
		accounts, err := rpc.Kind(system, kind, load(client))
		if err != nil {
			return nil, nil, err
		}
		if err := rpc.Handle(system, "deposit", depositor(stdout)); err != nil {
			return nil, nil, err
		}
		c, err := clusterOf(system, etcd, []rpc.Option{rpc.SingleOwner(etcdcluster.NewOwners(client, "/owners"))}, accounts)
		return system, c, err
	})
}

// depositor returns the function of the accounts. It writes although its context may have
// ended meanwhile: a process that is frozen just before it writes does the same.
func depositor(stdout io.Writer) func(context.Context, deposit) (receipt, error) {
	return func(ctx context.Context, d deposit) (r receipt, err error) {
		a, _ := rpc.State[*account](ctx)
		r.Process = os.Getpid()
		r.Fence, _ = rpc.Fence(ctx)
		if d.After > 0 {
			fmt.Fprintln(stdout, thinking)
			time.Sleep(d.After) // with the turn: nothing may come between
		}
		r.Balance, err = a.add(context.WithoutCancel(ctx), d.Amount)
		if err != nil {
			fmt.Fprintln(stdout, refused+":", cli.OneLine(err))
		}
		return r, err
	}
}
