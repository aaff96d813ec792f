package telemetry

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
)

// isUser reports whether a message is a user message, not one of the actor system.
func isUser(message any) bool {
	switch message.(type) {
	case actor.SystemMessage, actor.AutoReceiveMessage, actor.InfrastructureMessage, actor.MailboxMessage,
		*actor.ReceiveTimeout, *actor.DeadLetterResponse:
		return false
	default:
		return true
	}
}

// destinationOf describes an actor for what runs in that system.
func destinationOf(pid *actor.PID, system *actor.ActorSystem) instrument.Destination {
	own := pid.GetAddress()
	if system != nil {
		own = system.Address()
	}
	return instrument.DestinationOf(pid.GetId(), pid.GetAddress(), own)
}
