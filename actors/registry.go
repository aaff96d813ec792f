package actors

import (
	"iter"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/props"
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
	events   events

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
	r.requests.answer(pid.GetRequestId(), actor.UnwrapEnvelopeMessage(envelopNil(message)))
}

// SendSystemMessage implements [actor.Process]. It takes what concerns the callers
// without a parent.
func (r *registry) SendSystemMessage(_ *actor.PID, message any) {
	if isVoid(message) {
		return
	}
	switch message := message.(type) {
	case *actor.Terminated:
		r.terminated(message.Who)
	case *actor.Failure:
		r.topFailed(message)
	}
}

// Stop implements [actor.Process]. The registry lives as long as its system.
func (r *registry) Stop(*actor.PID) {}

// terminated is called when an actor has ended, before its parent is notified. It is
// also called when an actor that is stopping is watched.
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
	requireSystem(system, "Lookup")
	return registryOf(system).lookup(id)
}

// All iterates over the callers of a system that have not stopped, in no
// order. It may be called from any goroutine. The seed's all_callers with
// running_only=False.
func All(system *actor.ActorSystem) iter.Seq[*Caller] {
	requireSystem(system, "All")
	return sequence(system, func(*Caller) bool { return true })
}

// Running is [All] for the callers in the state Running. The seed's
// all_callers.
func Running(system *actor.ActorSystem) iter.Seq[*Caller] {
	requireSystem(system, "Running")
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

// Main returns the main caller of a system, which is protected and described by
// the [Defaults]. It starts one when first called, and a new one when the last
// one has stopped. The seed's Caller("MainThread").
//
// A forced stop ends it. So does a failure that its [props.Supervision] answers
// with a stop, or escalates: it has no parent. Until that stop has ended,
// Main returns the caller that stops, and calls on it fail with
// [pending.ErrStopped]. The failures of the last one do not count for the new
// one.
//
// If the publication of the [Defaults] cannot be opened, Main returns a stopped
// caller. The errors of its calls say why.
//
// Main may be called from any goroutine. While one starts the main caller, others
// get it too: what they call on it is queued.
func Main(system *actor.ActorSystem) *Caller {
	requireSystem(system, "Main")
	r := registryOf(system)
	if c := r.currentMain(); c != nil {
		return c
	}
	config, err := r.describe(props.Protected())
	if err != nil {
		panic(err) // constant options
	}
	r.addCaller(config.Telemetry)
	c, made := r.getOrMakeMain(config)
	if !made {
		r.removeCaller(config.Telemetry)
		return c
	}
	_ = c.Start() // without the lock: it opens the publication, whose error is that of the calls
	return c
}

// currentMain returns the main caller, or nil if there is none or it has stopped.
func (r *registry) currentMain() *Caller {
	r.mainMu.Lock()
	defer r.mainMu.Unlock()
	return r.currentMainLocked()
}

func (r *registry) currentMainLocked() *Caller {
	if r.main == nil || r.main.State() == StateStopped {
		return nil
	}
	return r.main
}

// getOrMakeMain returns the main caller. If it has made it, that is to be started.
func (r *registry) getOrMakeMain(config *props.Config) (c *Caller, made bool) {
	r.mainMu.Lock()
	defer r.mainMu.Unlock()
	if c := r.currentMainLocked(); c != nil {
		return c, false
	}
	c = newCaller(r, nil, mainName, config, false)
	if err := c.spawn(rootID+"/"+mainName, r.pid); err != nil {
		panic(err) // nobody else can have the name
	}
	r.main = c
	return c, true
}
