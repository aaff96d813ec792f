package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/props"
)

// Defaults sets the options of the callers of a system that have no parent. Their own
// options come first. The main caller has no other options: here it gets a logger,
// telemetry, and a policy for its failures. See [Main] for a policy that stops it.
//
// Defaults replaces earlier defaults. Callers that exist keep what they have, the main
// caller included. Names, protection and hosts are not inherited. Actors that [AsCaller]
// makes callers have only the options given there.
//
// The error is that of an option. Defaults may be called from any goroutine.
func Defaults(system *actor.ActorSystem, opts ...props.Option) error {
	requireSystem(system, "Defaults")
	config, err := props.New(opts...)
	if err != nil {
		return err
	}
	registryOf(system).defaults.Store(config)
	return nil
}

// describe returns the description of a caller without a parent.
func (n *registry) describe(opts ...props.Option) (*props.Config, error) {
	if defaults := n.defaults.Load(); defaults != nil {
		return defaults.Child(opts...)
	}
	return props.New(opts...)
}
