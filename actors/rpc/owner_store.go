package rpc

import (
	"context"
	"errors"
	"time"
)

// OwnerStore keeps which activation owns an identity. Package etcdcluster has one. Others
// need a store that all members reach, with an atomic compare and swap, and a clock of its
// own: a table of a database will do.
//
// A node has one lease, and its activations own their identities while it lasts. The
// methods are called from any goroutine. They return when ctx ends. Any error but
// [ErrOwned] and [ErrLeaseLost] is taken as one that may pass, and the call is made again.
type OwnerStore interface {
	// Grant begins a lease, and returns its name and how long it lasts after each renewal: less
	// than ten seconds, for which an activation waits. What the lease has owned is free when it
	// is over, and never earlier by the clock of the store.
	Grant(ctx context.Context) (lease string, lasts time.Duration, err error)

	// Renew has the lease last anew. The error matches [ErrLeaseLost] if it is over.
	Renew(ctx context.Context, lease string) error

	// Take makes owner the owner of an identity while the lease lasts. The identity must have no
	// owner, or this one already. The identity is the name of its kind, a slash, and its id. An
	// owner is one activation, and no other ever has its name.
	//
	// The fence is larger than that of each earlier owner of the identity. One owner has the
	// same fence each time. The error matches [ErrOwned] if the identity has another owner, and
	// [ErrLeaseLost] if the lease is over.
	Take(ctx context.Context, identity, owner, lease string) (fence uint64, err error)

	// Release makes an identity free if its owner is the one with that fence.
	Release(ctx context.Context, identity string, fence uint64) error
}

// SingleOwner has each [Identity] of the system's kinds live on one node of the cluster at
// a time. All members need the option, with the same store.
//
// An activation first becomes the owner of its identity in the store. If the identity has
// an owner, it waits for that one to end: for ten seconds, then the calls fail with
// [ErrActivation] and [ErrOwned]. A node that cannot renew its lease ends its identities a
// tenth of the lease early, by its own clock: no function begins, and those that run are
// cancelled with [ErrLeaseLost].
//
// That does not suffice for what an identity writes elsewhere. A function may be about to
// write when its process is frozen. It goes on to write when others own the identity. So
// each write needs the number that [Fence] returns, and a store that refuses an older one.
//
// Without the option two nodes may have the same identity alive while members come and go.
// That lasts as long as their lists differ, or one of them is cut off. Each has a state of
// its own, and the last write wins.
func SingleOwner(store OwnerStore) Option {
	return func(o *config) error {
		if store == nil {
			return errors.New("rpc: SingleOwner: the store is nil")
		}
		o.owners = store
		return nil
	}
}

// Fence returns the number of an identity's activation: that whose function ctx was given
// to, or whose state is made or saved with ctx. Each activation of an identity has a larger
// number than the ones before. It returns false without [SingleOwner], and if ctx is of no
// identity.
//
// Write it together with what the identity writes, in one transaction that fails if there
// is a larger number already. A state that is read from the store has to be fenced before:
// the function of [Kind] writes the number first, and reads then. So a write of the
// activation before, which comes late, is either read or refused.
func Fence(ctx context.Context) (fence uint64, ok bool) {
	if a, is := ctx.Value(activationKey{}).(*activation); is && a.hold != nil {
		return a.hold.fence, true
	}
	return 0, false
}
