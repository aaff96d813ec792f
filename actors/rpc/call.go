package rpc

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/tracing"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Call has the named function run on a turn of the target. It returns the pending of the
// result at once. The target is a caller of any node. The function is one that [Handle]
// has registered on the target's node.
//
// The function runs at most once. With [Idempotent] it runs once for several attempts.
// The rest of the deadline of ctx travels with the call, and so does a cancellation of
// the pending. A queued function does not run then, and the context of a running one
// ends. The pending does not wait for that. Values of ctx do not travel, except for the
// trace.
//
// The error of the pending is a [*RemoteError] if it comes from the other node. It
// matches [ErrNodeDown] if that node cannot be reached, and [pending.ErrStopped] when
// this node has stopped. It matches [ErrTooLarge] or [ErrEncoding] if a value cannot
// travel. At the limit of [MaxOpen] or [MaxOpenBytes] it matches [actors.ErrOverloaded].
// The documentation of the package has the whole list.
//
// A target in the system itself takes no wire: the function is scheduled on the caller,
// with ctx as it is. If Req and Resp are its own types, req and the result are passed
// without a copy. So is what they point to.
//
// It may be called from any goroutine.
func Call[Req, Resp any](
	ctx context.Context, system *actor.ActorSystem, target Target, function string, req Req, opts ...CallOption,
) *pending.Pending[Resp] {
	n, o := nodeOf(system), callOptionsOf(opts)
	at, fixed := target.(endpoint)
	if fixed && n.isLocal(at) && !o.keyed() {
		return callLocal[Req, Resp](ctx, n, at, function, req, o)
	}
	c := &remoteCall[Resp]{node: n, target: target, function: function}
	if !fixed || o.keyed() {
		c.attempts = &attempts[Resp]{key: o.key, timeout: o.attemptTimeout}
	}
	if !fixed {
		c.attempts.local = func(ctx context.Context, at endpoint, ran *atomic.Bool) *pending.Pending[Resp] {
			return callLocal[Req, Resp](ctx, n, at, function, req, callOptions{ran: ran})
		}
	}
	c.make(ctx, req, o)
	return c.Pending
}

// make makes the pending of the call, and its first attempt.
func (c *remoteCall[Resp]) make(ctx context.Context, req any, o callOptions) {
	n := c.node
	at, fixed := c.target.(endpoint)
	c.maker, _ = pending.Current(ctx)
	n.circles.clock.look(time.Now()) // who waits for the call begins now
	traced := tracing.Of(ctx)        // the context of the pending is no function's
	opts := n.optionsOf(clean(c.function))
	if traced != nil {
		ctx = traced.NewContext(ctx) // for PipeTo
		opts = append(opts, pending.ObservedBy(c.observer(traced, at)))
	}
	c.Pending = pending.New[Resp](ctx, append(opts, o.pending...)...) // the user's come last
	if life := c.Context(); life.Err() != nil {
		c.Cancel(context.Cause(life))
	}
	if c.IsDone() { // a group may have cancelled it as well
		return
	}
	if err := o.check(); err != nil {
		c.SetError(err)
		return
	}
	if err := checkNames(c.function, c.target); err != nil {
		c.SetError(err)
		return
	}
	argument, err := n.config.Load().encode(req)
	if err != nil {
		c.SetError(err)
		return
	}
	c.argument = argument
	size := len(argument.Data)
	if err := n.outboundBytes.take(size, n.config.Load().maxOpenBytes); err != nil {
		c.SetError(err)
		return
	}
	c.held.Store(int64(size))
	c.OnDone(c.ended)
	trace := c.traceOf(traced)
	if !fixed || c.key() != "" {
		c.attempts.traces = traced.RemoteRetries()
	}
	switch {
	case c.attempts == nil:
		if err := c.start(at, trace); err != nil {
			c.SetError(err)
		}
	case fixed:
		c.attempts.trace = trace
		c.attempt()
	default:
		c.attempts.trace = trace
		go c.step("makes a call", c.attempt)() // to find the target may take its time
	}
}

// observer returns what observes the pending of the call.
func (c *remoteCall[Resp]) observer(traced *instrument.Instruments, at endpoint) future.Observer {
	id := cmp.Or(at.caller, c.target.String())
	if c.Items() != nil {
		return traced.RemoteStream(c.function, at.address, id, c.attempts.before)
	}
	return traced.RemoteCalls(c.function, at.address, id)
}

// optionsOf returns the options of the pendings of a function's calls, with no room behind
// them.
func (n *node) optionsOf(function string) []pending.Option {
	t := &n.named
	t.mu.RLock()
	opts := t.known[function]
	t.mu.RUnlock()
	if opts != nil {
		return opts
	}
	opts = slices.Clip([]pending.Option{pending.Named(function), n.described, future.Tracked})
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil {
		t.known = make(map[string][]pending.Option)
	}
	if len(t.known) < maxTexts {
		t.known[function] = opts
	}
	return opts
}

// named has the options for the pendings of calls, by the names of functions. It has room
// for some names.
type named struct {
	mu    sync.RWMutex
	known map[string][]pending.Option
}
