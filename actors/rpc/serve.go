package rpc

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// incoming is a call of another node.
type incoming struct {
	address    string // of that node
	generation uint64
	number     uint64
}

// serve has a call run, or refuses it.
func (n *node) serve(call incoming, version uint32, r *wire.Request) {
	if err := n.accept(call, version, r); err != nil {
		n.refuse(call, err)
		return
	}
	if r.GetKey() != "" {
		n.serveOnce(call, r)
		return
	}
	fn, c, err := n.find(r)
	if err != nil {
		n.refuse(call, err)
		return
	}
	if first, err := n.served.begin(call, n.config.Load().maxOpen); !first {
		if err != nil {
			n.refuse(call, err)
		}
		return // it has come twice, or was cancelled
	}
	size := len(r.GetArgument().GetData())
	if err := n.accepted.take(size, n.config.Load().maxOpenBytes); err != nil {
		n.served.end(call)
		n.refuse(call, err)
		return
	}
	ctx, cancel := contextOf(c, r)
	out := n.outboxes.begin(n, call, r.GetWindow())
	var ran atomic.Bool
	p := schedule(ctx, c, r.GetWorker(), func(ctx context.Context) (*wire.Payload, error) {
		ctx, left, err := n.activations.enter(ctx, c, r.GetIdentity())
		if err != nil {
			return nil, err
		}
		defer left()
		ran.Store(true)
		return fn.encoded(ctx, r.GetArgument(), out)
	}, fn.options...)
	n.served.running(call, p)
	p.OnDone(func(pending.Handle) {
		cancel()
		n.accepted.give(size)
		items := n.outboxes.end(out)
		if n.served.end(call) {
			answer := n.outcome(p, ran.Load())
			answer.Items = items
			n.reply(call, answer)
		}
	})
}

// accept returns why a call is not even looked at.
func (n *node) accept(call incoming, version uint32, r *wire.Request) error {
	if version != wire.Version {
		return n.otherVersion(version)
	}
	config := n.config.Load()
	permitted := call.address == here || config.permits(Incoming{
		Peer: call.address, Certificate: n.gate.identities.of(call.address),
		Function: r.GetFunction(), Caller: r.GetCaller(), Identity: r.GetIdentity(),
	})
	if !permitted {
		return fmt.Errorf("%w: %s may not call %q of %q", ErrDenied, call.address, r.GetFunction(), r.GetCaller())
	}
	if n.backlog.isFull(call.address, config.maxOpenBytes) {
		return fmt.Errorf("%w: %s does not take the answers that it has asked for", actors.ErrOverloaded, call.address)
	}
	if size := r.SizeVT(); size > config.maxSize {
		return fmt.Errorf("%w: call of %q with %d bytes, of which %d may be received",
			ErrTooLarge, r.GetFunction(), size, config.maxSize)
	}
	if r.GetKey() != "" && r.GetWindow() > 0 {
		return fmt.Errorf("%w: %q is not for Stream with a key", ErrUnknownFunction, r.GetFunction())
	}
	for _, text := range [...]string{r.GetFunction(), r.GetCaller(), r.GetIdentity(), r.GetKey()} {
		if !utf8.ValidString(text) {
			return fmt.Errorf("%w: %q is no text", ErrEncoding, text)
		}
	}
	return checkKey(r.GetKey())
}

// find returns the function that a call is for, and the caller.
func (n *node) find(r *wire.Request) (*function, *actors.Caller, error) {
	fn, c, err := n.functionHere(place{caller: r.GetCaller()}, r.GetFunction(), r.GetWindow() > 0)
	if err == nil && r.GetWorker() && !n.pools.have(c) {
		err = fmt.Errorf("%w: %s is no pool, whose workers could be asked", ErrDenied, r.GetCaller())
	}
	return fn, c, err
}

// schedule has a function called on a turn of c, or on a worker of its.
func schedule[T any](
	ctx context.Context, c *actors.Caller, worker bool, fn func(context.Context) (T, error), opts ...actors.CallOption,
) *pending.Pending[T] {
	if worker {
		opts = append(opts, actors.OnWorker())
	}
	return actors.Schedule(ctx, c, fn, opts...)
}

// contextOf returns the context of a call on c: its trace, and what is left until
// its deadline.
func contextOf(c *actors.Caller, r *wire.Request) (context.Context, context.CancelFunc) {
	carrier := actor.MessageEnvelope{Header: r.GetTrace()}
	ctx := c.Telemetry().Extract(context.Background(), carrier.Header)
	if r.GetTimeout() <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Duration(r.GetTimeout()))
}

// outcome returns the answer to a call that is done.
func (n *node) outcome(p *pending.Pending[*wire.Payload], ran bool) *wire.Response {
	result, err := p.Result()
	answer := n.answer(p.Name(), result, err)
	if err != nil {
		answer.GetError().NotRun = !ran
	}
	return answer
}

// answer returns what a function has returned, as it travels.
func (n *node) answer(function string, result *wire.Payload, err error) *wire.Response {
	if err != nil {
		return &wire.Response{Error: n.encodeError(err)}
	}
	answer := &wire.Response{Result: result}
	if size, limit := answer.SizeVT(), n.config.Load().maxSize; size > limit {
		err := fmt.Errorf("%w: answer of %s with %d bytes, of which %d may be sent", ErrTooLarge, function, size, limit)
		return n.answer(function, nil, err)
	}
	return answer
}

// refuse answers a call that does not run.
func (n *node) refuse(call incoming, err error) { n.reply(call, n.refusal(err)) }

func (n *node) refusal(err error) *wire.Response {
	e := n.encodeError(err)
	e.NotRun = !errors.Is(err, ErrUncertain)
	e.Again = errors.Is(err, ErrNoCaller) || errors.Is(err, actors.ErrOverloaded)
	return &wire.Response{Error: e}
}

// reply sends an answer. There is nobody to hear that it was not delivered.
func (n *node) reply(call incoming, answer *wire.Response) {
	n.send(call.address, &wire.Envelope{
		Version: wire.Version, Generation: call.generation, Call: call.number, Response: answer,
	})
}

// cancel cancels a call that another node has cancelled, wherever it is.
func (n *node) cancel(call incoming, c *wire.Cancel) {
	if h := n.served.forget(call); h != nil {
		h.Cancel(n.decodeError(c.GetCause()))
		return
	}
	n.window.leave(call, n.decodeError(c.GetCause()))
}
