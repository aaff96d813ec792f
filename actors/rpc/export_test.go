package rpc

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"
)

// PropsOfKind returns how the identities of a [Kind] are made, without a cluster.
func PropsOfKind[S any](
	system *actor.ActorSystem, name string, newState func(ctx context.Context, id string) (S, error), opts ...KindOption,
) (*actor.Props, error) {
	return propsOfKind(system, name, newState, opts)
}
