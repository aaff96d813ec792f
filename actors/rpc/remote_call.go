package rpc

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// remoteCall is a call of a function that other nodes have, or of one with a key.
// It is made of attempts, one at a time, of which at most one has the function run.
type remoteCall[Resp any] struct {
	*pending.Pending[Resp]
	node     *node
	target   Target
	function string
	argument *wire.Payload
	held     atomic.Int64 // bytes of the node's budget, for the argument
	repetition
	traced *telemetry.Telemetry // of whoever calls; nil if nobody traces
	stream collector            // nil for a call
	window uint32               // of the stream
	// here calls the function of this node, if that is where the target is.
	here func(at place, ran *atomic.Bool) *pending.Pending[Resp]

	mu       sync.Mutex
	at       place  // of the attempt that is under way
	number   uint64 // of that attempt; 0 if it is made here, or has none yet
	over     bool
	failed   []failure   // with a key those since a place has failed twice
	repeated int         // how often a call with a key was
	next     *time.Timer // of the next attempt
}

// attempt sends the call to where its target is now.
func (c *remoteCall[Resp]) attempt() {
	at, err := c.target.find(c.Context(), c.node, c.failures())
	switch {
	case c.IsDone():
		return
	case err != nil && c.key == "":
		c.SetError(err)
	case err != nil:
		c.Fail(err)
	case c.node.isHere(at) && c.key == "":
		c.runHere(at)
	default:
		if err := c.start(at); err != nil {
			c.Fail(err)
		}
	}
}

