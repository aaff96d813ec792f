package rpc

import (
	"context"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// samples are envelopes of all kinds, as they travel. Their numbers are small, and
// so are those of the calls that [callSome] makes.
func samples(tb testing.TB, generation uint64) (all [][]byte) {
	envelope := func(number uint64) *wire.Envelope {
		return &wire.Envelope{Version: wire.Version, Generation: generation, Call: number}
	}
	request := func(number uint64, function, key string, timeout time.Duration) *wire.Envelope {
		e := envelope(number)
		e.Request = &wire.Request{
			Function: function, Caller: "callers/clerk", Key: key, Timeout: int64(timeout),
			Trace:    map[string]string{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
			Argument: &wire.Payload{Encoding: "json", Data: []byte(`"x"`)},
		}
		return e
	}
	answer := func(number uint64, r *wire.Response) *wire.Envelope {
		e := envelope(number)
		e.Response = r
		return e
	}
	failed := func(e *wire.Error) *wire.Response { return &wire.Response{Error: e} }
	cancel := envelope(1)
	cancel.Cancel = &wire.Cancel{Cause: &wire.Error{Text: "why", Codes: []string{"rpc.cancelled"}}}
	older, newer := request(1, "echo", "", 0), request(2, "echo", "k", 0)
	older.Version, newer.Version = 0, wire.Version+1
	unknown := envelope(3)
	unknown.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 15, protowire.BytesType), []byte("kind")))
	stream, streamOnce := request(9, "stream", "", 0), request(10, "stream", "k", 0)
	stream.GetRequest().Window, streamOnce.GetRequest().Window = 2, 2
	for _, e := range []*wire.Envelope{
		{}, cancel, older, newer, unknown,
		request(1, "echo", "", 0), request(2, "sleep", "", time.Second), request(3, "panic", "", 0), request(4, "steal", "", 0),
		request(5, "echo", "k", 0), request(6, "sleep", "l", 0), request(7, "panic", "m", 0), request(8, "sleep", "l", 1),
		answer(1, &wire.Response{}),
		answer(2, &wire.Response{Result: &wire.Payload{Encoding: "json", Data: []byte(`"x"`)}}),
		answer(3, failed(&wire.Error{Text: "boom", Panicked: true, Stack: []byte("stack"), Node: "here"})),
		answer(4, failed(&wire.Error{Text: "no", Codes: []string{"rpc.no_caller"}, NotRun: true, Again: true})),
		stream, streamOnce, request(11, "stream", "", 0), request(12, "stream", "l", 0),
		creditOf(generation, 9, 3), creditOf(generation, 9, 1<<40),
		itemOf(envelope(5), 0, "a"), itemOf(envelope(5), 1, "b"), itemOf(envelope(6), 1<<62, "c"),
		endOf(envelope(5), 2), endOf(envelope(6), 0),
	} {
		data, err := proto.Marshal(e)
		require.NoError(tb, err)
		all = append(all, data)
	}
	return all
}

// newTarget is a receiver with functions that sleep, panic and stream.
func newTarget(tb testing.TB) *receiver {
	r := newReceiver(tb)
	require.NoError(tb, Configure(r.system, Remember(time.Minute, leastRememberBytes)))
	require.NoError(tb, Handle(r.system, "panic", func(context.Context, string) (int, error) { panic("boom") }))
	require.NoError(tb, Handle(r.system, "sleep", func(ctx context.Context, _ string) (int, error) {
		return 1, actors.Sleep(ctx, time.Millisecond)
	}))
	require.NoError(tb, HandleStream(r.system, "stream", func(_ context.Context, s string) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			for range 5 {
				if !yield(s, nil) {
					return
				}
			}
		}
	}))
	return r
}

// callSome makes calls that what is received may answer.
func (r *receiver) callSome(ctx context.Context) (calls []pending.Handle) {
	r.calls.mu.Lock()
	r.calls.last = 0
	r.calls.mu.Unlock()
	for n := range 4 {
		var opts []CallOption
		if n%2 == 0 {
			opts = append(opts, Idempotent("k"))
		}
		calls = append(calls, Call[string, string](ctx, r.system, At("here", "callers/clerk"), "echo", "x", opts...))
	}
	for range 2 {
		s := &consumer[string]{node: r.node}
		s.init(2)
		calls = append(calls, open(ctx, s, At("here", "callers/clerk"), "stream", "x", callOptions{window: 2}))
	}
	return calls
}

