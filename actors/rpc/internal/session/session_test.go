package session

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// call is what the nodes of these tests know of a call.
type call struct{ name string }

// pair is two halves of a session whose transport is perfect.
type pair struct {
	client *Client[*call]
	server *Server[*call]
	now    time.Time
}

func hello(address string) *wire.Hello {
	return &wire.Hello{Version: wire.Version, Address: address, MaxSize: 4 << 20, MaxWindow: 16}
}

// newPair returns a session whose handshake is done.
func newPair(t *testing.T) *pair {
	now := time.Unix(1000, 0)
	p := &pair{NewClient[*call](hello("a"), now), NewServer[*call](hello("b"), now), now}
	require.Equal(t, wire.KindHello, p.toServer(t)[0].Kind)
	p.server.Accept()
	require.Equal(t, wire.KindWelcome, p.toClient(t)[0].Kind)
	return p
}

// frames decodes a batch.
func frames(t testing.TB, b Batch) (all []*wire.Frame) {
	data := append(bytes.Clone(b.Head), b.Tail...)
	require.LessOrEqual(t, len(data), wire.MaxBatch)
	for len(data) > 0 {
		f := new(wire.Frame)
		rest, err := wire.Next(f, data)
		require.NoError(t, err)
		all, data = append(all, f), rest
	}
	Release(b.Head)
	return all
}

// toServer has the server receive all that waits.
func (p *pair) toServer(t *testing.T) (events []ServerEvent[*call]) {
	for b, ok := p.client.Next(p.now); ok; b, ok = p.client.Next(p.now) {
		for _, f := range frames(t, b) {
			e, err := p.server.Receive(f, p.now)
			require.NoError(t, err)
			if e.Kind == wire.KindRequest {
				p.server.Admit(e.Number, &call{e.Request.Function})
			}
			if e.Kind != 0 {
				events = append(events, e)
			}
		}
		p.client.Sent(p.now)
	}
	return events
}

// toClient has the client receive all that waits.
func (p *pair) toClient(t *testing.T) (events []ClientEvent[*call]) {
	for b, ok := p.server.Next(p.now); ok; b, ok = p.server.Next(p.now) {
		for _, f := range frames(t, b) {
			e, err := p.client.Receive(f, p.now)
			require.NoError(t, err)
			if e.Kind != 0 {
				events = append(events, e)
			}
		}
		p.server.Sent(p.now)
	}
	return events
}

// small and large are requests that go in one piece, and in chunks.
func small(function string) *wire.Request {
	return &wire.Request{Function: function, Argument: wire.Payload{Data: []byte("x")}}
}

func large(function string) *wire.Request {
	return &wire.Request{Function: function, Argument: wire.Payload{Data: bytes.Repeat([]byte("x"), 3*wire.ChunkSize+7)}}
}

func (p *pair) call(t *testing.T, r *wire.Request) uint64 {
	number, err := p.client.Call(&call{r.Function}, r)
	require.NoError(t, err)
	return number
}

func TestACallIsAnsweredInItsSession(t *testing.T) {
	p := newPair(t)
	for _, r := range []*wire.Request{small("small"), large("large")} {
		number := p.call(t, r)
		events := p.toServer(t)
		assert.Equal(t, r.Function, events[0].Request.Function)
		data := events[0].Request.Argument.Data
		if events[0].Chunked {
			data = events[1].Argument.Data
		}
		assert.Equal(t, r.Argument.Data, data)
		require.True(t, p.server.Answer(number, &wire.Response{Result: wire.Payload{Type: "t", Data: data}}))
		assert.False(t, p.server.Answer(number, &wire.Response{}), "it is answered")
		e := p.toClient(t)[0]
		assert.Equal(t, r.Function, e.Call.name)
		assert.Equal(t, "t", e.Response.Result.Type)
		assert.Equal(t, r.Argument.Data, e.Response.Result.Data)
	}
	p.quiet(t)
}

