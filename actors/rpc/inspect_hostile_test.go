package rpc

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// bytesOf returns bytes as they travel.
func bytesOf(tb testing.TB, data string) wire.Payload {
	tb.Helper()
	encoded, err := proto.Marshal(wrapperspb.Bytes([]byte(data)))
	require.NoError(tb, err)
	return wire.Payload{Type: "google.protobuf.BytesValue", Data: encoded}
}

// question returns the frame of a question to a node.
func question(tb testing.TB, number uint64, argument wire.Payload, change func(*wire.Request)) []byte {
	tb.Helper()
	r := wire.Request{Function: inspectFunction, Argument: argument}
	if change != nil {
		change(&r)
	}
	return wire.AppendRequest(nil, number, &r, len(r.Argument.Data) > wire.InlineSize)
}

func TestQuestionsOfAHostileNode(t *testing.T) {
	r := newReceiver(t)
	p := r.call(t)
	p.send(question(t, 1, bytesOf(t, "{}"), nil))
	require.ErrorIs(t, r.decodeError(p.next().Response.Error), ErrUnknownFunction, "it is not inspectable")
	require.NoError(t, Handle(r.system, "x", func(context.Context, int) (int, error) { return 0, nil }))
	require.NoError(t, Inspectable(r.system))

	number := uint64(1)
	for name, test := range map[string]struct {
		argument wire.Payload
		change   func(*wire.Request)
		want     error
	}{
		"no question":        {bytesOf(t, "x"), nil, ErrEncoding},
		"a long question":    {bytesOf(t, `{"Filter":{"Name":"`+strings.Repeat("*", 10_000)+`"}}`), nil, ErrEncoding},
		"another message":    {wire.Payload{Type: "google.protobuf.Empty"}, nil, ErrEncoding},
		"another encoding":   {wire.Payload{Encoding: "json", Data: []byte("{}")}, nil, ErrEncoding},
		"a broken message":   {wire.Payload{Type: "google.protobuf.BytesValue", Data: []byte{0xff}}, nil, ErrEncoding},
		"of a caller":        {bytesOf(t, "{}"), func(r *wire.Request) { r.Caller = "callers/clerk" }, ErrUnknownFunction},
		"of an identity":     {bytesOf(t, "{}"), func(r *wire.Request) { r.Identity = "cart/alice" }, ErrUnknownFunction},
		"of a worker":        {bytesOf(t, "{}"), func(r *wire.Request) { r.Worker = true }, ErrUnknownFunction},
		"as a stream":        {bytesOf(t, "{}"), func(r *wire.Request) { r.Window = 9 }, ErrUnknownFunction},
		"with a key":         {bytesOf(t, "{}"), func(r *wire.Request) { r.Key = "k" }, ErrUnknownFunction},
		"a hostile pattern":  {bytesOf(t, `{"Filter":{"Name":"[","Below":"~0123456789abcdef","States":["\u0000"]}}`), nil, nil},
		"the largest limits": {bytesOf(t, `{"Limit":9223372036854775807,"Bytes":9223372036854775807,"Ages":true}`), nil, nil},
		"no time":            {bytesOf(t, "{}"), func(r *wire.Request) { r.Timeout = 1 << 62 }, nil},
	} {
		number++
		p.send(question(t, number, test.argument, test.change))
		answer := p.next().Response
		if test.want == nil {
			require.Nil(t, answer.Error, name)
			continue
		}
		require.NotNil(t, answer.Error, name)
		require.ErrorIs(t, r.decodeError(answer.Error), test.want, name)
	}
	assert.Zero(t, r.errors.n.Load())
	assert.Zero(t, StatsOf(r.system).Served)
	assert.Zero(t, StatsOf(r.system).ServedBytes)
}

// heldSource is callers that nobody sees until they are let go.
type heldSource struct {
	node
	entered atomic.Int32
	over    chan struct{}
}

