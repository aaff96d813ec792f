package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/props"
)

// Defaults describes the callers of a system that have no parent, the main
// caller included, where their own options leave something open. So the main
// caller gets a logger and telemetry. It is for the callers that are made from
// now on, and takes the place of earlier defaults. Names, protection and hosts
// are not inherited, and actors that are made callers by [AsCaller] have the
// options given there alone. The error is that of an option. It may be called
// from any goroutine.
func Defaults(system *actor.ActorSystem, opts ...props.Option) error {
	requireSystem(system, "Defaults")
	config, err := props.New(opts...)
	if err != nil {
		return err
	}
	nodeOf(system).defaults.Store(config)
	return nil
}

// describe returns the description of a caller without a parent.
func (n *node) describe(opts ...props.Option) (*props.Config, error) {
	if defaults := n.defaults.Load(); defaults != nil {
		return defaults.Child(opts...)
	}
	return props.New(opts...)
}
