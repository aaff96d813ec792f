package rpc_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

const (
	// manyCalls are made while members are killed, half of them with a key.
	manyCalls = 20_000
	// atOnce is how many of them are under way at a time.
	atOnce = 64
	// manyKills are the members that are killed: each costs the three seconds until
	// its lease has expired.
	manyKills = 6
	// manyIdentities have them run.
	manyIdentities = 200
)

// TestCallsWhileMembersAreKilled has every call end, run at most once, and once if
// it has a key, whatever becomes of the members.
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

		var mu sync.Mutex
		failed := make(map[int]error)
		var all sync.WaitGroup
		for worker := range atOnce {
			all.Go(func() {
				for n := worker; n < manyCalls; n += atOnce {
					target := rpc.Identity(c, "counter", fmt.Sprint(n%manyIdentities))
					function, opts := "note", []rpc.CallOption(nil)
					if n%2 == 1 {
						function, opts = "effect", []rpc.CallOption{rpc.Idempotent(fmt.Sprint("call ", n))}
					}
					ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
					result, err := rpc.Call[int, int](ctx, c.ActorSystem, target, function, n, opts...).Wait(ctx)
					cancel()
					if err != nil {
						mu.Lock()
						failed[n] = err
						mu.Unlock()
					} else {
						assert.Equal(t, 2*n+1, result)
					}
				}
			})
		}
		done := make(chan struct{})
		go func() {
			all.Wait()
			close(done)
		}()
		killed := killSome(t, rand.New(rand.NewPCG(seed, 1)), members, done)
		<-done
		t.Log("killed:", killed, "failed:", len(failed))

		noted := notes(t)
		effects := effectsOf(t, etcd)
		for n := range manyCalls {
			err := failed[n]
			switch {
			case n%2 == 1:
				require.NoError(t, err, "call %d, which has a key", n)
				require.Equal(t, 1, effects[strconv.Itoa(n)], "effects of call %d", n)
			case err == nil:
				require.Equal(t, 1, noted[strconv.Itoa(n)], "runs of call %d", n)
			default:
				require.LessOrEqual(t, noted[strconv.Itoa(n)], 1, "runs of call %d: %v", n, err)
			}
		}
		assert.Zero(t, rpc.StatsOf(c.ActorSystem).Open)
	})
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

// killSome kills members at times that nobody knows, and starts another one for
// each, until done, but no more than manyKills. It returns how many it has killed.
func killSome(t *testing.T, random *rand.Rand, members []*other, done <-chan struct{}) (killed int) {
	for range manyKills {
		select {
		case <-done:
			return killed
		case <-time.After(time.Duration(random.IntN(4000)) * time.Millisecond):
		}
		i := random.IntN(len(members))
		members[i].kill(t)
		killed++
		members[i] = launch(t, nodeVariable+"=member")
		members[i].listens(t)
	}
	return killed
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
