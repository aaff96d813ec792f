package actors

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// addChild registers a child. mu must be held.
func (c *Caller) addChild(child *Caller) {
	if c.children == nil {
		c.children = make(map[string]*Caller)
	}
	c.children[child.Name()] = child
}

// Child returns the child of that name, or makes one. Without a name it always makes one.
// The child inherits what the options leave open. The caller may be busy, or not started
// yet.
//
// If the child exists, its options stay as they are. It is an error to ask for another
// backend or host than the child has: it matches [ErrChildDiffers]. A child on a host has
// no backend.
//
// If Child makes the child, it waits for the publication and for [props.OnStart], and
// keeps the turn.
//
// Other errors are those of an option, of opening the publication, and of OnStart. The
// error matches [pending.ErrStopped] if the caller, or the child of that name, is
// stopping.
func (c *Caller) Child(opts ...props.Option) (*Caller, error) {
	config, err := c.config.Child(opts...)
	if err != nil {
		return nil, err
	}
	child, err := c.child(config, nil)
	if err != nil {
		return nil, err
	}
	return child, nil
}

// child returns a child. It may have made the child even if it returns an error:
// that child stops.
func (c *Caller) child(config *props.Config, w *worker) (*Caller, error) {
	c.registry.addCaller(config.Telemetry) // without the lock that it might be waited for with
	child, made, err := c.getOrMake(config, w)
	if !made {
		c.registry.removeCaller(config.Telemetry)
		if err == nil {
			err = child.checkAsked(config)
		}
	}
	if made {
		// Any goroutine can spawn, but only the parent's actor, on its turn, can register
		// its child.
		c.sched.SubmitControl(registerChild{child}, sched.DecisionUnchanged)
		if err == nil { // else it was stopped already
			err = child.start()
		}
	}
	return child, err
}

// childDiffersError matches [ErrChildDiffers].
type childDiffersError struct {
	child string
	err   error // names the option and its value
}

func (e *childDiffersError) Error() string {
	return fmt.Sprintf("actors: child %s: %v", e.child, e.err)
}

func (e *childDiffersError) Unwrap() []error { return []error{ErrChildDiffers, e.err} }

// checkAsked returns an error if options ask for what an existing child does not have.
func (c *Caller) checkAsked(config *props.Config) error {
	if err := config.Differs(c.config); err != nil {
		return &childDiffersError{c.path(), err}
	}
	return nil
}

func (c *Caller) getOrMake(config *props.Config, w *worker) (child *Caller, made bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.State() >= StateStopping {
		return nil, false, fmt.Errorf("actors: child of %s: %w", c.path(), pending.ErrStopped)
	}
	name := config.Name
	if existing := c.children[name]; existing != nil {
		if existing.State() >= StateStopping {
			return nil, false, fmt.Errorf("actors: child %s: %w", existing.path(), pending.ErrStopped)
		}
		return existing, false, nil
	}
	if name == "" {
		name = c.registry.system.ProcessRegistry.NextId()
	}
	child = newCaller(c.registry, c, config, false)
	if child.worker = w; w != nil {
		w.caller = child
	}
	if err := child.spawn(c.pid.GetId()+"/"+name, c.pid); err != nil {
		return nil, false, err
	}
	c.addChild(child)
	c.sched.Hold(1)
	return child, true, child.claimStart()
}

// registerChild asks the parent's actor to register a child that was spawned for it.
type registerChild struct{ child *Caller }

// registerWithActor registers a child with the actor, so that the actor waits for it when
// it stops. Do not register a stopped child: the actor would wait for it forever. While
// the actor restarts, defer: it would wait for a child that it has not stopped.
func (c *Caller) registerWithActor(child *Caller) {
	if child.State() != StateStopped && c.restarting {
		c.deferChild(child)
		return
	}
	later := false
	defer func() { // even if spawn middleware ends the goroutine
		if !later {
			c.sched.Hold(-1)
		}
	}()
	if child.State() != StateStopped && !c.addToActor(child) {
		later = true
		c.deferChild(child)
	}
}

// registerDeferred registers the children that had to wait for it.
func (c *Caller) registerDeferred() {
	for _, child := range c.takeDeferred() {
		c.registerWithActor(child)
	}
}

func (c *Caller) deferChild(child *Caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cold := c.cold()
	cold.deferredChildren = append(cold.deferredChildren, child)
}

func (c *Caller) takeDeferred() []*Caller {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.coldState == nil {
		return nil
	}
	deferred := c.coldState.deferredChildren
	c.coldState.deferredChildren = nil
	return deferred
}

// addToActor adds a child to the children of the actor. It reports false if the
// actor was not notified yet of the end of an earlier child of that name. The
// actor would take that for the end of this child.
func (c *Caller) addToActor(child *Caller) (added bool) {
	// The actor's set of children goes on holding some that were removed from it. The
	// caller's own PID would keep all of the caller with it.
	pid := actor.NewPID(child.pid.GetAddress(), child.pid.GetId())
	existing := func(*actor.ActorSystem, string, *actor.Props, actor.SpawnerContext) (*actor.PID, error) {
		return pid, nil
	}
	p := (&actor.Props{}).Configure(actor.WithSpawnFunc(existing))
	ctx := c.invoker.(actor.Context)
	known := len(ctx.Children())
	failed := true
	defer func() {
		if failed { // the actor will not stop it
			added = true
			child.stop(nil)
		}
	}()
	defer c.logPanic("spawn middleware") // of an adopted actor
	if _, err := ctx.SpawnNamed(p, child.Name()); err != nil {
		c.log().Error("actors: child not registered, it is stopped", "child", child.path(), "error", err)
		return true
	}
	failed = false
	child.isRegistered = len(ctx.Children()) > known
	return child.isRegistered
}

// childEnded notifies the actor of the end of another one. A newer child may have
// the name by now: the actor must not take the message for its end.
func (c *Caller) childEnded(message *actor.Terminated) {
	child, ok := c.registry.lookup(message.Who.GetId())
	if ok && child.parent == c && child.pid != message.Who && (child.isRegistered || child.external) {
		defer c.escalatePanic(message)
		c.invoker.InvokeUserMessage(message)
		return
	}
	c.invokeSystem(message)
}
