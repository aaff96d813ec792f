package rpc

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// samples are frames of all kinds. Their numbers are small, and so are those of the calls
// that a node has made.
func samples() (all [][]byte) {
	failed := &wire.Error{Text: "no", Codes: []string{"rpc.no_caller"}, NotRun: true, Again: true}
	for number := range uint64(4) {
		for _, function := range []string{"echo", "sleep", "panic", "steal"} {
			for _, key := range []string{"", "k"} {
				all = append(all, requestOf(wire.Request{Function: function, Key: key, Timeout: number * 1e9}, number))
			}
		}
		all = append(all,
			requestOf(wire.Request{Function: "stream", Window: 2}, number),
			requestOf(wire.Request{Function: "echo", Argument: wire.Payload{Encoding: "json", Data: make([]byte, 20_000)}}, number),
			append(wire.AppendChunk(nil, number, 10_000), make([]byte, 10_000)...),
			itemOf(number, "a"), endOf(number),
			wire.AppendResponse(nil, number, &wire.Response{Error: failed}, false),
			wire.AppendItem(nil, number, &wire.Payload{Type: "x", Data: make([]byte, 10_000)}, true),
			wire.AppendCredit(nil, number, 3), wire.AppendCredit(nil, number, 1<<40),
			wire.AppendCancel(nil, number, failed),
			wire.AppendProbe(nil, number, &wire.Probe{Phase: wire.Searching, Nonce: number, Hops: []wire.Hop{{Exit: number}}}),
			wire.AppendProbe(nil, number, &wire.Probe{Phase: wire.Nominating, At: 1, Last: 1, Hops: make([]wire.Hop, 2)}),
			wire.AppendProbe(nil, number, &wire.Probe{Phase: wire.Checking, At: 2, Hops: make([]wire.Hop, 2)}),
			wire.AppendProbe(nil, number, &wire.Probe{Phase: wire.Asking, Nonce: number, Call: 1, Left: 9}),
			wire.AppendProbe(nil, number, &wire.Probe{Phase: wire.Confirming, Nonce: number, Call: 2}),
			wire.AppendProbe(nil, number, &wire.Probe{Phase: wire.Naming, Nonce: number, Left: 1, Of: wire.Waiter{Print: number}}),
			wire.AppendProbe(nil, number, &wire.Probe{Phase: wire.Telling, Nonce: number, Call: 1, Needs: []wire.Need{{Exits: []uint64{number}}}}),
		)
	}
	return append(all,
		wire.AppendHello(nil, wire.KindHello, &peerHello), wire.AppendHello(nil, wire.KindWelcome, &peerHello),
		wire.AppendRefuse(nil, 1, failed), wire.AppendSignal(nil, wire.KindPing), wire.AppendSignal(nil, wire.KindGoaway))
}

// attack has a node get frames in a session in which it serves, and in one in which it
// calls. Whatever they are, all its calls end, and nothing is kept.
func (r *receiver) attack(tb testing.TB, greet bool, batches [][]byte) {
	before := r.errors.n.Load()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	calls := make(chan struct{})
	go func() {
		defer close(calls)
		p := Call[string, string](ctx, r.system, At("here", "callers/clerk"), "echo", "x")
		for _, err := range Stream[string, string](ctx, r.system, At("here", "callers/clerk"), "stream", "x", Window(2)) {
			if err != nil {
				break
			}
		}
		<-p.Done()
	}()
	client, server := r.connect(tb), &otherNode{TB: tb, Conn: <-r.dials}
	if greet {
		client.send(wire.AppendHello(nil, wire.KindHello, &peerHello))
		server.send(wire.AppendHello(nil, wire.KindWelcome, &peerHello))
	}
	for _, batch := range batches {
		client.send(batch)
		server.send(batch)
	}
	client.End()
	server.End()
	for done := false; !done; { // calls that were made again by then
		select {
		case again := <-r.dials:
			again.End()
		case <-calls:
			done = true
		}
	}
	require.Eventually(tb, func() bool {
		s := StatsOf(r.system)
		return s.Served == 0 && s.ServedBytes == 0 && s.Open == 0 && s.OpenBytes == 0
	}, waitLimit, waitStep)
	require.Equal(tb, before, r.errors.n.Load(), "a panic was caught")
}

func FuzzSession(f *testing.F) {
	r := newTarget(f)
	for _, sample := range samples() {
		f.Add(true, sample)
		f.Add(false, sample)
	}
	f.Fuzz(func(t *testing.T, greet bool, batch []byte) { r.attack(t, greet, [][]byte{batch}) })
}

// TestRandomFramesDoNoHarm sends frames in any order, some of them damaged.
func TestRandomFramesDoNoHarm(t *testing.T) {
	sessions := 2000
	if testing.Short() {
		sessions = 200
	}
	r, all := newTarget(t), samples()
	random := rand.New(rand.NewPCG(1, 2))
	before := heap()
	for range sessions {
		batches := make([][]byte, random.IntN(20))
		for i := range batches {
			for range 1 + random.IntN(3) {
				batches[i] = append(batches[i], all[random.IntN(len(all))]...)
			}
			if random.IntN(10) == 0 {
				batches[i][random.IntN(len(batches[i]))] = byte(random.Uint32())
			}
		}
		r.attack(t, random.IntN(10) > 0, batches)
	}
	assert.LessOrEqual(t, r.dedup.bytes, minDedupBytes)
	assert.Less(t, heap()-before, 20<<20)
	out, in := r.peers.all()
	assert.Empty(t, in)
	assert.Empty(t, out)
}
