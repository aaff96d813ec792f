package actors

import (
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/testsystem"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/watchdog"
	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// rootID is the id of the registry's process, and begins the ids of all callers
// without a parent.
const rootID = snapshot.SourceID

// registry holds the callers of one actor system. It is a process of the system:
// the parent of the callers without one, and the sender of all requests. Its id in
// the process registry is rootID.
type registry struct {
	system   *actor.ActorSystem
	pid      *actor.PID
	props    *actor.Props // of all callers but adopted actors
	requests requests
	events   events
	watchdog watchdog.Watchdog // of all turns

	deadlocks sched.Deadlocks
	steps     steps.Chooser  // nil unless a test chooses the order of steps
	recorder  steps.Recorder // nil outside of tests

	spawnMu      sync.Mutex // held until the actor that is spawned takes its mailbox
	mailboxOwner *Caller    // whose mailbox that is; guarded by spawnMu

	mu      sync.RWMutex
	callers map[string]*Caller

	mainMu sync.Mutex
	main   *Caller

	defaults atomic.Pointer[props.Config] // nil if nobody has set any
	gauges   gauges

	drains    atomic.Int32  // that are under way, of callers and of the system
	shutdowns atomic.Int32  // those of the system; it becomes 0 with mu held
	accepted  atomic.Uint64 // counts what callers have accepted while they were drained

	started  time.Time
	failures recent[snapshot.Failure]
	stopped  recent[snapshot.Stopped] // without a failure
	pictures atomic.Uint64
	clock    snapshot.Clock
}

var _ actor.Process = (*registry)(nil)

// registryOf returns the registry of a system. The first call makes it.
func registryOf(system *actor.ActorSystem) *registry {
	for {
		if process, ok := system.ProcessRegistry.GetLocal(rootID); ok {
			return process.(*registry)
		}
		r := &registry{
			system: system, callers: make(map[string]*Caller), started: time.Now(),
			steps: testsystem.Steps(system), recorder: testsystem.Recorder(system),
		}
		r.pid = system.NewLocalPID(rootID)
		r.props = r.newProps()
		r.events.watchdog = &r.watchdog
		r.watchdog.Survey = func() any { return sched.FindWaiters(r.schedulers) }
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

// all returns the present callers for which keep returns true.
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

// Lookup returns the caller with an id. If there is none, or it has stopped, it
// returns nil and false. It may be called from any goroutine.
func Lookup(system *actor.ActorSystem, id string) (*Caller, bool) {
	requireSystem(system, "Lookup")
	return registryOf(system).lookup(id)
}

// All iterates over the callers of a system that have not stopped, in no
// order. It may be called from any goroutine.
func All(system *actor.ActorSystem) iter.Seq[*Caller] {
	requireSystem(system, "All")
	return sequence(system, func(*Caller) bool { return true })
}

// Running is [All] for the callers in the state Running. It may be called from any
// goroutine.
func Running(system *actor.ActorSystem) iter.Seq[*Caller] {
	requireSystem(system, "Running")
	return sequence(system, func(c *Caller) bool { return c.State() == StateRunning })
}

// schedulers iterates over the schedulers of the present callers.
func (r *registry) schedulers(yield func(*sched.Scheduler) bool) {
	for _, c := range r.all(func(*Caller) bool { return true }) {
		if !yield(&c.sched) {
			return
		}
	}
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
