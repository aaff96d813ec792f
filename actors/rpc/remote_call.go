package rpc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// remoteCall is a call of a function that other nodes have, or of one with a key.
// It is made of attempts, one at a time, of which at most one has the function run.
type remoteCall[Resp any] struct {
	*pending.Pending[Resp]
	node     *node
	target   Target
	function string
	argument *wire.Payload  // nil once it is sent, if it is not sent again
	maker    pending.Handle // whose function has made the call; nil for none
	held     atomic.Int64   // bytes of the node's budget, for the argument
	// attempts is nil for a call that is made once, at an endpoint that does not move.
	attempts *attempts[Resp]

	mu     sync.Mutex
	sentBy *outbound // the attempt that is under way, if it is made on another node
	number uint64    // and its number there
	over   bool
}

// attempts is what a call needs that may be made more than once, or is a stream.
type attempts[Resp any] struct {
	key string
	// timeout is how long an attempt may take before the target is looked for anew.
	timeout *time.Duration
	trace   []string            // of the first one
	traces  *instrument.Retries // nil if the attempts are not seen
	stream  collector           // nil for a call
	before  trace.SpanContext   // of the range before, over the same stream
	taker   *future.Core        // of the function that takes the items; nil if nobody knows
	window  uint32              // of the stream
	// local calls the function of this node, if that is where the target is.
	local func(ctx context.Context, at endpoint, ran *atomic.Bool) *pending.Pending[Resp]

	// Guarded by the mu of the call.
	at      endpoint     // of the attempt that is under way
	looped  *inboundCall // it, if it is one with a key on this node
	failed  []failure    // with a key those since an endpoint has failed twice
	retries int          // of a call with a key
	next    *time.Timer  // of the next attempt
}

// key returns that of the call, which is empty if it is not made again.
func (c *remoteCall[Resp]) key() string {
	if c.attempts == nil {
		return ""
	}
	return c.attempts.key
}

// attempt sends the call to where its target is now.
func (c *remoteCall[Resp]) attempt() {
	at, err := c.target.find(c.Context(), c.node, c.failures())
	switch {
	case c.IsDone():
		return
	case err != nil && c.key() == "":
		c.SetError(err)
	case err != nil:
		c.Fail(err)
	case c.node.isLocal(at) && c.key() == "":
		c.runLocal(at)
	default:
		if err := c.start(at, c.attempts.trace); err != nil {
			c.Fail(err)
		}
	}
}

func (c *remoteCall[Resp]) failures() []failure {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.attempts.failed
}

// runLocal has the function run on this node.
func (c *remoteCall[Resp]) runLocal(at endpoint) {
	var ran atomic.Bool
	c.aim(endpoint{})
	ctx, _ := c.mark(endpoint{}, nil)
	done := c.node.calls.local(c.node.system.Address())
	p := c.attempts.local(ctx, at, &ran)
	c.completedBy(future.Of(p))
	c.OnDone(func(pending.Handle) { p.Cancel(c.Err()) })
	p.OnDone(func(pending.Handle) {
		done()
		value, err := p.Result()
		switch {
		case err == nil:
			c.SetResult(value)
		case ran.Load():
			c.SetError(err)
		default:
			c.Fail(notRun{err})
		}
	})
}

// start sends the call, unless an error is returned.
func (c *remoteCall[Resp]) start(at endpoint, trace []string) error {
	if c.node.isLocal(at) {
		at.address = thisNode
	}
	request := wire.Request{Trace: trace}
	if err := c.request(at, &request); err != nil {
		return err
	}
	c.aim(at)
	_, request.Trace = c.mark(at, trace)
	if at.address == thisNode {
		r := request // which outlives this
		return c.loop(&r)
	}
	if c.node.system.Address() == noAddress {
		return fmt.Errorf("%w: this one is not started, and cannot call %s", ErrNodeDown, at.address)
	}
	return c.send(at.address, &request)
}

