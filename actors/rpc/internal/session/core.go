package session

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// state is how far a session is.
type state byte

const (
	greeting state = iota // the handshake is not done
	open
	leaving // the serving node takes no more calls
	ended
)

// core is what both halves of a session have.
type core struct {
	own, peer wire.Hello
	state     state
	err       error // why it has ended

	began   time.Time
	ticked  time.Time // the last one
	heard   time.Time // something of the other node
	spoke   time.Time // when something was sent last
	sending time.Time // since when a batch is being sent; zero if none is

	queue      queue
	assemblies assemblies

	probes int // that have come since the last tick
}

func newCore(own *wire.Hello, now time.Time) core {
	return core{own: *own, began: now, ticked: now, heard: now, spoke: now}
}

// Peer returns how the other node has introduced itself.
func (c *core) Peer() *wire.Hello { return &c.peer }

// State returns how far the session is: greeting, open, leaving or ended.
func (c *core) State() string { return [...]string{"greeting", "open", "leaving", "ended"}[c.state] }

// Queued returns how many bytes wait to be sent.
func (c *core) Queued() int { return c.queue.bytes }

// Idle reports whether nothing waits to be sent, nor is being sent.
func (c *core) Idle() bool { return c.queue.empty() && c.sending.IsZero() }

// Err returns why the session has ended, nil while it has not.
func (c *core) Err() error { return c.err }

// Next returns the batch that is to be sent next, if there is one. When it was sent,
// Sent is to be called.
func (c *core) next(now time.Time) (b Batch, through uint64, ok bool) {
	b, through, ok = c.queue.next(c.state != greeting, now)
	if ok {
		c.sending = now
	}
	return b, through, ok
}

// Sent says that the batch of Next was sent.
func (c *core) Sent(now time.Time) { c.spoke, c.sending = now, time.Time{} }

// Heard says that something has come from the other node, or that this node has not
// listened until now.
func (c *core) Heard(now time.Time) { c.heard = now }

// Tick says what time it is. It returns why the session has to end, if it has to.
func (c *core) Tick(now time.Time) error {
	if c.state == ended {
		return c.err
	}
	if late := now.Sub(c.ticked) - TickEvery; late > TickEvery {
		// This node did not run meanwhile. What the others have sent waits to be read.
		c.began, c.heard = c.began.Add(late), c.heard.Add(late)
		c.assemblies.postpone(late)
		if !c.sending.IsZero() {
			c.sending = c.sending.Add(late)
		}
	}
	c.ticked = now
	c.probes = 0
	switch {
	case c.state == greeting && now.Sub(c.began) >= HandshakeTime:
		return ErrHandshake
	case now.Sub(c.heard) >= Silence:
		return ErrSilent
	case !c.sending.IsZero() && now.Sub(c.sending) >= Silence:
		return ErrStalled
	case c.assemblies.overdue(now):
		return ErrSlow
	}
	if now.Sub(c.spoke) >= PingEvery && len(c.queue.control) == 0 && c.sending.IsZero() {
		c.queue.control = wire.AppendSignal(c.queue.control, wire.KindPing)
	}
	return nil
}

// version returns that of the session, 0 before the handshake is done.
func (c *core) version() uint32 {
	if c.state == greeting {
		return 0
	}
	return min(c.own.Version, c.peer.Version)
}

// Probes reports whether both nodes know probes.
func (c *core) Probes() bool { return c.version() >= wire.Probing && c.state != ended }

// Asks reports whether both nodes know probes that ask.
func (c *core) Asks() bool { return c.version() >= wire.Asks && c.state != ended }

// sendProbe sends a probe about a call, unless so much waits to be sent that it would be late.
func (c *core) sendProbe(number uint64, p *wire.Probe) bool {
	size := p.Size()
	if c.version() < p.Phase.Version() || c.state == ended || c.queue.bytes > probeRoom {
		return false
	}
	b := c.queue.room(size)
	c.queue.grown(b, wire.AppendProbe(b.frames, number, p))
	return true
}

// probed counts a probe that has come. It reports whether that is to be dealt with.
func (c *core) probed(f *wire.Frame) (ok bool, err error) {
	if c.version() < f.Probe.Phase.Version() {
		return false, violation(f, "a probe in a version that does not know it")
	}
	c.probes++
	return c.probes <= MaxProbes, nil
}

// greet notes how the other node has introduced itself.
func (c *core) greet(h *wire.Hello) {
	c.peer = *h
	c.peer.Address, c.peer.Target = strings.Clone(h.Address), strings.Clone(h.Target)
}

// violation is the error of a frame that must not come.
func violation(f *wire.Frame, why string) error {
	return fmt.Errorf("%w: a frame of kind %d for call %d: %s", ErrProtocol, f.Kind, f.Number, why)
}

// assemblies are the large payloads of which chunks have come.
type assemblies map[uint64]*assembly

type assembly struct {
	frame wire.Frame // that has announced it
	data  wire.Buffer
	until time.Time
}

// begin begins a payload that comes in chunks.
func (a *assemblies) begin(f *wire.Frame, now time.Time) error {
	if len(*a) >= wire.MaxTransfers {
		return violation(f, "too many payloads at a time")
	}
	if *a == nil {
		*a = make(assemblies)
	}
	slow := time.Duration(min(f.Total, 1<<32)/slowRate) * time.Second //nolint:gosec // It is bounded.
	(*a)[f.Number] = &assembly{frame: keepFrame(f), until: now.Add(arrivalTime + slow)}
	return nil
}

// add adds a chunk. It returns the payload once it is complete. A chunk of a payload that
// nobody waits for is dropped.
func (a assemblies) add(f *wire.Frame) (whole *assembly, err error) {
	one := a[f.Number]
	if one == nil {
		return nil, nil
	}
	left := one.frame.Total - uint64(one.data.Len()) //nolint:gosec // A size is not negative.
	n := f.DataSize()
	if uint64(n) > left { //nolint:gosec // A size is not negative.
		return nil, violation(f, "a payload is larger than announced")
	}
	// It takes no memory of note before the bytes are there.
	one.data.Grow(n, int(min(one.frame.Total, 8*uint64(one.data.Len()+n)))) //nolint:gosec // As above.
	one.data.Append(f.Data)
	for _, more := range f.More {
		one.data.Append(more)
	}
	if uint64(one.data.Len()) < one.frame.Total { //nolint:gosec // As above.
		return nil, nil
	}
	delete(a, f.Number)
	return one, nil
}

// postpone gives all payloads more time.
func (a assemblies) postpone(by time.Duration) {
	for _, one := range a {
		one.until = one.until.Add(by)
	}
}

func (a assemblies) overdue(now time.Time) bool {
	for _, one := range a {
		if !now.Before(one.until) {
			return true
		}
	}
	return false
}

// keepFrame returns what outlives the batch that announces a payload.
func keepFrame(f *wire.Frame) wire.Frame {
	kept := *f
	for _, p := range []*wire.Payload{&kept.Response.Result, &kept.Value, &kept.Request.Argument} {
		p.Encoding, p.Type = strings.Clone(p.Encoding), strings.Clone(p.Type)
	}
	return kept
}
