package actors

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"
)

// SendUserMessage implements [actor.Process]: it takes the answers to requests.
func (r *registry) SendUserMessage(pid *actor.PID, message any) {
	r.requests.answer(pid.GetRequestId(), actor.UnwrapEnvelopeMessage(envelopNil(message)))
}

// SendSystemMessage implements [actor.Process]. It handles messages about the
// callers without a parent.
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

// topFailed stops a caller without a parent that has escalated a failure.
func (r *registry) topFailed(failure *actor.Failure) {
	c, ok := r.lookup(failure.Who.GetId())
	if !ok || c.pid != failure.Who || c.State() >= StateStopping {
		return
	}
	defer c.stop(asError(failure.Reason)) // even if the log handler ends the goroutine
	c.logError(context.Background(), "failure escalated to the root, the caller is stopped", loggable("reason", failure.Reason))
}
