package rpc

import (
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/grpc"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/transport"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/safelog"
	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// processID is the id under which the node is found in its system.
const processID = snapshot.NodesID

// node is what this package keeps for one actor system. It is found by its id in
// the system's process registry.
type node struct {
	system      *actor.ActorSystem
	host        *transport.Host // of a network of a test; nil on sockets
	incarnation wire.Incarnation
	started     atomic.Pointer[string] // where it listens, is about to, or has stopped to; nil for nowhere
	described   pending.Option         // of its calls
	guards      []grpc.ServerOption
	dialedWith  atomic.Pointer[[]grpc.DialOption] // of connections to other nodes
	config      atomic.Pointer[config]
	functions   functions
	codes       codes
	peers       peers
	texts       texts
	named       named

	calls         outboundCalls
	outboundBytes budget
	served        inboundCalls
	inboundBytes  budget
	dedup         dedupCache
	gate          gate
	reports       atomic.Int32 // that are being made
	circles       circles

	// Those of a cluster.
	members     members
	located     located
	activations activations
	pools       pools
	membership  membership
	ownership   ownership
}

var _ actor.Process = (*node)(nil)

// nodeOf returns the node of a system, made when first asked for.
func nodeOf(system *actor.ActorSystem) *node {
	if system == nil {
		panic("rpc: the actor system is nil")
	}
	if process, ok := system.ProcessRegistry.GetLocal(processID); ok {
		return process.(*node)
	}
	return makeNode(system)
}

// making is held while a node is made. Protoactor reads the address of the system for that.
// A Start of the same system on another goroutine may be about to write it.
var making sync.Mutex

func makeNode(system *actor.ActorSystem) *node {
	making.Lock()
	defer making.Unlock()
	for {
		if process, ok := system.ProcessRegistry.GetLocal(processID); ok {
			return process.(*node)
		}
		n := &node{system: system, host: transport.Of(system)}
		n.incarnation = n.newIncarnation()
		n.described = future.DescribedBy(func(m map[string]any) { m["system"] = system })
		n.config.Store(defaults())
		n.gate.node, n.gate.conns.gate = n, &n.gate
		n.guards = n.newGuards()
		n.circles.init(n)
		if _, added := system.ProcessRegistry.Add(n, processID); added {
			if n.host != nil {
				n.host.Serve(n.serveConn)
			}
			return n
		}
	}
}

// steps returns who chooses the order of steps; nil outside of tests that do.
func (n *node) steps() steps.Chooser { return n.host.Steps() }

// SendUserMessage implements [actor.Process]. Nodes take calls in sessions, and no
// messages.
func (n *node) SendUserMessage(*actor.PID, any) {}

// SendSystemMessage implements [actor.Process].
func (n *node) SendSystemMessage(*actor.PID, any) {}

// Stop implements [actor.Process]. The node lives as long as its system.
func (n *node) Stop(*actor.PID) {}

// log returns the logger for what this package logs itself. It often does so on
// goroutines of its own, where a panic of the handler would end the process.
func (n *node) log() *slog.Logger { return safelog.Wrap(n.system.Logger()) }

// dropped says what was lost in a panic, which has ended nothing else.
func (n *node) dropped(what string, panicked any) {
	n.log().Error("rpc: "+what+" dropped",
		slog.Any("panic", panicked), slog.String("stack", string(debug.Stack())))
}