// aim notes where the next attempt is made. What completes the call is not known yet.
func (c *remoteCall[Resp]) aim(at endpoint) {
	if c.attempts == nil {
		return
	}
	future.SetCompleter(c.Core(), nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attempts.at = at
}

// mark notes an attempt in the span of a call that may have several. It returns the context of
// the attempt, and the headers with its trace: those of the call for the first.
func (c *remoteCall[Resp]) mark(at endpoint, trace []string) (context.Context, []string) {
	ctx := c.Context()
	if c.attempts == nil || c.attempts.traces == nil {
		return ctx, trace
	}
	traces := c.attempts.traces
	with, again := traces.Send(ctx, c.function, cmp.Or(at.address, c.node.system.Address()))
	c.mu.Lock()
	over := c.over
	c.mu.Unlock()
	if over { // which did not see it
		traces.End(c.Err(), false)
	}
	if again && trace != nil {
		trace = headersOf(traces.Headers(with))
	}
	return with, trace
}

// request makes the call as it travels, at this moment.
func (c *remoteCall[Resp]) request(at endpoint, r *wire.Request) error {
	r.Function, r.Caller, r.Argument = c.function, at.caller, *c.argument
	r.Worker, r.Identity = at.worker, at.identity
	if c.attempts != nil {
		r.Key, r.Window = c.attempts.key, c.attempts.window
	}
	if deadline, ok := c.Context().Deadline(); ok {
		r.Timeout = uint64(max(1, time.Until(deadline))) //nolint:gosec // It is positive.
	}
	size, limit := r.Size(), c.node.config.Load().maxSize
	if size > limit || size-len(r.Argument.Data) > wire.MaxMeta || len(r.Trace) > maxTrace {
		return fmt.Errorf("%w: call of %s with %d bytes, of which %d may be sent", ErrTooLarge, c.function, size, limit)
	}
	return nil
}

// maxTrace is how many headers of a trace may travel, each as a key and a value.
const maxTrace = 128

// traceOf returns the trace that the call is in, as headers.
func (c *remoteCall[Resp]) traceOf(traced *instrument.Instruments) []string {
	return headersOf(traced.Headers(c.Context()))
}

// headersOf returns headers as they travel.
func headersOf(headers map[string]string) (all []string) {
	for key, value := range headers {
		all = append(all, clean(key), clean(value))
	}
	return all
}

// send sends an attempt, unless the call is over. Whoever ends the call meanwhile waits,
// and cancels the attempt behind it.
func (c *remoteCall[Resp]) send(address string, r *wire.Request) error {
	n := c.node
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return nil
	}
	config := n.config.Load()
	if err := n.calls.add(address, config.maxOpen); err != nil {
		return err
	}
	for {
		o, err := n.outboundTo(address)
		if err == nil {
			c.sentBy = o
			c.number, err = o.call(c, r, config.maxOpenBytes)
		}
		switch {
		case errors.Is(err, errReplaced):
			n.peers.removeOutbound(o)
		case err != nil:
			c.sentBy, c.number = nil, 0
			n.calls.done(address)
			return err
		default:
			if c.attempts == nil {
				c.argument = nil
			} else {
				c.watch(o, c.number)
			}
			return nil
		}
	}
}

// watch has the target of a call with a key looked for anew if an attempt takes too long.
// mu must be held.
func (c *remoteCall[Resp]) watch(o *outbound, number uint64) {
	if _, moves := c.target.(ofCluster); moves && c.attempts.timeout != nil {
		c.attempts.next = time.AfterFunc(*c.attempts.timeout, c.step("looks for its target anew", func() { c.overdue(o, number) }))
	}
}

// overdue is for an attempt that takes too long. The call is made again if the
// target is at another address by now.
func (c *remoteCall[Resp]) overdue(o *outbound, number uint64) {
	at, err := c.target.find(c.Context(), c.node, nil)
	c.mu.Lock()
	current := !c.over && c.sentBy == o && c.number == number
	moved := current && err == nil && at.address != c.attempts.at.address
	switch {
	case moved:
		c.sentBy = nil
	case current:
		c.watch(o, number)
	}
	c.mu.Unlock()
	if moved && o.cancel(number, c.node.encodeError(errMoved)) {
		c.attemptOver(errMoved)
		c.attempt()
	}
}

// errMoved is why an attempt is cancelled whose target is elsewhere.
var errMoved = errors.New("rpc: the identity is on another node by now")

// loop has this node receive an attempt, unless the call is over.
func (c *remoteCall[Resp]) loop(r *wire.Request) error {
	n := c.node
	c.mu.Lock()
	if c.over {
		c.mu.Unlock()
		return nil
	}
	if err := n.peers.isClosed(); err != nil {
		c.mu.Unlock()
		return err
	}
	if err := n.calls.add(thisNode, n.config.Load().maxOpen); err != nil {
		c.mu.Unlock()
		return err
	}
	call := &inboundCall{node: n}
	call.answer = func(answer *wire.Response) {
		if c.unloop(call) {
			c.Answer(answer)
		}
	}
	c.attempts.looped = call
	c.mu.Unlock()
	n.serve(call, r, false, 0)
	if runs := call.needed(); runs != nil {
		c.completedBy(runs)
	}
	return nil
}

// completedBy notes which function of this node completes the call, for which somebody may wait
// already.
func (c *remoteCall[Resp]) completedBy(function *future.Core) {
	future.SetCompleter(c.Core(), function)
	future.Recheck(c.Core())
}

// unloop notes that an attempt on this node has ended, and reports whether that is news.
func (c *remoteCall[Resp]) unloop(call *inboundCall) bool {
	c.mu.Lock()
	ok := c.attempts.looped == call
	if ok {
		c.attempts.looped = nil
	}
	c.mu.Unlock()
	if ok {
		c.node.calls.done(thisNode)
	}
	return ok
}

