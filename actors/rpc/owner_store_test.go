package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/cluster/clusterproviders/test"
	"github.com/asynkron/protoactor-go/cluster/identitylookup/disthash"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// ownersInMemory is an [rpc.OwnerStore] of one process, whose leases end only as a test
// says.
type ownersInMemory struct {
	lasts time.Duration

	mu      sync.Mutex
	number  uint64 // of leases and fences
	over    map[string]bool
	records map[string]record
	failure error // of all calls
	renewed chan struct{}
}

type record struct {
	owner, lease string
	fence        uint64
}

func newOwners(lasts time.Duration) *ownersInMemory {
	return &ownersInMemory{
		lasts: lasts, over: make(map[string]bool), records: make(map[string]record), renewed: make(chan struct{}, 1),
	}
}

func (s *ownersInMemory) Grant(context.Context) (string, time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number++
	return fmt.Sprint(s.number), s.lasts, s.failure
}

func (s *ownersInMemory) Renew(_ context.Context, lease string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.renewed <- struct{}{}:
	default:
	}
	if s.over[lease] {
		return rpc.ErrLeaseLost
	}
	return s.failure
}

func (s *ownersInMemory) Take(_ context.Context, identity, owner, lease string) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, owned := s.records[identity]
	switch {
	case s.failure != nil:
		return 0, s.failure
	case s.over[lease]:
		return 0, rpc.ErrLeaseLost
	case owned && r.owner != owner && !s.over[r.lease]:
		return 0, rpc.ErrOwned
	case !owned || r.owner != owner:
		s.number++
		s.records[identity] = record{owner, lease, s.number}
	}
	return s.records[identity].fence, nil
}

func (s *ownersInMemory) Release(_ context.Context, identity string, fence uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.records[identity].fence == fence {
		delete(s.records, identity)
	}
	return s.failure
}

// owned returns how many identities have an owner.
func (s *ownersInMemory) owned() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.records)
}

// endLeases ends all that there are.
func (s *ownersInMemory) endLeases() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := range s.number {
		s.over[fmt.Sprint(n+1)] = true
	}
}

func (s *ownersInMemory) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = err
}

// fenced is the state of an identity that knows with which fence it was made.
type fenced struct{ made uint64 }

func newFenced(ctx context.Context, _ string) (*fenced, error) {
	fence, _ := rpc.Fence(ctx)
	return &fenced{fence}, nil
}

// joinOwned joins a cluster of one node whose kind "account" has single owners.
func joinOwned(t testing.TB, owners rpc.OwnerStore, opts ...rpc.KindOption) (
	c *cluster.Cluster, began <-chan struct{}, leave func(context.Context) error,
) {
	return joinOwnedOn(t, test.NewInMemAgent(), owners, opts...)
}

func joinOwnedOn(t testing.TB, agent *test.InMemAgent, owners rpc.OwnerStore, opts ...rpc.KindOption) (
	c *cluster.Cluster, began <-chan struct{}, leave func(context.Context) error,
) {
	system := actorstest.NewSystem(t)
	begin := make(chan struct{}, 1)
	require.NoError(t, errors.Join(
		rpc.Handle(system, "fence", func(ctx context.Context, _ struct{}) ([2]uint64, error) {
			fence, ok := rpc.Fence(ctx)
			assert.True(t, ok)
			state, _ := rpc.State[*fenced](ctx)
			return [2]uint64{state.made, fence}, nil
		}),
		rpc.Handle(system, "wait", func(ctx context.Context, _ struct{}) ([2]uint64, error) {
			begin <- struct{}{}
			<-ctx.Done()
			return [2]uint64{}, ctx.Err()
		}),
	))
	c, leave = joinAgent(t, system, agent, []rpc.Option{rpc.SingleOwner(owners)}, kindOf(t, system, "account", newFenced, opts...))
	return c, begin, leave
}

