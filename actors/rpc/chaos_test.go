package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/cluster"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

const (
	// manyCalls are made while members are killed: of identities and of a pool, with
	// and without a key.
	manyCalls = 20_000
	// atOnce is how many of them are under way at a time.
	atOnce = 64
	// manyIdentities have them run.
	manyIdentities = 200
)

// TestCallsWhileMembersAreKilled has members killed until the last call is done.
// Every call ends, and has run at most once. With a key it has run once.
func TestCallsWhileMembersAreKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped with -short: it takes a minute")
	}
	inCluster(t, func(t *testing.T, etcd string) {
		seed := seedOf(t)
		t.Log("seed:", seed)
		c := driver(t, etcd)
		members := startMembers(t)
		settle(t, c, "counter", 3)
		goroutines, heap := runtime.NumGoroutine(), memory().HeapAlloc

		calls := make([]chaosCall, manyCalls)
		var all sync.WaitGroup
		for worker := range atOnce {
			all.Go(func() {
				for n := worker; n < manyCalls; n += atOnce {
					calls[n] = newChaosCall(rand.New(rand.NewPCG(seed, uint64(n))), n)
					calls[n].make(t, c)
				}
			})
		}
		done := make(chan struct{})
		go func() {
			all.Wait()
			close(done)
		}()
		k := &killer{T: t, random: rand.New(rand.NewPCG(seed, manyCalls)), members: members, done: done}
		begin := time.Now()
		k.killUntilDone()
		t.Logf("%d calls in %.0f s", manyCalls, time.Since(begin).Seconds())
		t.Log("killed:", k.killed)
		t.Log("failed:", failuresOf(t, calls))

		noted, effects := notes(t), effectsOf(t, etcd)
		for _, call := range calls {
			runs := noted[strconv.Itoa(call.n)]
			switch {
			case call.key != "":
				require.NoError(t, call.err, "call %d, which has a key", call.n)
				require.Equal(t, 1, effects[strconv.Itoa(call.n)], "effects of call %d", call.n)
			case call.err == nil:
				require.Equal(t, 1, runs, "runs of call %d", call.n)
			default:
				require.LessOrEqual(t, runs, 1, "runs of call %d: %v", call.n, call.err)
			}
		}
		assert.Eventually(t, func() bool { return rpc.StatsOf(c.ActorSystem).Open == 0 }, 20*time.Second, 10*time.Millisecond,
			"a call is done before it is taken off the open ones")
		assert.Eventually(t, func() bool { return runtime.NumGoroutine() < goroutines+50 }, 20*time.Second, 100*time.Millisecond,
			"goroutines before: %d", goroutines)
		released(t, heap+20*megabyte)
		t.Log("goroutines:", goroutines, "and", runtime.NumGoroutine(), "heap:", heap, "and", memory().HeapAlloc)
	})
}

// longDeadline is longer than it ever takes for the cluster to settle.
const longDeadline = 2 * time.Minute

// chaosCall is one of the calls, and what it has ended with.
type chaosCall struct {
	n        int
	key      string
	pool     bool
	deadline time.Duration
	err      error
}

func newChaosCall(random *rand.Rand, n int) chaosCall {
	call := chaosCall{n: n, pool: random.IntN(2) == 0, deadline: longDeadline}
	switch random.IntN(8) {
	case 0: // it may end before the cluster knows who is dead
		call.deadline = time.Duration(random.IntN(1000)) * time.Millisecond
	case 1, 2, 3:
	default:
		call.key = fmt.Sprint("call ", n)
	}
	return call
}

// make makes the call and waits for its end, for whatever it takes.
func (call *chaosCall) make(t *testing.T, c *cluster.Cluster) {
	target := rpc.Identity(c, "counter", fmt.Sprint(call.n%manyIdentities))
	if call.pool {
		target = rpc.Pool(c, "worker")
	}
	function, opts := "note", []rpc.CallOption(nil)
	if call.key != "" {
		function, opts = "effect", []rpc.CallOption{rpc.Idempotent(call.key)}
	}
	ctx, cancel := context.WithTimeout(t.Context(), call.deadline)
	defer cancel()
	p := rpc.Call[int, int](ctx, c.ActorSystem, target, function, call.n, opts...)
	<-p.Done()
	result, err := p.Result()
	if call.err = err; err == nil {
		assert.Equal(t, 2*call.n+1, result)
	}
}

