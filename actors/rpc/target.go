package rpc

import (
	"context"
	"fmt"

	"github.com/asynkron/protoactor-go/actor"
)

// Target says which caller is to run a function, and where it is. It is made by [At],
// [OnPID], [Identity] and [Pool].
type Target interface {
	fmt.Stringer

	// find returns where the caller is, for a call that has failed at other places
	// already. It may wait until ctx ends.
	find(ctx context.Context, n *node, failed []failure) (endpoint, error)
	// moves reports whether the caller may be somewhere else by now. A call that
	// has not run for that reason goes there.
	moves(reason error) bool
}

// failure is why an attempt at a call has failed, and at which address.
type failure struct {
	address string
	err     error
}

// endpoint is where a caller is. It is a target itself, one that does not move.
type endpoint struct {
	address, caller string
	worker          bool   // a worker of the caller's is to run the function
	identity        string // that the caller must be, with its kind; empty for any caller
}

// At is the caller with that id, as by [actors.Caller.ID], of the node at that address,
// which is "host:port". An empty address is the node that calls.
func At(address, callerID string) Target { return endpoint{address: address, caller: callerID} }

// OnPID is the caller whose actor has that PID, of any node.
func OnPID(pid *actor.PID) Target { return At(pid.GetAddress(), pid.GetId()) }

// String returns the address and the id.
func (p endpoint) String() string { return p.address + "/" + p.caller }

func (p endpoint) find(context.Context, *node, []failure) (endpoint, error) { return p, nil }

func (p endpoint) moves(error) bool { return false }

const (
	// thisNode is the address of the node itself, for itself alone.
	thisNode = ""
	// noAddress is the address of systems that other nodes cannot reach.
	noAddress = "nonhost"
)

// isLocal reports whether an endpoint is in the node's own system.
func (n *node) isLocal(p endpoint) bool {
	return p.address == thisNode || p.address == noAddress || p.address == n.system.Address()
}
