package actors

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// receiver is the actor behind the callers of a node: all they can do is in
// their mailboxes.
type receiver struct{ node *node }

// Receive implements [actor.Actor].
func (r receiver) Receive(ctx actor.Context) {
	c, ok := r.node.lookup(ctx.Self().GetId())
	if !ok || c.pid != ctx.Self() { // it was finalized before
		return
	}
	switch ctx.Message().(type) {
	case actor.SystemMessage, *actor.Stopping, *actor.Restarting, *actor.ReceiveTimeout:
	case *actor.Stopped:
		c.finalize()
	default:
		c.deadLetter(&actor.MessageEnvelope{Message: ctx.Message(), Sender: ctx.Sender()})
	}
}

// propsOf returns what the callers of a node with that strategy are spawned
// from. Nearly all have none of their own and share one.
func (n *node) propsOf(strategy actor.SupervisorStrategy) *actor.Props {
	if strategy != nil {
		return n.newProps(strategy)
	}
	return n.props
}

func (n *node) newProps(strategy actor.SupervisorStrategy) *actor.Props {
	return actor.PropsFromProducer(
		func() actor.Actor { return receiver{n} },
		actor.WithMailbox(n.takeMailbox),
		actor.WithSupervisor(strategy),
	)
}

// takeMailbox hands the mailbox of the caller that is being spawned to its
// actor.
func (n *node) takeMailbox() actor.Mailbox {
	c := n.spawned
	n.spawned = nil
	n.spawning.Unlock()
	return &c.box
}

// spawning is the context in which an actor is spawned as the child of parent,
// from any goroutine.
type spawning struct {
	*actor.RootContext
	parent *actor.PID
}

// Self implements [actor.SpawnerContext].
func (s spawning) Self() *actor.PID { return s.parent }

// spawn brings the caller's actor to life, with its mailbox gated.
func (c *Caller) spawn(id string, parent *actor.PID) error {
	n := c.node
	n.spawning.Lock() // until the actor takes the mailbox
	n.spawned = c
	_, err := actor.DefaultSpawner(n.system, id, n.propsOf(c.config.Strategy), spawning{n.system.Root, parent})
	if err != nil {
		return fmt.Errorf("actors: spawn %s: %w", id, err)
	}
	return nil
}

// registered is called when the actor has an address, and before it is reached.
func (c *Caller) registered(ctx actor.Context) {
	c.pid = ctx.Self()
	if c.adopted {
		c.node = nodeOf(ctx.ActorSystem())
		c.state.Store(int32(StateStarting))
		c.joinTree(ctx.Parent())
		c.node.watch(c.config.Telemetry)
	}
	if t := c.config.Telemetry; t != nil {
		name := c.config.Name
		if c.adopted {
			name = c.name
		}
		c.traced = t.Caller(c.pid.GetId(), name)
	}
	c.node.add(c)
}

// joinTree makes an adopted actor the child of the caller that its parent is,
// if it is one.
func (c *Caller) joinTree(parent *actor.PID) {
	id := c.pid.GetId()
	c.name = id[strings.LastIndexByte(id, '/')+1:]
	if parent == nil {
		return
	}
	if p, ok := c.node.lookup(parent.GetId()); ok {
		c.parent = p
		p.mu.Lock()
		defer p.mu.Unlock()
		p.addChild(c)
	}
}

// spawned is called when the actor is reachable.
func (c *Caller) spawned() {
	if !c.adopted {
		return
	}
	defer func() { // even if a log handler ends the goroutine
		// The node learns of the end of an actor that is not ours as a watcher.
		c.box.PostSystemMessage(&actor.Watch{Watcher: c.node.pid})
		c.box.mu.Lock()
		c.box.gated = false
		c.box.wakeLocked()
	}()
	if err := c.openPublication(); err != nil {
		defer c.stop(err)
		c.log().Error("actors: adopted actor is stopped", slog.Any("error", err))
		return
	}
	c.box.settle()
}

// started is called when the actor has dealt with its Started message.
func (c *Caller) started() { c.move(StateStarting, StateRunning) }

// addChild registers a child. The caller holds mu.
func (c *Caller) addChild(child *Caller) {
	if c.children == nil {
		c.children = make(map[string]*Caller)
	}
	c.children[child.name] = child
}

