package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/props"
)

// AsCaller makes any actor a caller: its Receive works as before, and the
// functions called on it run between its messages, on the same turn, so that
// both may touch the actor's state. Inside Receive [Of] returns the caller.
//
// The actor's supervision stays that of protoactor; the policy of the options
// is for panics in functions. The actor is a child in the tree of callers if
// the actor that spawns it is a caller. A name comes from the spawn, so
// [props.Name] and [props.Protected] have no effect. The error is that of an
// option.
//
// With [props.Thread] or a host its Receive is where the functions are, from the
// first message to the last: its stop needs the host's loop. If its publication
// cannot be opened, that is logged and the actor is stopped.
//
// The option replaces the actor's mailbox, and must come after any other
// option that does.
func AsCaller(opts ...props.Option) (actor.PropsOption, error) {
	config, err := props.New(opts...)
	if err != nil {
		return nil, err
	}
	config.Protected = false
	return actor.WithMailbox(func() actor.Mailbox {
		return newCaller(nil, nil, "", config, true).mailbox()
	}), nil
}
