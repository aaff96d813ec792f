package actors

import (
	"iter"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// rootID is the id of the registry's process, and begins the ids of all callers
// without a parent.
const rootID = "callers"

// mainName is the name of the main caller. No user can give it.
const mainName = "$main"

// registry has the callers of one actor system. It is a process of the system: the
// parent of the callers without one, and the sender of all requests. Its id in the
// process registry is rootID.
type registry struct {
	system   *actor.ActorSystem
	pid      *actor.PID
	props    *actor.Props // of all callers but adopted actors
	requests requests

	spawnMu      sync.Mutex // held until the actor that is spawned takes its mailbox
	mailboxOwner *Caller    // whose mailbox that is; guarded by spawnMu

	mu      sync.RWMutex
	callers map[string]*Caller

	mainMu sync.Mutex
	main   *Caller

	defaults atomic.Pointer[props.Config] // nil if nobody has set any
	gauges   gauges
}

var _ actor.Process = (*registry)(nil)

// registryOf returns the registry of a system, made when first asked for.
func registryOf(system *actor.ActorSystem) *registry {
	if system == nil {
		panic("actors: the actor system is nil")
	}
	for {
		if process, ok := system.ProcessRegistry.GetLocal(rootID); ok {
			return process.(*registry)
		}
		r := &registry{system: system, callers: make(map[string]*Caller)}
		r.pid = system.NewLocalPID(rootID)
		r.props = r.newProps()
		if _, added := system.ProcessRegistry.Add(r, rootID); added {
			return r
		}
	}
}

func (r *registry) add(c *Caller) {
	r.mu.Lock()
	last := r.callers[c.ID()]
	r.callers[c.ID()] = c
	r.mu.Unlock()
	if last != nil {
		last.finalize() // it has ended, or its id would not be free
	}
}

func (r *registry) remove(c *Caller) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.callers[c.ID()] == c {
		delete(r.callers, c.ID())
	}
}

func (r *registry) lookup(id string) (*Caller, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c, ok := r.callers[id]
	return c, ok
}

// all returns the callers of now for which keep holds.
func (r *registry) all(keep func(*Caller) bool) []*Caller {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]*Caller, 0, len(r.callers))
	for _, c := range r.callers {
		if keep(c) {
			all = append(all, c)
		}
	}
	return all
}

// SendUserMessage implements [actor.Process]: it takes the answers to requests.
func (r *registry) SendUserMessage(pid *actor.PID, message any) {
	r.requests.answer(pid.GetRequestId(), actor.UnwrapEnvelopeMessage(message))
}

// SendSystemMessage implements [actor.Process]: it hears of the callers without
// a parent.
func (r *registry) SendSystemMessage(_ *actor.PID, message any) {
	switch message := message.(type) {
	case *actor.Terminated:
		r.terminated(message.Who)
	case *actor.Failure:
		r.topFailed(message)
	}
}

// Stop implements [actor.Process]. The registry lives as long as its system.
func (r *registry) Stop(*actor.PID) {}

// terminated is called when an actor has ended, before its parent can know, and
// when one that is stopping is watched.
func (r *registry) terminated(who *actor.PID) {
	c, ok := r.lookup(who.GetId())
	if !ok || c.pid != who { // the same id on another node, or in use again
		return
	}
	if _, alive := r.system.ProcessRegistry.GetLocal(who.GetId()); !alive {
		c.finalize()
	}
}

// Lookup returns the caller of that id, or nil and false if there is none that
// has not stopped. It may be called from any goroutine. The seed's
// get_existing.
func Lookup(system *actor.ActorSystem, id string) (*Caller, bool) {
	return registryOf(system).lookup(id)
}

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
		for _, c := range registryOf(system).all(keep) {
			if !yield(c) {
				return
			}
		}
	}
}

// Main returns the main caller of a system: protected, and started when first
// asked for, or again after a forced stop has ended. If the publication that
// the [Defaults] ask for cannot be opened it is a stopped one, and what is
// called on it says why. It may be called from any goroutine, but not by the
// function that opens that publication. The seed's Caller("MainThread").
func Main(system *actor.ActorSystem) *Caller {
	r := registryOf(system)
	r.mainMu.Lock()
	defer r.mainMu.Unlock()
	if r.main == nil || r.main.State() == StateStopped {
		r.main = r.newMain()
	}
	return r.main
}

func (r *registry) newMain() *Caller {
	config, err := r.describe(props.Protected(), props.Supervision(supervision.Capture()))
	if err != nil {
		panic(err) // constant options
	}
	c := newCaller(r, nil, mainName, config, false)
	r.addCaller(config.Telemetry)
	if err := c.spawn(rootID+"/"+mainName, r.pid); err != nil {
		panic(err) // nobody else can have the name
	}
	_ = c.Start() // it is new; an error of its publication is that of its calls
	return c
}