func (c *remoteCall[Resp]) failures() []failure {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// runHere has the function run on this node.
func (c *remoteCall[Resp]) runHere(at place) {
	var ran atomic.Bool
	c.aim(place{})
	c.mark(place{})
	done := c.node.calls.here(c.node.system.Address())
	p := c.here(at, &ran)
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
func (c *remoteCall[Resp]) start(at place) error {
	request, err := c.request(at)
	if err != nil {
		return err
	}
	if c.node.isHere(at) {
		at.address = here
	}
	c.aim(at)
	if at.address == here {
		return c.loop(request)
	}
	if err := c.node.reaches(at.address); err != nil {
		return err
	}
	c.mark(at)
	c.node.listenToEvents()
	return c.send(at.address, request)
}

// aim notes where the next attempt is made.
func (c *remoteCall[Resp]) aim(at place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// mark marks the span of a call whose target moves.
func (c *remoteCall[Resp]) mark(at place) {
	if _, fixed := c.target.(place); !fixed {
		telemetry.Attempt(c.Context(), cmp.Or(at.address, c.node.system.Address()))
	}
}

// request returns the call as it travels, at this moment.
func (c *remoteCall[Resp]) request(at place) (*wire.Envelope, error) {
	e, request := wire.NewRequest()
	request.Function, request.Caller, request.Argument = c.function, at.caller, c.argument
	request.Trace, request.Key = c.trace(), c.key
	request.Worker, request.Window, request.Identity = at.worker, c.window, at.identity
	if deadline, ok := c.Context().Deadline(); ok {
		request.Timeout = int64(max(1, time.Until(deadline)))
	}
	if size, limit := request.SizeVT(), c.node.config.Load().maxSize; size > limit {
		return nil, fmt.Errorf("%w: call of %s with %d bytes, of which %d may be sent", ErrTooLarge, c.function, size, limit)
	}
	return e, nil
}

// reaches returns an error if there is no way to the node at an address.
func (n *node) reaches(address string) error {
	switch {
	case n.system.Address() == nowhere:
		return fmt.Errorf("%w: this one is not started, and %s could not answer", ErrNodeDown, address)
	case n.peers.isDown(address):
		return notRun{fmt.Errorf("%w: %s was lost a moment ago", ErrNodeDown, address)}
	default:
		return nil
	}
}

// trace returns the trace that the call is in, as headers.
func (c *remoteCall[Resp]) trace() map[string]string {
	header := c.traced.Envelope(c.Context(), nil, nil).Header
	if header.Length() == 0 {
		return nil
	}
	trace := header.ToMap()
	for key, value := range trace {
		trace[key] = clean(value)
	}
	return trace
}

// send sends an attempt, unless the call is over. Whoever ends the call meanwhile waits,
// and cancels the attempt behind it.
func (c *remoteCall[Resp]) send(address string, request *wire.Envelope) error {
	request.Generation = c.node.generation
	size, config := request.GetRequest().SizeVT(), c.node.config.Load()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return nil
	}
	number, err := c.node.lines.putCall(c.node, address, request, func() (uint64, error) {
		number, err := c.node.calls.add(c, address, config.maxOpen)
		if err != nil {
			return 0, err
		}
		if err := c.node.backlog.add(address, size, config.maxOpenBytes); err != nil {
			c.node.calls.take(number)
			return 0, err
		}
		return number, nil
	})
	if err == nil {
		c.sent(number)
	}
	return err
}

// loop has this node receive an attempt, unless the call is over. One that is cancelled
// before the node receives it does not run.
func (c *remoteCall[Resp]) loop(request *wire.Envelope) error {
	number, err := c.register()
	if number == 0 {
		return err
	}
	request.Generation, request.Call = c.node.generation, number
	c.node.send(here, request)
	return nil
}

// register registers an attempt on this node, and returns its number, which is 0 if the
// call is over.
func (c *remoteCall[Resp]) register() (number uint64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return 0, nil
	}
	if number, err = c.node.calls.add(c, here, c.node.config.Load().maxOpen); err == nil {
		c.sent(number)
	}
	return number, err
}

// sent notes the number of an attempt, and when it is repeated. mu must be held.
func (c *remoteCall[Resp]) sent(number uint64) {
	c.number = number
	if c.attemptTimeout != nil {
		c.next = time.AfterFunc(*c.attemptTimeout, func() { c.repeat(number) })
	}
}

// ended is called when the pending is done. If nothing has come from the other
// node it is told that nobody waits any more.
func (c *remoteCall[Resp]) ended() {
	c.release()
	c.mu.Lock()
	c.over = true
	c.stopTimer()
	address, number := c.at.address, c.number
	c.mu.Unlock()
	if c.node.calls.take(number) != nil {
		c.sendCancel(address, number)
	}
}

// release gives back what the call holds of the budget.
func (c *remoteCall[Resp]) release() { c.node.made.give(int(c.held.Swap(0))) }

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

func (c *remoteCall[Resp]) sendCancel(address string, number uint64) {
	e := c.envelope(number)
	e.Cancel = &wire.Cancel{Cause: c.node.encodeError(c.Err())}
	c.node.send(address, e)
}

func (c *remoteCall[Resp]) envelope(number uint64) *wire.Envelope {
	return &wire.Envelope{Version: wire.Version, Generation: c.node.generation, Call: number}
}

// Items implements [openCall].
func (c *remoteCall[Resp]) Items() collector { return c.stream }

// Answer implements [openCall].
func (c *remoteCall[Resp]) Answer(r *wire.Response) {
	switch {
	case r.Error != nil:
		c.Fail(c.node.decodeError(r.Error))
	case r.Result == nil:
		c.SetError(fmt.Errorf("%w: the answer has no outcome", ErrVersion))
	default:
		c.complete(r.Result)
	}
}

// complete completes the pending with the result that has come.
func (c *remoteCall[Resp]) complete(result *wire.Payload) {
	config := c.node.config.Load()
	if size := result.SizeVT(); size > config.maxSize {
		c.SetError(fmt.Errorf("%w: answer of %d bytes, of which %d may be received", ErrTooLarge, size, config.maxSize))
		return
	}
	value, err := c.decode(config, result)
	if err != nil {
		c.SetError(err)
		return
	}
	c.SetResult(value)
}

// decode returns the value of a result. That of a stream which has ended well is empty.
func (c *remoteCall[Resp]) decode(config *config, result *wire.Payload) (value Resp, err error) {
	switch {
	case c.stream == nil:
		return decode[Resp](config, result)
	case result.SizeVT() > 0:
		err = fmt.Errorf("%w: it is not for Stream: it has one result", ErrUnknownFunction)
	}
	return value, err
}

// Fail implements [openCall].
func (c *remoteCall[Resp]) Fail(err error) {
	if !c.again(err) {
		c.SetError(err)
	}
}

// repeatable reports whether the call may be made again after an error.
func (c *remoteCall[Resp]) repeatable(err error) bool {
	if c.key != "" {
		return c.node.mayRepeat(err)
	}
	return hasNotRun(err) && c.target.moves(err) && (c.stream == nil || !c.stream.started())
}

// again reports whether there is to be another attempt after one has failed.
func (c *remoteCall[Resp]) again(err error) bool {
	if !c.repeatable(err) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	round := c.key != "" && slices.ContainsFunc(c.failed, func(f failure) bool { return f.address == c.at.address })
	c.failed = append(c.failed, failure{c.at.address, err})
	after, again := backoff(len(c.failed))
	if round { // each place has had its turn: they may be back
		c.failed = nil
	}
	if c.key != "" {
		c.repeated++
		after, again = pauseAfter(c.repeated), true
	}
	if again && !c.over {
		c.number = 0
		c.stopTimer()
		c.next = time.AfterFunc(after, c.attempt)
	}
	return again
}
