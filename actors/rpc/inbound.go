package rpc

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/transport"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/session"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// inbound is a session in which another node calls functions of this one.
type inbound struct {
	link
	origin
	node    *node
	address string                        // of the other node, as it says itself
	session *session.Server[*inboundCall] // guarded by the link's mu
}

// serveConn serves the session that another node begins over a connection, until it has
// ended.
func (n *node) serveConn(conn transport.Conn) {
	i := &inbound{node: n}
	i.steps, i.of = n.steps(), conn
	if c, ok := conn.(*grpcConn); ok {
		i.origin = c.origin
	}
	i.session = session.NewServer[*inboundCall](n.hello(""), time.Now())
	i.init(i.session, i.ended, &n.circles.clock, i.ticked)
	refused := n.peers.addInbound(i)
	i.begin(conn)
	var reader wire.Reader
	for {
		batch, err := conn.Recv()
		if err == nil {
			reader.Reset(batch...)
			err = i.receive(&reader, refused)
		}
		if err != nil {
			if errors.Is(err, session.ErrProtocol) || errors.Is(err, wire.ErrMalformed) {
				i.deny(deniedMalformed, err)
			}
			i.end(err)
			return
		}
		i.awaitRoom()
	}
}

// receive deals with a batch. After an error the session is to be ended.
func (i *inbound) receive(batch *wire.Reader, refused error) (err error) {
	if batch.Left() > wire.MaxBatch {
		return fmt.Errorf("%w: a batch of %d bytes", session.ErrProtocol, batch.Left())
	}
	var f wire.Frame
	for batch.Left() > 0 {
		kind, body, more, err := batch.Next()
		if err != nil {
			return err
		}
		if kind == wire.KindRequest || kind == wire.KindProbe {
			body = bytes.Clone(body) // what is in it lives as long as the call, or is kept
		}
		if err := wire.Decode(&f, kind, body, more...); err != nil {
			return err
		}
		i.mu.Lock()
		e, err := i.session.Receive(&f, time.Now())
		i.mu.Unlock()
		if err != nil {
			return err
		}
		i.handle(&e, refused)
	}
	return nil
}

// handle deals with what a frame has meant. What was sent may end nothing but its call.
func (i *inbound) handle(e *session.ServerEvent[*inboundCall], refused error) {
	defer func() {
		if r := recover(); r != nil {
			i.node.dropped("message", r)
		}
	}()
	switch e.Kind {
	case wire.KindHello:
		i.greet(refused)
	case wire.KindRequest:
		r := e.Request
		i.node.serve(&inboundCall{node: i.node, from: i, address: i.address, number: e.Number}, &r, e.Chunked, e.Total)
	case wire.KindChunk:
		e.Call.request.Argument = e.Argument
		i.node.start(e.Call, e.Call.request)
	case wire.KindCredit:
		if e.Call.out != nil {
			e.Call.out.grant(e.Granted)
		}
	case wire.KindProbe:
		i.node.circles.add(errand{e.Call, e.Probe, exit{session: i, number: e.Number}})
	case wire.KindCancel:
		e.Call.cancel(i.node.decodeError(e.Cause), true)
	}
}

