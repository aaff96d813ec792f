package actors

import "github.com/asynkron/protoactor-go/actor"

// anchorActor is the actor behind the callers of a registry. It does nothing:
// their mailboxes do all the work.
type anchorActor struct{ registry *registry }

// Receive implements [actor.Actor].
func (a anchorActor) Receive(ctx actor.Context) {
	c, ok := a.registry.lookup(ctx.Self().GetId())
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

// newProps returns the props that all callers of a registry are spawned from.
// Their mailboxes decide on failures of their children, not a strategy of
// protoactor.
func (r *registry) newProps() *actor.Props {
	return actor.PropsFromProducer(
		func() actor.Actor { return anchorActor{r} },
		actor.WithMailbox(r.handOverMailbox),
	)
}

// handOverMailbox hands the mailbox of the caller that is being spawned to its
// actor.
func (r *registry) handOverMailbox() actor.Mailbox {
	c := r.mailboxOwner
	r.mailboxOwner = nil
	r.spawnMu.Unlock()
	return c.mailbox()
}
