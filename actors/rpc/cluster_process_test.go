package rpc_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/cluster/clusterproviders/etcd"
	"github.com/asynkron/protoactor-go/cluster/identitylookup/disthash"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/etcdtest"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

const (
	// etcdNodeVariable is the address of the etcd by which a node finds the others
	// of its cluster.
	etcdNodeVariable = "RPC_TEST_CLUSTER"
	// listenVariable is the address that a member listens on, if not any.
	listenVariable = "RPC_TEST_LISTEN"
	// notesVariable is the file in which nodes note what they run.
	notesVariable = "RPC_TEST_NOTES"
)

// visit is what a function of the tests has seen: which node it has run on, and how
// many calls its identity has had there.
type visit struct {
	Node  string
	Count int
}

// handleVisits registers the functions of the nodes of a cluster.
func handleVisits(system *actor.ActorSystem) error {
	return errors.Join(
		rpc.Handle(system, "visit", func(ctx context.Context, _ struct{}) (visit, error) {
			count, _ := rpc.State[*int](ctx)
			*count++
			return visit{system.Address(), *count}, nil
		}),
		rpc.Handle(system, "nap", func(ctx context.Context, d time.Duration) (visit, error) {
			return visit{Node: system.Address()}, actors.Sleep(ctx, d)
		}),
		rpc.Handle(system, "note", func(_ context.Context, n int) (int, error) { return 2*n + 1, note(n) }),
	)
}

// note appends a line to the file of notes, in one write. So it is there
// whatever becomes of the process.
func note(n int) error {
	f, err := os.OpenFile(os.Getenv(notesVariable), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%d\n", n)
	return errors.Join(err, f.Close())
}

// joinEtcd makes a system that listens on an address a member of the cluster of an
// etcd.
func joinEtcd(system *actor.ActorSystem, listen, address string, kinds ...*cluster.Kind) (
	c *cluster.Cluster, leave func(context.Context) error, err error,
) {
	provider, err := etcd.NewWithConfig("/protocaller", clientv3.Config{
		Endpoints: []string{address}, DialTimeout: 5 * time.Second,
	})
	if err != nil {
		return nil, nil, err
	}
	remote, err := rpc.RemoteConfig(system, listen)
	if err != nil {
		return nil, nil, err
	}
	c = cluster.New(system, cluster.Configure("test", provider, disthash.New(), remote, cluster.WithKinds(kinds...)))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	leave, err = rpc.JoinContext(ctx, system, c)
	return c, leave, err
}

// runMember is the main function of a node of a cluster.
func runMember(address string) error {
	system := actor.NewActorSystem(func(config *actor.Config) {
		config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
	})
	if err := errors.Join(handleVisits(system), handleEffect(system, address), handleSteps(system)); err != nil {
		return err
	}
	counters, err := rpc.Kind(system, "counter", func(context.Context, string) (*int, error) { return new(int), nil })
	if err != nil {
		return err
	}
	workers, err := rpc.PoolKind(system, "worker", props.MaxWorkers(4))
	if err != nil {
		return err
	}
	_, leave, err := joinEtcd(system, cmp.Or(os.Getenv(listenVariable), "127.0.0.1:0"), address, counters, workers)
	if err != nil {
		return err
	}
	fmt.Println(system.Address())
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := leave(context.Background()); err != nil {
		return err
	}
	return actors.Shutdown(context.Background(), system)
}

// inCluster runs a test in a process of its own, with an etcd.
func inCluster(t *testing.T, test func(t *testing.T, etcd string)) {
	if os.Getenv(aloneVariable) != "" {
		test(t, os.Getenv(etcdNodeVariable))
		return
	}
	t.Parallel()
	address, dir := etcdtest.Start(t).Address, t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=300s", "-test.v")
	cmd.Env = append(os.Environ(), aloneVariable+"=1", etcdNodeVariable+"="+address,
		notesVariable+"="+filepath.Join(dir, "notes"), withoutOthersRaces())
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, string(output))
	require.NotContains(t, string(output), "no tests to run")
	t.Log(string(output))
}

// driver is the member that calls, which has no kinds of its own.
func driver(t testing.TB, address string) *cluster.Cluster {
	system := actorstest.NewSystem(t)
	c, leave, err := joinEtcd(system, "127.0.0.1:0", address)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, leave(context.Background())) })
	return c
}

// startMembers starts the three members of a cluster, all at once.
func startMembers(t testing.TB) []*other {
	members := make([]*other, 3)
	for i := range members {
		members[i] = launch(t, nodeVariable+"=member")
	}
	for _, m := range members {
		m.listens(t)
	}
	return members
}

// visitAll calls all of the identities and returns what they have seen.
func visitAll(t testing.TB, c *cluster.Cluster, opts ...rpc.CallOption) map[string]visit {
	calls := make(map[string]*pending.Pending[visit])
	for i := range 60 {
		id := fmt.Sprint(i)
		calls[id] = rpc.Call[struct{}, visit](
			t.Context(), c.ActorSystem, rpc.Identity(c, "counter", id), "visit", struct{}{}, opts...)
	}
	seen := make(map[string]visit)
	for id, p := range calls {
		v, err := p.Wait(t.Context())
		require.NoError(t, err, id)
		seen[id] = v
	}
	return seen
}

// nodesOf returns how many of the visits were made to which node.
func nodesOf(visits map[string]visit) map[string]int {
	nodes := make(map[string]int)
	for _, v := range visits {
		nodes[v.Node]++
	}
	return nodes
}

// settle waits until a node knows so many members.
func settle(t testing.TB, c *cluster.Cluster, kind string, members int) {
	require.Eventually(t, func() bool { return rpc.Members(c, kind) == members }, 20*time.Second, 10*time.Millisecond)
}

