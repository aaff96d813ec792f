package rpc

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// HandleStream is [Handle] for a function with many results, which [Stream] calls.
// fn runs on the turn of the caller that the call is for, and so does the sequence
// that it returns, which is ranged over once. An item is sent as it is yielded, if
// the [Window] of the call has room for it; else the function gives its turn away
// and waits until it has. The first error that is yielded ends the stream with it.
//
// When nobody wants further items, because the loop was left or its node is lost,
// and at the deadline, the context of fn ends, and yield returns false. A sequence
// that ends after that has failed with the cause, so that no loop takes it for
// complete. The items are encoded on the turn, before the function waits. On a
// [Pool] the worker runs other calls while the function waits for room. The function
// goes on there: at once if the worker waits or has nothing to do, else when it does.
func HandleStream[Req, Resp any](
	system *actor.ActorSystem, name string, fn func(context.Context, Req) iter.Seq2[Resp, error],
) error {
	if name == "" || fn == nil {
		return fmt.Errorf("rpc: handle %q: there is no name or no function", name)
	}
	n := nodeOf(system)
	return n.functions.add(name, &function{typed: fn, streams: true, encoded: func(
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
