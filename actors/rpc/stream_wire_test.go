package rpc

import (
	"context"
	"iter"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// itemOf returns the envelope of an item of the stream that was called last.
func itemOf(call *wire.Envelope, position uint64, text string) *wire.Envelope {
	return &wire.Envelope{
		Version: wire.Version, Generation: call.GetGeneration(), Call: call.GetCall(),
		Item: &wire.Item{Position: position, Value: &wire.Payload{Encoding: "json", Data: []byte(`"` + text + `"`)}},
	}
}

func endOf(call *wire.Envelope, items uint64) *wire.Envelope {
	return &wire.Envelope{
		Version: wire.Version, Generation: call.GetGeneration(), Call: call.GetCall(),
		Response: &wire.Response{Result: &wire.Payload{}, Items: items},
	}
}

func creditOf(generation, number, granted uint64) *wire.Envelope {
	return &wire.Envelope{
		Version: wire.Version, Generation: generation, Call: number,
		Credit: &wire.Credit{Granted: granted},
	}
}

// stream ranges over a stream whose items and end are the envelopes that answer
// makes of its request.
func (r *receiver) stream(
	tb testing.TB, answer func(call *wire.Envelope) []*wire.Envelope, opts ...CallOption,
) (items []string, failed error) {
	go func() {
		for _, e := range answer(<-r.answers) {
			r.get(e)
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
		answer func(call *wire.Envelope) []*wire.Envelope
		items  []string
		text   string
	}{
		{"out of order and twice", func(c *wire.Envelope) []*wire.Envelope {
			return []*wire.Envelope{
				itemOf(c, 1, "b"), itemOf(c, 1, "x"), endOf(c, 3), itemOf(c, 2, "c"), endOf(c, 3), itemOf(c, 0, "a"), itemOf(c, 0, "y"),
			}
		}, []string{"a", "b", "c"}, ""},
		{"more than granted", func(c *wire.Envelope) []*wire.Envelope {
			return []*wire.Envelope{itemOf(c, 0, "a"), itemOf(c, 100, "x")}
		}, []string{"a"}, "item 100 of a stream that may have sent"},
		{"the largest position", func(c *wire.Envelope) []*wire.Envelope {
			return []*wire.Envelope{itemOf(c, math.MaxUint64, "x")}
		}, nil, "item 18446744073709551615 of a stream"},
		{"after the end", func(c *wire.Envelope) []*wire.Envelope {
			return []*wire.Envelope{endOf(c, 0), itemOf(c, 0, "x")}
		}, nil, ""},
		{"after an end that waits", func(c *wire.Envelope) []*wire.Envelope {
			return []*wire.Envelope{endOf(c, 2), itemOf(c, 2, "x")}
		}, nil, "item 2 of a stream that has ended with 2"},
		{"an end before items that have come", func(c *wire.Envelope) []*wire.Envelope {
			return []*wire.Envelope{itemOf(c, 1, "b"), endOf(c, 1)}
		}, nil, "the end of a stream with 1 items"},
		{"an end with more than granted", func(c *wire.Envelope) []*wire.Envelope {
			return []*wire.Envelope{endOf(c, math.MaxUint64)}
		}, nil, "the end of a stream with 18446744073709551615 items"},
		{"the result of a call", func(c *wire.Envelope) []*wire.Envelope {
			e := endOf(c, 0)
			e.GetResponse().GetResult().Encoding = "json"
			return []*wire.Envelope{e}
		}, nil, "it has one result"},
		{"no outcome", func(c *wire.Envelope) []*wire.Envelope {
			e := endOf(c, 0)
			e.GetResponse().Result = nil
			return []*wire.Envelope{e}
		}, nil, "no outcome"},
		{"no value", func(c *wire.Envelope) []*wire.Envelope {
			e := itemOf(c, 0, "")
			e.GetItem().Value = nil
			return []*wire.Envelope{e}
		}, nil, "rpc: encoding"},
		{"no item, no credit", func(c *wire.Envelope) []*wire.Envelope {
			return []*wire.Envelope{
				{Version: wire.Version, Generation: c.GetGeneration(), Call: c.GetCall(), Credit: &wire.Credit{}},
				{Version: wire.Version, Generation: c.GetGeneration(), Call: c.GetCall(), Item: &wire.Item{}},
			}
		}, nil, "rpc: encoding"},
		{"items of others", func(c *wire.Envelope) []*wire.Envelope {
			other, newer := itemOf(c, 0, "x"), itemOf(c, 0, "y")
			other.Generation++
			newer.Version++
			unknown := itemOf(c, 0, "z")
			unknown.Call = math.MaxUint64
			return []*wire.Envelope{other, newer, unknown, itemOf(c, 0, "a"), endOf(c, 1)}
		}, []string{"a"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newReceiver(t)
			items, err := r.stream(t, test.answer, Window(4))
			if assert.Equal(t, test.items, items); test.text == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.text)
			}
			open, _ := r.calls.stats()
			assert.Zero(t, open)
		})
	}
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
	r.get(streamRequest(4))
	expect := func(items int64) {
		t.Helper()
		for range items {
			assert.NotNil(t, (<-r.answers).GetItem())
		}
		// Its turn is free once it waits for credit.
		_, err := actors.CallSoon(t.Context(), r.clerk, func(context.Context) (int, error) { return 0, nil }).Wait(t.Context())
		require.NoError(t, err)
		assert.Empty(t, r.answers)
	}
	expect(4)
	for _, granted := range []uint64{0, 1, 4} { // nothing new
		r.get(creditOf(1, 1, granted))
	}
	r.get(creditOf(1, 2, 100))              // of an unknown call
	r.get(creditOf(2, 1, 100))              // of another system
	r.get(creditOf(math.MaxUint64, 0, 100)) // of none
	expect(0)
	r.get(creditOf(1, 1, math.MaxUint64))
	expect(4) // no more than a window beyond those sent
	r.get(creditOf(1, 1, 8))
	expect(0)
	r.get(creditOf(1, 1, 9))
	expect(1)
	r.get(&wire.Envelope{Version: wire.Version, Generation: 1, Call: 1, Cancel: &wire.Cancel{}})
	<-left
	r.get(creditOf(1, 1, 100))
	expect(0)
	assert.Empty(t, r.outboxes.open)
}