// failuresOf returns how many calls have failed with which error.
func failuresOf(t *testing.T, calls []chaosCall) map[string]int {
	failures := make(map[string]int)
	for _, call := range calls {
		if call.err == nil {
			continue
		}
		name := "other"
		for _, expected := range []error{rpc.ErrNodeDown, rpc.ErrNoMember, context.DeadlineExceeded} {
			if errors.Is(call.err, expected) {
				name = expected.Error()
			}
		}
		assert.NotEqual(t, "other", name, call.err)
		if call.deadline == longDeadline {
			assert.NotErrorIs(t, call.err, context.DeadlineExceeded, "call %d", call.n)
		}
		failures[name]++
	}
	return failures
}

// killer kills members, and starts another one for each.
type killer struct {
	*testing.T
	random  *rand.Rand
	members []*other
	done    <-chan struct{}
	killed  map[string]int // by the manner
}

// killUntilDone kills at random times, often at once. Now and then it waits until
// the cluster has settled: without that a call of an identity has nowhere to run.
func (k *killer) killUntilDone() {
	k.killed = make(map[string]int)
	for k.pause(min(time.Duration(k.random.ExpFloat64()*float64(1500*time.Millisecond)), 10*time.Second)) {
		first := k.random.IntN(len(k.members))
		switch k.random.IntN(4) {
		case 0:
			second := (first + 1) % len(k.members)
			k.kill("two at once", first)
			k.kill("two at once", second)
			k.start(first)
			k.start(second)
		case 1:
			k.kill("one", first)
			k.start(first)
			k.awaitUp(first)
			k.kill("as it has come up", first)
			k.start(first)
		case 2:
			k.kill("one", first)
			k.start(first)
			k.pause(time.Duration(k.random.IntN(1000)) * time.Millisecond)
			k.kill("as it comes up", first)
			k.start(first)
		default:
			k.kill("one", first)
			k.pause(time.Duration(k.random.IntN(2000)) * time.Millisecond)
			k.start(first)
		}
		for i := range k.members {
			k.awaitUp(i)
		}
	}
}

// pause lets time pass, and reports whether calls are still made.
func (k *killer) pause(d time.Duration) bool {
	select {
	case <-k.done:
		return false
	case <-time.After(d):
		return true
	}
}

func (k *killer) kill(manner string, i int) {
	k.members[i].kill(k.T)
	k.killed[manner]++
}

// start starts another member: at the same address, or at any.
func (k *killer) start(i int) {
	address := "127.0.0.1:0"
	if before := k.members[i].address; before != "" && k.random.IntN(2) == 0 {
		address = before
		k.killed["and started at the same address"]++
	}
	k.members[i] = launch(k.T, nodeVariable+"=member", listenVariable+"="+address)
}

// awaitUp waits until a member has joined. If its address is taken by now another
// one is started.
func (k *killer) awaitUp(i int) {
	for k.members[i].address == "" && !k.members[i].tryListen() {
		k.members[i] = launch(k.T, nodeVariable+"=member")
	}
}

// seedOf returns the seed of the test: RPC_TEST_SEED, or any.
func seedOf(t testing.TB) uint64 {
	text := os.Getenv("RPC_TEST_SEED")
	if text == "" {
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err)
	return seed
}

// effectsOf returns how often each effect has happened: the version of its key.
func effectsOf(t testing.TB, etcd string) map[string]int {
	answer, err := etcdClient(t, etcd).Get(t.Context(), effectsPrefix, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	require.NoError(t, err)
	effects := make(map[string]int)
	for _, kv := range answer.Kvs {
		effects[string(kv.Key[len(effectsPrefix):])] = int(kv.Version)
	}
	return effects
}