// greet welcomes or refuses the other node, which has introduced itself.
func (i *inbound) greet(refused error) {
	peer := i.session.Peer()
	i.address = cmp.Or(peer.Address, noAddress)
	claim := i.node.checkClaim(i.certificate, i.address)
	switch {
	case refused != nil:
	case claim != nil:
		i.deny(deniedClaim, claim)
		refused = fmt.Errorf("%w: %w", ErrDenied, claim)
	case len(peer.Address) > longestAddress:
		refused = fmt.Errorf("%w: an address of %d bytes", ErrDenied, len(peer.Address))
	case !i.session.Understands():
		refused = fmt.Errorf("%w: %s is of version %d, this node understands %d to %d",
			ErrVersion, i.address, peer.Version, wire.Oldest, wire.Version)
	case i.node.peers.isLeaving():
		refused = fmt.Errorf("%w: %s: %w", ErrNodeDown, i.node.system.Address(), session.ErrLeaving)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if refused == nil {
		i.session.Accept()
	} else {
		why := i.node.encodeError(refused)
		why.NotRun, why.Again = true, !errors.Is(refused, ErrDenied)
		i.session.Refuse(why)
	}
	i.notify()
}

// deny counts and logs that something was denied to the other node.
func (i *inbound) deny(why reason, err error) {
	i.node.gate.deny(&passage{origin: i.origin, address: i.address}, denial{reason: why, detail: err.Error()})
}

// awaitRoom waits until the other node has taken what was answered, if that is too much
// to answer more. It does not listen meanwhile.
func (i *inbound) awaitRoom() {
	limit := i.node.config.Load().maxOpenBytes + itemRoom
	for {
		i.mu.Lock()
		wait := !i.over && i.session.Queued() > limit
		var room *pending.Pending[struct{}]
		if wait {
			room = pending.New[struct{}](context.Background(), pending.Named("rpc.Session"))
			i.waiting = append(i.waiting, room)
		} else {
			i.session.Heard(time.Now())
		}
		i.mu.Unlock()
		if !wait {
			return
		}
		<-room.Done()
	}
}

// ended cancels the functions of a session that has ended, but those of calls with a key.
func (i *inbound) ended(err error) {
	i.node.peers.removeInbound(i)
	i.mu.Lock()
	calls := i.session.End(err)
	i.mu.Unlock()
	cause := fmt.Errorf("%w: %s: %w", ErrNodeDown, i.address, err)
	for _, c := range calls {
		c.cancel(cause, false)
	}
}

// inboundCall is a call of a function of this node.
type inboundCall struct {
	node    *node
	from    *inbound             // nil if this node itself has called
	answer  func(*wire.Response) // takes the answer then
	address string               // of the node that has called; empty for this one
	number  uint64
	request *wire.Request // while its argument has not come

	mu     sync.Mutex
	out    *outbox        // of a stream; written by the goroutine that reads it without mu
	handle pending.Handle // of what runs, once it is scheduled
	held   int            // bytes of the node's budget, for the argument
	over   bool           // nobody waits for an answer
	cause  error          // why
	given  *wire.Response // the answer, if it was given
	repeat *repeat        // it has the outcome of another call, and is seen
}

// repeat is a call that has the outcome of another one.
type repeat struct {
	span *instrument.Repeat
	run  *execution
}

// reject answers a call that was not admitted.
func (c *inboundCall) reject(answer *wire.Response) {
	if c.from == nil {
		c.answer(answer)
		return
	}
	c.from.mu.Lock()
	defer c.from.mu.Unlock()
	c.from.session.Reject(c.number, answer)
	c.from.notify()
}

// admit has the call wait for an answer, unless its session has ended.
func (c *inboundCall) admit() bool {
	if c.from == nil {
		return true
	}
	c.from.mu.Lock()
	defer c.from.mu.Unlock()
	if !c.from.over {
		c.from.session.Admit(c.number, c)
	}
	return !c.from.over
}

// reply answers the call, unless nobody waits for that any more.
func (c *inboundCall) reply(answer *wire.Response) {
	if !c.finish(nil, answer) {
		return
	}
	if c.from == nil {
		c.answer(answer)
		return
	}
	c.from.mu.Lock()
	defer c.from.mu.Unlock()
	if limit := c.from.session.Peer().MaxSize; answer.Error == nil && !c.from.session.MaySend(answer.Result.Size()) {
		answer = &wire.Response{Error: c.node.encodeError(fmt.Errorf(
			"%w: answer with %d bytes, of which %d may be received", ErrTooLarge, answer.Result.Size(), limit))}
	}
	c.from.session.Answer(c.number, answer)
	c.from.notify()
}

// finish has nobody wait for an answer any more, and reports whether somebody has.
func (c *inboundCall) finish(cause error, answer *wire.Response) bool {
	c.mu.Lock()
	was := c.over
	c.over = true
	if !was {
		c.cause, c.given = cause, answer
	}
	seen := c.repeat
	c.mu.Unlock()
	if !was {
		c.node.served.end()
		c.endRepeat(seen)
	}
	return !was
}

// repeats notes the span of a call that has the outcome of another one.
func (c *inboundCall) repeats(r *repeat) {
	c.mu.Lock()
	c.repeat = r
	over := c.over
	c.mu.Unlock()
	if over {
		c.endRepeat(r)
	}
}

// endRepeat ends the span of a call that is over. It does nothing for nil.
func (c *inboundCall) endRepeat(r *repeat) {
	if r == nil {
		return
	}
	c.mu.Lock()
	err := c.cause
	if c.given != nil && c.given.Error != nil {
		err = c.node.decodeError(c.given.Error)
	}
	c.mu.Unlock()
	r.span.End(c.node.dedup.spanOf(r.run), err)
}

// cancel has nobody wait for an answer any more. It cancels what runs, unless that is
// for a call with a key whose node is lost: the others may wait for it.
func (c *inboundCall) cancel(cause error, asked bool) {
	if !c.finish(cause, nil) {
		return
	}
	c.mu.Lock()
	h, held := c.handle, c.held
	if h == nil {
		c.held = 0
	}
	c.mu.Unlock()
	if h != nil {
		h.Cancel(cause)
		return
	}
	c.node.inboundBytes.give(held)
	if asked {
		c.node.dedup.leave(c, cause)
	}
}

// streams notes that the call is for a stream.
func (c *inboundCall) streams(out *outbox) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = out
}

// running notes what runs for the call, and cancels it if nobody waits for it any more.
func (c *inboundCall) running(h pending.Handle) {
	c.mu.Lock()
	c.handle = h
	over, cause := c.over, c.cause
	c.mu.Unlock()
	if over && !h.IsDone() {
		h.Cancel(cause)
	}
}

// begin has what is held for the call be that of what runs, and reports whether anybody
// waits for it.
func (c *inboundCall) begin() (held int, wanted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	held, c.held = c.held, 0
	return held, !c.over
}
