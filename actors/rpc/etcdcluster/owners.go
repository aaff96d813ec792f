package etcdcluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

const (
	// DefaultTTL is that of [TTL].
	DefaultTTL = 5 * time.Second
	// LargestTTL is the largest that [TTL] may be: an activation waits for ten seconds.
	LargestTTL = 8 * time.Second
)

// Owners is an [rpc.OwnerStore] in etcd. It is made by [NewOwners].
type Owners struct {
	client *clientv3.Client
	prefix string
	ttl    time.Duration
}

var _ rpc.OwnerStore = (*Owners)(nil)

// Option changes a [Owners].
type Option func(*Owners)

// TTL sets how long a node owns its identities after it was heard of last: so long others
// wait after it has died. The default is [DefaultTTL], the most [LargestTTL]. etcd counts in
// seconds. It raises a TTL that is less than its own minimum of about two.
//
// A TTL that is not between a second and [LargestTTL] panics.
func TTL(d time.Duration) Option {
	if d < time.Second || d > LargestTTL {
		panic(fmt.Sprintf("etcdcluster: TTL of %v, which is not between 1s and %v", d, LargestTTL))
	}
	return func(s *Owners) { s.ttl = d }
}

// NewOwners returns a store whose keys begin with a prefix, by which two clusters of one etcd
// differ. The client stays the caller's, who closes it after the member has left. NewOwners
// sends nothing.
func NewOwners(client *clientv3.Client, prefix string, opts ...Option) *Owners {
	if client == nil {
		panic("etcdcluster: NewOwners with a nil client")
	}
	s := &Owners{client: client, prefix: strings.TrimSuffix(prefix, "/") + "/", ttl: DefaultTTL}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// Grant implements [rpc.OwnerStore].
func (s *Owners) Grant(ctx context.Context) (lease string, lasts time.Duration, err error) {
	granted, err := s.client.Grant(ctx, int64((s.ttl+time.Second-1)/time.Second))
	if err != nil {
		return "", 0, fmt.Errorf("etcdcluster: grant: %w", err)
	}
	return strconv.FormatInt(int64(granted.ID), 16), time.Duration(granted.TTL) * time.Second, nil
}

// Renew implements [rpc.OwnerStore].
func (s *Owners) Renew(ctx context.Context, lease string) error {
	id, err := parse(lease)
	if err == nil {
		_, err = s.client.KeepAliveOnce(ctx, id)
	}
	return described("renew", err)
}

// Take implements [rpc.OwnerStore].
func (s *Owners) Take(ctx context.Context, identity, owner, lease string) (fence uint64, err error) {
	id, err := parse(lease)
	if err != nil {
		return 0, described("take", err)
	}
	key := s.prefix + identity
	txn, err := s.client.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
		Then(clientv3.OpPut(key, owner, clientv3.WithLease(id))).
		Else(clientv3.OpGet(key)).
		Commit()
	if err != nil {
		return 0, described("take", err)
	}
	if txn.Succeeded {
		return uint64(txn.Header.Revision), nil //nolint:gosec // It is positive.
	}
	record := txn.Responses[0].GetResponseRange().GetKvs()[0] // it is there, as the comparison says
	if string(record.Value) == owner {                        // of an attempt whose answer was lost
		return uint64(record.ModRevision), nil //nolint:gosec // It is positive.
	}
	return 0, fmt.Errorf("%w: %s is owned by %s", rpc.ErrOwned, identity, record.Value)
}

// Release implements [rpc.OwnerStore].
func (s *Owners) Release(ctx context.Context, identity string, fence uint64) error {
	key := s.prefix + identity
	_, err := s.client.Txn(ctx).
		If(clientv3.Compare(clientv3.ModRevision(key), "=", int64(fence))). //nolint:gosec // It was a revision.
		Then(clientv3.OpDelete(key)).
		Commit()
	return described("release", err)
}

func parse(lease string) (clientv3.LeaseID, error) {
	id, err := strconv.ParseInt(lease, 16, 64)
	return clientv3.LeaseID(id), err
}

// described returns an error of etcd as one of the store.
func described(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, rpctypes.ErrLeaseNotFound):
		return fmt.Errorf("etcdcluster: %s: %w", what, rpc.ErrLeaseLost)
	default:
		return fmt.Errorf("etcdcluster: %s: %w", what, err)
	}
}
