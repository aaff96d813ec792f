package rpc

import (
	"context"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/probe"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/session"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	oldsession "github.com/seed-7fcaac1b/protocaller/actors/rpc/testdata/v2/session"
	oldwire "github.com/seed-7fcaac1b/protocaller/actors/rpc/testdata/v2/wire"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// long is a time after which a node has searched several times.
const long = 3 * time.Second

// between is a node with a function that one peer has called, and that waits for a call of another
// peer. The test is both peers.
type between struct {
	*receiver
	calls, serves *otherNode
	made          int // calls of the function, besides the first

	mu     sync.Mutex
	probes []*wire.Probe // that the serving peer has got
	answer *wire.Frame   // that the calling peer has got; nil for none
}

// askOther registers the function that makes the call.
func (r *receiver) askOther(tb testing.TB) {
	require.NoError(tb, Handle(r.system, "ask", func(ctx context.Context, s string) (string, error) {
		return Call[string, string](ctx, r.system, At("b", "callers/x"), "answer", s).Wait(ctx)
	}))
}

// amongPeers runs a test in a bubble.
func amongPeers(t *testing.T, test func(t *testing.T, b *between)) {
	synctest.Test(t, func(t *testing.T) {
		b := &between{receiver: newReceiver(t)}
		b.askOther(t)
		b.calls = b.call(t)
		b.calls.send(requestOf(wire.Request{Function: "ask"}, 1))
		b.serves = b.serve(t)
		require.Equal(t, wire.KindRequest, b.serves.next().Kind)
		go b.listen(b.serves)
		go b.listen(b.calls)
		test(t, b)
		b.end()
		synctest.Wait()
	})
}

// listen notes what comes until the session ends.
func (b *between) listen(p *otherNode) {
	for f := p.next(); f.Kind != 0; f = p.next() {
		b.mu.Lock()
		switch f.Kind {
		case wire.KindProbe:
			b.probes = append(b.probes, f.Probe)
		case wire.KindResponse:
			b.answer = f
		}
		b.mu.Unlock()
	}
}

// of returns the probes of a phase that have come.
func (b *between) of(phase wire.Phase) (all []*wire.Probe) {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.probes {
		if p.Phase == phase {
			all = append(all, p)
		}
	}
	return all
}

// search returns the first probe of a search.
func (b *between) search(t *testing.T) *wire.Probe {
	time.Sleep(long)
	all := b.of(wire.Searching)
	require.NotEmpty(t, all)
	return all[len(all)-1]
}

// isOpen checks that the function waits still.
func (b *between) isOpen(t *testing.T) {
	t.Helper()
	time.Sleep(long)
	synctest.Wait()
	assert.Nil(t, b.answer)
	assert.Equal(t, 1+b.made, StatsOf(b.system).Open)
}

func (b *between) returns(p *wire.Probe, hops ...wire.Hop) {
	back := *p
	back.Hops = append(slices.Clone(p.Hops), hops...)
	b.calls.send(wire.AppendProbe(nil, 1, &back))
}

// theirs is a hop of the peers.
var theirs = wire.Hop{Node: peerHello.Incarnation, Root: 7, Exit: 8, Print: 9, Age: 1 << 40, Where: "them", Text: "what they do"}

func TestAProbeThatGoesRoundEndsTheWait(t *testing.T) {
	amongPeers(t, func(t *testing.T, b *between) {
		p := b.search(t)
		require.Len(t, p.Hops, 1)
		assert.Equal(t, b.incarnation, p.Hops[0].Node)
		assert.Equal(t, "callers/clerk on there", p.Hops[0].Where)
		assert.Regexp(t, "ask of callers/clerk waits for answer on b$", p.Hops[0].Text)
		b.returns(p, theirs)
		synctest.Wait()
		assert.Empty(t, b.of(wire.Checking), "there is a pause")
		time.Sleep(probe.Pause)
		checks := b.of(wire.Checking)
		require.Len(t, checks, 1)
		assert.NotEqual(t, p.Nonce, checks[0].Nonce)
		assert.Equal(t, theirs, checks[0].Hops[1])
		checks[0].At = 2
		b.returns(checks[0])
		synctest.Wait()
		require.NotNil(t, b.answer)
		assert.Contains(t, b.answer.Response.Error.Codes, "rpc.deadlock")
		assert.Contains(t, b.answer.Response.Error.Text, "callers/clerk on there waits for them waits for callers/clerk on there (")
	})
}

func TestAWaitThatBeganLastElsewhereIsNominated(t *testing.T) {
	amongPeers(t, func(t *testing.T, b *between) {
		younger := theirs
		younger.Age = 1
		b.returns(b.search(t), younger)
		time.Sleep(probe.Pause)
		nominations := b.of(wire.Nominating)
		require.Len(t, nominations, 1)
		assert.EqualValues(t, 1, nominations[0].At)
		assert.EqualValues(t, 1, nominations[0].Last)
		b.isOpen(t)
		assert.Empty(t, b.of(wire.Checking))
	})
}

// A peer that has called the function makes up that there is a circle. The other peer, for which
// the function waits, does not depend on it.
func TestALieOfAPeerEndsNoWaitOfOthers(t *testing.T) {
	amongPeers(t, func(t *testing.T, b *between) {
		p := b.search(t)
		own := p.Hops[0]
		for _, lie := range []wire.Probe{
			{Phase: wire.Searching, Nonce: 1, Hops: []wire.Hop{own, theirs}},
			{Phase: wire.Checking, Nonce: 1, At: 2, Hops: []wire.Hop{own, theirs}},
			{Phase: wire.Checking, Nonce: p.Nonce, At: 2, Hops: []wire.Hop{own, theirs}},
			{Phase: wire.Nominating, At: 1, Last: 1, Hops: []wire.Hop{theirs, own}},
		} {
			b.calls.send(wire.AppendProbe(nil, 1, &lie))
		}
		b.isOpen(t)
		checks := b.of(wire.Checking)
		require.Len(t, checks, 1, "the node checks itself, over the call that it needs")
		guess := *checks[0]
		guess.Nonce, guess.At = guess.Nonce+1, 2
		b.calls.send(wire.AppendProbe(nil, 1, &guess))
		b.isOpen(t)
	})
}

func TestProbesForCallsThatAreNotOpenAreDropped(t *testing.T) {
	amongPeers(t, func(t *testing.T, b *between) {
		p := b.search(t)
		b.calls.send(wire.AppendProbe(nil, 99, p))
		b.serves.send(wire.AppendProbe(nil, 1, p)) // nobody takes items of it
		b.isOpen(t)
		b.serves.send(wire.AppendProbe(nil, 99, p))
		synctest.Wait()
		assert.Zero(t, StatsOf(b.system).Open, "a call that was never made ends the session")
	})
}

func TestManyProbesHurtNobody(t *testing.T) {
	amongPeers(t, func(t *testing.T, b *between) {
		b.search(t)
		for i := range uint64(10 * session.MaxProbes) {
			hops := slices.Repeat([]wire.Hop{{Exit: i}}, wire.MaxHops-1)
			b.calls.send(wire.AppendProbe(nil, 1, &wire.Probe{Phase: wire.Searching, Nonce: i, Hops: hops}))
		}
		assert.LessOrEqual(t, len(b.of(wire.Searching)), session.MaxProbes+2*int(long/time.Second))
		b.isOpen(t)
		b.search(t)
	})
}

// goesOn reports whether a search about a call goes on to the serving peer, with so many items.
func (b *between) goesOn(from *otherNode, nonce, items uint64) bool {
	from.send(wire.AppendProbe(nil, 1, &wire.Probe{Phase: wire.Searching, Nonce: nonce, Items: items, Hops: make([]wire.Hop, 1)}))
	return slices.ContainsFunc(b.of(wire.Searching), func(p *wire.Probe) bool { return p.Nonce == nonce && len(p.Hops) == 2 })
}

// Who waits for an item, while another number of items was sent than has come, waits for what is
// under way.
func TestAProbeAboutAStreamNeedsAllItemsToHaveCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &between{receiver: newReceiver(t)}
		require.NoError(t, HandleStream(b.system, "stream", func(ctx context.Context, s string) iter.Seq2[string, error] {
			return func(yield func(string, error) bool) {
				yield(s, nil)
				yield(Call[string, string](ctx, b.system, At("b", "callers/x"), "answer", s).Wait(ctx))
			}
		}))
		b.calls = b.call(t)
		b.calls.send(streamRequest(3))
		b.serves = b.serve(t)
		require.Equal(t, wire.KindRequest, b.serves.next().Kind)
		go b.listen(b.serves)
		go b.listen(b.calls)
		assert.False(t, b.goesOn(b.calls, 1, 0), "an item is under way")
		assert.True(t, b.goesOn(b.calls, 2, 1))
		assert.False(t, b.goesOn(b.calls, 3, 2))
		b.end()
		synctest.Wait()
	})
}