func ofAccount(t testing.TB, c *cluster.Cluster, function string, opts ...rpc.CallOption) *pending.Pending[[2]uint64] {
	return rpc.Call[struct{}, [2]uint64](t.Context(), c.ActorSystem, rpc.Identity(c, "account", "alice"), function, struct{}{}, opts...)
}

func TestEachActivationHasALargerFence(t *testing.T) {
	alone(t, func(t *testing.T) {
		owners, saved := newOwners(time.Hour), make(chan uint64, 1)
		c, _, leave := joinOwned(t, owners, rpc.Idle(time.Millisecond), rpc.Passivated(func(ctx context.Context, _ string, _ *fenced) error {
			fence, _ := rpc.Fence(ctx)
			saved <- fence
			return nil
		}))
		last := uint64(0)
		for range 5 {
			got, err := ofAccount(t, c, "fence").Wait(t.Context())
			require.NoError(t, err)
			assert.Greater(t, got[0], last)
			assert.Equal(t, got[0], got[1])
			last = got[0]
			assert.Equal(t, last, <-saved)
		}
		require.NoError(t, leave(context.Background()))
		assert.Zero(t, owners.owned())
	})
}

func TestThereIsNoFenceWithoutAStore(t *testing.T) {
	_, ok := rpc.Fence(t.Context())
	assert.False(t, ok)
	require.ErrorContains(t, rpc.Configure(actorstest.NewSystem(t), rpc.SingleOwner(nil)), "the store is nil")
}

func TestAnActivationWaitsForTheOwner(t *testing.T) {
	alone(t, func(t *testing.T) {
		owners := newOwners(time.Hour)
		lease, _, err := owners.Grant(t.Context())
		require.NoError(t, err)
		fence, err := owners.Take(t.Context(), "account/alice", "another node", lease)
		require.NoError(t, err)
		c, _, _ := joinOwned(t, owners)
		p := ofAccount(t, c, "fence")
		// It is asked for a while.
		_, err = ofAccount(t, c, "fence").Wait(t.Context())
		require.ErrorIs(t, err, rpc.ErrActivation)
		require.ErrorIs(t, err, rpc.ErrOwned)
		_, err = p.Wait(t.Context())
		require.ErrorIs(t, err, rpc.ErrOwned)

		p = ofAccount(t, c, "fence")
		require.NoError(t, owners.Release(t.Context(), "account/alice", fence))
		got, err := p.Wait(t.Context())
		require.NoError(t, err)
		assert.Greater(t, got[0], fence)
	})
}

// A node that has an old list of members asks the wrong one for an identity.
func TestAnIdentityThatBeganWhereItDoesNotBelongMoves(t *testing.T) {
	alone(t, func(t *testing.T) {
		owners, agent := newOwners(time.Hour), test.NewInMemAgent()
		a, _, _ := joinOwnedOn(t, agent, owners)
		b, _, _ := joinOwnedOn(t, agent, owners)
		for _, c := range []*cluster.Cluster{a, b} {
			require.Eventually(t, func() bool { return rpc.Members(c, "account") == 2 }, 10*time.Second, time.Millisecond)
		}
		identity := cluster.NewClusterIdentity("alice", "account")
		right, wrong := a, b
		if at := placeOf(a, identity); at != a.ActorSystem.Address() {
			right, wrong = b, a
		}
		activator := wrong.ActorSystem.NewLocalPID(disthash.PartitionActivatorActorName)
		_, err := wrong.ActorSystem.Root.RequestFuture(activator, &cluster.ActivationRequest{ClusterIdentity: identity}, time.Minute).Result()
		require.NoError(t, err)
		require.Eventually(t, func() bool { return owners.owned() == 1 }, 10*time.Second, time.Millisecond)

		got, err := ofAccount(t, right, "fence").Wait(t.Context())
		require.NoError(t, err)
		assert.Greater(t, got[0], uint64(1), "it has begun anew")
		assert.Equal(t, 1, owners.owned())
	})
}