// quiet checks that nothing is kept.
func (p *pair) quiet(t *testing.T) {
	t.Helper()
	assert.Zero(t, p.client.Calls())
	assert.Zero(t, p.server.Calls())
	assert.Zero(t, p.client.Queued())
	assert.Zero(t, p.server.Queued())
	assert.Empty(t, p.client.assemblies)
	assert.Empty(t, p.server.assemblies)
	assert.True(t, p.client.queue.empty())
	assert.True(t, p.server.queue.empty())
}

func TestSmallCallsPassBetweenTheChunksOfLargeOnes(t *testing.T) {
	p := newPair(t)
	for range 2 * wire.MaxTransfers {
		p.call(t, large("large"))
	}
	first, ok := p.client.Next(p.now)
	require.True(t, ok)
	assert.Equal(t, []wire.Kind{wire.KindRequest, wire.KindChunk}, kinds(frames(t, first)))
	p.call(t, small("small"))
	second, _ := p.client.Next(p.now)
	assert.Equal(t, "small", frames(t, second)[0].Request.Function)
}

func kinds(all []*wire.Frame) (kinds []wire.Kind) {
	for _, f := range all {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}

func TestWhatOfACallComesAfterALargeItemDoesNotOvertakeIt(t *testing.T) {
	p := newPair(t)
	number := p.call(t, small("stream"))
	p.toServer(t)
	value := func(size int) *wire.Payload { return &wire.Payload{Data: make([]byte, size)} }
	for _, size := range []int{100_000, 1, 200_000, 2} {
		require.True(t, p.server.Item(number, value(size)))
	}
	require.True(t, p.server.Answer(number, &wire.Response{}))
	var sizes []int
	for _, e := range p.toClient(t) {
		sizes = append(sizes, len(e.Value.Data))
	}
	assert.Equal(t, []int{100_000, 1, 200_000, 2, 0}, sizes)
	p.quiet(t)
}

func TestACallThatWasNotSentIsToldFromOneThatWas(t *testing.T) {
	p := newPair(t)
	for _, r := range []*wire.Request{small("sent"), large("begun")} {
		p.call(t, r)
	}
	_, ok := p.client.Next(p.now)
	require.True(t, ok)
	p.call(t, small("small"))
	p.call(t, large("large"))
	unsent, sent := p.client.End(ErrSilent)
	assert.ElementsMatch(t, []string{"small", "large"}, names(unsent))
	assert.ElementsMatch(t, []string{"sent", "begun"}, names(sent))
	_, err := p.client.Call(&call{}, small("late"))
	require.ErrorIs(t, err, ErrNotOpen)
}

func names(all []*call) (names []string) {
	for _, c := range all {
		names = append(names, c.name)
	}
	return names
}

func TestNothingIsSentBeforeTheHandshakeIsDone(t *testing.T) {
	now := time.Unix(1000, 0)
	c := NewClient[*call](hello("a"), now)
	_, err := c.Call(&call{"early"}, small("early"))
	require.NoError(t, err)
	b, _ := c.Next(now)
	assert.Equal(t, []wire.Kind{wire.KindHello}, kinds(frames(t, b)))
	_, ok := c.Next(now)
	assert.False(t, ok)
	unsent, sent := c.End(ErrHandshake)
	assert.Len(t, unsent, 1)
	assert.Empty(t, sent)
}

func TestACancelledCallIsForgottenOnBothSides(t *testing.T) {
	p := newPair(t)
	cause := &wire.Error{Text: "why"}
	t.Run("before it was sent", func(t *testing.T) {
		number := p.call(t, large("large"))
		assert.True(t, p.client.Cancel(number, cause))
		assert.False(t, p.client.Cancel(number, cause))
		assert.Empty(t, p.toServer(t))
		p.quiet(t)
	})
	t.Run("while it is sent", func(t *testing.T) {
		for range 3 * wire.MaxTransfers { // more than may be under way at a time
			number := p.call(t, large("large"))
			b, _ := p.client.Next(p.now)
			for _, f := range frames(t, b) {
				e, err := p.server.Receive(f, p.now)
				require.NoError(t, err)
				if e.Kind == wire.KindRequest {
					p.server.Admit(e.Number, &call{})
				}
			}
			p.client.Cancel(number, cause)
			events := p.toServer(t)
			require.Len(t, events, 1)
			assert.Equal(t, "why", events[0].Cause.Text)
		}
		p.quiet(t)
	})
	t.Run("while its answer is sent", func(t *testing.T) {
		number := p.call(t, small("small"))
		p.toServer(t)
		p.server.Answer(number, &wire.Response{Result: wire.Payload{Data: make([]byte, 1<<20)}})
		b, _ := p.server.Next(p.now)
		for _, f := range frames(t, b) {
			_, err := p.client.Receive(f, p.now)
			require.NoError(t, err)
		}
		p.client.Cancel(number, cause)
		p.toServer(t)
		p.toClient(t)
		p.quiet(t)
	})
	t.Run("its answer is late", func(t *testing.T) {
		number := p.call(t, small("small"))
		p.toServer(t)
		p.server.Answer(number, &wire.Response{})
		p.client.Cancel(number, cause)
		assert.True(t, p.toClient(t)[0].Late)
		p.toServer(t)
		p.quiet(t)
	})
}

func TestCancellationsOfManyTransfersComeBeforeTheNextOnesBegin(t *testing.T) {
	p := newPair(t)
	var numbers []uint64
	for range wire.MaxTransfers {
		numbers = append(numbers, p.call(t, large("large")))
	}
	for range wire.MaxTransfers {
		b, _ := p.client.Next(p.now)
		for _, f := range frames(t, b) {
			_, err := p.server.Receive(f, p.now)
			require.NoError(t, err)
		}
	}
	for range 100 { // much that goes before the cancellations
		p.call(t, &wire.Request{Function: "small", Argument: wire.Payload{Data: make([]byte, 10_000)}})
	}
	for _, number := range numbers {
		p.client.Cancel(number, &wire.Error{Text: strings.Repeat("x", 10_000)})
	}
	for range wire.MaxTransfers {
		p.call(t, large("next"))
	}
	p.toServer(t) // fails if the server has too many at a time
}

func TestARejectedArgumentIsNotSentToItsEnd(t *testing.T) {
	p := newPair(t)
	number := p.call(t, large("large"))
	b, _ := p.client.Next(p.now)
	for _, f := range frames(t, b) {
		e, err := p.server.Receive(f, p.now)
		require.NoError(t, err)
		if e.Kind == wire.KindRequest {
			p.server.Reject(number, &wire.Response{Error: &wire.Error{Text: "no"}})
		}
	}
	assert.Equal(t, "no", p.toClient(t)[0].Response.Error.Text)
	_, ok := p.client.Next(p.now)
	assert.False(t, ok)
	p.quiet(t)
}

func TestEitherSideFindsASilentOtherInTime(t *testing.T) {
	for name, tick := range map[string]func(p *pair, now time.Time) error{
		"the calling side": func(p *pair, now time.Time) error { return p.client.Tick(now) },
		"the serving side": func(p *pair, now time.Time) error { return p.server.Tick(now) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			var err error
			after := time.Duration(0)
			for ; err == nil; after += TickEvery {
				err = tick(p, p.now.Add(after))
			}
			require.ErrorIs(t, err, ErrSilent)
			assert.Less(t, after, 15*time.Second)
		})
	}
}

