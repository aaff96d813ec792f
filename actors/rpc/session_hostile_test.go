package rpc

import (
	"context"
	"errors"
	"iter"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

func TestWorkersOfAPoolAloneRunCallsOfOthers(t *testing.T) {
	r := newReceiver(t)
	p := r.call(t)
	p.send(requestOf(wire.Request{Function: "echo", Worker: true}, 1))
	assert.Contains(t, p.next().Response.Error.Codes, "rpc.denied")
}

// The id of a caller may be that of another identity, on another node at its address.
func TestCallOfAnIdentityThatTheCallerIsNot(t *testing.T) {
	for name, key := range map[string]string{"without a key": "", "with a key": "k"} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			var asked Incoming
			require.NoError(t, Configure(r.system, Authorize(func(call Incoming) bool {
				asked = call
				return true
			})))
			p := r.call(t)
			p.send(requestOf(wire.Request{Function: "echo", Identity: "cart/alice", Key: key}, 1))
			answer := p.next().Response.Error
			require.ErrorIs(t, r.decodeError(answer), ErrNoCaller)
			assert.True(t, answer.NotRun)
			assert.Equal(t, "cart/alice", asked.Identity)
			assert.Equal(t, "here", asked.Peer)
			assert.Zero(t, StatsOf(r.system))
		})
	}
}

func TestNodesOfOtherVersionsAreToldSo(t *testing.T) {
	t.Run("calling", func(t *testing.T) {
		r := newReceiver(t)
		p := r.connect(t)
		newer := peerHello
		newer.Version, newer.Oldest = wire.Version+1, wire.Version+1
		p.send(wire.AppendHello(nil, wire.KindHello, &newer))
		refusal := p.next()
		assert.Equal(t, wire.KindRefuse, refusal.Kind)
		require.ErrorIs(t, r.decodeError(refusal.Response.Error), ErrVersion)
		require.ErrorContains(t, r.decodeError(refusal.Response.Error), "this node understands 2 to 5")
		p.ended()
	})
	t.Run("serving", func(t *testing.T) {
		r := newReceiver(t)
		call := Call[string, string](t.Context(), r.system, At("here", "callers/clerk"), "echo", "x")
		p := &otherNode{TB: t, Conn: <-r.dials}
		p.send(wire.AppendRefuse(nil, wire.Version+1, &wire.Error{Text: "no"}))
		_, err := call.Wait(t.Context())
		require.ErrorIs(t, err, ErrVersion)
		assert.True(t, hasNotRun(err))
	})
}

// Who knows the numbers of calls can do nothing about them without their session.
func TestFramesCountInTheirSessionAlone(t *testing.T) {
	r := newReceiver(t)
	begun := make(chan struct{})
	require.NoError(t, Handle(r.system, "block", func(ctx context.Context, _ string) (int, error) {
		close(begun)
		return 0, actors.Sleep(ctx, time.Hour)
	}))
	victim, stranger := r.call(t), r.call(t)
	victim.send(requestOf(wire.Request{Function: "block"}, 1))
	<-begun
	for _, frame := range [][]byte{
		wire.AppendCancel(nil, 1, &wire.Error{}), wire.AppendCancel(nil, math.MaxUint64, &wire.Error{}), wire.AppendCredit(nil, 1, 9),
	} {
		stranger.send(frame)
	}
	stranger.none(1)
	assert.Equal(t, 1, StatsOf(r.system).Served, "the call of the other node goes on")

	mine := Call[string, string](t.Context(), r.system, At("b", "callers/clerk"), "echo", "x")
	server := r.serve(t)
	assert.EqualValues(t, 1, server.next().Number)
	for _, frame := range [][]byte{endOf(1), itemOf(1, "x"), wire.AppendSignal(nil, wire.KindGoaway)} {
		stranger := r.call(t)
		stranger.send(frame)
		stranger.ended() // such a frame is none for a node that serves
	}
	assert.False(t, mine.IsDone())
	server.send(wire.AppendResponse(nil, 1, &wire.Response{Result: wire.Payload{Encoding: "json", Data: []byte(`"x"`)}}, false))
	_, err := mine.Wait(t.Context())
	require.NoError(t, err)
}

