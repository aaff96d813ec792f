package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/transport"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	oldsession "github.com/seed-7fcaac1b/protocaller/actors/rpc/testdata/v2/session"
	oldwire "github.com/seed-7fcaac1b/protocaller/actors/rpc/testdata/v2/wire"
)

// Below testdata/v2 is version 2 of the protocol, as it was before there was a version 3: both
// halves of a session, and what they send. It is not to be changed.

// oldNode is a node of that version, of which the test is the user.
type oldNode struct {
	testing.TB
	conn transport.Conn
}

func oldHello() *oldwire.Hello {
	return &oldwire.Hello{Version: oldwire.Version, Incarnation: oldwire.Incarnation{1}, Address: "here", MaxSize: 4 << 20, MaxWindow: 100}
}

// oldHalf is one half of a session.
type oldHalf interface {
	Next(now time.Time) (oldsession.Batch, bool)
	Sent(now time.Time)
}

// send sends what there is.
func (n *oldNode) send(half oldHalf) {
	for b, ok := half.Next(time.Now()); ok; b, ok = half.Next(time.Now()) {
		_ = n.conn.Send(b.Head, b.Tail)
		half.Sent(time.Now())
	}
}

// frames returns the frames that come, until the session ends. They hold until the next.
func (n *oldNode) frames() iter.Seq[*oldwire.Frame] {
	return func(yield func(*oldwire.Frame) bool) {
		var reader oldwire.Reader
		for {
			batch, err := n.conn.Recv()
			if err != nil {
				return
			}
			reader.Reset(batch...)
			for reader.Left() > 0 {
				kind, body, more, err := reader.Next()
				require.NoError(n, err)
				var f oldwire.Frame
				require.NoError(n, oldwire.Decode(&f, kind, body, more...))
				if !yield(&f) {
					return
				}
			}
		}
	}
}

// oldCaller makes calls in a session.
type oldCaller struct {
	oldNode
	client *oldsession.Client[string]
}

func (r *receiver) callByOld(tb testing.TB) *oldCaller {
	here, there := newPipe()
	require.True(tb, transport.Of(r.system).Accept(there))
	return &oldCaller{oldNode{tb, here}, oldsession.NewClient[string](oldHello(), time.Now())}
}

// call makes a call, and returns its items and its answer.
func (c *oldCaller) call(function, argument string, window uint32) (items []string, answer oldwire.Response) {
	data, err := json.Marshal(argument)
	require.NoError(c, err)
	_, err = c.client.Call(function, &oldwire.Request{
		Function: function, Caller: "callers/clerk", Window: window, Argument: oldwire.Payload{Encoding: "json", Data: data},
	})
	require.NoError(c, err)
	c.send(c.client)
	for f := range c.frames() {
		e, err := c.client.Receive(f, time.Now())
		require.NoError(c, err)
		switch e.Kind {
		case oldwire.KindItem:
			items = append(items, string(e.Value.Data))
			c.client.Credit(e.Number, uint64(len(items))+uint64(window))
		case oldwire.KindResponse:
			return items, e.Response
		}
		c.send(c.client)
	}
	require.Fail(c, "the session has ended")
	return nil, answer
}

func TestANodeOfVersion2CallsThisOne(t *testing.T) {
	r := newReceiver(t)
	require.NoError(t, Handle(r.system, "fail", func(context.Context, string) (string, error) { return "", actors.ErrOverloaded }))
	require.NoError(t, HandleStream(r.system, "count", func(context.Context, string) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for i := range 10 {
				if !yield(i, nil) {
					return
				}
			}
		}
	}))
	c := r.callByOld(t)
	for _, size := range []int{1, wire.InlineSize + 1, 3 * wire.ChunkSize} {
		text := strings.Repeat("x", size)
		_, answer := c.call("echo", text, 0)
		require.Nil(t, answer.Error)
		assert.Equal(t, `"`+text+`"`, string(answer.Result.Data))
	}
	assert.EqualValues(t, oldwire.Version, c.client.Peer().Version)
	_, answer := c.call("fail", "", 0)
	assert.Contains(t, answer.Error.Codes, "rpc.overloaded")
	_, answer = c.call("none", "", 0)
	assert.Contains(t, answer.Error.Codes, "rpc.unknown_function")
	assert.True(t, answer.Error.NotRun)
	items, answer := c.call("count", "", 3)
	require.Nil(t, answer.Error)
	assert.Equal(t, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, items)

	for _, i := range r.peers.leave() {
		i.leave()
	}
	for f := range c.frames() {
		_, err := c.client.Receive(f, time.Now())
		require.NoError(t, err)
		if f.Kind == oldwire.KindGoaway {
			break
		}
	}
	assert.True(t, c.client.Finished())
}