func TestTheHandshakeEndsInTime(t *testing.T) {
	now := time.Unix(1000, 0)
	c, s := NewClient[*call](hello("a"), now), NewServer[*call](hello("b"), now)
	for name, tick := range map[string]func(time.Time) error{"client": c.Tick, "server": s.Tick} {
		var err error
		after := time.Duration(0)
		for ; err == nil; after += TickEvery {
			c.Heard(now.Add(after)) // pings alone are no handshake
			s.Heard(now.Add(after))
			err = tick(now.Add(after))
		}
		require.ErrorIs(t, err, ErrHandshake, name)
		assert.Less(t, after, 15*time.Second)
	}
}

func TestHeartbeatsKeepASessionThatHasNothingToSay(t *testing.T) {
	p := newPair(t)
	for range 100 {
		p.now = p.now.Add(TickEvery)
		require.NoError(t, p.client.Tick(p.now))
		require.NoError(t, p.server.Tick(p.now))
		p.toServer(t)
		p.toClient(t)
	}
}

func TestHeartbeatsBeginBeforeTheHandshakeIsDone(t *testing.T) {
	now := time.Unix(1000, 0)
	c, s := NewClient[*call](hello("a"), now), NewServer[*call](hello("b"), now)
	_, err := c.Call(&call{"waits"}, small("waits"))
	require.NoError(t, err)
	_, ok := c.Next(now)
	require.True(t, ok)
	c.Sent(now)
	now = now.Add(PingEvery)
	require.NoError(t, c.Tick(now))
	require.NoError(t, s.Tick(now))
	b, _ := c.Next(now)
	assert.Equal(t, []wire.Kind{wire.KindPing}, kinds(frames(t, b)))
	b, _ = s.Next(now)
	assert.Equal(t, []wire.Kind{wire.KindPing}, kinds(frames(t, b)))
}

