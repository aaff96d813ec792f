package rpc

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Call has the function of that name run on a turn of the target, which is a
// caller of any node, and returns the pending of its result, at once. The
// function is one that [Handle] has registered on the target's node. It may be
// called from any goroutine.
//
// The function runs at most once. The deadline of ctx travels, as what is left of
// it, and so does the cancellation of the pending, which does not wait for the
// function to return: one that is queued does not run, and one that runs sees its
// context end. Values of ctx do not travel, except for the trace.
//
// The pending's error is a [*RemoteError] if it comes from the other node, or
// matches [ErrNodeDown] if that cannot be reached, [ErrTooLarge], [ErrEncoding],
// [actors.ErrOverloaded] at the limit of [MaxOpen], or [pending.ErrStopped] when
// this node has stopped. See the package's documentation.
//
// A target in the system itself takes no wire: the function is scheduled on the
// caller, with ctx as it is, and if Req and Resp are its own types it is given req
// and its result is returned as they are, with what they point to.
func Call[Req, Resp any](
	ctx context.Context, system *actor.ActorSystem, target Target, function string, req Req, opts ...pending.Option,
) *pending.Pending[Resp] {
	n := nodeOf(system)
	if n.isLocal(target) {
		return callHere[Req, Resp](ctx, n, target, function, req, opts)
	}
	c := &remoteCall[Resp]{node: n, address: target.address}
	c.Pending = pending.New[Resp](ctx, n.options(ctx, target, function, opts)...)
	if life := c.Context(); life.Err() != nil {
		c.Cancel(context.Cause(life))
	}
	if c.IsDone() { // a group may have cancelled it as well
		return c.Pending
	}
	if err := c.start(target, function, req); err != nil {
		c.SetError(err)
	}
	return c.Pending
}

// options returns those of the pending of a call. The user's come last.
func (n *node) options(ctx context.Context, t Target, function string, opts []pending.Option) []pending.Option {
	all := []pending.Option{pending.Named(function), pending.With("system", n.system), pending.Tracked()}
	if traced := actors.TelemetryOf(ctx); traced != nil {
		all = append(all, traced.RemoteCalls(t.address, t.caller))
	}
	return slices.Concat(all, opts)
}

// remoteCall is a call of another node's function.
type remoteCall[Resp any] struct {
	*pending.Pending[Resp]
	node    *node
	address string
	number  uint64

	mu         sync.Mutex
	sent, over bool
}

// start sends the call, unless an error is returned.
func (c *remoteCall[Resp]) start(t Target, function string, req any) error {
	config := c.node.config.Load()
	argument, err := config.encode(req)
	if err != nil {
		return err
	}
	request := &wire.Request{
		Function: clean(function), Caller: clean(t.caller), Argument: argument, Trace: traceOf(c.Context()),
	}
	if deadline, ok := c.Context().Deadline(); ok {
		request.Timeout = int64(max(1, time.Until(deadline)))
	}
	if size := proto.Size(request); size > config.maxSize {
		return fmt.Errorf("%w: call of %s with %d bytes, of which %d may be sent", ErrTooLarge, function, size, config.maxSize)
	}
	if err := c.node.reaches(c.address); err != nil {
		return err
	}
	c.number, err = c.node.calls.add(c, c.address, config.maxOpen)
	if err != nil {
		return err
	}
	c.OnDone(func(pending.Handle) { c.ended() })
	c.send(&wire.Envelope_Request{Request: request})
	return nil
}

// reaches returns an error if there is no way to the node at an address.
func (n *node) reaches(address string) error {
	switch {
	case n.system.Address() == nowhere:
		return fmt.Errorf("%w: this one is not started, and %s could not answer", ErrNodeDown, address)
	case n.peers.isDown(address):
		return fmt.Errorf("%w: %s was lost a moment ago", ErrNodeDown, address)
	default:
		return nil
	}
}

// traceOf returns the trace of a context as headers.
func traceOf(ctx context.Context) map[string]string {
	header := actors.TelemetryOf(ctx).Envelope(ctx, nil, nil).Header
	if header.Length() == 0 {
		return nil
	}
	trace := header.ToMap()
	for key, value := range trace {
		trace[key] = clean(value)
	}
	return trace
}

// send sends the call, unless it is over already.
func (c *remoteCall[Resp]) send(request *wire.Envelope_Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.sent = true
	c.node.send(c.address, &wire.Envelope{
		Version: wire.Version, Generation: c.node.generation, Call: c.number, Kind: request,
	}, c.node.sender(c.number))
}

// ended is called when the pending is done. If nothing has come from the other
// node it is told that nobody waits any more.
func (c *remoteCall[Resp]) ended() {
	if c.node.calls.take(c.number) == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if !c.sent {
		return
	}
	c.node.send(c.address, &wire.Envelope{
		Version: wire.Version, Generation: c.node.generation, Call: c.number,
		Kind: &wire.Envelope_Cancel{Cancel: &wire.Cancel{Cause: c.node.encodeError(c.Err())}},
	}, c.node.sender(c.number))
}

// sender returns the PID that a call is sent with, and its dead letter to.
func (n *node) sender(number uint64) *actor.PID {
	pid := n.system.NewLocalPID(processID)
	pid.RequestId = uint32(number) //nolint:gosec // The lower half: see numbered.
	return pid
}

// Answer implements [openCall].
func (c *remoteCall[Resp]) Answer(r *wire.Response) {
	switch outcome := r.GetOutcome().(type) {
	case *wire.Response_Result:
		config := c.node.config.Load()
		if size := proto.Size(r); size > config.maxSize {
			c.SetError(fmt.Errorf("%w: answer of %d bytes, of which %d may be received", ErrTooLarge, size, config.maxSize))
			return
		}
		value, err := decode[Resp](config, outcome.Result)
		if err != nil {
			c.SetError(err)
			return
		}
		c.SetResult(value)
	case *wire.Response_Error:
		c.SetError(c.node.decodeError(outcome.Error))
	default:
		c.SetError(fmt.Errorf("%w: the answer of node %s has no outcome", ErrVersion, c.address))
	}
}