func TestANodeThatBreaksTheProtocolLosesItsSessionAlone(t *testing.T) {
	r := newReceiver(t)
	good := r.call(t)
	for name, frames := range map[string][]byte{
		"a number twice": append(requestOf(wire.Request{Function: "echo", Argument: wire.Payload{Data: make([]byte, 20_000)}}, 1), request(1)...),
		"garbage":        []byte("GET / HTTP/1.1\r\n\r\n"),
		"a second hello": wire.AppendHello(nil, wire.KindHello, &peerHello),
		"much too much":  make([]byte, wire.MaxBatch+1),
	} {
		bad := r.call(t)
		bad.send(frames)
		bad.ended()
		good.none(1)
		assert.Zero(t, r.errors.n.Load(), name)
	}
	silent := r.connect(t)
	silent.send(request(1)) // before the handshake
	silent.ended()
}

// A function may go on when it is cancelled: it still counts.
func TestFunctionsThatRunOnCountForTheLimit(t *testing.T) {
	for name, key := range map[string]string{"without a key": "", "with a key": "k"} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			require.NoError(t, Configure(r.system, MaxOpen(3)))
			end, begun := make(chan struct{}), make(chan struct{}, 100)
			require.NoError(t, Handle(r.system, "stubborn", func(ctx context.Context, _ string) (int, error) {
				begun <- struct{}{}
				p := pending.New[int](context.WithoutCancel(ctx))
				go func() {
					<-end
					p.SetResult(1)
				}()
				return p.Wait(context.WithoutCancel(ctx))
			}))
			refused := 0
			for n := range 10 { // a node that starts anew each time
				p := r.call(t)
				k := key
				if k != "" {
					k += string(rune('0' + n))
				}
				p.send(requestOf(wire.Request{Function: "stubborn", Key: k}, 1))
				select {
				case <-begun:
				default:
					if n < 3 {
						<-begun
						break
					}
					require.ErrorIs(t, r.decodeError(p.next().Response.Error), actors.ErrOverloaded)
					refused++
				}
				p.End()
			}
			assert.Equal(t, 7, refused)
			close(end)
		})
	}
}

func TestLargeArgumentsThatAreRefusedTakeNoMemory(t *testing.T) {
	r := newReceiver(t)
	require.NoError(t, Configure(r.system, MaxOpenBytes(1<<20)))
	p := r.call(t)
	huge := func(number uint64, size int) []byte {
		return requestOf(wire.Request{Function: "echo", Argument: wire.Payload{Data: make([]byte, size)}}, number)
	}
	p.send(huge(1, DefaultMaxSize+1))
	require.ErrorIs(t, r.decodeError(p.next().Response.Error), ErrTooLarge)
	p.send(huge(2, 1<<20))
	p.send(huge(3, 1<<20))
	overloaded := p.next()
	assert.EqualValues(t, 3, overloaded.Number)
	require.ErrorIs(t, r.decodeError(overloaded.Response.Error), actors.ErrOverloaded)
	assert.Equal(t, 1<<20, StatsOf(r.system).ServedBytes)
	p.End()
	r.untilIdle(t)
}

// untilIdle waits until nothing is held for anybody.
func (r *receiver) untilIdle(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		s := StatsOf(r.system)
		return s.Served == 0 && s.ServedBytes == 0 && s.Open == 0 && s.OpenBytes == 0
	}, waitLimit, waitStep)
}

func TestAPeerThatTakesNoAnswersIsNotListenedTo(t *testing.T) {
	r := newReceiver(t)
	require.NoError(t, Configure(r.system, MaxOpenBytes(1<<20), MaxOpen(8)))
	require.NoError(t, Handle(r.system, "large", func(context.Context, string) (string, error) {
		return strings.Repeat("x", 1<<19), nil
	}))
	here, there := newPipe()
	here.in = make(chan []byte) // nothing passes
	there.out = here.in
	p := &otherNode{TB: t, Conn: here}
	go r.serveConn(there)
	p.send(wire.AppendHello(nil, wire.KindHello, &peerHello))
	require.Equal(t, wire.KindWelcome, p.next().Kind)
	for number := range uint64(500) {
		p.send(requestOf(wire.Request{Function: "large"}, number+1))
	}
	require.Eventually(t, func() bool { return len(here.out) > 0 && len(here.out) == cap(here.out)-500 || r.queued() > 1<<20 }, waitLimit, waitStep)
	assert.LessOrEqual(t, r.queued(), 8<<20)
	p.End()
	r.untilIdle(t)
}

// queued returns how much waits to be sent to all peers.
func (r *receiver) queued() (bytes int) {
	_, in := r.peers.all()
	for _, i := range in {
		i.mu.Lock()
		bytes += i.session.Queued()
		i.mu.Unlock()
	}
	return bytes
}

