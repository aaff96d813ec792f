package etcdcluster_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/goleak"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/etcdcluster"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/etcdtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newClient(t testing.TB, server *etcdtest.Server) *clientv3.Client {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{server.Address}, DialTimeout: 5 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, client.Close()) })
	return client
}

func grant(t testing.TB, s *etcdcluster.Owners) string {
	lease, lasts, err := s.Grant(t.Context())
	require.NoError(t, err)
	assert.Positive(t, lasts)
	return lease
}

func TestAnIdentityHasOneOwner(t *testing.T) {
	client := newClient(t, etcdtest.Start(t))
	s := etcdcluster.NewOwners(client, "/shop/owners")
	one, other := grant(t, s), grant(t, s)

	first, err := s.Take(t.Context(), "cart/alice", "a", one)
	require.NoError(t, err)
	again, err := s.Take(t.Context(), "cart/alice", "a", one)
	require.NoError(t, err, "the answer to the first may be lost")
	assert.Equal(t, first, again)
	_, err = s.Take(t.Context(), "cart/alice", "b", one)
	require.ErrorIs(t, err, rpc.ErrOwned, "another activation of the same node")
	require.ErrorContains(t, err, "cart/alice is owned by a")
	_, err = s.Take(t.Context(), "cart/alice", "b", other)
	require.ErrorIs(t, err, rpc.ErrOwned)
	_, err = s.Take(t.Context(), "cart/bob", "c", other)
	require.NoError(t, err, "another identity")

	require.NoError(t, s.Release(t.Context(), "cart/alice", first))
	second, err := s.Take(t.Context(), "cart/alice", "b", other)
	require.NoError(t, err)
	assert.Greater(t, second, first)
	require.NoError(t, s.Release(t.Context(), "cart/alice", first), "comes late")
	_, err = s.Take(t.Context(), "cart/alice", "d", one)
	require.ErrorIs(t, err, rpc.ErrOwned)
}

func TestALeaseThatIsOver(t *testing.T) {
	client := newClient(t, etcdtest.Start(t))
	s := etcdcluster.NewOwners(client, "/shop/owners", etcdcluster.TTL(time.Second))
	lease, lasts, err := s.Grant(t.Context())
	require.NoError(t, err)
	began := time.Now()
	_, err = s.Take(t.Context(), "cart/alice", "a", lease)
	require.NoError(t, err)
	require.NoError(t, s.Renew(t.Context(), lease))
	next := grant(t, s)
	for err = rpc.ErrOwned; err != nil; _, err = s.Take(t.Context(), "cart/alice", "b", next) {
		require.ErrorIs(t, err, rpc.ErrOwned)
		require.NoError(t, s.Renew(t.Context(), next))
	}
	assert.Greater(t, time.Since(began), lasts, "no earlier")
	require.ErrorIs(t, s.Renew(t.Context(), lease), rpc.ErrLeaseLost)
	_, err = s.Take(t.Context(), "cart/carol", "a", lease)
	require.ErrorIs(t, err, rpc.ErrLeaseLost)
	require.Error(t, s.Renew(t.Context(), "no lease"))
	_, err = s.Take(t.Context(), "cart/carol", "a", "no lease")
	require.Error(t, err)
}

func TestOnlyOneOfManyTakesAnIdentity(t *testing.T) {
	client := newClient(t, etcdtest.Start(t))
	s := etcdcluster.NewOwners(client, "/shop/owners")
	lease := grant(t, s)
	for round := range 20 {
		var all sync.WaitGroup
		owners := make(chan uint64, 10)
		for n := range cap(owners) {
			all.Go(func() {
				if fence, err := s.Take(t.Context(), "cart/alice", fmt.Sprint(round, n), lease); err == nil {
					owners <- fence
				} else {
					assert.ErrorIs(t, err, rpc.ErrOwned)
				}
			})
		}
		all.Wait()
		require.Len(t, owners, 1)
		require.NoError(t, s.Release(t.Context(), "cart/alice", <-owners))
	}
}

func TestWithoutEtcdTheContextEndsIt(t *testing.T) {
	server := etcdtest.Start(t)
	s := etcdcluster.NewOwners(newClient(t, server), "/shop/owners")
	lease := grant(t, s)
	server.Freeze()
	defer server.Thaw()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _, err := s.Grant(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Error(t, s.Renew(ctx, lease))
	_, err = s.Take(ctx, "cart/alice", "a", lease)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, s.Release(ctx, "cart/alice", 1), context.DeadlineExceeded)
}

func TestWhatMakesNoSense(t *testing.T) {
	assert.PanicsWithValue(t, "etcdcluster: NewOwners with a nil client", func() { etcdcluster.NewOwners(nil, "/shop") })
	for _, d := range []time.Duration{-1, 0, time.Millisecond, time.Minute} {
		assert.Panics(t, func() { etcdcluster.TTL(d) }, d)
	}
}

func BenchmarkTakeAndRelease(b *testing.B) {
	s := etcdcluster.NewOwners(newClient(b, etcdtest.Start(b)), "/shop/owners")
	lease := grant(b, s)
	for b.Loop() {
		fence, err := s.Take(b.Context(), "cart/alice", "a", lease)
		require.NoError(b, err)
		require.NoError(b, s.Release(b.Context(), "cart/alice", fence))
	}
}
