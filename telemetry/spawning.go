package telemetry

import "github.com/asynkron/protoactor-go/actor"

// Traced is the option of an actor whose messages are traced: received ones, sent
// ones, and those of its children. It is all three middlewares at once.
func (t *Telemetry) Traced() actor.PropsOption {
	return func(p *actor.Props) {
		p.Configure(
			actor.WithReceiverMiddleware(t.ReceiverMiddleware),
			actor.WithSenderMiddleware(t.SenderMiddleware),
			actor.WithSpawnMiddleware(t.SpawnMiddleware),
		)
	}
}

// SpawnMiddleware adds [Telemetry.Traced] to the actors that are spawned, and to
// their children. It copies the props.
func (t *Telemetry) SpawnMiddleware(next actor.SpawnFunc) actor.SpawnFunc {
	return func(
		system *actor.ActorSystem, id string, props *actor.Props, parent actor.SpawnerContext,
	) (*actor.PID, error) {
		return next(system, id, t.traced(props), parent)
	}
}

// traced returns a copy of the props.
func (t *Telemetry) traced(props *actor.Props) *actor.Props { return props.Clone(t.Traced()) }
