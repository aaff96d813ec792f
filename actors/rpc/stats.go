package rpc

import "github.com/asynkron/protoactor-go/actor"

// Stats are the counters of a system at one moment.
type Stats struct {
	// Open is how many calls of other nodes' functions are not done.
	Open int
	// OpenBytes is how large the arguments are of calls that are not done: of those, and
	// of those that are between two attempts, or whose target has turned out to be here.
	OpenBytes int
	// Served is how many calls that other nodes have made are not done.
	Served int
	// ServedBytes is how large the arguments of those are, which calls with the same key
	// share.
	ServedBytes int
	// Late is how many answers were dropped because they came to calls that were
	// done: cancelled, or lost with their node.
	Late uint64
	// Remembered is how many outcomes of calls with a key are remembered: see
	// [DedupWindow].
	Remembered int
	// Denied is how often something was denied to other nodes: a connection, a stream, a
	// message.
	Denied uint64
}

// StatsOf returns the counters of a system. It may be called from any goroutine.
func StatsOf(system *actor.ActorSystem) Stats {
	n := nodeOf(system)
	open, late := n.calls.stats()
	return Stats{
		Open: open, OpenBytes: n.outboundBytes.stats(), Served: n.served.stats(), ServedBytes: n.inboundBytes.stats(),
		Late: late, Remembered: n.dedup.stats(), Denied: n.gate.denials.count(),
	}
}
