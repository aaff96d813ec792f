package rpc

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// membership is what a node is in its cluster.
type membership struct {
	cluster  atomic.Pointer[string] // its name, once the node joins
	leaving  atomic.Bool
	expelled atomic.Pointer[error] // why, if it was
	// tolerated are the ids that the list of members may have though others do not.
	// They are not changed once the node has joined.
	tolerated map[string]struct{}

	mu   sync.Mutex
	life context.Context // of the states of identities
	end  context.CancelCauseFunc
}

// Join makes a system a member of a cluster: it starts the cluster's member with the
// kinds of [Kind] and [PoolKind] that the cluster was configured with. The configuration
// of its remote is that of [RemoteConfig].
//
// It blocks until the member has started, which takes protoactor a second at least.
// Providers may wait without end for what they cannot reach, as that of etcd does: see
// [JoinContext].
//
// The error is that of listening, or of the cluster's provider. After an error of the
// provider the system cannot join any more. If the system has started or joined before,
// the error matches [ErrStarted].
//
// From then on the node watches whether it is still a member: see [Expelled] and [Done].
// An expelled member cannot come back. [RunMember] starts a new one in its place.
//
// The leave that is returned has this node leave. Identities and pools refuse new calls,
// which go to other members. What was accepted finishes, and states are handed to
// [Passivated]. Then the cluster is notified, and the connections are cut as by the stop
// of [Start]. When ctx ends first the rest is stopped, and the error is that of ctx.
// Calls of this node that are not done by then fail. Leave may be called more than once:
// the further calls wait for the first. Call neither the cluster's own Shutdown nor the
// system's.
func Join(system *actor.ActorSystem, c *cluster.Cluster) (leave func(ctx context.Context) error, err error) {
	return JoinContext(context.Background(), system, c)
}

// JoinContext is [Join] that waits no longer than ctx lasts. The error is then the cause
// of its end. What protoactor has begun ends as soon as its provider returns. The end of
// ctx has no meaning once JoinContext has returned.
func JoinContext(
	ctx context.Context, system *actor.ActorSystem, c *cluster.Cluster,
) (leave func(ctx context.Context) error, err error) {
	if c == nil || c.ActorSystem != system {
		return nil, errors.New("rpc: join: there is no cluster, or it is another system's")
	}
	n := nodeOf(system)
	if err := n.begin("the address of a cluster"); err != nil {
		return nil, err
	}
	if err := n.prepare(c); err != nil {
		n.started.Store(nil)
		return nil, fmt.Errorf("rpc: join: %w", err)
	}
	n.dialWith(c.Config.RemoteConfig)
	n.membership.cluster.Store(&c.Config.Name)
	n.follow(c)
	if err := n.startMember(ctx, c); err != nil {
		return nil, fmt.Errorf("rpc: join: %w", err)
	}
	go n.askOthers()
	var once sync.Once
	return func(ctx context.Context) error {
		once.Do(func() { err = n.leave(ctx, c) })
		return err
	}, nil
}

// prepare gives the remote of a cluster what it must have, whoever has configured it.
func (n *node) prepare(c *cluster.Cluster) error {
	if c.Config == nil || c.Config.RemoteConfig == nil {
		return errors.New("the cluster has no configuration of its remote")
	}
	if err := checkListening(c.Config.RemoteConfig); err != nil {
		return err
	}
	config := *c.Config.RemoteConfig // which others may share
	config.ServerOptions = append(n.withGuards(config.ServerOptions), n.sessionServer()...)
	c.Config.RemoteConfig = &config
	return nil
}

// startMember starts the cluster's member. Nothing of it is left after an error, or
// nothing will be, if it is that of ctx.
func (n *node) startMember(ctx context.Context, c *cluster.Cluster) error {
	var err error
	started := make(chan struct{})
	go func() {
		err = guarded(c.StartMember)
		close(started)
	}()
	select {
	case <-started:
		if err != nil {
			n.abandon(ctx, c)
		}
		return err
	case <-ctx.Done():
	}
	n.membership.leaving.Store(true)
	n.membership.stop(errHasLeft)
	go func() {
		<-started
		ctx, cancel := context.WithTimeout(context.Background(), activationTimeout)
		defer cancel()
		n.abandon(ctx, c)
	}()
	return context.Cause(ctx)
}