// placeOf returns the address of the node where an identity belongs.
func placeOf(c *cluster.Cluster, identity *cluster.ClusterIdentity) string {
	rendezvous := cluster.NewRendezvous()
	rendezvous.UpdateMembers(c.MemberList.Members().Members())
	return rendezvous.GetByClusterIdentity(identity)
}

// unanswered is a store whose answers to Take are lost while it is silent.
type unanswered struct {
	*ownersInMemory
	silent atomic.Bool
}

func (s *unanswered) Take(ctx context.Context, identity, owner, lease string) (uint64, error) {
	fence, err := s.ownersInMemory.Take(ctx, identity, owner, lease)
	if s.silent.Load() {
		return 0, errors.New("no answer")
	}
	return fence, err
}

func TestAnIdentityThatWasTakenWithoutAnAnswerIsFreeAgain(t *testing.T) {
	alone(t, func(t *testing.T) {
		owners := &unanswered{ownersInMemory: newOwners(time.Hour)}
		owners.silent.Store(true)
		c, _, _ := joinOwned(t, owners)
		_, err := ofAccount(t, c, "fence").Wait(t.Context())
		require.ErrorIs(t, err, rpc.ErrActivation)
		require.Equal(t, 1, owners.owned())
		owners.silent.Store(false)
		for owners.owned() > 0 {
			pause(t)
		}
		_, err = ofAccount(t, c, "fence").Wait(t.Context())
		require.NoError(t, err)
	})
}

func TestIdentitiesEndWithTheLease(t *testing.T) {
	for name, end := range map[string]func(*ownersInMemory){
		"the store has ended it":       func(s *ownersInMemory) { s.endLeases() },
		"the store cannot be reached":  func(s *ownersInMemory) { s.fail(errSoldOut) },
		"renewing it panics, or hangs": nil,
	} {
		t.Run(name, func(t *testing.T) {
			alone(t, func(t *testing.T) {
				owners := newOwners(2 * time.Second)
				saved := make(chan struct{}, 1)
				var store rpc.OwnerStore = owners
				if end == nil {
					store = &hanging{ownersInMemory: owners}
				}
				c, began, _ := joinOwned(t, store, rpc.Passivated(func(context.Context, string, *fenced) error { saved <- struct{}{}; return nil }))
				first, err := ofAccount(t, c, "fence").Wait(t.Context())
				require.NoError(t, err)
				<-owners.renewed
				running := ofAccount(t, c, "wait")
				<-began
				if end != nil {
					end(owners)
				}
				_, err = running.Wait(t.Context())
				require.ErrorIs(t, err, rpc.ErrLeaseLost)
				require.ErrorIs(t, err, pending.ErrStopped)
				assert.Empty(t, saved, "the state may be out of date")

				owners.fail(nil)
				owners.endLeases()
				again, err := ofAccount(t, c, "fence", rpc.Idempotent("")).Wait(t.Context())
				require.NoError(t, err)
				assert.Greater(t, again[0], first[0])
			})
		})
	}
}

// hanging is a store that renews nothing: first it panics, then it hangs.
type hanging struct {
	*ownersInMemory
	calls int
}

func (s *hanging) Renew(ctx context.Context, _ string) error {
	_ = s.ownersInMemory.Renew(ctx, "")
	if s.calls++; s.calls == 1 {
		panic("no store")
	}
	<-ctx.Done()
	return ctx.Err()
}

// A store that panics fails activations, and nothing else.
func TestAStoreThatPanics(t *testing.T) {
	alone(t, func(t *testing.T) {
		c, _, leave := joinOwned(t, panicking{newOwners(time.Hour)})
		_, err := ofAccount(t, c, "fence").Wait(t.Context())
		require.ErrorIs(t, err, rpc.ErrActivation)
		require.NoError(t, leave(context.Background()))
	})
}

type panicking struct{ *ownersInMemory }

func (panicking) Take(context.Context, string, string, string) (uint64, error) { panic("no store") }