func TestIdentitiesAreSpreadOverTheMembersAndLiveOnce(t *testing.T) {
	inCluster(t, func(t *testing.T, etcd string) {
		c := driver(t, etcd)
		members := startMembers(t)
		settle(t, c, "counter", 3)

		first := visitAll(t, c)
		assert.Len(t, nodesOf(first), 3)
		for id, v := range visitAll(t, c) {
			assert.Equal(t, visit{first[id].Node, 2}, v, "the one of before")
		}

		members[0].kill(t)
		after := visitAll(t, c, rpc.Idempotent("after")) // while it is found out that a member is gone
		assert.NotContains(t, nodesOf(after), members[0].address)
		for id, v := range after {
			if first[id].Node == members[0].address {
				assert.Equal(t, 1, v.Count, "a new one on another node")
			}
		}
	})
}

func TestNoCallFailsWhileAMemberLeaves(t *testing.T) {
	inCluster(t, func(t *testing.T, etcd string) {
		c := driver(t, etcd)
		members := startMembers(t)
		settle(t, c, "counter", 3)
		visitAll(t, c)

		stop := callWithoutEnd(t, c)
		members[1].leave(t)
		settle(t, c, "counter", 2)
		after := visitAll(t, c)
		t.Log("calls meanwhile:", stop())
		assert.NotContains(t, nodesOf(after), members[1].address)
	})
}

func TestNoCallFailsWhileAMemberJoins(t *testing.T) {
	inCluster(t, func(t *testing.T, etcd string) {
		c := driver(t, etcd)
		startMembers(t)
		settle(t, c, "counter", 3)
		visitAll(t, c)

		stop := callWithoutEnd(t, c)
		member := launch(t, nodeVariable+"=member")
		member.listens(t)
		settle(t, c, "counter", 4)
		after := visitAll(t, c)
		t.Log("calls meanwhile:", stop())
		assert.Len(t, nodesOf(after), 4)
		assert.Contains(t, nodesOf(after), member.address)
	})
}

func TestNoCallFailsWhileAMemberStartsAnewAtItsAddress(t *testing.T) {
	inCluster(t, func(t *testing.T, etcd string) {
		c := driver(t, etcd)
		members := startMembers(t)
		settle(t, c, "counter", 3)
		visitAll(t, c)

		stop := callWithoutEnd(t, c)
		members[1].leave(t)
		again := launch(t, nodeVariable+"=member", listenVariable+"="+members[1].address)
		again.listens(t)
		settle(t, c, "counter", 3)
		for { // it has said that it leaves, and is there again
			if after := visitAll(t, c); len(nodesOf(after)) == 3 {
				break
			}
			pause(t)
		}
		t.Log("calls meanwhile:", stop())
		assert.Equal(t, members[1].address, again.address)
	})
}

// callWithoutEnd has many call identities and a pool, one call after the other, until
// stop is called. None may fail. stop returns how many calls there were.
func callWithoutEnd(t *testing.T, c *cluster.Cluster) (stop func() int64) {
	var calls atomic.Int64
	var all sync.WaitGroup
	stopped := make(chan struct{})
	call := func(target func(i int) rpc.Target) {
		for i := 0; ; i++ {
			select {
			case <-stopped:
				return
			default:
			}
			p := rpc.Call[time.Duration, visit](t.Context(), c.ActorSystem, target(i), "nap", time.Millisecond)
			if _, err := p.Wait(t.Context()); !assert.NoError(t, err) {
				return
			}
			calls.Add(1)
		}
	}
	for worker := range 16 {
		all.Go(func() {
			call(func(i int) rpc.Target { return rpc.Identity(c, "counter", fmt.Sprint((i+worker)%60)) })
		})
		all.Go(func() { call(func(int) rpc.Target { return rpc.Pool(c, "worker") }) })
	}
	return func() int64 {
		close(stopped)
		all.Wait()
		return calls.Load()
	}
}

func TestAPoolIsSpreadOverItsMembers(t *testing.T) {
	inCluster(t, func(t *testing.T, etcd string) {
		c := driver(t, etcd)
		startMembers(t)
		settle(t, c, "worker", 3)
		for name, opts := range map[string][]rpc.PoolOption{"least busy": nil, "round robin": {rpc.RoundRobin()}} {
			var calls []*pending.Pending[visit]
			for range 30 {
				calls = append(calls, rpc.Call[time.Duration, visit](
					t.Context(), c.ActorSystem, rpc.Pool(c, "worker", opts...), "nap", time.Millisecond))
			}
			nodes := make(map[string]int)
			for _, p := range calls {
				v, err := p.Wait(t.Context())
				require.NoError(t, err)
				nodes[v.Node]++
			}
			assert.Len(t, nodes, 3, name)
		}
		nodes := make(map[string]string)
		for i := range 60 {
			key := fmt.Sprint(i % 20)
			v, err := rpc.Call[time.Duration, visit](
				t.Context(), c.ActorSystem, rpc.Pool(c, "worker", rpc.ByKey(key)), "nap", 0).Wait(t.Context())
			require.NoError(t, err)
			if nodes[key] != "" {
				assert.Equal(t, nodes[key], v.Node, "a key stays")
			}
			nodes[key] = v.Node
		}
	})
}

// notes returns how often each number was noted.
func notes(t testing.TB) map[string]int {
	text, err := os.ReadFile(os.Getenv(notesVariable))
	require.NoError(t, err)
	counts := make(map[string]int)
	for line := range strings.Lines(string(text)) {
		counts[strings.TrimSpace(line)]++
	}
	return counts
}