// A refusal is in the version of the node that is refused. Otherwise that node would take
// it for one of another version.
func TestANodeOfVersion2IsRefused(t *testing.T) {
	r := newReceiver(t)
	r.peers.leave()
	c := r.callByOld(t)
	c.send(c.client)
	for f := range c.frames() {
		e, err := c.client.Receive(f, time.Now())
		require.NoError(t, err)
		require.Equal(t, oldwire.KindRefuse, e.Kind)
		assert.EqualValues(t, oldwire.Version, e.Version)
		assert.Contains(t, e.Response.Error.Codes, "rpc.node_down")
		return
	}
	assert.Fail(t, "the session has ended")
}

// oldServer answers calls in a session, as a node of version 2 did.
type oldServer struct {
	oldNode
	server *oldsession.Server[uint64]
}

// serve answers until the session ends. It returns the version that it has refused, 0 if it
// has welcomed the other node.
func (s *oldServer) serve() (refused uint32) {
	for f := range s.frames() {
		e, err := s.server.Receive(f, time.Now())
		require.NoError(s, err)
		switch e.Kind {
		case oldwire.KindHello:
			if version := s.server.Peer().Version; version != oldwire.Version {
				s.server.Refuse(&oldwire.Error{Text: "another version", Codes: []string{"rpc.version"}, NotRun: true, Again: true})
				s.send(s.server)
				s.conn.End()
				return version
			}
			s.server.Accept()
		case oldwire.KindRequest:
			if e.Chunked {
				s.server.Admit(e.Number, e.Number)
				continue
			}
			s.answer(e.Number, &e.Request)
		case oldwire.KindChunk:
			s.answer(e.Call, &oldwire.Request{Argument: e.Argument})
		}
		s.send(s.server)
	}
	return 0
}

// answer answers with the argument, as often as the window says if it is for a stream.
func (s *oldServer) answer(number uint64, r *oldwire.Request) {
	result := oldwire.Payload{Encoding: "json", Data: slices.Clone(r.Argument.Data)}
	s.server.Admit(number, number)
	if r.Window == 0 {
		s.server.Answer(number, &oldwire.Response{Result: result})
		return
	}
	for range r.Window {
		s.server.Item(number, &result)
	}
	s.server.Answer(number, &oldwire.Response{})
}

func (r *receiver) serveByOld(tb testing.TB) uint32 {
	s := &oldServer{oldNode{tb, <-r.dials}, oldsession.NewServer[uint64](oldHello(), time.Now())}
	return s.serve()
}

func TestThisNodeCallsOneOfVersion2(t *testing.T) {
	r := newReceiver(t)
	sessions := make(chan uint32, 2)
	go func() {
		for range cap(sessions) {
			sessions <- r.serveByOld(t)
		}
	}()
	for _, size := range []int{1, 2 * wire.InlineSize, 3 * wire.ChunkSize} {
		text := strings.Repeat("x", size)
		got, err := Call[string, string](t.Context(), r.system, At("b", "callers/clerk"), "echo", text).Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, text, got)
	}
	got, err := Call[string, string](t.Context(), r.system, At("b", "callers/clerk"), "echo", "key", Idempotent("")).Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "key", got)
	var items []string
	for item, err := range Stream[string, string](t.Context(), r.system, At("b", "callers/clerk"), "repeat", "y", Window(3)) {
		require.NoError(t, err)
		items = append(items, item)
	}
	assert.Equal(t, []string{"y", "y", "y"}, items)
	assert.EqualValues(t, wire.Version, <-sessions, "the first is refused, which says that a newer one was offered")
	r.end()
	assert.Zero(t, <-sessions)
}

// A node that refuses whatever it is offered does not have this one try without end.
func TestANodeThatRefusesAllVersions(t *testing.T) {
	r := newReceiver(t)
	p := Call[string, string](t.Context(), r.system, At("b", "callers/clerk"), "echo", "x")
	for _, version := range []uint32{wire.Version, wire.Oldest} {
		other := &otherNode{TB: t, Conn: <-r.dials}
		hello := other.next()
		assert.Equal(t, version, hello.Hello.Version)
		other.send(wire.AppendRefuse(nil, wire.Oldest, &wire.Error{Text: "no", NotRun: true}))
	}
	_, err := p.Wait(t.Context())
	require.ErrorContains(t, err, "no")
	assert.Empty(t, r.dials)
}

// A node of a version to come offers the oldest that it speaks as well.
func TestANodeOfAVersionToComeCallsThisOne(t *testing.T) {
	for _, oldest := range []uint32{0, wire.Oldest, wire.Version, wire.Version + 1} {
		t.Run(fmt.Sprint(oldest), func(t *testing.T) {
			r := newReceiver(t)
			p := r.connect(t)
			newer := peerHello
			newer.Version, newer.Oldest = wire.Version+1, oldest
			p.send(wire.AppendHello(nil, wire.KindHello, &newer))
			answer := p.next()
			assert.Equal(t, uint32(wire.Version), answer.Hello.Version)
			if oldest > wire.Version {
				assert.Equal(t, wire.KindRefuse, answer.Kind)
				return
			}
			require.Equal(t, wire.KindWelcome, answer.Kind)
			p.none(1)
		})
	}
}
