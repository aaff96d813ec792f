package rpc

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/transport"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/probe"
	v4session "github.com/seed-7fcaac1b/protocaller/actors/rpc/testdata/v4/session"
	v4wire "github.com/seed-7fcaac1b/protocaller/actors/rpc/testdata/v4/wire"
)

// Below testdata/v4 is version 4 of the protocol, as it was before there was a version 5: both halves
// of a session, and what they send. It is not to be changed.

// v4Peers are a node of that version which calls this one, and another one which this one calls. The
// test is the user of both.
type v4Peers struct {
	*receiver
	client *v4session.Client[string]
	calls  transport.Conn
	server *v4session.Server[uint64]
	serves transport.Conn

	mu     sync.Mutex
	probes []*v4wire.Probe // that the serving node has got
	answer *v4wire.Response
}

func v4Hello(address string) *v4wire.Hello {
	return &v4wire.Hello{
		Version: v4wire.Version, Oldest: v4wire.Oldest, Incarnation: v4wire.Incarnation{1}, Address: address,
		MaxSize: 4 << 20, MaxWindow: 100,
	}
}

// v4Half is one half of a session.
type v4Half interface {
	Next(now time.Time) (v4session.Batch, bool)
	Sent(now time.Time)
}

// v4Send sends what there is.
func v4Send(conn transport.Conn, half v4Half) {
	for b, ok := half.Next(time.Now()); ok; b, ok = half.Next(time.Now()) {
		_ = conn.Send(b.Head, b.Tail)
		half.Sent(time.Now())
	}
}

// v4Receive has a half deal with what comes until the session ends.
func (v *v4Peers) v4Receive(t *testing.T, conn transport.Conn, receive func(f *v4wire.Frame) error) {
	var reader v4wire.Reader
	for batch, err := conn.Recv(); err == nil; batch, err = conn.Recv() {
		reader.Reset(batch...)
		for reader.Left() > 0 {
			kind, body, more, err := reader.Next()
			assert.NoError(t, err)
			var f v4wire.Frame
			if !assert.NoError(t, v4wire.Decode(&f, kind, body, more...), "it is sent what it understands") {
				return
			}
			v.mu.Lock()
			err = receive(&f)
			v.mu.Unlock()
			if !assert.NoError(t, err) {
				return
			}
		}
	}
}

// amongV4Peers runs a test in which a function that one peer has called waits for calls of the other.
func amongV4Peers(t *testing.T, function string, test func(v *v4Peers)) {
	synctest.Test(t, func(t *testing.T) {
		v := &v4Peers{receiver: newReceiver(t)}
		v.askOther(t)
		v.askTwo(t)
		here, there := newPipe()
		require.True(t, transport.Of(v.system).Accept(there))
		v.calls, v.client = here, v4session.NewClient[string](v4Hello("here"), time.Now())
		_, err := v.client.Call("a call", &v4wire.Request{
			Function: function, Caller: "callers/clerk", Argument: v4wire.Payload{Encoding: "json", Data: []byte(`"x"`)},
		})
		require.NoError(t, err)
		v4Send(v.calls, v.client)
		go v.v4Receive(t, v.calls, func(f *v4wire.Frame) error {
			e, err := v.client.Receive(f, time.Now())
			if e.Kind == v4wire.KindResponse {
				v.answer = &e.Response
			}
			v4Send(v.calls, v.client)
			return err
		})
		v.serves, v.server = <-v.dials, v4session.NewServer[uint64](v4Hello("b"), time.Now())
		go v.v4Receive(t, v.serves, func(f *v4wire.Frame) error {
			e, err := v.server.Receive(f, time.Now())
			switch e.Kind {
			case v4wire.KindHello:
				v.server.Accept()
			case v4wire.KindRequest:
				v.server.Admit(e.Number, e.Number)
			case v4wire.KindProbe:
				v.probes = append(v.probes, e.Probe)
			}
			v4Send(v.serves, v.server)
			return err
		})
		time.Sleep(long)
		test(v)
		v.end()
		synctest.Wait()
	})
}

// last returns the last probe of a phase that has come.
func (v *v4Peers) last(t *testing.T, phase v4wire.Phase) *v4wire.Probe {
	synctest.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	require.NotEmpty(t, v.probes)
	p := v.probes[len(v.probes)-1]
	require.Equal(t, phase, p.Phase)
	copied := *p
	return &copied
}

// returns sends a probe about the call, as the node that has made it.
func (v *v4Peers) returns(t *testing.T, p *v4wire.Probe) {
	v.mu.Lock()
	defer v.mu.Unlock()
	require.True(t, v.client.Probe(1, p))
	v4Send(v.calls, v.client)
}

func TestACircleThroughNodesOfVersion4Ends(t *testing.T) {
	amongV4Peers(t, "ask", func(v *v4Peers) {
		p := v.last(t, v4wire.Searching)
		p.Hops = append(p.Hops, v4wire.Hop{Node: v4wire.Incarnation{1}, Root: 7, Exit: 8, Print: 9, Age: 1 << 40, Where: "them"})
		v.returns(t, p)
		time.Sleep(probe.Pause)
		p = v.last(t, v4wire.Checking)
		p.At = 2
		v.returns(t, p)
		synctest.Wait()
		require.NotNil(t, v.answer)
		assert.Contains(t, v.answer.Error.Codes, "rpc.deadlock")
	})
}

// They do not know questions, and so are asked none.
func TestNodesOfVersion4AreNotAsked(t *testing.T) {
	amongV4Peers(t, "ask two", func(v *v4Peers) {
		v.mu.Lock()
		defer v.mu.Unlock()
		assert.Empty(t, v.probes)
		assert.Nil(t, v.answer)
		assert.Equal(t, 2, v.server.Calls())
	})
}
