package supervision

import "github.com/asynkron/protoactor-go/actor"

// stopKeeper watches a child that is about to be restarted late, and stops it once more when it was
// stopping already. protoactor's actor forgets that it was stopping when it is told to restart while
// its own children still stop: it would start anew, and a parent that stops would wait for it for
// ever.
//
// It is a process, and makes use of an actor that is stopping answering Watch with Terminated at once.
type stopKeeper struct {
	child     incarnation
	restarted chan struct{} // closed when the child has been sent its restart
}

// keepStop watches the child until release is called, which must be done after the restart is sent.
func keepStop(child incarnation) (release func()) {
	keeper := &stopKeeper{child: child, restarted: make(chan struct{})}
	registry := child.system.ProcessRegistry
	pid, _ := registry.Add(keeper, "stopkeeper"+registry.NextId())
	// A PID remembers its process from the first use on. So nothing has to be unregistered later, at
	// a time that nobody could tell.
	child.system.Root.Stop(pid)
	registry.Remove(pid)

	child.process.SendSystemMessage(child.pid, &actor.Watch{Watcher: pid})
	return func() {
		child.process.SendSystemMessage(child.pid, &actor.Unwatch{Watcher: pid})
		close(keeper.restarted)
	}
}

// SendSystemMessage implements [actor.Process]. It is called by the child, on the child's turn, with
// Terminated.
func (k *stopKeeper) SendSystemMessage(*actor.PID, any) {
	go func() {
		<-k.restarted
		k.child.process.SendSystemMessage(k.child.pid, &actor.Stop{})
	}()
}

// SendUserMessage implements [actor.Process]. Nobody sends user messages to a stopKeeper.
func (k *stopKeeper) SendUserMessage(*actor.PID, any) {}

// Stop implements [actor.Process]. There is nothing to stop.
func (k *stopKeeper) Stop(*actor.PID) {}