func TestANodeThatDidNotRunDoesNotTakeTheOtherForSilent(t *testing.T) {
	p := newPair(t)
	p.now = p.now.Add(time.Minute) // stopped, or on a machine that was
	require.NoError(t, p.client.Tick(p.now))
	var err error
	after := time.Duration(0)
	for ; err == nil; after += TickEvery {
		err = p.client.Tick(p.now.Add(after))
	}
	assert.Less(t, after, 15*time.Second, "but it is found out from then on")
}

// As a machine that was suspended: what the other node has sent waits to be read.
func TestTheTimeInWhichANodeDidNotRunDoesNotCount(t *testing.T) {
	now := time.Unix(1000, 0)
	greeting := NewClient[*call](hello("a"), now)
	require.NoError(t, greeting.Tick(now.Add(time.Minute)), "for the handshake")
	p := newPair(t)
	_, err := p.server.Receive(&wire.Frame{Kind: wire.KindRequest, Number: 1, Chunked: true, Total: 100}, p.now)
	require.NoError(t, err)
	require.NoError(t, p.server.Tick(p.now.Add(time.Minute)), "for a payload")
}

func TestANodeThatTakesNothingIsFoundInTime(t *testing.T) {
	p := newPair(t)
	p.call(t, small("small"))
	_, ok := p.client.Next(p.now)
	require.True(t, ok)
	var err error
	after := time.Duration(0)
	for ; err == nil; after += TickEvery {
		p.client.Heard(p.now.Add(after))
		err = p.client.Tick(p.now.Add(after))
	}
	require.ErrorIs(t, err, ErrStalled)
	assert.Less(t, after, 15*time.Second)
}

func TestAPayloadThatDripsEndsTheSession(t *testing.T) {
	p := newPair(t)
	p.call(t, large("large"))
	b, _ := p.client.Next(p.now)
	for _, f := range frames(t, b) {
		_, err := p.server.Receive(f, p.now)
		require.NoError(t, err)
	}
	var err error
	after := time.Duration(0)
	for ; err == nil; after += TickEvery {
		p.server.Heard(p.now.Add(after))
		err = p.server.Tick(p.now.Add(after))
	}
	require.ErrorIs(t, err, ErrSlow)
	assert.Less(t, after, 2*time.Minute)
}

func TestANodeThatLeavesFinishesWhatItHas(t *testing.T) {
	p := newPair(t)
	number := p.call(t, small("before"))
	p.toServer(t)
	p.server.Leave()
	p.server.Leave()
	late := p.call(t, small("crossing"))
	assert.Equal(t, wire.KindGoaway, p.toClient(t)[0].Kind)
	_, err := p.client.Call(&call{}, small("after"))
	require.ErrorIs(t, err, ErrLeaving)
	assert.False(t, p.client.Finished())
	assert.Equal(t, late, p.toServer(t)[0].Number)
	for _, number := range []uint64{number, late} {
		p.server.Answer(number, &wire.Response{})
	}
	assert.Len(t, p.toClient(t), 2)
	assert.True(t, p.client.Finished())
}