// waitsForRoom reports whether a function waits until less is queued. What is queued
// may have become less since, by the batch that is being sent.
func (r *receiver) waitsForRoom() bool {
	_, in := r.peers.all()
	for _, i := range in {
		i.mu.Lock()
		waits := len(i.waiting) > 0
		i.mu.Unlock()
		if waits {
			return true
		}
	}
	return false
}

func TestRequestOfAStreamWithAKeyIsRefused(t *testing.T) {
	r := newTarget(t)
	p := r.call(t)
	for n, function := range []string{"stream", "echo"} {
		p.send(requestOf(wire.Request{Function: function, Key: "k", Window: 2}, uint64(n+1)))
		refused := p.next().Response.Error
		require.ErrorIs(t, r.decodeError(refused), ErrUnknownFunction)
		assert.True(t, refused.NotRun)
	}
	r.untilIdle(t)
}

func TestStreamRunsOnAWorker(t *testing.T) {
	r := newTarget(t)
	r.pools.add(r.clerk)
	turn := make(chan struct{})
	busy := actors.CallSoon(t.Context(), r.clerk, func(context.Context) (int, error) { <-turn; return 0, nil })
	p := r.call(t)
	p.send(requestOf(wire.Request{Function: "stream", Window: 5, Worker: true}, 1))
	for range 5 {
		assert.Equal(t, wire.KindItem, p.next().Kind)
	}
	assert.Equal(t, wire.KindResponse, p.next().Kind)
	close(turn)
	_, err := busy.Wait(t.Context())
	require.NoError(t, err)
	r.untilIdle(t)
}

func TestStreamOfANodeThatIsLostIsCancelled(t *testing.T) {
	r := newReceiver(t)
	left := make(chan error, 1)
	require.NoError(t, HandleStream(r.system, "stream", func(ctx context.Context, s string) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			for more := true; more; {
				more = yield(s, nil)
			}
			left <- context.Cause(ctx)
		}
	}))
	p := r.call(t)
	p.send(streamRequest(2))
	for range 2 { // after which it waits for credit that never comes
		assert.Equal(t, wire.KindItem, p.next().Kind)
	}
	p.End()
	require.ErrorIs(t, <-left, ErrNodeDown)
	r.untilIdle(t)
}

func TestWhatAHostileNodeGrantsAStream(t *testing.T) {
	r := newReceiver(t)
	left := make(chan struct{})
	require.NoError(t, HandleStream(r.system, "stream", func(context.Context, string) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			defer close(left)
			for more := true; more; {
				more = yield("x", nil)
			}
		}
	}))
	p := r.call(t)
	p.send(streamRequest(4))
	number := uint64(100)
	expect := func(items int) {
		t.Helper()
		for range items {
			assert.Equal(t, wire.KindItem, p.next().Kind)
		}
		number++
		p.none(number) // the turn of the stream is free, as it waits for credit
	}
	expect(4)
	for _, granted := range []uint64{0, 1, 4} { // nothing new
		p.send(wire.AppendCredit(nil, 1, granted))
	}
	p.send(wire.AppendCredit(nil, 2, 100)) // of an unknown call
	p.send(wire.AppendCredit(nil, math.MaxUint64, 100))
	expect(0)
	p.send(wire.AppendCredit(nil, 1, math.MaxUint64))
	expect(4) // no more than a window beyond those sent
	p.send(wire.AppendCredit(nil, 1, 8))
	expect(0)
	p.send(wire.AppendCredit(nil, 1, 9))
	expect(1)
	p.send(wire.AppendCancel(nil, 1, &wire.Error{}))
	<-left
	p.send(wire.AppendCredit(nil, 1, 100))
	expect(0)
}

func TestWindowOfAHostileNodeIsBounded(t *testing.T) {
	var c credit
	c.init(math.MaxUint32)
	assert.Equal(t, uint64(LargestWindow), c.granted)
}

// A peer that grants a large window and reads nothing gets no more items than there is
// room for.
func TestItemsThatAreNotTakenWaitInTheirFunction(t *testing.T) {
	r := newReceiver(t)
	const size = 100_000
	require.NoError(t, HandleStream(r.system, "stream", func(context.Context, string) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			for more := true; more; {
				more = yield(strings.Repeat("x", size), nil)
			}
		}
	}))
	here, there := newPipe()
	here.in = make(chan []byte)
	there.out = here.in
	p := &otherNode{TB: t, Conn: here}
	go r.serveConn(there)
	p.send(wire.AppendHello(nil, wire.KindHello, &peerHello))
	require.Equal(t, wire.KindWelcome, p.next().Kind)
	p.send(streamRequest(LargestWindow))
	require.Eventually(t, r.waitsForRoom, waitLimit, waitStep)
	_, err := actors.CallSoon(t.Context(), r.clerk, func(context.Context) (int, error) { return 0, nil }).Wait(t.Context())
	require.NoError(t, err, "the function waits without its turn")
	assert.LessOrEqual(t, r.queued(), itemRoom+2*size)
	p.End()
	r.untilIdle(t)
}

