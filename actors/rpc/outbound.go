package rpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/transport"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/session"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// outbound is a session in which this node calls functions of another one.
type outbound struct {
	link
	node    *node
	address string
	session *session.Client[openCall] // guarded by the link's mu
}

// openCall is a call of another node's function that is not done.
type openCall interface {
	// Answer completes the pending with what the node has answered, and keeps none of it.
	Answer(r *wire.Response)
	// Items returns who takes the items of the call, nil if it is no stream.
	Items() collector
	// SetError ends the call.
	SetError(err error) bool
	// Fail ends the attempt that is under way.
	Fail(err error)
	// Describe sets what is shown of the call.
	Describe(p *snapshot.NodeCall)
	// Core returns the pending of the call.
	Core() *future.Core
	// Taker returns the function that takes the items of the call, or nil.
	Taker() *future.Core
}

// collector takes the items of a stream, in order. An error that it returns ends the
// stream.
type collector interface {
	// receive takes an item of at most so many bytes, which it may keep.
	receive(value *wire.Payload, limit int) error
	// started reports whether items have come.
	started() bool
	// picture returns how far the stream is.
	picture() *snapshot.Stream
}

// StepName names the session in a list of steps.
func (o *outbound) StepName() string { return o.node.system.Address() + " to " + o.address }

// errReplaced is why a link takes no call: there is another one by now, or will be.
var errReplaced = errors.New("rpc: the session has ended meanwhile")

// outboundTo returns the session with the node at an address, which is made if there is
// none.
func (n *node) outboundTo(address string) (*outbound, error) {
	p := &n.peers
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed != nil {
		return nil, p.closed
	}
	if o := p.outbound[address]; o != nil {
		return o, nil
	}
	o := &outbound{node: n, address: address}
	o.steps, o.of = n.steps(), o
	o.session = session.NewClient[openCall](n.hello(address), time.Now())
	o.init(o.session, o.ended, &n.circles.clock, o.ticked)
	if p.outbound == nil {
		p.outbound = make(map[string]*outbound)
	}
	p.outbound[address] = o
	go steps.Before(o.steps, o, "connects", o.run)()
	return o, nil
}

// errOffered is why a connection is given up: the node does not speak the version that was
// offered over it, and another one is offered over the next.
var errOffered = errors.New("rpc: an older version is offered")

// offer has the session begin anew with a version of the node's, if this one speaks it too.
func (o *outbound) offer(version uint32) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.over && o.session.Offer(version)
}

// run connects, and deals with what comes until the session has ended.
func (o *outbound) run() {
	for {
		ctx, cancel := context.WithTimeoutCause(context.Background(), dialTimeout, errNoConnection)
		conn, err := o.node.dial(ctx, o.address)
		cancel()
		if err != nil {
			o.end(err)
			return
		}
		if !o.begin(conn) {
			conn.End()
			return
		}
		err = o.listen(conn)
		if !errors.Is(err, errOffered) {
			o.end(err)
			return
		}
		o.giveUp(conn)
	}
}

// listen deals with what comes over a connection, and returns why there is no more.
func (o *outbound) listen(conn transport.Conn) error {
	var reader wire.Reader
	for {
		batch, err := conn.Recv()
		if err == nil {
			reader.Reset(batch...)
			err = o.receive(&reader)
		}
		if err != nil {
			return err
		}
	}
}

// dial connects to the node at an address.
func (n *node) dial(ctx context.Context, address string) (transport.Conn, error) {
	if n.host != nil {
		return n.host.Dial(ctx, n.system, address)
	}
	return n.dialGRPC(ctx, address)
}

// call sends a call, and returns its number. The error is errReplaced if the session is
// over: another one is to be asked for.
func (o *outbound) call(c openCall, r *wire.Request, limit int) (number uint64, err error) {
	size := r.Size()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return 0, errReplaced
	}
	if waiting := o.session.Queued(); waiting > itemRoom && waiting+size > limit {
		return 0, notRun{fmt.Errorf("%w: %d bytes wait to be sent to %s, of which there may be %d",
			actors.ErrOverloaded, waiting, o.address, limit)}
	}
	if !o.session.MaySend(size) {
		return 0, fmt.Errorf("%w: call of %s with %d bytes, of which %d may be received by %s",
			ErrTooLarge, r.Function, size, o.session.Peer().MaxSize, o.address)
	}
	if number, err = o.session.Call(c, r); err != nil {
		return 0, errReplaced
	}
	o.notify()
	return number, nil
}

// cancel forgets a call, and has the other node learn of it. It reports whether the call
// was open.
func (o *outbound) cancel(number uint64, cause *wire.Error) bool {
	o.mu.Lock()
	ok := !o.over && o.session.Cancel(number, cause)
	o.notify()
	o.mu.Unlock()
	if ok {
		o.node.calls.done(o.address)
	}
	return ok
}

