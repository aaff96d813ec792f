package session

import (
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/testdata/v4/wire"
)

// Client is the half of a session of the node that calls. C is what that node knows of a
// call.
type Client[C any] struct {
	core
	last    uint64 // the number of the last call
	through uint64 // of the last small one that was sent
	retired bool
	calls   map[uint64]outboundCall[C]
}

type outboundCall[C any] struct {
	call    C
	chunked bool
}

// NewClient returns a session that begins.
func NewClient[C any](own *wire.Hello, now time.Time) *Client[C] {
	c := &Client[C]{core: newCore(own, now), calls: make(map[uint64]outboundCall[C])}
	c.queue.control = wire.AppendHello(nil, wire.KindHello, own)
	return c
}

// Offer begins the handshake anew over another connection, with an older version that the
// other node speaks, as it has said when it refused. It reports whether that is one which
// this node speaks as well, and has not offered.
func (c *Client[C]) Offer(version uint32) bool {
	if c.state != greeting || version < wire.Oldest || version >= c.own.Version {
		return false
	}
	c.own.Version = version
	c.queue.control = wire.AppendHello(nil, wire.KindHello, &c.own)
	c.sending = time.Time{}
	return true
}

// Calls returns how many calls are open.
func (c *Client[C]) Calls() int { return len(c.calls) }

// Each calls f with all open calls, and whether the other node may know each.
func (c *Client[C]) Each(f func(number uint64, call C, sent bool)) {
	for number, one := range c.calls {
		f(number, one.call, c.wasSent(number, one.chunked))
	}
}

// Call puts a call, and returns its number. A small request may be changed when Call has
// returned, the argument of a large one may not. The error is [ErrLeaving] or [ErrNotOpen].
func (c *Client[C]) Call(call C, r *wire.Request) (number uint64, err error) {
	switch {
	case c.state == ended:
		return 0, ErrNotOpen
	case c.state == leaving, c.retired:
		return 0, ErrLeaving
	}
	c.last++
	c.calls[c.last] = outboundCall[C]{call, len(r.Argument.Data) > wire.InlineSize}
	c.queue.request(c.last, r)
	return c.last, nil
}

// Retire has no more calls made in the session, which is finished when those are done that
// are open.
func (c *Client[C]) Retire() {
	c.retired = true
	if c.state == open {
		c.state = leaving
	}
}

// MaySend reports whether the other node takes a call or answer of that size, as far as
// it has said.
func (c *core) MaySend(size int) bool {
	return c.state == greeting || uint64(size) <= c.peer.MaxSize //nolint:gosec // A size is not negative.
}

// Find returns an open call.
func (c *Client[C]) Find(number uint64) (call C, ok bool) {
	one, ok := c.calls[number]
	return one.call, ok
}

// Cancel forgets a call, which the other node learns of if it knows the call. It reports
// whether the call was open.
func (c *Client[C]) Cancel(number uint64, cause *wire.Error) (ok bool) {
	one, ok := c.calls[number]
	if !ok {
		return false
	}
	delete(c.calls, number)
	delete(c.assemblies, number)
	if dropped, begun := c.queue.drop(number); dropped && !begun {
		return true
	}
	b := c.queue.room(cause.Size() + 32)
	c.queue.grown(b, wire.AppendCancel(b.frames, number, cause))
	if one.chunked { // the other node must hear of it before the next transfer begins
		c.queue.hold = c.queue.put
	}
	return true
}

// Credit lets so many items of a stream be sent in all.
func (c *Client[C]) Credit(number, granted uint64) {
	if _, ok := c.calls[number]; ok {
		b := c.queue.room(32)
		c.queue.grown(b, wire.AppendCredit(b.frames, number, granted))
	}
}

// Probe sends a probe about an open call, which the other node knows. It reports whether it is
// sent.
func (c *Client[C]) Probe(number uint64, p *wire.Probe) bool {
	one, ok := c.calls[number]
	return ok && c.wasSent(number, one.chunked) && c.sendProbe(number, p)
}

// Next returns the batch that is to be sent next, if there is one. When it was sent,
// Sent is to be called.
func (c *Client[C]) Next(now time.Time) (b Batch, ok bool) {
	b, through, ok := c.next(now)
	c.through = max(c.through, through)
	return b, ok
}

// wasSent reports whether the other node may know a call.
func (c *Client[C]) wasSent(number uint64, chunked bool) bool {
	if !chunked {
		return number <= c.through
	}
	t := c.queue.transfers[number]
	return t == nil || t.begun
}

// Finished reports whether the other node takes no more calls, and none is open: the
// session is to be ended.
func (c *Client[C]) Finished() bool {
	return c.state == leaving && len(c.calls) == 0 && c.queue.empty()
}