// stream ranges over a stream. The items and the end are the frames that answer makes
// of the number of its request.
func (r *receiver) stream(
	tb testing.TB, answer func(number uint64) [][]byte, opts ...CallOption,
) (items []string, failed error) {
	go func() {
		p := r.serve(tb)
		for _, frame := range answer(p.next().Number) {
			p.send(frame)
		}
	}()
	for s, err := range Stream[int, string](tb.Context(), r.system, At("here", "callers/clerk"), "f", 0, opts...) {
		if err != nil {
			return items, err
		}
		items = append(items, s)
	}
	return items, nil
}

func TestWhatAHostileNodeSendsToAStream(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(number uint64) [][]byte
		items  []string
		text   string
	}{
		{"what it must", func(n uint64) [][]byte { return [][]byte{itemOf(n, "a"), itemOf(n, "b"), endOf(n)} }, []string{"a", "b"}, ""},
		{"more than granted", func(n uint64) [][]byte {
			return [][]byte{itemOf(n, "a"), itemOf(n, "b"), itemOf(n, "c"), itemOf(n, "d"), itemOf(n, "e"), itemOf(n, "f"), itemOf(n, "g"), itemOf(n, "h"), itemOf(n, "i")}
		}, nil, "of a stream that may have sent"},
		{"after the end", func(n uint64) [][]byte { return [][]byte{endOf(n), itemOf(n, "x")} }, nil, ""},
		{"the result of a call", func(n uint64) [][]byte {
			return [][]byte{wire.AppendResponse(nil, n, &wire.Response{Result: wire.Payload{Encoding: "json"}}, false)}
		}, nil, "it has one result"},
		{"no value", func(n uint64) [][]byte { return [][]byte{wire.AppendItem(nil, n, &wire.Payload{}, false)} }, nil, "rpc: encoding"},
		{"items of a call to come", func(n uint64) [][]byte { return [][]byte{itemOf(math.MaxUint64, "z")} }, nil, "breaks the protocol"},
		{"garbage", func(n uint64) [][]byte { return [][]byte{[]byte("garbage")} }, nil, "malformed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newReceiver(t)
			items, err := r.stream(t, test.answer, Window(4))
			if test.text == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.text)
			}
			if test.items != nil {
				assert.Equal(t, test.items, items)
			}
			r.untilIdle(t)
		})
	}
}

func TestStreamTellsOfWhatItConsumesInBatches(t *testing.T) {
	r := newReceiver(t)
	next, stop := iter.Pull2(Stream[int, string](t.Context(), r.system, At("here", "callers/clerk"), "f", 0, Window(4)))
	served := make(chan *otherNode, 1)
	go func() {
		p := r.serve(t)
		f := p.next()
		assert.EqualValues(t, 4, f.Request.Window)
		for range 4 {
			p.send(itemOf(f.Number, "x"))
		}
		served <- p
	}()
	for range 4 {
		_, err, ok := next()
		require.True(t, ok)
		require.NoError(t, err)
	}
	p := <-served
	assert.EqualValues(t, 6, p.next().Granted, "after two of them; the fourth is not consumed yet")
	stop()
	assert.Contains(t, p.next().Response.Error.Text, "left by Stream")
}

// nomad is a target that moves from place to place.
type nomad []endpoint

func (n nomad) String() string { return "nomad" }

func (n nomad) find(_ context.Context, _ *node, failed []failure) (endpoint, error) {
	return n[min(len(failed), len(n)-1)], nil
}

func (n nomad) moves(error) bool { return true }

