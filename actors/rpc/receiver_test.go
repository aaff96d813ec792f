package rpc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/transport"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// pipe is one end of a connection in memory. It is closed by closing done.
type pipe struct {
	in, out chan []byte
	done    chan struct{} // of both ends
	once    *sync.Once
}

func newPipe() (here, there *pipe) {
	a, b, done, once := make(chan []byte, 1000), make(chan []byte, 1000), make(chan struct{}), new(sync.Once)
	return &pipe{a, b, done, once}, &pipe{b, a, done, once}
}

func (p *pipe) Send(head, tail []byte) error {
	select {
	case p.out <- append(bytes.Clone(head), tail...):
		return nil
	case <-p.done:
		return io.ErrClosedPipe
	}
}

func (p *pipe) Recv() ([][]byte, error) {
	select {
	case batch := <-p.in:
		return [][]byte{batch}, nil
	case <-p.done:
	}
	select {
	case batch := <-p.in: // that was sent before the end
		return [][]byte{batch}, nil
	default:
		return nil, io.EOF
	}
}

func (p *pipe) End() { p.once.Do(func() { close(p.done) }) }

// receiver is a node whose peer is the test, which says whatever it likes.
type receiver struct {
	*node
	clerk  *actors.Caller
	errors *errorCount
	dials  chan *pipe // that the node has made
}

// Dial implements [transport.Network].
func (r *receiver) Dial(_ context.Context, _ *actor.ActorSystem, address string) (transport.Conn, error) {
	if address == "nowhere" {
		return nil, errors.New("there is no such node")
	}
	here, there := newPipe()
	r.dials <- there
	return here, nil
}

// errorCount is the logger of a node, and how many errors of this package it was
// given: as when a panic was caught. The panics of functions are none of them.
type errorCount struct {
	slog.Handler
	n atomic.Int64
}

func (e *errorCount) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelError
}

func (e *errorCount) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "rpc: ") {
		e.n.Add(1)
	}
	return nil
}

func newReceiver(tb testing.TB) *receiver {
	errors := &errorCount{Handler: slog.DiscardHandler}
	system := actor.NewActorSystem(func(config *actor.Config) {
		config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(errors) }
		config.DeadLetterThrottleInterval = time.Microsecond
	})
	r := &receiver{errors: errors, dials: make(chan *pipe, 1000)}
	transport.Attach(system, r, nil)
	system.ProcessRegistry.Address = "there"
	r.node = nodeOf(system)
	require.NoError(tb, Handle(system, "echo", func(_ context.Context, s string) (string, error) { return s, nil }))
	var err error
	r.clerk, err = actors.Start(system, props.Name("clerk"))
	require.NoError(tb, err)
	tb.Cleanup(func() {
		r.end()
		require.NoError(tb, r.clerk.StopWait(context.Background()))
	})
	return r
}

// end ends all sessions.
func (r *receiver) end() {
	out, in := r.peers.all()
	for _, o := range out {
		o.end(io.EOF)
	}
	for _, i := range in {
		i.end(io.EOF)
	}
}

// otherNode is the other node of a session, which the test plays.
type otherNode struct {
	testing.TB
	transport.Conn
	batch []byte // what has come and is not read
}

var peerHello = wire.Hello{Version: wire.Version, Incarnation: wire.Incarnation{1}, Address: "here", MaxSize: 1 << 20, MaxWindow: 100}

// call begins a session with the node in which the test calls.
func (r *receiver) call(tb testing.TB) *otherNode {
	p := r.connect(tb)
	p.send(wire.AppendHello(nil, wire.KindHello, &peerHello))
	require.Equal(tb, wire.KindWelcome, p.next().Kind)
	return p
}

// connect connects to the node, and says nothing.
func (r *receiver) connect(tb testing.TB) *otherNode {
	here, there := newPipe()
	require.True(tb, transport.Of(r.system).Accept(there))
	return &otherNode{TB: tb, Conn: here}
}

// serve waits for the session that the node begins with the test, which serves.
func (r *receiver) serve(tb testing.TB) *otherNode {
	p := &otherNode{TB: tb, Conn: <-r.dials}
	assert.Equal(tb, wire.KindHello, p.next().Kind)
	p.send(wire.AppendHello(nil, wire.KindWelcome, &peerHello))
	return p
}

func (p *otherNode) send(frames []byte) { _ = p.Send(frames, nil) }

// next returns the next frame, but pings; an empty one at the end of the session.
func (p *otherNode) next() *wire.Frame {
	for {
		for len(p.batch) == 0 {
			batch, err := p.Recv()
			if err != nil {
				return &wire.Frame{}
			}
			p.batch = slices.Concat(batch...)
		}
		f := new(wire.Frame)
		rest, err := wire.Next(f, p.batch)
		assert.NoError(p, err)
		p.batch = rest
		if f.Kind != wire.KindPing {
			return f
		}
	}
}

// none checks that nothing has come, and that nothing will: the answer to a call that is
// made now is the next frame.
func (p *otherNode) none(number uint64) {
	p.Helper()
	p.send(request(number))
	f := p.next()
	require.Equal(p, wire.KindResponse, f.Kind)
	require.Equal(p, number, f.Number)
}

// ended waits for the end of the session.
func (p *otherNode) ended() {
	for f := p.next(); f.Kind != 0; f = p.next() {
		assert.NotEqual(p, wire.KindItem, f.Kind)
	}
}

func requestOf(r wire.Request, number uint64) []byte {
	if r.Caller == "" {
		r.Caller = "callers/clerk"
	}
	if r.Argument.Data == nil {
		r.Argument = wire.Payload{Encoding: "json", Data: []byte(`"x"`)}
	}
	return wire.AppendRequest(nil, number, &r, len(r.Argument.Data) > wire.InlineSize)
}

func request(number uint64) []byte { return requestOf(wire.Request{Function: "echo"}, number) }

func streamRequest(window uint32) []byte {
	return requestOf(wire.Request{Function: "stream", Window: window}, 1)
}

func itemOf(number uint64, text string) []byte {
	return wire.AppendItem(nil, number, &wire.Payload{Encoding: "json", Data: []byte(`"` + text + `"`)}, false)
}

func endOf(number uint64) []byte { return wire.AppendResponse(nil, number, &wire.Response{}, false) }
