package telemetry

import "github.com/asynkron/protoactor-go/actor"

// Traced is the option of any actor whose messages are to be traced: those it
// receives, those it sends, and those of its children. It is all three of
// middleware at once.
func (t *Telemetry) Traced() actor.PropsOption {
	return func(p *actor.Props) {
		p.Configure(
			actor.WithReceiverMiddleware(t.ReceiverMiddleware),
			actor.WithSenderMiddleware(t.SenderMiddleware),
			actor.WithSpawnMiddleware(t.SpawnMiddleware),
		)
	}
}

// SpawnMiddleware has the actors that are spawned traced as by
// [Telemetry.Traced], and their children. The props stay as they are.
func (t *Telemetry) SpawnMiddleware(next actor.SpawnFunc) actor.SpawnFunc {
	return func(
		system *actor.ActorSystem, id string, props *actor.Props, parent actor.SpawnerContext,
	) (*actor.PID, error) {
		return next(system, id, t.traced(props), parent)
	}
}

// traced returns a copy of the props.
func (t *Telemetry) traced(props *actor.Props) *actor.Props { return props.Clone(t.Traced()) }
