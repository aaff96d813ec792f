package rpc

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// startOnce answers a call with a key as the others with that key: it has it run if it
// is the first, waits for what runs, or repeats what is remembered.
func (n *node) startOnce(call *inboundCall, r *wire.Request) {
	run, first, remembered := n.dedup.join(call, keyOf(r))
	if !first {
		n.seeRepeat(call, run, r)
	}
	switch {
	case remembered != nil:
		call.reply(remembered)
	case first:
		n.runOnce(run, r)
	}
}

// seeRepeat begins the span of a call that runs no function: another one with its key does.
func (n *node) seeRepeat(call *inboundCall, run *execution, r *wire.Request) {
	c, err := n.caller(r.Caller)
	if err != nil {
		return // nobody says whether it is to be seen
	}
	ctx := traceOf(c, r)
	if span := instrument.Of(c.Telemetry()).Repeat(ctx, r.Function, r.Caller); span != nil {
		call.repeats(&repeat{span, run})
	}
}

// runOnce has the function run for all calls that are one.
func (n *node) runOnce(r *execution, first *wire.Request) {
	size := len(first.Argument.Data)
	fn, c, err := n.find(first)
	if err == nil {
		err = n.inboundBytes.take(size, n.config.Load().maxOpenBytes)
	}
	if err != nil {
		replyTo(n.dedup.end(r, nil, nil), n.refusal(err))
		return
	}
	n.served.run()
	ctx, cancel := contextOf(c, first)
	ctx = context.WithValue(ctx, keyOfCall{}, r.id.key)
	var ran, interrupted atomic.Bool
	var returned atomic.Pointer[wire.Response]
	p := schedule(fn.servedBy(ctx), c, first.Worker, func(ctx context.Context) (*wire.Payload, error) {
		ctx, left, err := n.activations.enter(ctx, c, first.Identity)
		if err != nil {
			return nil, err
		}
		ran.Store(true)
		result, err := fn.encoded(ctx, &first.Argument, nil)
		err = left(err)
		if err != nil && ctx.Err() != nil {
			interrupted.Store(true)
		} else {
			returned.Store(n.answer(first.Function, result, err))
		}
		return result, err
	})
	n.dedup.running(r, p)
	p.OnDone(func(pending.Handle) {
		cancel()
		n.served.stopped()
		n.inboundBytes.give(size)
		if answer := returned.Load(); answer != nil { // also if it was cancelled meanwhile
			n.endRun(r, answer)
			return
		}
		answer := n.outcome(p, ran.Load())
		if !ran.Load() || interrupted.Load() || p.Cancelled() {
			answer.Error.Again = !errors.Is(p.Err(), ErrActivation)
			replyTo(n.dedup.end(r, nil, nil), answer)
			return
		}
		n.endRun(r, answer)
	})
}

// endRun answers those who wait for a run, and those who will ask for it.
func (n *node) endRun(r *execution, answer *wire.Response) {
	config := n.config.Load()
	replyTo(n.dedup.end(r, n.memorable(r.id, answer, config), config), answer)
}

// memorable returns an answer as it is remembered.
func (n *node) memorable(id callKey, answer *wire.Response, c *config) *wire.Response {
	size := sizeOf(id, answer)
	if size <= c.dedupBytes {
		return answer
	}
	err := fmt.Errorf("%w: the answer was given once, and is not remembered with %d bytes, of which %d may be",
		ErrTooLarge, size, c.dedupBytes)
	return n.answer("", nil, err)
}

// replyTo answers calls, unless they are cancelled or of a node that is no more.
func replyTo(calls []*inboundCall, answer *wire.Response) {
	for _, call := range calls {
		call.reply(answer)
	}
}
