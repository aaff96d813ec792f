package rpc

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

const (
	// activationTimeout is how long a call waits for its cluster to have a member of its
	// kind: longer than it takes for the nodes to agree on who has left.
	activationTimeout = 10 * time.Second
	// mostLocated is how many identities a node remembers the places of.
	mostLocated = 10_000
)

// Identity is the caller of an identity of a [Kind], wherever in the cluster it is. It is
// started by the first call, and by the first one after it has stopped: it has been idle,
// its node has left or died, or another node has become the owner of the identity. A call
// that has not run for that reason goes to where the identity is now.
//
// It lives once. But while members join or leave, protoactor may have two of it on two
// nodes for a moment: the old one finishes what it has accepted while the new one begins.
// What must be true even then needs a store that can check it, or [Idempotent] calls of
// it.
//
// The error of a call matches [ErrNoMember] if no member has had the kind for ten
// seconds. It matches [ErrActivation] if the state could not be made.
func Identity(c *cluster.Cluster, kind, id string) Target {
	return ofCluster{c, kind, id}
}

// ofCluster is the target that [Identity] returns.
type ofCluster struct {
	cluster  *cluster.Cluster
	kind, id string
}

// String returns the kind and the identity.
func (i ofCluster) String() string { return i.kind + "/" + i.id }

// moves implements [Target].
func (i ofCluster) moves(reason error) bool { return isElsewhere(reason) }

// isElsewhere reports whether a call that has failed may find its target on another
// node, or will.
func isElsewhere(reason error) bool {
	return !errors.Is(reason, ErrActivation) && (errors.Is(reason, ErrNoCaller) ||
		errors.Is(reason, pending.ErrStopped) || errors.Is(reason, ErrNodeDown))
}

// find implements [Target].
func (i ofCluster) find(ctx context.Context, n *node, failed []failure) (endpoint, error) {
	n.follow(i.cluster)
	if len(failed) > 0 {
		n.located.forget(i.String())
	} else if at, ok := n.located.of(i.String()); ok {
		return at, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, activationTimeout, errActivationTimeout)
	defer cancel()
	for tries := 1; ; tries++ {
		if err := n.peers.isClosed(); err != nil {
			return endpoint{}, err // no other node is reached from here any more
		}
		if _, err := n.awaitMember(ctx, i.kind); err != nil {
			return endpoint{}, err
		}
		_, changed := n.members.of(i.kind)
		if pid := i.locate(ctx, changed); pid != nil {
			at := endpoint{address: pid.GetAddress(), caller: pid.GetId(), identity: i.String()}
			n.located.note(i.String(), at)
			return at, nil
		}
		after, _ := n.backoff(min(tries, mostAttempts-1))
		select {
		case <-time.After(after):
		case <-changed:
		case <-ctx.Done():
			return endpoint{}, i.noAddress(ctx)
		}
	}
}

func (i ofCluster) noAddress(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, errActivationTimeout) {
		return cause
	}
	return fmt.Errorf("%w: the owner of %s does not answer", ErrNodeDown, i)
}

// locate asks the cluster where the identity is. It waits no longer than until
// ctx ends or the members have changed. Its goroutine may wait for five
// seconds, because protoactor knows no contexts. It returns nil if there is no
// answer.
func (i ofCluster) locate(ctx context.Context, changed <-chan struct{}) *actor.PID {
	found := make(chan *actor.PID, 1)
	go func() { found <- i.cluster.Get(i.id, i.kind) }()
	select {
	case pid := <-found:
		return pid
	case <-changed:
		return nil
	case <-ctx.Done():
		return nil
	}
}

var errActivationTimeout = errors.New("rpc: waited long enough")

// awaitMember waits until there is a member of a kind, and returns all of them.
func (n *node) awaitMember(ctx context.Context, kind string) ([]member, error) {
	for {
		all, changed := n.members.of(kind)
		if len(all) > 0 {
			return all, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			if cause := context.Cause(ctx); !errors.Is(cause, errActivationTimeout) {
				return nil, cause
			}
			return nil, fmt.Errorf("%w of the kind %q", ErrNoMember, kind)
		}
	}
}

// located is where identities were when they were looked for.
type located struct {
	mu sync.Mutex
	at map[string]endpoint
}

func (l *located) of(key string) (at endpoint, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok = l.at[key]
	return at, ok
}

func (l *located) note(key string, at endpoint) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.at) >= mostLocated {
		for any := range l.at {
			delete(l.at, any)
			break
		}
	}
	if l.at == nil {
		l.at = make(map[string]endpoint)
	}
	l.at[key] = at
}

func (l *located) forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.at, key)
}

func (l *located) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.at)
}
