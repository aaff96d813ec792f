package rpc

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// DefaultIdle is that of [Idle].
const DefaultIdle = 5 * time.Minute

// KindOption changes how the callers of a [Kind] are made and end. A value that makes no
// sense is an error of Kind.
type KindOption func(*kind) error

// Idle has a caller stop that no call has come for, nor run, for d. The default is
// [DefaultIdle], and 0 is never. A call that comes at that moment goes to the next caller
// of the identity.
func Idle(d time.Duration) KindOption {
	return func(k *kind) error {
		if d < 0 {
			return fmt.Errorf("rpc: Idle: %v is negative", d)
		}
		k.idle = d
		return nil
	}
}

// Passivated has save called on the turn of a caller, as the last thing. That is when the
// caller has been idle, its node leaves, or its identity goes to another node. It is not
// called when the caller has crashed.
//
// An error of save is logged.
func Passivated[S any](save func(ctx context.Context, id string, state S) error) KindOption {
	return func(k *kind) error {
		if save == nil {
			return fmt.Errorf("rpc: Passivated: there is no function")
		}
		k.save = func(ctx context.Context, id string, state any) error {
			s, ok := state.(S)
			if !ok {
				return fmt.Errorf("rpc: Passivated: the state is a %T", state)
			}
			return save(ctx, id, s)
		}
		return nil
	}
}

// CallerOptions sets the options of the callers: supervision, a limit of the queue, a
// logger. A name has no effect.
func CallerOptions(opts ...props.Option) KindOption {
	return func(k *kind) error {
		k.props = append(k.props, opts...)
		return nil
	}
}

// kind is a kind of callers, one for each identity.
type kind struct {
	node  *node
	name  string
	make  func(ctx context.Context, id string) (any, error)
	save  func(ctx context.Context, id string, state any) error
	idle  time.Duration
	props []props.Option
}

// Kind returns a kind of a cluster of which each identity is a caller of its own, with a
// state: see [Identity]. The functions of [Handle] that are called on it find the state
// with [State].
//
// newState makes the state of an identity, on the turn of its caller before any function.
// The calls that have come meanwhile wait for it. Its context ends when the node does. If
// it fails or panics those calls fail with its error, which matches [ErrActivation] as
// well. The next call tries it anew. A restart of the caller makes a new state.
//
// The error is that of an option or of the name. A name must not be empty, and has no
// slash.
func Kind[S any](
	system *actor.ActorSystem, name string, newState func(ctx context.Context, id string) (S, error), opts ...KindOption,
) (*cluster.Kind, error) {
	activated, err := propsOfKind(system, name, newState, opts)
	if err != nil {
		return nil, err
	}
	return cluster.NewKind(name, activated), nil
}

// propsOfKind returns how the identities of a kind are made.
func propsOfKind[S any](
	system *actor.ActorSystem, name string, newState func(ctx context.Context, id string) (S, error), opts []KindOption,
) (*actor.Props, error) {
	if newState == nil {
		return nil, fmt.Errorf("rpc: kind %q: there is no function", name)
	}
	k := &kind{
		node: nodeOf(system), name: name, idle: DefaultIdle,
		make: func(ctx context.Context, id string) (any, error) { return newState(ctx, id) },
	}
	if err := checkKind(name); err != nil {
		return nil, err
	}
	for _, opt := range opts {
		if err := opt(k); err != nil {
			return nil, err
		}
	}
	asCaller, err := actors.AsCaller(k.props...)
	if err != nil {
		return nil, err
	}
	return actor.PropsFromProducer(
		func() actor.Actor { return &activation{kind: k, made: time.Now()} }, asCaller, actor.WithReceiverMiddleware(drainFirst)), nil
}

// checkKind returns what is wrong with the name of a kind.
func checkKind(name string) error {
	if name == "" || strings.Contains(name, "/") || name != clean(name) {
		return fmt.Errorf("rpc: kind %q: a name may not be empty, nor have a slash or what is no UTF-8", name)
	}
	return nil
}
