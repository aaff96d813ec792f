package rpc

import (
	"context"
	"math"
	"time"

	"github.com/asynkron/protoactor-go/cluster"

	"github.com/seed-7fcaac1b/protocaller/actors"
)

// placeChecks are the pauses between the looks whether an identity belongs to this node. The
// lists of members are the same by the last look.
var placeChecks = [...]time.Duration{2 * time.Second, 4 * time.Second}

// watchPlace has an identity leave that began on a node where it does not belong: who has asked
// for it had an old list of members. protoactor looks for that only when the list of the node
// changes. The node where it belongs would wait without end for it to become free.
func (a *activation) watchPlace() {
	next := 0 // of placeChecks
	a.place = time.AfterFunc(math.MaxInt64, a.step("looks whether it belongs here", func() {
		switch {
		case a.leaving.Load(), a.caller.State() >= actors.StateStopping:
		case a.belongsElsewhere():
			a.leave()
		case next < len(placeChecks)-1:
			next++ // before the timer runs, which reads it
			a.place.Reset(placeChecks[next])
		}
	}))
	a.place.Reset(placeChecks[0]) // which the function does as well, so that it must be set
}

// belongsElsewhere reports whether the identity belongs to another node, as far as this one knows.
func (a *activation) belongsElsewhere() (elsewhere bool) {
	n := a.kind.node
	ctx, cancel := context.WithTimeout(n.alive(), activationTimeout)
	defer cancel()
	_ = guarded(func() { // protoactor's cluster may end meanwhile
		at := ofCluster{cluster: cluster.GetCluster(n.system), kind: a.kind.name, id: a.id}.locate(ctx, nil)
		elsewhere = at != nil && at.GetAddress() != n.system.Address()
	})
	return elsewhere
}