// Who waits for room, while more was granted, waits for what is under way.
func TestAProbeAboutAStreamNeedsAllCreditToHaveCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &between{receiver: newReceiver(t)}
		require.NoError(t, Handle(b.system, "take", func(ctx context.Context, s string) (string, error) {
			for item, err := range Stream[string, string](ctx, b.system, At("b", "callers/x"), "stream", s, Window(2)) {
				if err != nil {
					return "", err
				}
				return Call[string, string](ctx, b.system, At("b", "callers/x"), "answer", item).Wait(ctx)
			}
			return "", nil
		}))
		b.calls = b.call(t)
		b.calls.send(requestOf(wire.Request{Function: "take"}, 1))
		b.serves = b.serve(t)
		require.EqualValues(t, 2, b.serves.next().Request.Window)
		b.serves.send(itemOf(1, "x"))
		require.EqualValues(t, 2, b.serves.next().Number)
		go b.listen(b.serves)
		go b.listen(b.calls)
		assert.False(t, b.goesOn(b.serves, 1, 1))
		assert.True(t, b.goesOn(b.serves, 2, 2))
		assert.False(t, b.goesOn(b.serves, 3, 3))
		b.end()
		synctest.Wait()
	})
}

// Nodes of older versions know no probes. None is sent to them, nor because of their calls.
func TestNodesOfVersion2AreNotProbed(t *testing.T) {
	t.Run("that call", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := &between{receiver: newReceiver(t)}
			b.askOther(t)
			old := b.callByOld(t)
			_, err := old.client.Call("ask", &oldwire.Request{
				Function: "ask", Caller: "callers/clerk", Argument: oldwire.Payload{Encoding: "json", Data: []byte(`"x"`)},
			})
			require.NoError(t, err)
			old.send(old.client)
			go func() {
				for f := range old.frames() {
					_, err := old.client.Receive(f, time.Now())
					assert.NoError(t, err)
					old.send(old.client)
				}
			}()
			b.serves = b.serve(t)
			require.Equal(t, wire.KindRequest, b.serves.next().Kind)
			go b.listen(b.serves)
			b.isOpen(t)
			assert.Empty(t, b.of(wire.Searching))
			b.end()
			synctest.Wait()
		})
	})
	t.Run("that are called", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := &between{receiver: newReceiver(t)}
			b.askOther(t)
			b.calls = b.call(t)
			b.calls.send(requestOf(wire.Request{Function: "ask"}, 1))
			assert.EqualValues(t, wire.Version, b.serveByOld(t))
			old := &oldServer{oldNode{t, <-b.dials}, oldsession.NewServer[uint64](oldHello(), time.Now())}
			requests := 0
			go func() {
				for f := range old.frames() {
					e, err := old.server.Receive(f, time.Now())
					assert.NoError(t, err)
					switch e.Kind {
					case oldwire.KindHello:
						old.server.Accept()
						old.send(old.server)
					case oldwire.KindRequest:
						requests++
					}
				}
			}()
			go b.listen(b.calls)
			b.isOpen(t)
			assert.Equal(t, 1, requests)
			assert.Empty(t, b.of(wire.Searching))
			b.end()
			synctest.Wait()
		})
	})
}