// settle has everything end that was begun, and checks that nothing is kept beyond
// its bounds.
func (r *receiver) settle(tb testing.TB, calls ...pending.Handle) {
	for _, p := range calls {
		p.Cancel(nil)
	}
	r.cancelStreams()
	for n := 0; r.isBusy(); n++ {
		require.Less(tb, n, 1_000_000, "something does not end")
		_, err := actors.CallSoon(tb.Context(), r.clerk, func(context.Context) (int, error) { return 0, nil }).Wait(tb.Context())
		require.NoError(tb, err)
	}
	for len(r.answers) > 0 {
		<-r.answers
	}
	require.Zero(tb, r.errors.n.Load(), "a panic was caught")
	open, _ := r.calls.stats()
	require.Zero(tb, open)
	require.LessOrEqual(tb, len(r.served.peers), mostPeers)
	for _, c := range r.served.peers {
		require.LessOrEqual(tb, len(c.seen), remembered)
		require.Empty(tb, c.running)
	}
	require.Empty(tb, r.window.waiting)
	require.LessOrEqual(tb, r.window.bytes, leastRememberBytes)
}

// cancelStreams cancels those that wait for credit which nobody gives.
func (r *receiver) cancelStreams() {
	r.outboxes.mu.Lock()
	open := slices.Collect(maps.Keys(r.outboxes.open))
	r.outboxes.mu.Unlock()
	for _, call := range open {
		r.cancel(call, &wire.Cancel{})
	}
}

// isBusy reports whether anything runs for another node.
func (r *receiver) isBusy() bool {
	r.window.mu.Lock()
	running := len(r.window.known) - r.window.ended
	r.window.mu.Unlock()
	r.outboxes.mu.Lock()
	streaming := len(r.outboxes.open)
	r.outboxes.mu.Unlock()
	return running > 0 || streaming > 0 || r.served.stats() > 0
}

// FuzzReceive has a node receive a bundle, as protoactor's remote would hand it over.
func FuzzReceive(f *testing.F) {
	var all []byte
	for _, sample := range samples(f, 1) {
		f.Add(protowire.AppendBytes(nil, sample))
		all = protowire.AppendBytes(all, sample)
	}
	f.Add(all)
	r := newTarget(f)
	r.generation = 1 // so that there are answers to its calls
	round := 0
	f.Fuzz(func(t *testing.T, data []byte) {
		round++
		calls := r.callSome(t.Context())
		r.getBundle(strconv.Itoa(round), &wire.Bundle{Envelopes: slices.Clone(data)})
		r.settle(t, calls...)
	})
}

// A million inputs are a thousand times a thousand, each of which comes from nodes
// that were not heard of before.
func TestMillionInputsDoNoHarm(t *testing.T) {
	const rounds, inputs = 1000, 1000
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	r := newTarget(t)
	valid := samples(t, r.generation)
	before, decoded := 0, 0
	for round := range rounds {
		if round == rounds/2 { // all that is bounded is full
			before = heap()
		}
		calls := r.callSome(t.Context())
		for range inputs {
			if r.hear(random, round, mutated(random, valid)) {
				decoded++
			}
		}
		r.settle(t, calls...)
	}
	grown := heap() - before
	t.Logf("%d of %d were envelopes, heap %d bytes, grown by %d", decoded, rounds*inputs, before, grown)
	assert.Greater(t, decoded, rounds*inputs/3)
	assert.Less(t, grown, 1<<20)
}

// mutated returns one of the samples with some bytes changed, inserted or left out.
func mutated(random *rand.Rand, samples [][]byte) []byte {
	data := append([]byte(nil), samples[random.IntN(len(samples))]...)
	for range random.IntN(3) {
		if len(data) == 0 {
			break
		}
		at, b := random.IntN(len(data)), byte(random.IntN(256)) //nolint:gosec // It fits.
		switch random.IntN(4) {
		case 0:
			data = append(data[:at], data[at+1:]...)
		case 1:
			data = append(data[:at], append([]byte{b}, data[at:]...)...)
		default:
			data[at] = b
		}
	}
	return data
}

// hear has the node receive data from one of the nodes of a round, or a dead letter
// instead, and reports whether the data was an envelope.
func (r *receiver) hear(random *rand.Rand, round int, data []byte) bool {
	pid, from := r.system.NewLocalPID(processID), random.IntN(100)
	if from == 0 {
		pid.RequestId = random.Uint32N(10)
		r.node.SendUserMessage(pid, &actor.DeadLetterResponse{})
		return false
	}
	var sender *actor.PID
	if from > 1 {
		sender = actor.NewPID(strconv.Itoa(round)+"/"+strconv.Itoa(from%4), processID)
	}
	bundle := &wire.Bundle{Envelopes: protowire.AppendBytes(nil, data)}
	r.node.SendUserMessage(pid, &actor.MessageEnvelope{Message: bundle, Sender: sender})
	return new(wire.Envelope).UnmarshalVT(data) == nil
}