func TestARefusedHandshakeSaysWhy(t *testing.T) {
	now := time.Unix(1000, 0)
	p := &pair{NewClient[*call](hello("a"), now), NewServer[*call](hello("b"), now), now}
	p.toServer(t)
	p.server.Refuse(&wire.Error{Text: "no"})
	assert.False(t, p.server.Finished())
	e := p.toClient(t)[0]
	assert.Equal(t, "no", e.Response.Error.Text)
	assert.EqualValues(t, wire.Version, e.Version)
	assert.True(t, p.server.Finished())
	ignored, err := p.server.Receive(&wire.Frame{Kind: wire.KindRequest, Number: 1}, now)
	require.NoError(t, err)
	assert.Zero(t, ignored)
}

// What a hostile node may send ends its session, and nothing else.
func TestFramesThatMustNotComeEndTheSession(t *testing.T) {
	request := func(number uint64, chunked bool) wire.Frame {
		return wire.Frame{Kind: wire.KindRequest, Number: number, Chunked: chunked, Total: 100}
	}
	for name, hostile := range map[string][]wire.Frame{
		"a second hello":          {{Kind: wire.KindHello}},
		"a welcome":               {{Kind: wire.KindWelcome}},
		"an answer":               {{Kind: wire.KindResponse, Number: 1}},
		"an item":                 {{Kind: wire.KindItem, Number: 1}},
		"a goaway":                {{Kind: wire.KindGoaway}},
		"no number":               {request(0, false)},
		"a number twice":          {request(1, false), request(1, false)},
		"a number of chunks":      {request(1, true), request(1, false)},
		"more than announced":     {request(1, true), {Kind: wire.KindChunk, Number: 1, Data: make([]byte, 101)}},
		"too many at a time":      {request(1, true), request(2, true), request(3, true), request(4, true), request(5, true)},
		"a kind that there is no": {{Kind: 99}},
	} {
		t.Run("to the serving node: "+name, func(t *testing.T) {
			p := newPair(t)
			for i := range hostile {
				e, err := p.server.Receive(&hostile[i], p.now)
				if i < len(hostile)-1 {
					require.NoError(t, err)
					p.server.Admit(e.Number, &call{})
					continue
				}
				require.ErrorIs(t, err, ErrProtocol)
			}
		})
	}
	answer := func(number uint64) wire.Frame { return wire.Frame{Kind: wire.KindResponse, Number: number} }
	for name, hostile := range map[string][]wire.Frame{
		"a hello":                         {{Kind: wire.KindHello}},
		"a second welcome":                {{Kind: wire.KindWelcome}},
		"a request":                       {request(1, false)},
		"an answer to nothing":            {answer(0)},
		"an answer to a call to come":     {answer(100)},
		"an answer to one not sent yet":   {answer(3)},
		"an item of one to come":          {{Kind: wire.KindItem, Number: 100}},
		"a chunk of one to come":          {{Kind: wire.KindChunk, Number: 100, Data: make([]byte, 1)}},
		"more than this node takes":       {{Kind: wire.KindResponse, Number: 1, Chunked: true, Total: 5 << 20}},
		"more than announced":             {{Kind: wire.KindItem, Number: 1, Chunked: true, Total: 1}, {Kind: wire.KindChunk, Number: 1, Data: make([]byte, 2)}},
		"an answer that overtakes itself": {{Kind: wire.KindItem, Number: 1, Chunked: true, Total: 1}, answer(1)},
	} {
		t.Run("to the calling node: "+name, func(t *testing.T) {
			p := newPair(t)
			p.call(t, small("a"))
			p.call(t, small("b"))
			p.toServer(t)
			p.call(t, small("not sent"))
			for i := range hostile {
				_, err := p.client.Receive(&hostile[i], p.now)
				if i < len(hostile)-1 {
					require.NoError(t, err)
					continue
				}
				require.ErrorIs(t, err, ErrProtocol)
			}
		})
	}
}

// A peer that announces much gets no memory before it has sent something.
func TestAnAnnouncedPayloadTakesNoMemory(t *testing.T) {
	p := newPair(t)
	for number := range uint64(wire.MaxTransfers) {
		_, err := p.server.Receive(&wire.Frame{Kind: wire.KindRequest, Number: number + 1, Chunked: true, Total: 1 << 40}, p.now)
		require.NoError(t, err)
		_, err = p.server.Receive(&wire.Frame{Kind: wire.KindChunk, Number: number + 1, Data: []byte("x")}, p.now)
		require.NoError(t, err)
		assert.LessOrEqual(t, cap(p.server.assemblies[number+1].data.Bytes()), 16)
	}
}