// abandon ends a member that has not started, or too late.
func (n *node) abandon(ctx context.Context, c *cluster.Cluster) {
	if n.system.Address() != noAddress { // it listens, at least
		_ = n.depart(ctx, c)
	}
}

// leave ends what [Join] has started.
func (n *node) leave(ctx context.Context, c *cluster.Cluster) error {
	n.membership.leaving.Store(true)
	err := n.drain(ctx)
	n.membership.stop(errHasLeft)
	n.ownership.settle(ctx)
	n.announceDeparture(ctx)
	return errors.Join(err, n.depart(ctx, c))
}

// errHasLeft is why a node is no member that has left its cluster.
var errHasLeft = errors.New("rpc: the node has left the cluster")

// refusesIdentities returns why no identity may begin on the node, nil if it may.
func (n *node) refusesIdentities() error {
	if why := n.membership.expelled.Load(); why != nil {
		return fmt.Errorf("%w: %w", *why, pending.ErrStopped)
	}
	if n.membership.leaving.Load() {
		return fmt.Errorf("rpc: the node %s leaves the cluster: %w", n.system.Address(), pending.ErrStopped)
	}
	return nil
}

// drain has identities and pools finish what they have accepted.
func (n *node) drain(ctx context.Context) error {
	var all sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	drain := func(drain func(context.Context) error) {
		all.Go(func() {
			if err := drain(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	for _, c := range n.pools.all() {
		drain(c.Drain)
	}
	for identities := n.activations.all(); len(identities) > 0; identities = n.activations.all() {
		for _, a := range identities {
			drain(a.drain)
		}
		for _, a := range identities {
			if !n.awaitEnd(ctx, a) {
				all.Wait()
				return errors.Join(errs...)
			}
		}
	}
	all.Wait()
	return errors.Join(errs...)
}

// awaitEnd waits until an identity has stopped, and reports whether it has. Where ctx ends it
// is stopped. For an expelled node that is no reason to wait: a function may ignore it.
func (n *node) awaitEnd(ctx context.Context, a *activation) bool {
	if n.membership.expelled.Load() == nil {
		<-a.caller.Stopped()
		return true
	}
	select {
	case <-a.caller.Stopped():
		return true
	case <-ctx.Done():
		return false
	}
}

// depart tells the cluster that the node is gone, and ends what protoactor has
// started. That is the cluster's own Shutdown without two parts: the end of the
// actor system, which may come only once, and a sleep of two seconds.
func (n *node) depart(ctx context.Context, c *cluster.Cluster) error {
	done := make(chan error, 1)
	go func() {
		// No identity may end any more while the list of members changes, which
		// protoactor reads then.
		// Both of these are nil if the remote has not started.
		err := guarded(func() { c.IdentityLookup.Shutdown() })
		err = errors.Join(err, guarded(func() {
			if err := c.Config.ClusterProvider.Shutdown(true); err != nil {
				panic(err)
			}
		}))
		done <- errors.Join(err, guarded(func() { c.Gossip.Shutdown() }))
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	n.stop(c.Remote)
	if err != nil {
		return fmt.Errorf("rpc: leave: %w", err)
	}
	return nil
}

// guarded calls a function of protoactor's, which panics where it fails.
func guarded(f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
			if cause, ok := p.(error); ok {
				err = cause
			}
		}
	}()
	f()
	return nil
}

// alive returns the context that states are made with: it ends when the node has
// left.
func (n *node) alive() context.Context {
	m := &n.membership
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.context()
}

// context is alive for those who hold mu.
func (m *membership) context() context.Context {
	if m.life == nil {
		m.life, m.end = context.WithCancelCause(context.Background())
	}
	return m.life
}

func (m *membership) stop(why error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.context()
	m.end(why)
}
