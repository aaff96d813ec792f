package actors

import (
	"reflect"

	"github.com/asynkron/protoactor-go/actor"
)

// isVoid reports whether a message of the actor system is nil, or says something
// about a PID that is nil. Protoactor would panic on it.
func isVoid(message any) bool {
	if v := reflect.ValueOf(message); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return true
	}
	switch message := message.(type) {
	case *actor.Terminated:
		return message.Who == nil
	case *actor.Failure:
		return message.Who == nil
	case *actor.Watch:
		return message.Watcher == nil
	case *actor.Unwatch:
		return message.Watcher == nil
	default:
		return false
	}
}

// handleSystem deals with a message of the actor system.
func (m *mailbox) handleSystem(message any) {
	switch message := message.(type) {
	case *actor.SuspendMailbox:
		m.pause(true)
	case *actor.ResumeMailbox:
		m.pause(false)
		m.restarting = false
		m.adoptLate()
		m.caller.resumed()
	case *actor.Stop:
		m.hold(message)
	case *actor.Restart:
		if m.caller.State() < StateStopping {
			m.hold(message)
			m.caller.interruptForRestart()
		}
	case *actor.Terminated:
		m.childEnded(message)
		m.adoptLate()
	case adoption:
		m.adopt(message.child)
	default:
		m.invokeSystem(message)
	}
}

// invokeSystem hands a message of the actor system to the actor's context.
func (m *mailbox) invokeSystem(message any) {
	returned := false
	defer func() {
		if !returned && m.stopping {
			m.finishStop(message)
		}
	}()
	defer m.escalate(message)
	m.invoker.InvokeSystemMessage(message)
	returned = true
	if _, ok := message.(*actor.Started); ok {
		m.caller.started()
	}
}

// finishStop does what is left to do when the actor has failed at a message
// of its stop: protoactor leaves it at that, and whoever waits for the end would
// wait for ever.
func (m *mailbox) finishStop(message any) {
	c, ctx := m.caller, m.invoker.(actor.Context)
	registry := c.node.system.ProcessRegistry
	_, alive := registry.GetLocal(c.ID())
	last, ok := message.(*actor.Terminated)
	hopeless := ok && last.Who == c.pid
	switch children := ctx.Children(); {
	case alive && len(children) > 0:
		m.invoker.(actor.Supervisor).StopChildren(children...)
		return
	case alive && !hopeless:
		m.invokeSystem(&actor.Terminated{Who: c.pid}) // has it see again whether it can end
		return
	case alive:
		registry.Remove(c.pid)
	}
	c.finalize()
	if parent, ok := registry.Get(ctx.Parent()); ok {
		parent.SendSystemMessage(ctx.Parent(), &actor.Terminated{Who: c.pid})
	}
}

func (m *mailbox) pause(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.paused = on
	m.urgent.Store(true)
}

// hold keeps a Stop or a Restart until all functions have returned. A Stop is
// not replaced.
func (m *mailbox) hold(message any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.held.(*actor.Stop); !ok {
		m.held = message
		m.urgent.Store(true)
	}
}

// release lets through what was held.
func (m *mailbox) release(message any) {
	m.caller.quiesced()
	_, restart := message.(*actor.Restart)
	if restart {
		m.caller.restarting()
	}
	m.restarting, m.stopping = restart, !restart
	m.pause(restart) // until the actor says that it has restarted
	m.invokeSystem(message)
}
