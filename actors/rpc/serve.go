package rpc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// serve has a call run, or refuses it. If its argument comes in chunks, of so many bytes
// in all, it runs when that is there.
func (n *node) serve(call *inboundCall, r *wire.Request, chunked bool, total uint64) {
	size := uint64(r.Size())
	if chunked {
		size += total
	}
	if err := n.accept(call, r, size); err != nil {
		call.reject(n.refusal(err))
		return
	}
	if err := n.served.begin(n.config.Load().maxOpen); err != nil {
		call.reject(n.refusal(err))
		return
	}
	if chunked {
		if err := n.inboundBytes.take(int(total), n.config.Load().maxOpenBytes); err != nil { //nolint:gosec // It is no more than maxSize.
			n.served.end()
			call.reject(n.refusal(err))
			return
		}
		call.held, call.request = int(total), r //nolint:gosec // As above.
	}
	if !call.admit() {
		n.served.end()
		n.inboundBytes.give(call.held)
		return
	}
	if !chunked {
		n.start(call, r)
	}
}

// start has a call run whose argument is there.
func (n *node) start(call *inboundCall, r *wire.Request) {
	call.request = nil
	held, wanted := call.begin()
	if !wanted {
		n.inboundBytes.give(held)
		return
	}
	if held == 0 && r.Key == "" {
		held = len(r.Argument.Data)
		if err := n.inboundBytes.take(held, n.config.Load().maxOpenBytes); err != nil {
			call.reply(n.refusal(err))
			return
		}
	}
	if r.Key != "" {
		n.inboundBytes.give(held) // those of all calls with the key are counted once
		n.startOnce(call, r)
		return
	}
	n.run(call, r, held)
}

// run schedules the function of a call without a key.
func (n *node) run(call *inboundCall, r *wire.Request, held int) {
	if r.Function == opinionsFunction {
		n.inboundBytes.give(held)
		call.reply(n.answerOpinions(&r.Argument))
		return
	}
	if isQuestion(r) {
		n.runReport(call, r, held)
		return
	}
	fn, c, err := n.find(r)
	if err != nil {
		n.inboundBytes.give(held)
		call.reply(n.refusal(err))
		return
	}
	n.served.run()
	ctx, cancel := contextOf(c, r)
	var out *outbox
	if r.Window > 0 {
		out = newOutbox(call, r.Window)
		call.streams(out)
	}
	var ran atomic.Bool
	p := schedule(fn.servedBy(ctx), c, r.Worker, func(ctx context.Context) (*wire.Payload, error) {
		ctx, left, err := n.activations.enter(ctx, c, r.Identity)
		if err != nil {
			return nil, err
		}
		ran.Store(true)
		result, err := fn.encoded(ctx, &r.Argument, out)
		return result, left(err)
	})
	call.running(p)
	p.OnDone(func(pending.Handle) {
		cancel()
		n.served.stopped()
		n.inboundBytes.give(held)
		if out != nil {
			out.close()
		}
		call.reply(n.outcome(p, ran.Load()))
	})
}

// accept returns why a call is not even looked at.
func (n *node) accept(call *inboundCall, r *wire.Request, size uint64) error {
	config := n.config.Load()
	permitted := call.from == nil || r.Function == opinionsFunction || config.permits(Incoming{
		Peer: call.address, Certificate: call.from.certificate,
		Function: r.Function, Caller: r.Caller, Identity: r.Identity,
	})
	if !permitted {
		return fmt.Errorf("%w: %s may not call %q of %q", ErrDenied, call.address, r.Function, r.Caller)
	}
	if call.from != nil && call.from.isFull(config.maxOpenBytes) {
		return fmt.Errorf("%w: %s does not take the answers that it has asked for", actors.ErrOverloaded, call.address)
	}
	if size > uint64(config.maxSize) { //nolint:gosec // It is positive.
		return fmt.Errorf("%w: call of %q with %d bytes, of which %d may be received",
			ErrTooLarge, r.Function, size, config.maxSize)
	}
	if r.Key != "" && r.Window > 0 {
		return fmt.Errorf("%w: %q is not for Stream with a key", ErrUnknownFunction, r.Function)
	}
	for _, text := range [...]string{r.Function, r.Caller, r.Identity, r.Key} {
		if !utf8.ValidString(text) {
			return fmt.Errorf("%w: %q is no text", ErrEncoding, text)
		}
	}
	return checkKey(r.Key)
}

// isFull reports whether more than the limit waits to be sent. Nothing should be done
// then that needs an answer.
func (i *inbound) isFull(limit int) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return !i.over && i.session.Queued() > limit
}

// find returns the function that a call is for, and the caller.
func (n *node) find(r *wire.Request) (*function, *actors.Caller, error) {
	fn, c, err := n.localFunction(endpoint{caller: r.Caller}, r.Function, r.Window > 0)
	if err == nil && r.Worker && !n.pools.have(c) {
		err = fmt.Errorf("%w: %s is no pool, whose workers could be asked", ErrDenied, r.Caller)
	}
	return fn, c, err
}

// schedule has a function called on a turn of c, or on a worker of its.
func schedule[T any](
	ctx context.Context, c *actors.Caller, worker bool, fn func(context.Context) (T, error),
) *pending.Pending[T] {
	if worker {
		return actors.Schedule(ctx, c, fn, actors.OnWorker())
	}
	return actors.Schedule(ctx, c, fn)
}

// contextOf returns the context of a call on c: its trace, and what is left until
// its deadline.
func contextOf(c *actors.Caller, r *wire.Request) (context.Context, context.CancelFunc) {
	ctx := traceOf(c, r)
	if r.Timeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Duration(min(r.Timeout, math.MaxInt64))) //nolint:gosec // It is bounded.
}

// traceOf returns a context with the trace of a call on c.
func traceOf(c *actors.Caller, r *wire.Request) context.Context {
	ctx := context.Background()
	if len(r.Trace) == 0 {
		return ctx
	}
	carrier := actor.MessageEnvelope{Header: make(map[string]string, len(r.Trace)/2)}
	for i := 0; i+1 < len(r.Trace); i += 2 {
		carrier.Header[r.Trace[i]] = r.Trace[i+1]
	}
	return instrument.Of(c.Telemetry()).Extract(ctx, carrier.Header)
}

// outcome returns the answer to a call that is done.
func (n *node) outcome(p *pending.Pending[*wire.Payload], ran bool) *wire.Response {
	result, err := p.Result()
	answer := n.answer(p.Name(), result, err)
	if err != nil {
		answer.Error.NotRun = !ran
	}
	return answer
}

// answer returns what a function has returned, as it travels.
func (n *node) answer(function string, result *wire.Payload, err error) *wire.Response {
	if err != nil {
		return &wire.Response{Error: n.encodeError(err)}
	}
	answer := &wire.Response{Result: *result}
	if size, limit := answer.Size(), n.config.Load().maxSize; size > limit {
		err := fmt.Errorf("%w: answer of %s with %d bytes, of which %d may be sent", ErrTooLarge, function, size, limit)
		return n.answer(function, nil, err)
	}
	return answer
}

// refusal returns the answer to a call that does not run.
func (n *node) refusal(err error) *wire.Response {
	e := n.encodeError(err)
	e.NotRun = true
	e.Again = errors.Is(err, ErrNoCaller) || errors.Is(err, actors.ErrOverloaded)
	return &wire.Response{Error: e}
}
