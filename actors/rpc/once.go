package rpc

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// serveOnce answers a call with a key as the others with that key: it has it run
// if it is the first, waits for what runs, or repeats what is remembered.
func (n *node) serveOnce(call incoming, r *wire.Request) {
	if first, err := n.served.attend(call, n.config.Load().maxOpen); !first {
		if err != nil {
			n.refuse(call, err)
		}
		return // it waits already, or was cancelled
	}
	run, first, remembered := n.window.join(call, identityOf(r))
	switch {
	case remembered != nil:
		n.replyTo([]incoming{call}, remembered)
	case first:
		n.run(run, r)
	}
}

// run has the function run for all calls that are one.
func (n *node) run(r *run, first *wire.Request) {
	size := len(first.GetArgument().GetData())
	fn, c, err := n.find(first)
	if err == nil {
		err = n.accepted.take(size, n.config.Load().maxOpenBytes)
	}
	if err != nil {
		n.replyTo(n.window.end(r, nil, nil), n.refusal(err))
		return
	}
	ctx, cancel := contextOf(c, first)
	ctx = context.WithValue(ctx, keyOfCall{}, r.id.key)
	var ran, interrupted atomic.Bool
	var returned atomic.Pointer[wire.Response]
	p := schedule(ctx, c, first.GetWorker(), func(ctx context.Context) (*wire.Payload, error) {
		ctx, left, err := n.activations.enter(ctx, c, first.GetIdentity())
		if err != nil {
			return nil, err
		}
		defer left()
		ran.Store(true)
		result, err := fn.encoded(ctx, first.GetArgument(), nil)
		if err != nil && ctx.Err() != nil {
			interrupted.Store(true)
		} else {
			returned.Store(n.answer(first.GetFunction(), result, err))
		}
		return result, err
	}, fn.options...)
	n.window.running(r, p)
	p.OnDone(func(pending.Handle) {
		cancel()
		n.accepted.give(size)
		if answer := returned.Load(); answer != nil { // also if it was cancelled meanwhile
			n.endRun(r, answer)
			return
		}
		answer := n.outcome(p, ran.Load())
		if !ran.Load() || interrupted.Load() || p.Cancelled() {
			answer.GetError().Again = !errors.Is(p.Err(), ErrActivation)
			n.replyTo(n.window.end(r, nil, nil), answer)
			return
		}
		n.endRun(r, answer)
	})
}

// endRun answers those who wait for a run, and those who will ask for it.
func (n *node) endRun(r *run, answer *wire.Response) {
	config := n.config.Load()
	n.replyTo(n.window.end(r, n.memorable(r.id, answer, config), config), answer)
}

// memorable returns an answer as it is remembered.
func (n *node) memorable(id identity, answer *wire.Response, c *config) *wire.Response {
	size := sizeOf(id, answer)
	if size <= c.rememberBytes {
		return answer
	}
	err := fmt.Errorf("%w: the answer was given once, and is not remembered with %d bytes, of which %d may be",
		ErrTooLarge, size, c.rememberBytes)
	return n.answer("", nil, err)
}

// replyTo answers calls, unless they are cancelled or of a node that is no more.
func (n *node) replyTo(calls []incoming, answer *wire.Response) {
	for _, call := range calls {
		if n.served.end(call) {
			n.reply(call, answer)
		}
	}
}
