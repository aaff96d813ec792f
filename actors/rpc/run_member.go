package rpc

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/internal/safelog"
)

const (
	// leaveTimeout is how long a member of RunMember has to leave.
	leaveTimeout = 10 * time.Second
	// clearTimeout is how long an expelled one has to finish what its pools have accepted. Its
	// identities have ended by then.
	clearTimeout = 2 * time.Second
	// longestRebuildPause is the longest pause between two attempts to join anew.
	longestRebuildPause = 2 * time.Second
)

// Joined is the event of a member that has joined its cluster by [RunMember]. It is
// published, as a value, on the EventStream of the member's actor system. A program that
// makes calls uses this cluster from then on.
type Joined struct {
	Cluster *cluster.Cluster
}

// RunMember runs a member of a cluster until ctx ends. It has build make an actor system
// and a cluster, and joins as by [JoinContext]. If the member is expelled, RunMember ends
// it and starts the next one: an id that has left a cluster never comes back, and the id is
// that of the system.
//
// build is called for each member, on the goroutine of RunMember, and makes all of it anew:
// the system, its functions and kinds, the configuration of [RemoteConfig], the provider
// and the cluster. It must not listen nor join itself. The address may be the same each
// time.
//
// When ctx ends the member leaves, as by the leave of [Join], and all its callers stop. It
// has ten seconds for that. RunMember returns when that is done: nil, or what has gone
// wrong. Errors of the first build and of the first attempt to join are returned at once.
// After an expulsion both are tried again, with pauses of at most two seconds.
//
// A client of the provider's that connects anew only after long pauses delays the return
// of a member. That of etcd waits for up to two minutes, unless its DialOptions say
// otherwise: see grpc.WithConnectParams.
func RunMember(ctx context.Context, build func() (*actor.ActorSystem, *cluster.Cluster, error)) error {
	if ctx == nil || build == nil {
		panic("rpc: RunMember with a nil context or function")
	}
	r := &memberRun{build: build, tolerated: make(map[string]struct{})}
	m, err := r.start(ctx)
	for err == nil {
		select {
		case <-ctx.Done():
			return m.end(leaveTimeout)
		case <-Done(m.cluster):
		}
		if stale := (*staleList)(nil); errors.As(context.Cause(m.node.alive()), &stale) {
			r.tolerated[stale.id] = struct{}{}
		}
		_ = m.end(clearTimeout) // it is expelled: what it could not finish is lost
		if m, err = r.restart(ctx, m); m == nil {
			return err
		}
	}
	return err
}

// memberRun is one run of RunMember.
type memberRun struct {
	build func() (*actor.ActorSystem, *cluster.Cluster, error)
	// tolerated are members that are gone, but still in the list of the provider. A member
	// of this run has ended for each of them already.
	tolerated map[string]struct{}
}

// runningMember is a member that has joined.
type runningMember struct {
	node    *node
	cluster *cluster.Cluster
	leave   func(context.Context) error
}

// start builds a member and has it join.
func (r *memberRun) start(ctx context.Context) (*runningMember, error) {
	system, c, err := r.build()
	if err != nil {
		return nil, err
	}
	if system == nil || c == nil {
		return nil, errors.New("rpc: RunMember: there is no system or no cluster")
	}
	m := &runningMember{node: nodeOf(system), cluster: c}
	m.node.membership.tolerated = r.tolerated
	if m.leave, err = JoinContext(ctx, system, c); err != nil {
		if errors.Is(err, ErrStarted) {
			return nil, err // it is somebody else's
		}
		return nil, errors.Join(err, m.shutdown(clearTimeout))
	}
	if err := guarded(func() { system.EventStream.Publish(Joined{c}) }); err != nil {
		m.node.dropped("event", err)
	}
	return m, nil
}

// restart starts the next member, and tries that until ctx ends. Then it returns nil.
func (r *memberRun) restart(ctx context.Context, last *runningMember) (*runningMember, error) {
	log := safelog.Wrap(last.node.system.Logger())
	for pause := firstBackoff; ; pause = min(2*pause, longestRebuildPause) {
		m, err := r.start(ctx)
		switch {
		case err == nil:
			log.Info("rpc: joined the cluster anew", slog.String("address", m.node.system.Address()))
			return m, nil
		case ctx.Err() != nil:
			return nil, nil
		case errors.Is(err, ErrStarted):
			return nil, err // build has returned the same system again
		}
		log.Error("rpc: not joined the cluster anew", slog.Any("error", err))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, nil
		}
	}
}

// end has the member leave, and all callers stop.
func (m *runningMember) end(atMost time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), atMost)
	defer cancel()
	return errors.Join(m.leave(ctx), m.shutdown(atMost))
}

// shutdown stops all callers.
func (m *runningMember) shutdown(atMost time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), atMost)
	defer cancel()
	return actors.Shutdown(ctx, m.node.system)
}
