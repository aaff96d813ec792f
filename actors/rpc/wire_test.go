package rpc

import (
	"context"
	"iter"
	"log/slog"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// receiver is a node whose answers are kept instead of sent.
type receiver struct {
	*node
	clerk   *actors.Caller
	answers chan *wire.Envelope
}

func newReceiver(tb testing.TB) *receiver {
	system := actor.NewActorSystem(func(config *actor.Config) {
		config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
		config.DeadLetterThrottleInterval = time.Microsecond
	})
	r := &receiver{answers: make(chan *wire.Envelope, 100)}
	system.ProcessRegistry.Address = "there"
	system.ProcessRegistry.RegisterAddressResolver(func(*actor.PID) (actor.Process, bool) { return r, true })
	r.node = nodeOf(system)
	require.NoError(tb, Handle(system, "echo", func(_ context.Context, s string) (string, error) { return s, nil }))
	var err error
	r.clerk, err = actors.Start(system, props.Name("clerk"))
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, r.clerk.StopWait(context.Background())) })
	return r
}

// SendUserMessage implements [actor.Process] for whatever is sent to other nodes.
func (r *receiver) SendUserMessage(_ *actor.PID, message any) {
	_, content, _ := actor.UnwrapEnvelope(message)
	select {
	case r.answers <- content.(*wire.Envelope):
	default:
	}
}

// get has the node receive an envelope.
func (r *receiver) get(e *wire.Envelope) {
	r.node.SendUserMessage(r.system.NewLocalPID(processID), &actor.MessageEnvelope{
		Message: e, Sender: actor.NewPID("here", processID),
	})
}

func request(version uint32, generation, number uint64) *wire.Envelope {
	return &wire.Envelope{
		Version: version, Generation: generation, Call: number,
		Kind: &wire.Envelope_Request{Request: &wire.Request{
			Function: "echo", Caller: "callers/clerk",
			Argument: &wire.Payload{Encoding: "json", Data: []byte(`"x"`)},
		}},
	}
}

func streamRequest(generation, number uint64, window uint32) *wire.Envelope {
	e := request(wire.Version, generation, number)
	e.GetRequest().Function, e.GetRequest().Window = "stream", window
	return e
}

func TestCallThatComesTwiceRunsOnce(t *testing.T) {
	r := newReceiver(t)
	r.get(request(wire.Version, 7, 1))
	assert.NotNil(t, (<-r.answers).GetResponse().GetResult())
	r.get(request(wire.Version, 7, 1))
	r.get(request(wire.Version, 6, 2)) // of an earlier node with that address
	r.get(&wire.Envelope{
		Version: wire.Version, Generation: 7, Call: 3, Kind: &wire.Envelope_Cancel{Cancel: &wire.Cancel{}},
	})
	r.get(request(wire.Version, 7, 3)) // was cancelled before it came
	r.get(request(wire.Version, 7, 4))
	assert.Equal(t, uint64(4), (<-r.answers).GetCall())
	assert.Empty(t, r.answers)
	assert.Zero(t, r.served.stats())
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	r := newReceiver(t)
	for number := range uint64(remembered + 10) {
		r.get(request(wire.Version, 1, number+1))
		<-r.answers
	}
	c := r.served.peers["here"]
	assert.Len(t, c.seen, remembered)
	assert.Len(t, c.order, remembered)
	assert.Equal(t, uint64(10), c.floor)
	assert.False(t, c.see(5))
	for number := range uint64(2 * mostPeers) {
		r.served.forget(incoming{address: string(rune('a' + number)), generation: 1, number: number})
	}
	assert.Len(t, r.served.peers, mostPeers)
}

func TestOtherVersionsAreToldSo(t *testing.T) {
	r := newReceiver(t)
	newer := request(wire.Version+1, 1, 1)
	unknown := &wire.Envelope{Version: wire.Version + 1, Generation: 1, Call: 2}
	for _, e := range []*wire.Envelope{newer, unknown, request(0, 1, 3)} {
		r.get(e)
		err := r.decodeError((<-r.answers).GetResponse().GetError())
		require.ErrorIs(t, err, ErrVersion)
		require.ErrorContains(t, err, "this node understands 1")
	}
}

