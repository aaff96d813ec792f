package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/cluster/identitylookup/disthash"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/etcdcluster"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

const (
	// ownerTTL is how long a node of these tests owns its identities.
	ownerTTL = 2 * time.Second
	// identitiesReached is how many identities a node calls to see that calls go everywhere.
	identitiesReached = 40
)

// healingProcess runs one member after the other, of which RunMember keeps one in the cluster.
type healingProcess struct {
	client *clientv3.Client // of the stores
	etcd   clientv3.Config
	joined sync.Once
}

// healingMember is one of them.
type healingMember struct {
	*healingProcess
	cluster *cluster.Cluster
	members atomic.Pointer[[]string] // the addresses in its list
}

// runHealing is the main function of such a process.
func runHealing(address string) error {
	config := clientv3.Config{
		Endpoints: []string{address}, DialKeepAliveTime: 10 * time.Second, DialKeepAliveTimeout: 3 * time.Second,
	}
	client, err := clientv3.New(config)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, end := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		end()
	}()
	p := &healingProcess{client: client, etcd: config}
	return rpc.RunMember(ctx, p.build)
}

func (p *healingProcess) build() (*actor.ActorSystem, *cluster.Cluster, error) {
	m := &healingMember{healingProcess: p}
	m.members.Store(new([]string))
	system := actor.NewActorSystem(func(config *actor.Config) {
		config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
	})
	m.watch(system)
	_, err := actors.Start(system, props.Name("clerk"))
	accounts, errKind := rpc.Kind(system, "account", m.loadAccount)
	if err := errors.Join(err, errKind, m.handle(system)); err != nil {
		return nil, nil, err
	}
	provider, err := etcdcluster.NewProvider("/protocaller", m.etcd)
	if err != nil {
		return nil, nil, err
	}
	owners := etcdcluster.NewOwners(m.client, "/owners", etcdcluster.TTL(ownerTTL))
	remote, err := rpc.RemoteConfig(system, os.Getenv(listenVariable), rpc.SingleOwner(owners))
	if err != nil {
		return nil, nil, err
	}
	m.cluster = cluster.New(system, cluster.Configure("test", provider, disthash.New(), remote, cluster.WithKinds(accounts)))
	return system, m.cluster, nil
}

// watch notes who is a member, and says once where this one listens.
func (m *healingMember) watch(system *actor.ActorSystem) {
	system.EventStream.Subscribe(func(event any) {
		switch e := event.(type) {
		case *cluster.ClusterTopology:
			members := make([]string, 0, len(e.GetMembers()))
			for _, one := range e.GetMembers() {
				members = append(members, one.Address())
			}
			slices.Sort(members)
			m.members.Store(&members)
		case rpc.Joined:
			m.joined.Do(func() { fmt.Println(system.Address()) })
		case rpc.Expelled:
			fmt.Fprintln(os.Stderr, e.Err)
		}
	})
}

// entry is a call of a function of an account.
type entry struct {
	Account string
	Number  int
	Keyed   bool
}

// accountCall is a call that a member makes of an account.
type accountCall struct{ Account, Function, Argument string }

func (m *healingMember) handle(system *actor.ActorSystem) error {
	return errors.Join(
		rpc.Handle(system, "members", func(context.Context, struct{}) ([]string, error) { return *m.members.Load(), nil }),
		rpc.Handle(system, "reach", func(ctx context.Context, _ struct{}) ([]string, error) { return m.reach(ctx) }),
		rpc.Handle(system, "where", func(context.Context, string) (string, error) { return system.Address(), nil }),
		rpc.Handle(system, "forward", func(ctx context.Context, o entry) (int, error) {
			var opts []rpc.CallOption
			if o.Keyed {
				opts = append(opts, rpc.Idempotent(fmt.Sprint(o.Number)))
			}
			return rpc.Call[int, int](ctx, system, rpc.Identity(m.cluster, "account", o.Account), "note", o.Number, opts...).Wait(ctx)
		}),
		rpc.Handle(system, "account", func(ctx context.Context, o accountCall) (string, error) {
			return rpc.Call[string, string](ctx, system, rpc.Identity(m.cluster, "account", o.Account), o.Function, o.Argument).Wait(ctx)
		}),
		rpc.Handle(system, "note", func(_ context.Context, n int) (int, error) { return n, note(n) }),
		m.handleAccounts(system),
	)
}

// reach calls identities, and returns on which nodes they are.
func (m *healingMember) reach(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	c := m.cluster
	calls := make([]*pending.Pending[string], identitiesReached)
	for i := range calls {
		calls[i] = rpc.Call[string, string](ctx, c.ActorSystem, rpc.Identity(c, "account", fmt.Sprint(i)), "where", "")
	}
	var nodes []string
	for _, p := range calls {
		node, err := p.Wait(ctx)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, node)
	}
	slices.Sort(nodes)
	return slices.Compact(nodes), nil
}