func TestAProbeInAnOlderVersionEndsTheSession(t *testing.T) {
	for _, p := range []wire.Probe{
		{Phase: wire.Searching, Hops: make([]wire.Hop, 1)},
		{Phase: wire.Asking}, {Phase: wire.Confirming}, {Phase: wire.Naming}, {Phase: wire.Telling},
	} {
		r := newReceiver(t)
		peer := r.connect(t)
		older := peerHello
		older.Version, older.Oldest = p.Phase.Version()-1, wire.Oldest
		peer.send(wire.AppendHello(nil, wire.KindHello, &older))
		welcome := peer.next()
		assert.Equal(t, wire.KindWelcome, welcome.Kind)
		assert.Equal(t, p.Phase.Version()-1, welcome.Hello.Version)
		peer.none(1)
		peer.send(wire.AppendProbe(nil, 1, &p))
		peer.ended()
	}
}

// askTwo registers the function that waits for one of two calls.
func (r *receiver) askTwo(tb testing.TB) {
	require.NoError(tb, Handle(r.system, "ask two", func(ctx context.Context, s string) (string, error) {
		ask := func() *pending.Pending[string] {
			return Call[string, string](ctx, r.system, At("b", "callers/x"), "answer", s)
		}
		return pending.Any(ctx, ask(), ask())
	}))
}

// amongAsked runs a test in which the function waits for one of two calls.
func amongAsked(t *testing.T, test func(t *testing.T, b *between)) {
	synctest.Test(t, func(t *testing.T) {
		b := &between{receiver: newReceiver(t), made: 1}
		b.askTwo(t)
		b.calls = b.call(t)
		b.calls.send(requestOf(wire.Request{Function: "ask two"}, 1))
		b.serves = b.serve(t)
		for range 2 {
			require.Equal(t, wire.KindRequest, b.serves.next().Kind)
		}
		go b.listen(b.serves)
		go b.listen(b.calls)
		test(t, b)
		b.end()
		synctest.Wait()
	})
}

