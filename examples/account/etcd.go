//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/cluster/identitylookup/disthash"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/etcdcluster"
)

// patience is how long etcd has to start, and to be found.
const patience = 20 * time.Second

// startEtcd starts the etcd that is installed, with its data in a folder that stop removes.
func startEtcd(ctx context.Context) (address string, stop func(), err error) {
	program, err := exec.LookPath("etcd")
	if err != nil {
		return "", nil, errors.New("an etcd is needed, as by apt-get install etcd-server")
	}
	clients, err := freeAddress()
	peers, err2 := freeAddress()
	dir, err3 := os.MkdirTemp("", "account-etcd-")
	if err = errors.Join(err, err2, err3); err != nil {
		return "", nil, err
	}
	server := exec.Command(program, "--data-dir", dir, "--name", "one", "--log-level", "error",
		"--listen-client-urls", "http://"+clients, "--advertise-client-urls", "http://"+clients,
		"--listen-peer-urls", "http://"+peers, "--initial-advertise-peer-urls", "http://"+peers,
		"--initial-cluster", "one=http://"+peers)
	apart(server)
	if err := server.Start(); err != nil {
		_ = os.RemoveAll(dir)
		return "", nil, err
	}
	stop = func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		_ = os.RemoveAll(dir)
	}
	if err := awaitEtcd(ctx, clients); err != nil {
		stop()
		return "", nil, err
	}
	return clients, stop, nil
}

// awaitEtcd waits until the etcd answers.
func awaitEtcd(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("etcd at %s: no answer in %v", address, patience))
	defer cancel()
	client, err := clientv3.New(configOf(address))
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err = client.Get(ctx, "any"); err != nil {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return nil
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func configOf(address string) clientv3.Config {
	return clientv3.Config{Endpoints: []string{address}, Logger: zap.NewNop()} // errors are returned too
}

// newSystem returns an actor system that does not log. A member that dies is no error here.
func newSystem() *actor.ActorSystem {
	return actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
}

// clusterOf returns the cluster of an etcd, which a system may join with these kinds.
func clusterOf(system *actor.ActorSystem, etcd string, opts []rpc.Option, kinds ...*cluster.Kind) (*cluster.Cluster, error) {
	provider, err := etcdcluster.NewProvider("/members", configOf(etcd))
	if err != nil {
		return nil, err
	}
	remote, err := rpc.RemoteConfig(system, "127.0.0.1:0", opts...)
	if err != nil {
		return nil, err
	}
	return cluster.New(system, cluster.Configure("bank", provider, disthash.New(), remote, cluster.WithKinds(kinds...))), nil
}