func TestStreamThatHasNotStartedGoesWhereItsTargetIs(t *testing.T) {
	r := newReceiver(t)
	require.NoError(t, HandleStream(r.system, "f", func(context.Context, int) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			for range 20 {
				if !yield("here", nil) {
					return
				}
			}
		}
	}))
	refusal := func(number uint64) []byte {
		return wire.AppendResponse(nil, number, &wire.Response{Error: &wire.Error{Text: "not here", NotRun: true}}, false)
	}
	ways := map[string]struct {
		target nomad
		serve  func(p *otherNode)
		items  int
	}{
		"here": {nomad{{address: "a", caller: "x"}, {caller: "callers/none"}, {caller: "callers/clerk"}}, func(p *otherNode) {
			number := p.next().Number
			p.send(append(refusal(number), refusal(number)...)) // twice, for one attempt
		}, 20},
		"elsewhere": {nomad{{caller: "callers/none"}, {address: "a", caller: "x"}}, func(p *otherNode) {
			number := p.next().Number
			for position := range 20 {
				p.send(itemOf(number, "there"))
				if position%2 == 1 {
					p.next() // credit
				}
			}
			p.send(endOf(number))
		}, 20},
		"nobody answers there": {nomad{{address: "nowhere", caller: "x"}, {caller: "callers/clerk"}}, nil, 20},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			if way.serve != nil {
				go func() { way.serve(r.serve(t)) }()
			}
			items := 0
			for _, err := range Stream[int, string](t.Context(), r.system, way.target, "f", 0, Window(4)) {
				require.NoError(t, err)
				items++
			}
			assert.Equal(t, way.items, items)
			r.end()
		})
	}
	t.Run("not after an item", func(t *testing.T) {
		items := 0
		go func() {
			p := r.serve(t)
			number := p.next().Number
			p.send(append(itemOf(number, "there"), refusal(number)...))
		}()
		for _, err := range Stream[int, string](t.Context(), r.system, nomad{{address: "a", caller: "x"}}, "f", 0) {
			if items == 1 {
				require.ErrorContains(t, err, "not here")
			}
			items++
		}
		assert.Equal(t, 2, items)
	})
	t.Run("left", func(t *testing.T) {
		for _, err := range Stream[int, string](t.Context(), r.system, nomad{{caller: "callers/clerk"}}, "f", 0, Window(2)) {
			require.NoError(t, err)
			break
		}
		_, err := actors.CallSoon(t.Context(), r.clerk, func(context.Context) (int, error) { return 0, nil }).Wait(t.Context())
		require.NoError(t, err)
	})
}

// A call that the other node cannot know is said not to have run; of one that it may know
// nobody knows.
func TestWhetherACallHasRunWhenItsSessionEnds(t *testing.T) {
	r := newReceiver(t)
	_, err := Call[string, string](t.Context(), r.system, At("nowhere", "x"), "echo", "x").Wait(t.Context())
	require.ErrorIs(t, err, ErrNodeDown)
	assert.True(t, hasNotRun(err), "there was no connection")

	call := Call[string, string](t.Context(), r.system, At("here", "x"), "echo", "x")
	(<-r.dials).End()
	_, err = call.Wait(t.Context())
	assert.True(t, hasNotRun(err), "there was no handshake")
	require.NotErrorIs(t, err, ErrUncertain)

	call = Call[string, string](t.Context(), r.system, At("here", "x"), "echo", "x")
	p := r.serve(t)
	p.next()
	p.End()
	_, err = call.Wait(t.Context())
	require.ErrorIs(t, err, ErrNodeDown)
	require.ErrorIs(t, err, ErrUncertain)
	assert.False(t, hasNotRun(err))
}

func TestAnAnswerThatComesTooLateIsCounted(t *testing.T) {
	r := newReceiver(t)
	call := Call[string, string](t.Context(), r.system, At("here", "x"), "echo", "x")
	p := r.serve(t)
	number := p.next().Number
	call.Cancel(errors.New("enough"))
	assert.Equal(t, wire.KindCancel, p.next().Kind)
	p.send(endOf(number))
	require.Eventually(t, func() bool { return StatsOf(r.system).Late == 1 }, waitLimit, waitStep)
}

// A node that has stopped makes no call again, also not one that nobody knows of.
func TestCallsThatWaitForAConnectionEndWithTheirNode(t *testing.T) {
	r := newReceiver(t)
	p := make(chan error, 1)
	call := Call[string, string](t.Context(), r.system, nomad{{address: "a", caller: "x"}}, "echo", "x")
	go func() {
		_, err := call.Wait(context.Background())
		p <- err
	}()
	<-r.dials
	out, _, _ := r.peers.close(pending.ErrStopped)
	for _, o := range out {
		o.end(pending.ErrStopped)
	}
	err := <-p
	require.ErrorIs(t, err, pending.ErrStopped)
	assert.False(t, hasNotRun(err))
	r.untilIdle(t)
}
