package actors

import (
	"fmt"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/testsystem"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// spawnContext is the context in which an actor is spawned as the child of parent,
// from any goroutine.
type spawnContext struct {
	*actor.RootContext
	parent *actor.PID
}

// Self implements [actor.SpawnerContext].
func (s spawnContext) Self() *actor.PID { return s.parent }

// spawn spawns the caller's actor, without starting it.
func (c *Caller) spawn(id string, parent *actor.PID) error {
	r := c.registry
	r.spawnMu.Lock() // until the actor takes the mailbox
	r.mailboxOwner = c
	_, err := actor.DefaultSpawner(r.system, id, r.props, spawnContext{r.system.Root, parent})
	if err != nil {
		return fmt.Errorf("actors: spawn %s: %w", id, err)
	}
	return nil
}

// registered is called when the actor has an address, and before it is reached.
func (c *Caller) registered(ctx actor.Context) {
	c.pid = ctx.Self()
	if c.external {
		c.registry = registryOf(ctx.ActorSystem())
		c.state.Store(int32(StateStarting))
		c.joinTree(ctx.Parent())
		c.registry.addCaller(c.config.Telemetry)
		c.followSteps()
	}
	if testsystem.Is(ctx.ActorSystem()) {
		c.sched.CheckTurns()
	}
	if t := c.instruments(); t != nil {
		name := c.config.Name
		if c.external {
			name = c.Name()
		}
		c.traced = t.Caller(c.pid.GetId(), name)
	}
	c.registry.add(c)
	c.noteAccepted() // it may have work already
}

// joinTree makes an adopted actor a child of its parent, if the parent is a
// caller.
func (c *Caller) joinTree(parent *actor.PID) {
	if parent == nil {
		return
	}
	if p, ok := c.registry.lookup(parent.GetId()); ok {
		c.parent = p
		p.mu.Lock()
		defer p.mu.Unlock()
		p.addChild(c)
	}
}

// spawned is called when the actor is reachable.
func (c *Caller) spawned() {
	if !c.external {
		return
	}
	defer c.sched.Ungate() // even if user code ends the goroutine
	// The registry learns of the end of an actor that is not ours as a watcher.
	defer c.mailbox().submitControl(&actor.Watch{Watcher: c.registry.pid})
	if err := c.openPublication(); err != nil {
		defer c.stop(err)
		c.log().Error("actors: adopted actor is stopped", slog.Any("error", err))
		return
	}
	c.startExecutor()
	if hook := c.beginOnStart(); hook != nil {
		hook.OnDone(func(pending.Handle) {
			if err := hook.Err(); err != nil {
				c.log().Error("actors: adopted actor is stopped", slog.Any("error", err))
			}
		})
	}
}

func newCaller(r *registry, parent *Caller, config *props.Config, external bool) *Caller {
	c := &Caller{registry: r, parent: parent, config: config, external: external}
	c.sched.Init(c.mailbox(), schedulerOptions(config, external))
	if r != nil {
		c.followSteps()
	}
	return c
}

// schedulerOptions returns the scheduler options of a caller with a description.
func schedulerOptions(config *props.Config, external bool) sched.Options {
	return sched.Options{
		NonReentrant: config.NonReentrant,
		Anchored:     external,
		Thread:       config.Backend == props.Thread,
		CheckTurns:   config.CheckTurns,
		DeepStack:    config.Telemetry != nil,
		MaxSuspended: config.MaxSuspended,
	}
}
