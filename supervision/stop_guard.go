package supervision

import "github.com/asynkron/protoactor-go/actor"

// stopGuard stops a child again if it was stopping when it got a delayed restart. protoactor's actor
// forgets that it was stopping when a restart reaches it while its own children still stop. It would
// start anew, and a parent that stops would wait for it forever.
//
// The guard is a process that watches the child. An actor that is stopping answers Watch with
// Terminated at once.
type stopGuard struct {
	child     incarnation
	restarted chan struct{} // closed when the restart has been sent to the child
}

// guardStop watches the child until release is called. The restart must be sent before that.
func guardStop(child incarnation) (release func()) {
	guard := &stopGuard{child: child, restarted: make(chan struct{})}
	registry := child.system.ProcessRegistry
	pid, _ := registry.Add(guard, "stopguard"+registry.NextId())
	// A PID caches its process on first use, so the registration can be removed at once. Later, no
	// event would say when it is no longer needed.
	child.system.Root.Stop(pid)
	registry.Remove(pid)

	child.process.SendSystemMessage(child.pid, &actor.Watch{Watcher: pid})
	return func() {
		child.process.SendSystemMessage(child.pid, &actor.Unwatch{Watcher: pid})
		close(guard.restarted)
	}
}

// SendSystemMessage implements [actor.Process]. The child calls it on its turn, with Terminated.
func (g *stopGuard) SendSystemMessage(*actor.PID, any) {
	go func() {
		<-g.restarted
		g.child.process.SendSystemMessage(g.child.pid, &actor.Stop{})
	}()
}

// SendUserMessage implements [actor.Process]. A stopGuard gets no user messages.
func (g *stopGuard) SendUserMessage(*actor.PID, any) {}

// Stop implements [actor.Process]. There is nothing to stop.
func (g *stopGuard) Stop(*actor.PID) {}
