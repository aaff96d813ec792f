package rpc

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/internal/safelog"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// processID is the id of the node's process, to which other nodes send calls and
// answers.
const processID = "callers.rpc"

// node is what this package keeps for one actor system. It is found by its id in
// the system's process registry.
type node struct {
	system     *actor.ActorSystem
	generation uint64
	described  pending.Option // of its calls
	guards     []grpc.ServerOption
	config     atomic.Pointer[config]
	functions  functions
	codes      codes
	calls      calls
	served     served
	made       budget // of calls
	accepted   budget // of calls of other nodes
	backlog    backlog
	window     window
	outboxes   outboxes
	lines      lines
	peers      peers
	listening  sync.Once // to the events of the system
	gate       gate

	// Those of a cluster.
	members     members
	located     located
	activations activations
	pools       pools
	membership  membership
	farewell    farewell
}

var _ actor.Process = (*node)(nil)

// nodeOf returns the node of a system, made when first asked for.
func nodeOf(system *actor.ActorSystem) *node {
	if system == nil {
		panic("rpc: the actor system is nil")
	}
	for {
		if process, ok := system.ProcessRegistry.GetLocal(processID); ok {
			return process.(*node)
		}
		n := &node{system: system, generation: uint64(time.Now().UnixNano())} //nolint:gosec // It is after 1970.
		n.described = pending.DescribedBy(func(m pending.Metadata) { m["system"] = system })
		n.config.Store(defaults())
		n.gate.node, n.gate.conns.gate = n, &n.gate
		n.guards = n.newGuards()
		if _, added := system.ProcessRegistry.Add(n, processID); added {
			return n
		}
	}
}

// SendUserMessage implements [actor.Process]. It is called on a goroutine that
// reads from another node, which nothing that was sent may end.
func (n *node) SendUserMessage(pid *actor.PID, message any) {
	_, content, sender := actor.UnwrapEnvelope(message)
	switch content := content.(type) {
	case *wire.Bundle:
		n.unpack(content, sender)
	case *actor.DeadLetterResponse:
		// Not on this goroutine, which may be the one that sends what comes next.
		go n.fail(pid.GetRequestId(), notRun{fmt.Errorf("%w: nobody there takes calls", ErrNodeDown)})
	}
}

// SendSystemMessage implements [actor.Process].
func (n *node) SendSystemMessage(*actor.PID, any) {}

// Stop implements [actor.Process]. The node lives as long as its system.
func (n *node) Stop(*actor.PID) {}

// unpack deals with what another node has sent, as far as it makes sense.
func (n *node) unpack(bundle *wire.Bundle, sender *actor.PID) {
	for e, err := range bundle.All() {
		if err != nil {
			n.log().Warn("rpc: bundle dropped", slog.Any("error", err), slog.Any("sender", sender))
			return
		}
		n.receive(e, sender)
	}
}

// receive deals with one envelope of it.
func (n *node) receive(e *wire.Envelope, sender *actor.PID) {
	defer func() {
		if r := recover(); r != nil {
			n.dropped("message", r)
		}
	}()
	switch {
	case e.Response != nil:
		n.answered(e, e.Response)
	case e.Item != nil:
		n.arrived(e, e.Item)
	case sender.GetAddress() != here: // else there is nobody who could be answered
		n.called(incoming{sender.GetAddress(), e.GetGeneration(), e.GetCall()}, e)
	}
}

// log returns the logger for what this package logs itself, often on goroutines of
// its own, where a panic of the handler would end the process.
func (n *node) log() *slog.Logger { return safelog.Wrap(n.system.Logger()) }

// dropped says what was lost in a panic, which has ended nothing else.
func (n *node) dropped(what string, panicked any) {
	n.log().Error("rpc: "+what+" dropped",
		slog.Any("panic", panicked), slog.String("stack", string(debug.Stack())))
}

// called deals with what is said about a call of another node, or of this one.
func (n *node) called(call incoming, e *wire.Envelope) {
	switch {
	case e.Request != nil:
		n.serve(call, e.GetVersion(), e.Request)
	case e.Cancel != nil:
		n.cancel(call, e.Cancel)
	case e.Credit != nil:
		n.outboxes.grant(call, e.Credit.GetGranted())
	case e.Farewell != nil:
		n.leaves(call.address, e.Farewell)
	default: // of a newer version
		n.refuse(call, n.otherVersion(e.GetVersion()))
	}
}

// otherVersion is the error of a call that comes with another version.
func (n *node) otherVersion(version uint32) error {
	return fmt.Errorf("%w: the call is of version %d, this node understands %d", ErrVersion, version, wire.Version)
}

// answered completes a call with the answer that has come, if that is in time.
func (n *node) answered(e *wire.Envelope, r *wire.Response) {
	if e.GetGeneration() != n.generation {
		n.calls.tooLate()
		return
	}
	if n.early(e, r) {
		return
	}
	c := n.calls.take(e.GetCall())
	switch {
	case c == nil:
		n.calls.tooLate()
	case e.GetVersion() != wire.Version:
		c.Fail(fmt.Errorf("%w: the answer is of version %d, this node understands %d",
			ErrVersion, e.GetVersion(), wire.Version))
	default:
		c.Answer(r)
	}
}

// fail fails the calls of a bundle that was not delivered.
func (n *node) fail(bundle uint32, err error) {
	n.backlog.sent(bundle)
	for _, c := range n.calls.takeBundle(bundle) {
		c.Fail(err)
	}
}

// send sends an envelope to the node at an address, unless this one has stopped.
func (n *node) send(address string, e *wire.Envelope) {
	if n.calls.isClosed() {
		return
	}
	if address == here {
		n.loop(e)
		return
	}
	n.listenToEvents()
	n.lines.put(n, address, e)
}

// loop has the node receive what it has sent to itself.
func (n *node) loop(e *wire.Envelope) {
	if e.Response != nil {
		n.answered(e, e.Response)
		return
	}
	n.called(incoming{here, e.GetGeneration(), e.GetCall()}, e)
}

func (n *node) listenToEvents() {
	n.listening.Do(func() { n.system.EventStream.Subscribe(n.heard) })
}

// heard is called with the events of the system.
func (n *node) heard(event any) {
	switch event := event.(type) {
	case *remote.EndpointTerminatedEvent:
		n.lost(event.Address, afterLoss, fmt.Errorf("%w: %s", ErrNodeDown, event.Address))
	case interface{ DownAddress() string }: // of another kind of network
		n.lost(event.DownAddress(), afterLoss, fmt.Errorf("%w: %s", ErrNodeDown, event.DownAddress()))
	case *remote.EndpointConnectedEvent:
		n.peers.up(event.Address)
		if n.calls.isClosed() {
			n.disconnect()
		}
	}
}

// lost fails the calls of a node that cannot be reached any more, as further ones
// for a moment, and cancels what it has called here without a key.
func (n *node) lost(address string, lasts time.Duration, err error) {
	n.peers.down(address, lasts)
	n.backlog.lost(address)
	n.farewell.lost(address)
	for _, c := range n.calls.takeAll(address) {
		c.Fail(err)
	}
	n.served.cancelAll(address, err)
}
