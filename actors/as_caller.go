package actors

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/props"
)

// AsCaller makes any actor a caller. Its Receive works as before. The functions called on
// it run between its messages, on the same turn. So Receive and functions may share the
// actor's state. Inside Receive [Of] returns the caller.
//
// The supervision of the actor stays that of protoactor. So does the supervision of the
// actors that it spawns itself, adopted or not. The strategy of [actor.WithSupervisor],
// or the actor's own, decides on their failures.
//
// The options are for what callers have. [props.Supervision] decides on a panic in a
// function. It also decides on a failure that a child caller escalates, unless
// [props.Strategy] does. Child callers are made by [Caller.Child] and [ToThread]. Without
// either option, such a failure is captured: the child goes on.
//
// The actor is a child in the tree of callers if the actor that spawns it is a caller. A
// name comes from the spawn, so [props.Name] and [props.Protected] have no effect.
//
// With [props.Thread] or a host its Receive runs where the functions run, from the first
// message to the last. Its stop needs the host's loop. If its publication cannot be
// opened, that is logged and the actor is stopped. The same happens if the function of
// [props.OnStart] fails. That function is called after the actor has handled Started, and
// before its first message.
//
// The option replaces the actor's mailbox, and must come after any other option that
// does. It may be used for any number of actors.
//
// The error is that of an option.
func AsCaller(opts ...props.Option) (actor.PropsOption, error) {
	config, err := props.New(opts...)
	if err != nil {
		return nil, err
	}
	config.Protected = false
	return actor.WithMailbox(func() actor.Mailbox {
		return newCaller(nil, nil, config, true).mailbox()
	}), nil
}

// MustAsCaller is [AsCaller] that panics with the error. It is for options that are
// constant, where the props of an actor are written down:
//
//	printer := actor.PropsFromProducer(newPrinter, actors.MustAsCaller(props.MaxQueued(100)))
func MustAsCaller(opts ...props.Option) actor.PropsOption {
	asCaller, err := AsCaller(opts...)
	if err != nil {
		panic(fmt.Errorf("actors: MustAsCaller: %w", err))
	}
	return asCaller
}