// retire has further calls go in another session.
func (o *outbound) retire() {
	o.node.peers.removeOutbound(o)
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.over {
		o.session.Retire()
		o.notify()
	}
}

// grant lets so many items of a stream be sent in all.
func (o *outbound) grant(number, items uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.over {
		o.session.Credit(number, items)
		o.notify()
	}
}

// ended fails the calls of a session that has ended.
func (o *outbound) ended(err error) {
	n := o.node
	n.peers.removeOutbound(o)
	o.mu.Lock()
	unsent, sent := o.session.End(err)
	o.mu.Unlock()
	var notSent error
	maySent := err
	there := (*RemoteError)(nil)
	switch closed := n.peers.isClosed(); {
	case closed != nil: // by this node, which makes no call again
		notSent, maySent = closed, closed
	case errors.As(err, &there) || errors.Is(err, ErrVersion):
		notSent = notRun{err}
	default:
		err = fmt.Errorf("%w: %s: %w", ErrNodeDown, o.address, err)
		notSent, maySent = notRun{err}, fmt.Errorf("%w: %w", err, ErrUncertain)
	}
	for _, c := range unsent {
		n.calls.done(o.address)
		c.Fail(notSent)
	}
	for _, c := range sent {
		n.calls.done(o.address)
		c.Fail(maySent)
	}
}

// receive deals with a batch. After an error the session is to be ended.
func (o *outbound) receive(batch *wire.Reader) error {
	if batch.Left() > wire.MaxBatch {
		return fmt.Errorf("%w: a batch of %d bytes", session.ErrProtocol, batch.Left())
	}
	var f wire.Frame
	var e session.ClientEvent[openCall]
	for batch.Left() > 0 {
		kind, body, more, err := batch.Next()
		if kind == wire.KindProbe {
			body = bytes.Clone(body) // what is in it is kept
		}
		if err == nil {
			err = wire.Decode(&f, kind, body, more...)
		}
		if err != nil {
			return err
		}
		o.mu.Lock()
		e, err = o.session.Receive(&f, time.Now())
		if e.Kind == wire.KindWelcome || e.Kind == wire.KindGoaway {
			o.notify() // there may be something to send, or to end, by now
		}
		o.mu.Unlock()
		if err == nil {
			err = o.handle(&e)
		}
		if err != nil {
			return err
		}
	}
	o.mu.Lock()
	finished := o.session.Finished()
	o.mu.Unlock()
	if finished {
		return session.ErrLeaving
	}
	return nil
}

// handle deals with what a frame has meant.
func (o *outbound) handle(e *session.ClientEvent[openCall]) error {
	n := o.node
	switch {
	case e.Kind == wire.KindGoaway:
		n.peers.removeOutbound(o) // the next call finds out whether the node takes another session
	case e.Kind == wire.KindRefuse && o.offer(e.Version):
		return errOffered
	case e.Kind == wire.KindRefuse && (e.Version < wire.Oldest || e.Version > wire.Version):
		return fmt.Errorf("%w: %s understands version %d, this node %d to %d", ErrVersion, o.address, e.Version, wire.Oldest, wire.Version)
	case e.Kind == wire.KindRefuse:
		return n.decodeError(e.Response.Error)
	case e.Kind == wire.KindProbe:
		n.circles.add(errand{taken{e.Call}, e.Probe, exit{session: o, number: e.Number}})
	case e.Late:
		n.calls.tooLate()
	case e.Call == nil:
	case e.Kind == wire.KindItem:
		o.item(e)
	default:
		n.calls.done(o.address)
		o.answer(e)
	}
	return nil
}

// answer completes a call. A large result is decoded on another goroutine, so that others
// need not wait for it.
func (o *outbound) answer(e *session.ClientEvent[openCall]) {
	if e.Assembled && e.Call.Items() == nil {
		call, response := e.Call, e.Response
		go steps.Before(o.steps, o, "has an answer", func() { o.complete(call, &response) })()
		return
	}
	o.complete(e.Call, &e.Response)
}

// complete completes a call. A panic of that ends nothing.
func (o *outbound) complete(call openCall, response *wire.Response) {
	defer func() {
		if r := recover(); r != nil {
			o.node.dropped("answer", r)
		}
	}()
	call.Answer(response)
}

// item hands an item to its stream.
func (o *outbound) item(e *session.ClientEvent[openCall]) {
	items := e.Call.Items()
	if items == nil {
		e.Call.SetError(fmt.Errorf("%w: it is not for Call: it streams its results", ErrUnknownFunction))
		return
	}
	value := e.Value
	if !e.Assembled {
		value = wire.Payload{Encoding: o.node.intern(value.Encoding), Type: o.node.intern(value.Type), Data: bytes.Clone(value.Data)}
	}
	if err := items.receive(&value, o.node.config.Load().maxSize); err != nil {
		e.Call.SetError(err)
	}
}

// isOpen reports whether a call is.
func (o *outbound) isOpen(number uint64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return false
	}
	_, open := o.session.Find(number)
	return open
}
