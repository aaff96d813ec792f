package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/asynkron/protoactor-go/cluster"

	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
)

// Expelled is the event of a member that its cluster does not have any more, though it has
// not left: it was frozen, or cut off from the cluster's provider, for longer than its
// lease. The other members have begun its identities anew, and never take it back:
// protoactor has them block its id.
//
// The event is published, as a value, on the EventStream of the actor system. By then
// [Done] is closed, the functions of identities are cancelled, and further calls on
// identities go to other members. States are not saved: they may be out of date. It is
// logged, and counted as the metric "protocaller.rpc.expelled": see [Telemetry].
//
// A member learns that it was expelled when the provider or any other member reaches it
// again, within a second. While it reaches nobody it cannot know. With [SingleOwner] it
// then loses its identities when its lease is over.
type Expelled struct {
	Address string // that of the node
	Member  string // its id in the cluster
	Err     error  // how the node has learned of it; it matches [ErrExpelled]
}

// Done returns a channel that is closed when the node of a cluster is no member any more:
// it was expelled, or has left. It may be called from any goroutine.
func Done(c *cluster.Cluster) <-chan struct{} {
	if c == nil {
		panic("rpc: Done with a nil cluster")
	}
	return nodeOf(c.ActorSystem).alive().Done()
}

var errNotListed = errors.New("its own list of members is without it")

// expel has the node be no member any more, unless it leaves. It may be called under locks
// of protoactor's: what takes time or calls code of the user's is done on another
// goroutine.
func (n *node) expel(reason error) {
	m := &n.membership
	if m.leaving.Load() || m.cluster.Load() == nil { // or others have started the member, and end it
		return
	}
	why := fmt.Errorf("%w: the node %s: %w", ErrExpelled, n.system.Address(), reason)
	if m.expelled.CompareAndSwap(nil, &why) {
		go n.endExpelled(why)
	}
}

// endExpelled ends what only a member may have.
func (n *node) endExpelled(why error) {
	n.membership.stop(why)
	for _, a := range n.activations.all() {
		a.lose(why)
	}
	_, own := n.members.snapshot()
	n.log().Error("rpc: expelled from the cluster", slog.String("member", own), slog.Any("error", why))
	instrument.Of(n.config.Load().telemetry).Expelled(context.Background())
	event := Expelled{Address: n.system.Address(), Member: own, Err: why}
	if err := guarded(func() { n.system.EventStream.Publish(event) }); err != nil {
		n.dropped("event", err)
	}
}
