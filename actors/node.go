package actors

import (
	"iter"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// rootID is the id of the node's process, and begins the ids of all callers
// without a parent.
const rootID = "callers"

// mainName is the name of the main caller. No user can give it.
const mainName = "$main"

// node is what protocaller keeps for one actor system: the registry of its
// callers, and the process that is the parent of those without one and the
// sender of all requests. It is found by its id in the system's process
// registry.
type node struct {
	system   *actor.ActorSystem
	pid      *actor.PID
	props    *actor.Props // of callers without a strategy of their own
	requests requests

	spawning sync.Mutex // held while a caller waits for its actor to take its mailbox
	spawned  *Caller    // which is this one

	mu      sync.RWMutex
	callers map[string]*Caller

	mainMu sync.Mutex
	main   *Caller

	defaults atomic.Pointer[props.Config] // nil if nobody has set any
	watches  watches
}

var (
	_ actor.Process            = (*node)(nil)
	_ actor.SupervisorStrategy = (*node)(nil)
)

// nodeOf returns the node of a system, made when first asked for.
func nodeOf(system *actor.ActorSystem) *node {
	if system == nil {
		panic("actors: the actor system is nil")
	}
	for {
		if process, ok := system.ProcessRegistry.GetLocal(rootID); ok {
			return process.(*node)
		}
		n := &node{system: system, callers: make(map[string]*Caller)}
		n.pid = system.NewLocalPID(rootID)
		n.props = n.newProps(n)
		if _, added := system.ProcessRegistry.Add(n, rootID); added {
			return n
		}
	}
}

func (n *node) add(c *Caller) {
	n.mu.Lock()
	last := n.callers[c.ID()]
	n.callers[c.ID()] = c
	n.mu.Unlock()
	if last != nil {
		last.finalize() // it has ended, or its id would not be free
	}
}

func (n *node) remove(c *Caller) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.callers[c.ID()] == c {
		delete(n.callers, c.ID())
	}
}

func (n *node) lookup(id string) (*Caller, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	c, ok := n.callers[id]
	return c, ok
}

// all returns the callers of now for which keep holds.
func (n *node) all(keep func(*Caller) bool) []*Caller {
	n.mu.RLock()
	defer n.mu.RUnlock()
	all := make([]*Caller, 0, len(n.callers))
	for _, c := range n.callers {
		if keep(c) {
			all = append(all, c)
		}
	}
	return all
}

// SendUserMessage implements [actor.Process]: it takes the answers to requests.
func (n *node) SendUserMessage(pid *actor.PID, message any) {
	n.requests.answer(pid.GetRequestId(), actor.UnwrapEnvelopeMessage(envelopNil(message)))
}

// SendSystemMessage implements [actor.Process]: it hears of the callers without
// a parent.
func (n *node) SendSystemMessage(_ *actor.PID, message any) {
	if isVoid(message) {
		return
	}
	switch message := message.(type) {
	case *actor.Terminated:
		n.terminated(message.Who)
	case *actor.Failure:
		n.topFailed(message)
	}
}

// Stop implements [actor.Process]. The node lives as long as its system.
func (n *node) Stop(*actor.PID) {}

// terminated is called when an actor has ended, before its parent can know, and
// when one that is stopping is watched.
func (n *node) terminated(who *actor.PID) {
	c, ok := n.lookup(who.GetId())
	if !ok || c.pid != who { // the same id on another node, or in use again
		return
	}
	if _, alive := n.system.ProcessRegistry.GetLocal(who.GetId()); !alive {
		c.finalize()
	}
}

// Lookup returns the caller of that id, or nil and false if there is none that
// has not stopped. It may be called from any goroutine. The seed's
// get_existing.
func Lookup(system *actor.ActorSystem, id string) (*Caller, bool) { return nodeOf(system).lookup(id) }

// All iterates over the callers of a system that have not stopped, in no
// order. It may be called from any goroutine. The seed's all_callers with
// running_only=False.
func All(system *actor.ActorSystem) iter.Seq[*Caller] {
	return sequence(system, func(*Caller) bool { return true })
}

// Running is [All] for the callers in the state Running. The seed's
// all_callers.
func Running(system *actor.ActorSystem) iter.Seq[*Caller] {
	return sequence(system, func(c *Caller) bool { return c.State() == StateRunning })
}

func sequence(system *actor.ActorSystem, keep func(*Caller) bool) iter.Seq[*Caller] {
	return func(yield func(*Caller) bool) {
		for _, c := range nodeOf(system).all(keep) {
			if !yield(c) {
				return
			}
		}
	}
}

// Main returns the main caller of a system: protected, and started when first
// asked for, or again after a forced stop has ended. If the publication that
// the [Defaults] ask for cannot be opened it is a stopped one, and what is
// called on it says why. It may be called from any goroutine. Those who ask while
// it is being started get it too: what they call on it is queued. The seed's Caller("MainThread").
func Main(system *actor.ActorSystem) *Caller {
	n := nodeOf(system)
	if c := n.currentMain(); c != nil {
		return c
	}
	config, err := n.describe(props.Protected(), props.Supervision(supervision.Capture()))
	if err != nil {
		panic(err) // constant options
	}
	n.watch(config.Telemetry)
	c, made := n.getOrMakeMain(config)
	if !made {
		n.unwatch(config.Telemetry)
		return c
	}
	_ = c.Start() // without the lock: it opens the publication, whose error is that of the calls
	return c
}

// currentMain returns the main caller, or nil if there is none or it has stopped.
func (n *node) currentMain() *Caller {
	n.mainMu.Lock()
	defer n.mainMu.Unlock()
	return n.currentMainLocked()
}

func (n *node) currentMainLocked() *Caller {
	if n.main == nil || n.main.State() == StateStopped {
		return nil
	}
	return n.main
}

// getOrMakeMain returns the main caller. If it has made it, that is to be started.
func (n *node) getOrMakeMain(config *props.Config) (c *Caller, made bool) {
	n.mainMu.Lock()
	defer n.mainMu.Unlock()
	if c := n.currentMainLocked(); c != nil {
		return c, false
	}
	c = newCaller(n, nil, mainName, config)
	if err := c.spawn(rootID+"/"+mainName, n.pid); err != nil {
		panic(err) // nobody else can have the name
	}
	n.main = c
	return c, true
}