func TestAnOlderVersionIsOfferedOnce(t *testing.T) {
	now := time.Unix(1000, 0)
	p := &pair{NewClient[*call](hello("a"), now), NewServer[*call](hello("b"), now), now}
	_, err := p.client.Call(nil, &wire.Request{Function: "f"})
	require.NoError(t, err)
	for _, version := range []uint32{0, wire.Oldest - 1, wire.Version, wire.Version + 1} {
		assert.False(t, p.client.Offer(version), version)
	}
	require.True(t, p.client.Offer(wire.Oldest))
	assert.False(t, p.client.Offer(wire.Oldest))
	p.toServer(t)
	assert.True(t, p.server.Understands())
	assert.EqualValues(t, wire.Oldest, p.server.Peer().Version)
	p.server.Accept()
	assert.Equal(t, wire.KindWelcome, p.toClient(t)[0].Kind)
	assert.EqualValues(t, wire.Oldest, p.client.Peer().Version)
	assert.False(t, p.client.Offer(wire.Oldest), "the handshake is done")
	assert.Equal(t, wire.KindRequest, p.toServer(t)[0].Kind, "the call was kept")
}

func TestMoreProbesThanMayComeAreDropped(t *testing.T) {
	p := newPair(t)
	number := p.call(t, small("a"))
	p.toServer(t)
	probes := func() (n int) {
		for range MaxProbes + 10 {
			require.True(t, p.client.Probe(number, aProbe()))
		}
		for _, e := range p.toServer(t) {
			if e.Kind == wire.KindProbe {
				n++
			}
		}
		return n
	}
	assert.Equal(t, MaxProbes, probes())
	require.NoError(t, p.server.Tick(p.now.Add(TickEvery)))
	assert.Equal(t, MaxProbes, probes(), "after a tick there may be as many again")
}

// What waits to be sent comes late. So would probes behind it.
func TestNoProbesAreSentBehindMuchElse(t *testing.T) {
	p := newPair(t)
	number := p.call(t, small("a"))
	p.toServer(t)
	p.call(t, large("b"))
	assert.False(t, p.client.Probe(number, aProbe()))
}

func TestQuestionsAreSentToNodesThatKnowThem(t *testing.T) {
	for _, version := range []uint32{wire.Probing - 1, wire.Probing, wire.Asks} {
		now := time.Unix(1000, 0)
		p := &pair{NewClient[*call](hello("a"), now), NewServer[*call](hello("b"), now), now}
		if version < wire.Version {
			require.True(t, p.client.Offer(version))
		}
		p.toServer(t)
		p.server.Accept()
		p.toClient(t)
		number := p.call(t, small("a"))
		p.toServer(t)
		assert.Equal(t, version >= wire.Probing, p.client.Probe(number, aProbe()))
		for phase := wire.Asking; phase <= wire.Telling; phase++ {
			for _, half := range []interface {
				Asks() bool
				Probe(number uint64, p *wire.Probe) bool
			}{p.client, p.server} {
				assert.Equal(t, version >= wire.Asks, half.Asks())
				assert.Equal(t, version >= wire.Asks, half.Probe(number, &wire.Probe{Phase: phase}))
			}
		}
	}
}

func TestTheLargestAnswerFits(t *testing.T) {
	p := newPair(t)
	number := p.call(t, small("a"))
	p.toServer(t)
	need := wire.Need{Exits: make([]uint64, wire.MaxExits)}
	need.Where, need.Text = strings.Repeat("x", wire.MaxWhere), strings.Repeat("y", wire.MaxText)
	told := &wire.Probe{Phase: wire.Telling}
	for size := 0; size+need.Size() <= wire.MaxTold; size += need.Size() {
		told.Needs = append(told.Needs, need)
	}
	require.True(t, p.client.Probe(number, aProbe()))
	require.True(t, p.client.Probe(number, told))
	events := p.toServer(t)
	require.Len(t, events, 2)
	assert.Equal(t, told, events[1].Probe)
}
