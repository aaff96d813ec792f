package actors

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"
)

// An argument that is nil by mistake panics where it is given, with the name of the
// function. A later panic could not say where the argument comes from.

// requireCall checks the arguments of the functions that make calls.
func requireCall(ctx context.Context, c *Caller, noFunction bool, name string) {
	requireContext(ctx, name)
	requireFunction(c, noFunction, name)
}

// requireFunction is requireCall for a function without a context.
func requireFunction(c *Caller, noFunction bool, name string) {
	if c == nil {
		panic("actors: " + name + " on a nil caller")
	}
	if noFunction {
		panic("actors: " + name + " with a nil function")
	}
}

func requireContext(ctx context.Context, name string) {
	if ctx == nil {
		panic("actors: " + name + " with a nil context")
	}
}

func requireSystem(system *actor.ActorSystem, name string) {
	if system == nil {
		panic("actors: " + name + " with a nil system")
	}
}

func requireOptions[O ~func(*X), X any](opts []O, name string) {
	for _, opt := range opts {
		if opt == nil {
			panic("actors: " + name + " with a nil option")
		}
	}
}
