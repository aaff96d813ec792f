package rpc

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// HandleStream is [Handle] for a function with many results, which [Stream] calls. fn
// runs on the turn of the caller that the call is for. So does the sequence that it
// returns, which is ranged over once.
//
// An item is sent as it is yielded, if the [Window] of the call has room for it.
// Otherwise the function gives its turn away and waits for room. On a [Pool] the worker
// runs other calls meanwhile. The function goes on there: at once if the worker waits or
// has nothing to do, else when it does. The items are encoded on the turn, before the
// function waits.
//
// The first error that is yielded ends the stream with it.
//
// The context of fn ends, and yield returns false, when further items are not wanted: the
// loop was left, its node is lost, or the deadline has passed. A sequence that ends after
// that has failed with the cause, so that no loop takes it for complete.
//
// The errors of HandleStream are those of Handle.
func HandleStream[Req, Resp any](
	system *actor.ActorSystem, name string, fn func(context.Context, Req) iter.Seq2[Resp, error],
) error {
	if name == "" || fn == nil {
		return fmt.Errorf("rpc: handle %q: there is no name or no function", name)
	}
	n := nodeOf(system)
	return n.functions.add(name, n.codes.of, &function{typed: fn, streams: true, encoded: func(
		ctx context.Context, argument *wire.Payload, to sink,
	) (*wire.Payload, error) {
		req, err := decode[Req](n.config.Load(), argument)
		argument.Free()
		if err != nil {
			return nil, err
		}
		err = each(ctx, fn(ctx, req), func(resp Resp) error {
			value, err := n.config.Load().encode(resp)
			if err != nil {
				return err
			}
			return to.send(ctx, value)
		})
		return &wire.Payload{}, err
	}})
}

// each hands the items of a sequence to send, until either fails. One that ends when
// its context has is not taken for complete.
func each[T any](ctx context.Context, seq iter.Seq2[T, error], send func(T) error) error {
	if seq == nil {
		return errors.New("rpc: the function has returned no sequence, but nil")
	}
	for value, err := range seq {
		if err != nil {
			return err
		}
		if err := send(value); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