// Child returns the child of that name, or makes one; without a name it always
// makes one. What the options leave open is inherited. If the child exists the
// options are not looked at, except that it is an error to ask for another
// backend or host than it has. The error else is that of an option or of
// opening the publication, or matches [pending.ErrStopped] when the caller, or
// the child of that name, is stopping. It may be called from any goroutine,
// also while the caller is busy or not started yet. The seed's get.
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

// child returns a child, which it may have made although there is an error. That
// child stops.
func (c *Caller) child(config *props.Config, employer *pool) (*Caller, error) {
	c.node.watch(config.Telemetry) // without the lock that it might be waited for with
	child, made, err := c.getOrMake(config, employer)
	if !made {
		c.node.unwatch(config.Telemetry)
	}
	if made {
		// Any goroutine can spawn, but only the parent's actor, on its turn,
		// can take note of its child.
		c.box.PostSystemMessage(adoption{child})
		if err == nil { // else somebody has stopped it already
			err = child.enter()
		}
	}
	return child, err
}

func (c *Caller) getOrMake(config *props.Config, employer *pool) (child *Caller, made bool, err error) {
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
		return existing, false, config.Differs(existing.config)
	}
	if name == "" {
		name = c.node.system.ProcessRegistry.NextId()
	}
	child = newCaller(c.node, c, name, config)
	child.employer = employer
	if err := child.spawn(c.pid.GetId()+"/"+name, c.pid); err != nil {
		return nil, false, err
	}
	c.addChild(child)
	c.box.mu.Lock()
	c.box.orphans++
	c.box.mu.Unlock()
	return child, true, child.begin()
}

// adoption asks the mailbox of the parent to have its actor take note of a
// child that was spawned for it.
type adoption struct{ child *Caller }

// adopt has the actor take note of a child, so that it waits for it when it
// stops. A child that has stopped already would be waited for in vain. While
// the actor restarts it would wait for the child too, which nobody stops then.
func (m *mailbox) adopt(child *Caller) {
	if child.State() != StateStopped && m.restarting {
		m.caller.adoptLater(child)
		return
	}
	later := false
	defer func() { // even if spawn middleware ends the goroutine
		if later {
			return
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.orphans--
	}()
	if child.State() != StateStopped && !m.takeNote(child) {
		later = true
		m.caller.adoptLater(child)
	}
}

// adoptLate adopts the children that had to wait for it.
func (m *mailbox) adoptLate() {
	for _, child := range m.caller.takeLate() {
		m.adopt(child)
	}
}

func (c *Caller) adoptLater(child *Caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.rarely()
	r.late = append(r.late, child)
}

func (c *Caller) takeLate() []*Caller {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rare == nil {
		return nil
	}
	late := c.rare.late
	c.rare.late = nil
	return late
}

// takeNote reports false if the actor has not heard yet of the end of an earlier
// child of the same name, which it would take for the end of this one.
func (m *mailbox) takeNote(child *Caller) (noted bool) {
	// The actor's set of children goes on holding some that were removed from it.
	// The caller's own PID would keep all of the caller with it.
	pid := actor.NewPID(child.pid.GetAddress(), child.pid.GetId())
	existing := func(*actor.ActorSystem, string, *actor.Props, actor.SpawnerContext) (*actor.PID, error) {
		return pid, nil
	}
	p := (&actor.Props{}).Configure(actor.WithSpawnFunc(existing))
	ctx := m.invoker.(actor.Context)
	known := len(ctx.Children())
	failed := true
	defer func() {
		if failed { // the actor will not stop it
			noted = true
			child.box.PostSystemMessage(&actor.Stop{})
		}
	}()
	defer m.caller.logPanic("spawn middleware") // of an adopted actor
	if _, err := ctx.SpawnNamed(p, child.name); err != nil {
		m.caller.log().Error("actors: adoption failed, the child is stopped", "child", child.path(), "error", err)
		return true
	}
	failed = false
	child.noted = len(ctx.Children()) > known
	return child.noted
}

// childEnded tells the actor of the end of another one. It must not take that
// for the end of a child which has got the name since.
func (m *mailbox) childEnded(message *actor.Terminated) {
	c, ok := m.caller.node.lookup(message.Who.GetId())
	if ok && c.parent == m.caller && c.pid != message.Who && (c.noted || c.adopted) {
		defer m.escalate(message)
		m.invoker.InvokeUserMessage(message)
		return
	}
	m.invokeSystem(message)
}
