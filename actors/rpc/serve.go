package rpc

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

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
	fn, c, err := n.accept(call, version, r)
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
	ctx, cancel := contextOf(c, r)
	out := n.outboxes.begin(n, call, r.GetWindow())
	var ran atomic.Bool
	p := actors.Schedule(ctx, c, func(ctx context.Context) (*wire.Payload, error) {
		ran.Store(true)
		return fn.encoded(ctx, r.GetArgument(), out)
	}, actors.Named(r.GetFunction()), actors.Served())
	n.served.running(call, p)
	p.OnDone(func(pending.Handle) {
		cancel()
		items := n.outboxes.end(out)
		if n.served.end(call) {
			answer := n.outcome(p, ran.Load())
			answer.Items = items
			n.reply(call, answer)
		}
	})
}

// accept returns the function that a call is for, and the caller, or why it does
// not run.
func (n *node) accept(call incoming, version uint32, r *wire.Request) (*function, *actors.Caller, error) {
	if version != wire.Version {
		return nil, nil, n.otherVersion(version)
	}
	config := n.config.Load()
	if !config.permits(Incoming{Peer: call.address, Function: r.GetFunction(), Caller: r.GetCaller()}) {
		return nil, nil, fmt.Errorf("%w: %s may not call %q of %q", ErrDenied, call.address, r.GetFunction(), r.GetCaller())
	}
	if size := proto.Size(r); size > config.maxSize {
		return nil, nil, fmt.Errorf("%w: call of %q with %d bytes, of which %d may be received",
			ErrTooLarge, r.GetFunction(), size, config.maxSize)
	}
	return n.functionHere(place{caller: r.GetCaller()}, r.GetFunction(), r.GetWindow() > 0)
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
	if err != nil {
		e := n.encodeError(err)
		e.NotRun = !ran
		return &wire.Response{Outcome: &wire.Response_Error{Error: e}}
	}
	answer := &wire.Response{Outcome: &wire.Response_Result{Result: result}}
	if size, limit := proto.Size(answer), n.config.Load().maxSize; size > limit {
		err := fmt.Errorf("%w: answer of %s with %d bytes, of which %d may be sent", ErrTooLarge, p.Name(), size, limit)
		return &wire.Response{Outcome: &wire.Response_Error{Error: n.encodeError(err)}}
	}
	return answer
}

// refuse answers a call that does not run.
func (n *node) refuse(call incoming, err error) {
	e := n.encodeError(err)
	e.NotRun = true
	n.reply(call, &wire.Response{Outcome: &wire.Response_Error{Error: e}})
}

// reply sends an answer. There is nobody to hear that it was not delivered.
func (n *node) reply(call incoming, answer *wire.Response) {
	n.send(call.address, &wire.Envelope{
		Version: wire.Version, Generation: call.generation, Call: call.number,
		Kind: &wire.Envelope_Response{Response: answer},
	}, nil)
}

// cancel cancels a call that another node has cancelled, wherever it is.
func (n *node) cancel(call incoming, c *wire.Cancel) {
	if h := n.served.forget(call); h != nil {
		h.Cancel(n.decodeError(c.GetCause()))
	}
}