// tell answers the last questions of a phase: about the first call that it needs the function, and
// about the second one what a test says.
func (b *between) tell(t *testing.T, phase wire.Phase, second ...wire.Need) {
	all := b.of(phase)
	require.GreaterOrEqual(t, len(all), 2)
	for i, p := range all[len(all)-2:] {
		needs := second
		if i == 0 {
			needs = []wire.Need{b.back(8)}
		}
		b.serves.send(wire.AppendProbe(nil, uint64(i+1), &wire.Probe{Phase: wire.Telling, Nonce: p.Nonce, Call: p.Call, Needs: needs}))
	}
}

// back is that a call needs the function, by the call of a number.
func (b *between) back(exit uint64) wire.Need {
	hop := theirs
	hop.Exit = 0
	return wire.Need{Hop: hop, Exits: []uint64{exit}}
}

// round is what is told of the call of the other node that has led to the function.
func (b *between) round() wire.Need {
	of := b.of(wire.Asking)[0].Of
	return wire.Need{Caller: theirs.Node, Call: 8, Hop: wire.Hop{Node: of.Node, Root: of.Root, Print: 1}, Exits: []uint64{1}}
}

func TestAQuestionThatIsAnsweredTwiceEndsTheWait(t *testing.T) {
	amongAsked(t, func(t *testing.T, b *between) {
		time.Sleep(probe.Patience)
		b.tell(t, wire.Asking, b.back(8), b.round())
		synctest.Wait()
		assert.Empty(t, b.of(wire.Confirming), "there is a pause")
		time.Sleep(probe.Pause)
		assert.Nil(t, b.answer)
		b.tell(t, wire.Confirming, b.back(8), b.round())
		synctest.Wait()
		require.NotNil(t, b.answer)
		assert.Contains(t, b.answer.Response.Error.Codes, "rpc.deadlock")
		assert.Contains(t, b.answer.Response.Error.Text, "callers/clerk on there waits for them, them waits for callers/clerk on there (")
	})
}

func TestAnswersThatEndNothing(t *testing.T) {
	for name, answer := range map[string]func(t *testing.T, b *between){
		"one goes on": func(t *testing.T, b *between) { b.tell(t, wire.Asking, b.round()) },
		"the function is made up": func(t *testing.T, b *between) {
			other := b.round()
			other.Root++
			b.tell(t, wire.Asking, b.back(8), other)
		},
		"an end that nobody knows": func(t *testing.T, b *between) { b.tell(t, wire.Asking, b.back(9), b.round()) },
		"both are about one call": func(t *testing.T, b *between) {
			b.tell(t, wire.Asking, b.back(8), b.round())
			b.tell(t, wire.Asking, b.back(8), b.round())
		},
		"somebody else answers": func(t *testing.T, b *between) {
			for _, p := range b.of(wire.Asking) {
				told := wire.Probe{Phase: wire.Telling, Nonce: p.Nonce, Call: p.Call, Needs: []wire.Need{b.back(8), b.round()}}
				b.calls.send(wire.AppendProbe(nil, 1, &told))
			}
		},
		"the wait is named": func(t *testing.T, b *between) {
			of := b.of(wire.Asking)[0].Of
			for print := range uint64(100) {
				of.Print = print
				b.calls.send(wire.AppendProbe(nil, 1, &wire.Probe{Phase: wire.Naming, Nonce: print, Call: 1, Left: 9, Of: of, Circle: 1}))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			amongAsked(t, func(t *testing.T, b *between) {
				time.Sleep(probe.Patience)
				answer(t, b)
				time.Sleep(probe.Pause)
				if name == "both are about one call" {
					assert.NotEmpty(t, b.of(wire.Confirming), "the second answer comes too late")
				} else {
					assert.Empty(t, b.of(wire.Confirming))
				}
				b.isOpen(t)
			})
		})
	}
}

// Whoever has called the function gets an answer about it, and no more than that.
func TestWhoAsksIsTold(t *testing.T) {
	amongAsked(t, func(t *testing.T, b *between) {
		for i := range uint64(10 * session.MaxProbes) {
			b.calls.send(wire.AppendProbe(nil, 1, &wire.Probe{Phase: wire.Asking, Nonce: i, Call: 77, Left: 9}))
		}
		assert.LessOrEqual(t, len(b.of(wire.Asking)), 2*session.MaxProbes)
		b.isOpen(t)
		b.calls.send(wire.AppendProbe(nil, 1, &wire.Probe{Phase: wire.Asking, Nonce: 9999, Call: 77}))
		b.isOpen(t)
	})
}