// ended is called when the pending is done. If nothing has come from the other
// node it is told that nobody waits any more.
func (c *remoteCall[Resp]) ended(pending.Handle) {
	c.release()
	defer c.attemptOver(c.Err())
	c.mu.Lock()
	c.over = true
	var looped *inboundCall
	if c.attempts != nil {
		c.stopTimer()
		looped = c.attempts.looped
	}
	o, number := c.sentBy, c.number
	c.sentBy = nil
	c.mu.Unlock()
	if o != nil && o.isOpen(number) {
		o.cancel(number, c.node.encodeError(c.Err()))
	}
	if looped != nil && c.unloop(looped) {
		looped.cancel(c.node.decodeError(c.node.encodeError(c.Err())), true)
	}
}

// attemptOver ends the span of the attempt that is under way.
func (c *remoteCall[Resp]) attemptOver(err error) {
	if c.attempts != nil && c.attempts.traces != nil {
		c.attempts.traces.End(err, false)
	}
}

// stopTimer has no further attempt made. mu must be held.
func (c *remoteCall[Resp]) stopTimer() {
	if c.attempts.next != nil {
		c.attempts.next.Stop()
	}
}

// release gives back what the call holds of the budget.
func (c *remoteCall[Resp]) release() { c.node.outboundBytes.give(int(c.held.Swap(0))) }

// SetResult ends the call. Whoever waits for that may count on its bytes.
func (c *remoteCall[Resp]) SetResult(value Resp) bool {
	c.release()
	return c.Pending.SetResult(value)
}

// SetError implements [openCall], as SetResult.
func (c *remoteCall[Resp]) SetError(err error) bool {
	c.release()
	return c.Pending.SetError(err)
}

// Items implements [openCall].
func (c *remoteCall[Resp]) Items() collector {
	if c.attempts == nil {
		return nil
	}
	return c.attempts.stream
}

// Core implements [openCall].
func (c *remoteCall[Resp]) Core() *future.Core { return future.Of(c.Pending) }

// Taker implements [openCall].
func (c *remoteCall[Resp]) Taker() *future.Core {
	if c.attempts == nil {
		return nil
	}
	return c.attempts.taker
}

// Answer implements [openCall].
func (c *remoteCall[Resp]) Answer(r *wire.Response) {
	if r.Error != nil {
		c.Fail(c.node.decodeError(r.Error))
		return
	}
	c.complete(&r.Result)
}

// complete completes the pending with the result that has come.
func (c *remoteCall[Resp]) complete(result *wire.Payload) {
	config := c.node.config.Load()
	if size := result.Size(); size > config.maxSize {
		c.SetError(fmt.Errorf("%w: answer of %d bytes, of which %d may be received", ErrTooLarge, size, config.maxSize))
		return
	}
	value, err := c.decode(config, result)
	result.Free()
	if err != nil {
		c.SetError(err)
		return
	}
	c.SetResult(value)
}

// decode returns the value of a result. That of a stream which has ended well is empty.
func (c *remoteCall[Resp]) decode(config *config, result *wire.Payload) (value Resp, err error) {
	switch {
	case c.Items() == nil:
		return decode[Resp](config, result)
	case result.Size() > 0:
		err = fmt.Errorf("%w: it is not for Stream: it has one result", ErrUnknownFunction)
	}
	return value, err
}

// Fail implements [openCall].
func (c *remoteCall[Resp]) Fail(err error) {
	if !c.retry(err) {
		c.SetError(err)
	}
}

// retryable reports whether the call may be made again after an error.
func (c *remoteCall[Resp]) retryable(err error) bool {
	if c.attempts == nil {
		return false
	}
	if c.attempts.key != "" {
		return c.node.retryable(err)
	}
	stream := c.attempts.stream
	return hasNotRun(err) && c.target.moves(err) && (stream == nil || !stream.started())
}

// retryable reports whether a call with a key is made again after an error: if
// nothing is remembered of it where it was made, or nobody knows.
func (n *node) retryable(err error) bool {
	if there := (*RemoteError)(nil); errors.As(err, &there) {
		return there.again
	}
	return errors.Is(err, ErrNodeDown) && n.system.Address() != noAddress
}

// step returns fn for a goroutine of its own.
func (c *remoteCall[Resp]) step(what string, fn func()) func() {
	return steps.Before(c.node.steps(), &c.Pending, what, fn)
}

// retry reports whether there is to be another attempt after one has failed.
func (c *remoteCall[Resp]) retry(err error) bool {
	if !c.retryable(err) {
		return false
	}
	c.attemptOver(err)
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.attempts
	round := a.key != "" && slices.ContainsFunc(a.failed, func(f failure) bool { return f.address == a.at.address })
	a.failed = append(a.failed, failure{a.at.address, err})
	after, again := c.node.backoff(len(a.failed))
	if round { // each endpoint has had its turn: they may be back
		a.failed = nil
	}
	if a.key != "" {
		a.retries++
		after, again = c.node.pauseAfter(a.retries), true
	}
	if again && !c.over {
		c.sentBy = nil
		c.stopTimer()
		a.next = time.AfterFunc(after, c.step("makes a call again", c.attempt))
	}
	return again
}
