package rpc

import "github.com/asynkron/protoactor-go/actor"

// Target says which caller is to run a function, and where it is. It is made by
// [At] and [OnPID].
type Target struct{ address, caller string }

// At is the caller with that id, as by [actors.Caller.ID], of the node at that
// address, which is "host:port". An empty address is the node that calls.
func At(address, callerID string) Target { return Target{address, callerID} }

// OnPID is the caller whose actor has that PID: of any node.
func OnPID(pid *actor.PID) Target { return Target{pid.GetAddress(), pid.GetId()} }

// String returns the address and the id.
func (t Target) String() string { return t.address + "/" + t.caller }

// nowhere is the address of systems that other nodes cannot reach.
const nowhere = "nonhost"

// isLocal reports whether the target is in the node's own system.
func (n *node) isLocal(t Target) bool {
	return t.address == "" || t.address == nowhere || t.address == n.system.Address()
}
