package rpc

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/tracing"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/served"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// callLocal schedules a function of the node's own on a caller of its own.
func callLocal[Req, Resp any](
	ctx context.Context, n *node, at endpoint, name string, req Req, o callOptions,
) *pending.Pending[Resp] {
	fn, c, err := n.localFunction(at, name, false)
	if err != nil {
		return failedLocal[Resp](ctx, n, at, name, err, o)
	}
	typed, ok := fn.typed.(func(context.Context, Req) (Resp, error))
	if !ok {
		typed = func(ctx context.Context, req Req) (Resp, error) { return callEncoded[Req, Resp](ctx, n, fn, req) }
	}
	return schedule(fn.localContext(ctx, o), c, at.worker, func(ctx context.Context) (resp Resp, err error) {
		ctx, left, err := n.activations.enter(ctx, c, at.identity)
		if err != nil {
			return resp, err
		}
		if o.ran != nil {
			o.ran.Store(true)
		}
		resp, err = typed(ctx, req)
		return resp, left(err)
	})
}

// localFunction returns a function of the node's own and a caller of its own, or why
// there is none.
func (n *node) localFunction(at endpoint, name string, streams bool) (*function, *actors.Caller, error) {
	fn, err := n.functions.find(name, streams)
	if err != nil {
		return nil, nil, err
	}
	c, err := n.caller(at.caller)
	return fn, c, err
}

// localContext returns ctx for a call of the function without a wire.
func (f *function) localContext(ctx context.Context, o callOptions) context.Context {
	return &served.Context{Context: ctx, Options: append(slices.Clip(f.options), o.pending...)}
}

// failedLocal returns the pending of a call that cannot be made. It is seen like one that
// another node refuses, unless it is an attempt at a call that is.
func failedLocal[Resp any](
	ctx context.Context, n *node, at endpoint, name string, err error, o callOptions,
) *pending.Pending[Resp] {
	opts := []pending.Option{pending.Named(name), future.Tracked}
	if traced := tracing.Of(ctx); traced != nil && o.ran == nil {
		ctx = traced.NewContext(ctx)
		opts = append(opts, pending.ObservedBy(traced.RemoteCalls(name, n.system.Address(), at.caller)))
	}
	p := pending.New[Resp](ctx, append(opts, o.pending...)...)
	p.SetError(err)
	return p
}

// callEncoded calls a function whose types are others than those of the call, as
// they may be between nodes.
func callEncoded[Req, Resp any](ctx context.Context, n *node, fn *function, req Req) (resp Resp, err error) {
	argument, err := n.config.Load().encode(req)
	if err != nil {
		return resp, err
	}
	result, err := fn.encoded(ctx, argument, nil)
	if err != nil {
		return resp, err
	}
	return decode[Resp](n.config.Load(), result)
}

// caller returns an error that matches [ErrNoCaller] if there is no caller with
// that id.
func (n *node) caller(id string) (*actors.Caller, error) {
	if c, ok := actors.Lookup(n.system, id); ok {
		return c, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrNoCaller, id)
}