func TestAnswersOfOtherVersionsAndGenerations(t *testing.T) {
	r := newReceiver(t)
	p := Call[string, string](t.Context(), r.system, At("here", "callers/clerk"), "echo", "x")
	call := <-r.answers
	answer := &wire.Envelope{
		Version: wire.Version + 1, Generation: call.GetGeneration() + 1, Call: call.GetCall(),
		Kind: &wire.Envelope_Response{Response: &wire.Response{}},
	}
	r.get(answer)
	assert.False(t, p.IsDone(), "it is for another node that had the address")
	answer.Generation--
	r.get(answer)
	require.ErrorIs(t, p.Err(), ErrVersion)
	assert.Equal(t, uint64(1), StatsOf(r.system).Late)
}

func TestNumberOfADeadLetter(t *testing.T) {
	const wrap = 1 << 32
	for _, test := range []struct{ last, number uint64 }{
		{5, 5}, {5, 1}, {wrap + 5, wrap + 5}, {wrap + 5, wrap}, {wrap + 5, wrap - 1}, {3*wrap + 1, 2*wrap + 7},
	} {
		c := calls{last: test.last}
		assert.Equal(t, test.number, c.numbered(uint32(test.number))) //nolint:gosec // The lower half.
	}
}

// FuzzReceive has a node receive whatever decodes as an envelope. It must not
// panic, nor keep anything.
func FuzzReceive(f *testing.F) {
	for _, e := range []*wire.Envelope{
		{},
		request(wire.Version, 1, 1),
		request(9, 1, 2),
		streamRequest(1, 3, 2),
		{Version: 1, Call: 1, Kind: &wire.Envelope_Cancel{}},
		{Version: 1, Call: 1, Kind: &wire.Envelope_Request{}},
		{Version: 1, Call: 1, Kind: &wire.Envelope_Response{Response: &wire.Response{
			Outcome: &wire.Response_Error{Error: &wire.Error{Codes: []string{"rpc.stopped"}, Panicked: true}},
		}}},
	} {
		data, err := proto.Marshal(e)
		require.NoError(f, err)
		f.Add(data)
	}
	for position := range uint64(3) {
		for _, e := range []*wire.Envelope{
			itemOf(&wire.Envelope{}, position<<(position*31), "x"), endOf(&wire.Envelope{}, position), creditOf(1, 1, 1<<position),
		} {
			data, err := proto.Marshal(e)
			require.NoError(f, err)
			f.Add(data)
		}
	}
	r := newReceiver(f)
	require.NoError(f, HandleStream(r.system, "stream", func(_ context.Context, s string) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			for more := true; more; {
				more = yield(s, nil)
			}
		}
	}))
	f.Fuzz(func(t *testing.T, data []byte) {
		var e wire.Envelope
		if proto.Unmarshal(data, &e) != nil {
			return
		}
		receive := func() {
			if call := e.GetCall(); call == 0 && e.GetKind() != nil {
				open := <-r.answers
				e.Call, e.Generation = open.GetCall(), open.GetGeneration() // so that it is an answer, if it is one
			}
			r.receive(&e, actor.NewPID("here", processID)) // a panic of which fails the test
		}
		p := Call[string, string](t.Context(), r.system, At("here", "callers/clerk"), "echo", "x")
		call := e.GetCall()
		receive()
		p.Cancel(nil)
		for len(r.answers) > 0 {
			<-r.answers
		}
		e.Call = call
		s := &consumer[string]{node: r.node}
		s.init(2)
		p2 := open(t.Context(), s, At("here", "callers/clerk"), "f", 0, callOptions{window: 2})
		receive()
		p2.Cancel(nil)
		r.receive(&wire.Envelope{
			Version: wire.Version, Generation: e.GetGeneration(), Call: e.GetCall(),
			Kind: &wire.Envelope_Cancel{Cancel: &wire.Cancel{}},
		}, actor.NewPID("here", processID)) // or it would stream for ever
		_, err := actors.CallSoon(t.Context(), r.clerk, func(context.Context) (int, error) { return 0, nil }).Wait(t.Context())
		require.NoError(t, err)
		for len(r.answers) > 0 {
			<-r.answers
		}
		open, _ := r.calls.stats()
		require.Zero(t, open)
		require.Empty(t, r.outboxes.open)
		require.LessOrEqual(t, len(r.served.peers), mostPeers)
	})
}