func (s *heldSource) Picture(ctx context.Context, _ snapshot.Query) (*snapshot.System, error) {
	s.entered.Add(1)
	select {
	case <-s.over:
		panic("boom")
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (*heldSource) CancelCall(uint64, error) bool { return false }
func (*heldSource) StopCaller(string, error) bool { return false }

func TestAFewReportsAreMadeAtATimeAndEndWithTheirCalls(t *testing.T) {
	r := newReceiver(t)
	require.NoError(t, Inspectable(r.system))
	held := &heldSource{over: make(chan struct{})}
	r.system.ProcessRegistry.Remove(actor.NewPID("nonhost", snapshot.SourceID))
	_, added := r.system.ProcessRegistry.Add(held, snapshot.SourceID)
	require.True(t, added)
	p := r.call(t)
	for i := range uint64(4) {
		p.send(question(t, i+1, bytesOf(t, "{}"), nil))
	}
	require.Eventually(t, func() bool { return held.entered.Load() == 4 }, 30*time.Second, time.Millisecond)
	p.send(question(t, 5, bytesOf(t, "{}"), nil))
	refused := p.next()
	assert.EqualValues(t, 5, refused.Number)
	require.ErrorIs(t, r.decodeError(refused.Response.Error), actors.ErrOverloaded)

	p.send(wire.AppendCancel(nil, 1, &wire.Error{Text: "enough"}))
	require.Eventually(t, func() bool { return r.reports.Load() == 3 }, 30*time.Second, time.Millisecond)
	close(held.over)
	for range 3 {
		require.ErrorContains(t, r.decodeError(p.next().Response.Error), "boom")
	}
	require.Eventually(t, func() bool { return r.reports.Load() == 0 && StatsOf(r.system) == Stats{} }, 30*time.Second, time.Millisecond)
}

func TestAnswersOfAHostileNode(t *testing.T) {
	for name, test := range map[string]struct {
		answer wire.Response
		state  snapshot.AnswerState
	}{
		"garbage":          {wire.Response{Result: bytesOf(t, "\x00")}, snapshot.Failed},
		"another message":  {wire.Response{Result: wire.Payload{Type: "google.protobuf.Empty"}}, snapshot.Failed},
		"nothing":          {wire.Response{}, snapshot.Failed},
		"more than asked":  {wire.Response{Result: bytesOf(t, strings.Repeat(" ", 16<<10-600)+`{"Taken":"2026-01-02T03:04:05Z","System":{},"Node":{}}`)}, snapshot.Failed},
		"a report":         {wire.Response{Result: bytesOf(t, `{"Taken":"2026-01-02T03:04:05Z","System":{},"Node":{}}`)}, snapshot.Answers},
		"denied":           {wire.Response{Error: &wire.Error{Text: "no", Codes: []string{"rpc.denied"}}}, snapshot.Denied},
		"an unknown error": {wire.Response{Error: &wire.Error{Text: strings.Repeat("\x1b", 1000)}}, snapshot.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			answered := make(chan snapshot.Answer)
			go func() {
				answered <- r.Ask(t.Context(), "b", snapshot.Question{Limit: 10, Bytes: 1})
			}()
			server := r.serve(t)
			asked := server.next()
			assert.Equal(t, inspectFunction, asked.Request.Function)
			server.send(wire.AppendResponse(nil, asked.Number, &test.answer, false))
			answer := <-answered
			assert.Equal(t, test.state, answer.State, "%v", answer.Err)
			assert.Equal(t, test.state == snapshot.Answers, answer.Report != nil)
			assert.Equal(t, []string{"b"}, r.Others())
		})
	}
}

// A node that calls and a node that serves say the same of a call that is under way.
func TestPictureOfANodeWhileCallsComeAndGo(t *testing.T) {
	r := newReceiver(t)
	require.NoError(t, Handle(r.system, "hold", func(ctx context.Context, _ string) (int, error) {
		return 0, actors.Sleep(ctx, time.Hour)
	}))
	p := r.call(t)
	p.send(requestOf(wire.Request{Function: "hold"}, 1))
	p.send(requestOf(wire.Request{Function: "hold", Key: "k"}, 2))
	p.send(requestOf(wire.Request{Function: "hold", Key: "k"}, 3))
	p.send(wire.AppendRequest(nil, 4, &wire.Request{Function: "hold", Caller: "callers/clerk", Argument: wire.Payload{
		Encoding: "json", Data: make([]byte, 20_000),
	}}, true))
	require.Eventually(t, func() bool { return r.Node(9).CallsN == 4 }, 30*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { return r.Node(9).Calls[2].Call != 0 }, 30*time.Second, time.Millisecond)
	n := r.Node(9)
	assert.Equal(t, "running", n.Calls[0].State)
	assert.Equal(t, n.Calls[1].Call, n.Calls[2].Call, "the function runs once for both")
	assert.True(t, n.Calls[1].Key)
	assert.Equal(t, "arriving", n.Calls[3].State)
	assert.Equal(t, "here", n.Calls[0].Peer)
	assert.Equal(t, "callers/clerk", n.Calls[0].Target)
	assert.Len(t, r.Node(1).Calls, 1)
	assert.Equal(t, 4, r.Node(1).CallsN)

	mine := Call[string, string](t.Context(), r.system, At("b", "callers/clerk"), "echo", "x")
	require.Eventually(t, func() bool { return r.Node(9).CallsN == 5 }, 30*time.Second, time.Millisecond)
	n = r.Node(9)
	i := 0
	for !n.Calls[i].Out {
		i++
	}
	assert.Equal(t, snapshot.NodeCall{
		Out: true, Peer: "b", Number: 1, Function: "echo", Target: "callers/clerk", Call: mine.ID(), State: "queued",
	}, n.Calls[i])
	r.end()
	_, err := mine.Wait(t.Context())
	require.ErrorIs(t, err, ErrNodeDown)
	require.Eventually(t, func() bool { return r.Node(9).SessionsN == 0 }, 30*time.Second, time.Millisecond)
	r.dedup.mu.Lock()
	var left []pending.Handle
	for _, run := range r.dedup.known {
		left = append(left, run.handle)
	}
	r.dedup.mu.Unlock()
	for _, h := range left {
		if h != nil {
			h.Cancel(errors.New("over"))
		}
	}
}