func TestWindowOfAHostileNodeIsBounded(t *testing.T) {
	var c credit
	c.init(math.MaxUint32)
	assert.Equal(t, uint64(LargestWindow), c.granted)
}

func TestStreamTellsOfWhatItConsumesInBatches(t *testing.T) {
	r := newReceiver(t)
	next, stop := iter.Pull2(Stream[int, string](t.Context(), r.system, At("here", "callers/clerk"), "f", 0, Window(4)))
	call := make(chan *wire.Envelope, 1)
	go func() {
		e := <-r.answers
		for position := range uint64(4) {
			r.get(itemOf(e, position, "x"))
		}
		call <- e
	}()
	for range 4 {
		_, err, ok := next()
		require.True(t, ok)
		require.NoError(t, err)
	}
	assert.Equal(t, uint32(4), (<-call).GetRequest().GetWindow())
	assert.Equal(t, uint64(6), (<-r.answers).GetCredit().GetGranted(), "after two of them; the fourth is not consumed yet")
	assert.Empty(t, r.answers)
	stop()
	assert.Contains(t, (<-r.answers).GetCancel().GetCause().GetText(), "left by Stream")
}

// nomad is a target that moves from place to place.
type nomad []place

func (n nomad) String() string { return "nomad" }

func (n nomad) find(_ context.Context, _ *node, failed []failure) (place, error) {
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
	refusal := func(e *wire.Envelope) *wire.Envelope {
		return &wire.Envelope{
			Version: wire.Version, Generation: e.GetGeneration(), Call: e.GetCall(),
			Response: &wire.Response{Error: &wire.Error{Text: "not here", NotRun: true}},
		}
	}
	t.Run("here", func(t *testing.T) {
		go func() {
			e := <-r.answers
			r.get(refusal(e))
			r.get(refusal(e)) // twice, for one attempt
		}()
		items := 0
		for _, err := range Stream[int, string](t.Context(), r.system, nomad{{address: "a", caller: "x"}, {address: "", caller: "callers/none"}, {address: "", caller: "callers/clerk"}}, "f", 0, Window(2)) {
			require.NoError(t, err)
			items++
		}
		assert.Equal(t, 20, items)
	})
	t.Run("elsewhere", func(t *testing.T) {
		go func() {
			e := <-r.answers
			for position := range uint64(20) {
				r.get(itemOf(e, position, "there"))
				if position%2 == 1 {
					<-r.answers // credit
				}
			}
			r.get(endOf(e, 20))
		}()
		items := 0
		for _, err := range Stream[int, string](t.Context(), r.system, nomad{{address: "", caller: "callers/none"}, {address: "a", caller: "x"}}, "f", 0, Window(4)) {
			require.NoError(t, err)
			items++
		}
		assert.Equal(t, 20, items)
	})
	t.Run("not after an item", func(t *testing.T) {
		items := 0
		go func() {
			e := <-r.answers
			r.get(itemOf(e, 0, "there"))
			answer := refusal(e)
			answer.GetResponse().Items = 1
			r.get(answer)
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
		for _, err := range Stream[int, string](t.Context(), r.system, nomad{{address: "", caller: "callers/clerk"}}, "f", 0, Window(2)) {
			require.NoError(t, err)
			break
		}
		_, err := actors.CallSoon(t.Context(), r.clerk, func(context.Context) (int, error) { return 0, nil }).Wait(t.Context())
		require.NoError(t, err)
	})
}

func TestRequestOfAStreamWithAKeyIsRefused(t *testing.T) {
	r := newTarget(t)
	for _, function := range []string{"stream", "echo"} {
		e := streamRequest(2)
		e.GetRequest().Function, e.GetRequest().Key = function, "k"
		r.get(e)
		refused := (<-r.answers).GetResponse().GetError()
		require.ErrorIs(t, r.decodeError(refused), ErrUnknownFunction)
		assert.True(t, refused.GetNotRun())
	}
	r.settle(t)
}

func TestStreamRunsOnAWorker(t *testing.T) {
	r := newTarget(t)
	r.pools.add(r.clerk)
	e := streamRequest(5)
	e.GetRequest().Worker = true
	turn := make(chan struct{})
	busy := actors.CallSoon(t.Context(), r.clerk, func(context.Context) (int, error) { <-turn; return 0, nil })
	r.get(e)
	for position := range uint64(5) {
		assert.Equal(t, position, (<-r.answers).GetItem().GetPosition())
	}
	assert.Equal(t, uint64(5), (<-r.answers).GetResponse().GetItems())
	close(turn)
	_, err := busy.Wait(t.Context())
	require.NoError(t, err)
	r.settle(t)
}

func TestStreamOfANodeThatHasStartedAnewIsCancelled(t *testing.T) {
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
	r.get(streamRequest(2))
	for range 2 { // after which it waits for credit that never comes
		assert.NotNil(t, (<-r.answers).GetItem())
	}
	r.get(request(wire.Version, 2, 1))
	cause := <-left
	require.ErrorIs(t, cause, ErrNodeDown)
	require.ErrorContains(t, cause, "has started anew")
	assert.NotNil(t, (<-r.answers).GetResponse().GetResult(), "of the new one")
	r.settle(t)
}