// End ends the session. It returns the calls that were open: those that the other node
// does not know, and those that it may know.
func (c *Client[C]) End(err error) (unsent, sent []C) {
	if c.state == ended {
		return nil, nil
	}
	for number, one := range c.calls {
		if c.wasSent(number, one.chunked) {
			sent = append(sent, one.call)
		} else {
			unsent = append(unsent, one.call)
		}
	}
	c.state, c.err = ended, err
	c.calls, c.queue, c.assemblies = nil, queue{}, nil
	return unsent, sent
}

// ClientEvent is what a frame has meant.
type ClientEvent[C any] struct {
	// Kind is that of the frame, 0 if nothing is to be done.
	Kind wire.Kind
	// Call and Number are those of an answer or an item.
	Call   C
	Number uint64
	// Late says that the answer is for a call that was cancelled.
	Late bool
	// Assembled says that the payload has come in chunks, and is in memory of its own.
	// Else it is in the batch.
	Assembled bool
	Response  wire.Response // of an answer, its error of a refusal
	Value     wire.Payload  // of an item
	Version   uint32        // of the node that has refused
	Probe     *wire.Probe
}

// Receive deals with a frame. After an error the session has to end.
func (c *Client[C]) Receive(f *wire.Frame, now time.Time) (e ClientEvent[C], err error) {
	c.heard = now
	e.Kind, e.Number = f.Kind, f.Number
	if c.state == ended {
		return ClientEvent[C]{}, c.err
	}
	if f.Kind == wire.KindPing {
		return ClientEvent[C]{}, nil
	}
	if c.state == greeting {
		switch f.Kind {
		case wire.KindWelcome:
			if f.Hello.Version > c.own.Version || f.Hello.Version < wire.Oldest {
				return e, violation(f, "a welcome of another version")
			}
			c.greet(&f.Hello)
			c.state = open
			if c.retired {
				c.state = leaving
			}
			return e, nil
		case wire.KindRefuse:
			e.Response, e.Version = f.Response, f.Hello.Version
			return e, nil
		default:
			return e, violation(f, "it comes before the handshake is done")
		}
	}
	switch f.Kind {
	case wire.KindGoaway:
		c.state = leaving
		return e, nil
	case wire.KindResponse, wire.KindItem:
		return c.outcome(e, f, now)
	case wire.KindChunk:
		return c.chunk(f)
	case wire.KindProbe:
		return c.probe(f)
	default:
		return e, violation(f, "it is none for a node that calls")
	}
}

func (c *Client[C]) outcome(e ClientEvent[C], f *wire.Frame, now time.Time) (ClientEvent[C], error) {
	one, ok := c.calls[f.Number]
	switch {
	case f.Number == 0 || f.Number > c.last || ok && !c.wasSent(f.Number, one.chunked):
		return e, violation(f, "there is no such call")
	case c.assemblies[f.Number] != nil:
		return e, violation(f, "it overtakes a payload")
	case !ok:
		e.Late = f.Kind == wire.KindResponse
	case f.Chunked && f.Total > c.own.MaxSize:
		return e, violation(f, "a payload is larger than this node takes")
	case f.Chunked:
		return ClientEvent[C]{}, c.assemblies.begin(f, now)
	}
	e.Call, e.Response, e.Value = one.call, f.Response, f.Value
	if f.Kind == wire.KindResponse {
		c.done(f.Number)
	}
	return e, nil
}

func (c *Client[C]) probe(f *wire.Frame) (e ClientEvent[C], err error) {
	one, ok := c.calls[f.Number]
	if f.Number == 0 || f.Number > c.last || ok && !c.wasSent(f.Number, one.chunked) {
		return e, violation(f, "there is no such call")
	}
	if wanted, err := c.probed(f); !wanted || !ok {
		return e, err
	}
	return ClientEvent[C]{Kind: f.Kind, Number: f.Number, Call: one.call, Probe: f.Probe}, nil
}

// done forgets a call that is answered. What is left of its argument nobody needs.
func (c *Client[C]) done(number uint64) {
	delete(c.calls, number)
	c.queue.drop(number)
}

func (c *Client[C]) chunk(f *wire.Frame) (e ClientEvent[C], err error) {
	if f.Number == 0 || f.Number > c.last {
		return e, violation(f, "there is no such call")
	}
	whole, err := c.assemblies.add(f)
	if whole == nil {
		return e, err
	}
	e = ClientEvent[C]{
		Kind: whole.frame.Kind, Number: f.Number, Call: c.calls[f.Number].call, Assembled: true,
		Response: whole.frame.Response, Value: whole.frame.Value,
	}
	if e.Kind == wire.KindItem {
		whole.data.Move(&e.Value)
		return e, nil
	}
	whole.data.Move(&e.Response.Result)
	c.done(f.Number)
	return e, nil
}
