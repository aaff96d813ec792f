package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/cluster/identitylookup/disthash"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/etcdcluster"
)

// patience is how long etcd has to start, and to be found.
const patience = 20 * time.Second

// startEtcd starts an etcd of one node, with its data in a folder that stop removes.
// An empty address is any that is free.
func startEtcd(ctx context.Context, address string) (at string, stop func(), err error) {
	if address == "" {
		if address, err = freeAddress(); err != nil {
			return "", nil, err
		}
	}
	peer, err := freeAddress()
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", "cluster-etcd-")
	if err != nil {
		return "", nil, err
	}
	config := embed.NewConfig()
	config.Dir = dir
	config.LogLevel = "fatal"
	config.UnsafeNoFsync = true // the cluster ends with this process
	clients, peers := []url.URL{{Scheme: "http", Host: address}}, []url.URL{{Scheme: "http", Host: peer}}
	config.ListenClientUrls, config.AdvertiseClientUrls = clients, clients
	config.ListenPeerUrls, config.AdvertisePeerUrls = peers, peers
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	server, err := embed.StartEtcd(config)
	if err != nil {
		_ = os.RemoveAll(dir)
		return "", nil, fmt.Errorf("etcd at %s: %w", address, err)
	}
	stop = func() {
		server.Server.HardStop()
		go server.Close() // which waits for connections that end with this process
		_ = os.RemoveAll(dir)
	}
	select {
	case <-server.Server.ReadyNotify():
		return address, stop, nil
	case err = <-server.Err():
	case <-time.After(patience):
		err = fmt.Errorf("etcd at %s: not ready after %v", address, patience)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	stop()
	return "", nil, err
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// newSystem returns an actor system that logs what goes wrong. protoactor reports
// each member that dies as an error, which is none here.
func newSystem() *actor.ActorSystem {
	return actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
}

// clusterOf returns the cluster of an etcd, which a system may join with these kinds.
func clusterOf(system *actor.ActorSystem, address string, kinds ...*cluster.Kind) (*cluster.Cluster, error) {
	provider, err := etcdcluster.NewProvider("/protocaller",
		clientv3.Config{Endpoints: []string{address}, Logger: zap.NewNop()}) // errors are returned too
	if err != nil {
		return nil, err
	}
	remote, err := rpc.RemoteConfig(system, "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return cluster.New(system, cluster.Configure("files", provider, disthash.New(), remote, cluster.WithKinds(kinds...))), nil
}

// errNotFound is why joining is given up.
func errNotFound(address string) error {
	return fmt.Errorf("etcd at %s: not found in %v", address, patience)
}

// join makes a system a member of the cluster of an etcd, which runs nothing for others.
func join(ctx context.Context, system *actor.ActorSystem, address string) (
	c *cluster.Cluster, leave func(context.Context) error, err error,
) {
	if c, err = clusterOf(system, address); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errNotFound(address))
	defer cancel()
	leave, err = rpc.JoinContext(ctx, system, c)
	return c, leave, err
}
