package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// tangle is nodes with a caller each, which keeps its turn while it waits. It knows at each moment
// which of them waits for which, and so what a circle is.
type tangle struct {
	testing.TB
	nodes   []*actor.ActorSystem
	callers []*actors.Caller
	rest    time.Duration // that the last function takes
	within  time.Duration // in which a circle is to be found

	mu    sync.Mutex
	calls int
	waits []waiting // by the caller whose function waits
	since time.Time // when the last circle was closed
	found int
}

// waiting is that a function waits for a call; the zero value for none.
type waiting struct{ call, on int }

// errand is the argument of a call: how many more are to be made, and which one it is.
type errand struct{ More, From, Call int }

func newTangle(t testing.TB, w *actorstest.World, size int, rest, within time.Duration) *tangle {
	g := &tangle{TB: t, rest: rest, within: within, waits: make([]waiting, size)}
	for i := range size {
		system := w.System(fmt.Sprint("node", i))
		require.NoError(t, rpc.Handle(system, "go", func(ctx context.Context, e errand) (int, error) {
			defer g.answer(e)
			return 0, g.do(ctx, i, e.More)
		}))
		g.nodes = append(g.nodes, system)
		g.callers = append(g.callers, actorstest.Start(t, system, props.Name(fmt.Sprint("caller", i)), props.NonReentrant()))
	}
	return g
}

// do has the function of a caller call the next one, unless it is the last.
func (g *tangle) do(ctx context.Context, at, more int) error {
	if more == 0 {
		return actors.Sleep(ctx, g.rest)
	}
	e := errand{more - 1, at, 0}
	next := (at + 1) % len(g.nodes)
	e.Call = g.begin(at, next)
	target := rpc.At(g.nodes[next].Address(), g.callers[next].ID())
	_, err := rpc.Call[errand, int](ctx, g.nodes[at], target, "go", e).Wait(ctx)
	g.end(e, err)
	return err
}

// begin notes that a function waits.
func (g *tangle) begin(at, on int) (call int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls++
	g.waits[at] = waiting{g.calls, on}
	if g.isCircle(at) {
		g.since = time.Now()
	}
	return g.calls
}

// isCircle reports whether the wait of a caller's function is part of a circle. mu must be held.
func (g *tangle) isCircle(at int) bool {
	i := at
	for range g.waits {
		if g.waits[i].call == 0 {
			return false
		}
		if i = g.waits[i].on; i == at {
			return true
		}
	}
	return false // it is behind one
}

// answer notes that the answer to a call is under way, for which its function waits no more.
func (g *tangle) answer(e errand) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waits[e.From].call == e.Call {
		g.waits[e.From] = waiting{}
	}
}

// end checks how a wait has ended.
func (g *tangle) end(e errand, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var elsewhere *rpc.RemoteError
	if errors.Is(err, pending.ErrDeadlock) && !errors.As(err, &elsewhere) {
		g.found++
		assert.True(g, g.waits[e.From].call == e.Call && g.isCircle(e.From), "a false alarm: %v", err)
		assert.Less(g, time.Since(g.since), g.within)
	}
	if g.waits[e.From].call == e.Call {
		g.waits[e.From] = waiting{}
	}
}

// start has the function of a caller make calls, one after the other, with more behind each.
func (g *tangle) start(at, calls, more int) *pending.Pending[int] {
	return g.startAfter(0, at, calls, more)
}

// startAfter is start after some time.
func (g *tangle) startAfter(d time.Duration, at, calls, more int) *pending.Pending[int] {
	return actors.CallLater(g.Context(), g.callers[at], d, func(ctx context.Context) (int, error) {
		for range calls {
			if err := g.do(ctx, at, more); err != nil {
				return 0, err
			}
		}
		return calls, nil
	})
}

// finish waits for functions, and returns how many have failed.
func (g *tangle) finish(all ...*pending.Pending[int]) (failed int) {
	for _, p := range all {
		_, err := p.Wait(g.Context())
		if err != nil {
			require.ErrorIs(g, err, pending.ErrDeadlock)
			failed++
		}
	}
	return failed
}

// entangled are functions of which some come to wait for each other, depending on the order.
func entangled(t testing.TB, w *actorstest.World) {
	g := newTangle(t, w, 3, 600*time.Millisecond, foundWithin)
	failed := g.finish(g.start(0, 2, 2), g.start(1, 1, 1), g.start(2, 2, 1))
	assert.Equal(t, g.found > 0, failed > 0)
}

// crossing are two callers that call each other over links that are slower than probes are patient.
// There may be a circle, or the answer to the one call is under way while the other one waits.
func crossing(t testing.TB, w *actorstest.World) {
	const slowest = 2 * time.Second
	g := newTangle(t, w, 2, 1200*time.Millisecond, foundWithin+10*slowest)
	failed := g.finish(g.start(0, 2, 1), g.startAfter(1500*time.Millisecond, 1, 2, 1))
	assert.Equal(t, g.found > 0, failed > 0)
}
