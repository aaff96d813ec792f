package rpc

import (
	"context"
	"iter"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// newPool starts a pool of one worker, and registers a function that streams without an end.
func newPool(t *testing.T, r *receiver, opts ...props.Option) *actors.Caller {
	c := actorstest.Start(t, r.system, append(opts, props.MaxWorkers(1))...)
	r.pools.add(c)
	require.NoError(t, HandleStream(r.system, "stream", func(context.Context, string) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			for more := true; more; {
				more = yield("x", nil)
			}
		}
	}))
	return c
}

// onWorker is a request for the worker of a pool.
func onWorker(c *actors.Caller, function string, number uint64, window uint32) []byte {
	return requestOf(wire.Request{Function: function, Caller: c.ID(), Worker: true, Window: window}, number)
}

func TestAStreamThatWaitsForCreditGivesItsWorkerBack(t *testing.T) {
	r := newReceiver(t)
	c := newPool(t, r)
	p := r.call(t)
	const streams, window = 10, 2
	for round := range uint64(3) {
		for n := range uint64(streams) {
			number := 1 + n
			if round == 0 {
				p.send(onWorker(c, "stream", number, window))
			} else {
				p.send(wire.AppendCredit(nil, number, (round+1)*window))
			}
			for range window {
				f := p.next()
				assert.Equal(t, wire.KindItem, f.Kind)
				assert.Equal(t, number, f.Number)
			}
			number = 100 + round*streams + n
			p.send(onWorker(c, "echo", number, 0))
			f := p.next()
			assert.Equal(t, wire.KindResponse, f.Kind)
			assert.Equal(t, number, f.Number)
			assert.Len(t, c.Children(), 1)
		}
	}
	p.End()
	r.untilIdle(t)
	require.Eventually(t, c.Idle, waitLimit, waitStep)
}

// The worker may be at work when there is credit again.
func TestAStreamGoesOnWhenItsWorkerWaits(t *testing.T) {
	r := newReceiver(t)
	c := newPool(t, r)
	running, end := make(chan struct{}), make(chan struct{})
	require.NoError(t, Handle(r.system, "work", func(context.Context, string) (int, error) {
		running <- struct{}{}
		<-end
		return 1, nil
	}))
	p := r.call(t)
	p.send(onWorker(c, "stream", 1, 1))
	assert.Equal(t, wire.KindItem, p.next().Kind)
	p.send(onWorker(c, "work", 2, 0))
	<-running
	p.send(wire.AppendCredit(nil, 1, 2))
	p.send(onWorker(c, "work", 3, 0)) // which is queued
	end <- struct{}{}
	var got []uint64
	for range 2 {
		got = append(got, p.next().Number)
	}
	assert.ElementsMatch(t, []uint64{1, 2}, got, "the stream goes on before the call that is queued")
	<-running
	end <- struct{}{}
	assert.EqualValues(t, 3, p.next().Number)
	p.End()
	r.untilIdle(t)
}

// A non-reentrant caller keeps its turn, so that nothing else could run on the worker.
func TestAStreamOfANonReentrantPoolKeepsItsWorker(t *testing.T) {
	r := newReceiver(t)
	c := newPool(t, r, props.NonReentrant())
	p := r.call(t)
	p.send(onWorker(c, "stream", 1, 1))
	assert.Equal(t, wire.KindItem, p.next().Kind)
	p.send(onWorker(c, "echo", 2, 0))
	p.send(wire.AppendCredit(nil, 1, 2))
	assert.EqualValues(t, 1, p.next().Number)
	p.send(wire.AppendCancel(nil, 1, &wire.Error{}))
	assert.EqualValues(t, 2, p.next().Number)
	r.untilIdle(t)
}

// A pool streams within its own node as well.
func TestALocalStreamGivesItsWorkerBack(t *testing.T) {
	r := newReceiver(t)
	c := newPool(t, r)
	here := endpoint{address: r.system.Address(), caller: c.ID(), worker: true}
	for _, err := range Stream[string, string](t.Context(), r.system, here, "stream", "x", Window(1)) {
		require.NoError(t, err)
		got, err := actors.ToThread(t.Context(), c, func(context.Context) (int, error) { return 7, nil }).Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 7, got)
		break
	}
	require.Eventually(t, c.Idle, waitLimit, waitStep)
}
