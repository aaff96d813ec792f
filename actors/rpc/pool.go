package rpc

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// PoolKind returns a kind of a cluster whose members run the calls of a [Pool] of that
// name. It starts the caller on whose workers this node runs them, as by
// [actors.ToThread]: see [props.MaxWorkers] and [props.MaxQueued]. That caller has the
// name of the kind.
//
// The error is that of [Kind] or of [actors.Start].
func PoolKind(system *actor.ActorSystem, name string, opts ...props.Option) (*cluster.Kind, error) {
	if err := checkKind(name); err != nil {
		return nil, err
	}
	c, err := actors.Start(system, append(slices.Clone(opts), props.Name(name))...)
	if err != nil {
		return nil, err
	}
	nodeOf(system).pools.add(c)
	// Nobody ever asks for an identity of it.
	return cluster.NewKind(name, actor.PropsFromFunc(func(actor.Context) {})), nil
}

// Pool is the workers of all members of a [PoolKind]. One of them runs a call. By
// default it is a worker of the member with the fewest open calls of this node.
// Several such members take turns. This node is a member like others.
//
// A call that a member has refused, or that was not delivered, goes to another one at
// once. When all have too much to do it fails as the last one said. When they have
// stopped or are down they are asked again, after pauses, for about ten seconds.
func Pool(c *cluster.Cluster, kind string, opts ...PoolOption) Target {
	p := &pool{cluster: c, kind: kind, choose: leastBusy}
	for _, opt := range opts {
		opt(p)
	}
	return p
}

// PoolOption chooses the member of a [Pool] that runs a call.
type PoolOption func(*pool)

// RoundRobin has the members run calls in turns.
func RoundRobin() PoolOption { return func(p *pool) { p.choose = inTurn } }

// ByKey has the same member run all calls of a key while it is there. The coming and
// going of other members changes nothing.
func ByKey(key string) PoolOption {
	return func(p *pool) {
		p.choose = func(_ *node, all []member) member { return slices.MaxFunc(all, byWeight(key)) }
	}
}

type pool struct {
	cluster *cluster.Cluster
	kind    string
	choose  func(*node, []member) member
}

// String returns the name of the kind.
func (p *pool) String() string { return p.kind }

// moves implements [Target].
func (p *pool) moves(reason error) bool {
	return isElsewhere(reason) || errors.Is(reason, actors.ErrOverloaded)
}

// find implements [Target].
func (p *pool) find(ctx context.Context, n *node, failed []failure) (endpoint, error) {
	n.follow(p.cluster)
	ctx, cancel := context.WithTimeoutCause(ctx, activationTimeout, errActivationTimeout)
	defer cancel()
	all, err := n.awaitMember(ctx, p.kind)
	if err != nil {
		return endpoint{}, err
	}
	fresh := slices.DeleteFunc(slices.Clone(all), func(m member) bool {
		return slices.ContainsFunc(failed, func(f failure) bool { return n.same(f.address, m.address) })
	})
	if len(fresh) == 0 {
		if last := failed[len(failed)-1].err; errors.Is(last, actors.ErrOverloaded) {
			return endpoint{}, last
		}
		fresh = all // they may be back, or there may be another one at the address
	}
	m := p.choose(n, fresh)
	return endpoint{address: m.address, caller: "callers/" + p.kind, worker: true}, nil
}

// same reports whether two addresses are of the same node; that of an attempt
// which was made here is empty.
func (n *node) same(attempted, address string) bool {
	return attempted == address || attempted == "" && address == n.system.Address()
}

func leastBusy(n *node, all []member) member {
	counts := n.calls.countsOf(all)
	fewest := slices.Min(counts)
	var least []member
	for i, m := range all {
		if counts[i] == fewest {
			least = append(least, m)
		}
	}
	return inTurn(n, least)
}

func inTurn(n *node, all []member) member {
	return all[n.pools.turns.Add(1)%uint64(len(all))]
}

// byWeight compares members by what a key weighs on each.
func byWeight(key string) func(a, b member) int {
	weigh := func(m member) uint64 {
		h := fnv.New64a()
		_, _ = fmt.Fprintf(h, "%d %s%s", len(key), key, m.id)
		return mix(h.Sum64())
	}
	return func(a, b member) int {
		switch wa, wb := weigh(a), weigh(b); {
		case wa < wb:
			return -1
		case wa > wb:
			return 1
		default:
			return 0
		}
	}
}

// mix spreads a hash over all bits: those of similar ids are similar.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// pools are those that this node is a member of, and the turns of those it calls.
type pools struct {
	turns   atomic.Uint64
	mu      sync.Mutex
	callers []*actors.Caller
}

func (p *pools) add(c *actors.Caller) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.callers = append(p.callers, c)
}

// have reports whether a caller is that of a pool: workers of others are theirs
// alone, and their functions rely on the turn.
func (p *pools) have(c *actors.Caller) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.callers, c)
}

func (p *pools) all() []*actors.Caller {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.callers)
}
