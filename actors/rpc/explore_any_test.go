package rpc_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
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

const (
	// programs is how many random programs are explored.
	programs = 50
	// onTheWay is how long the probes of a search for one of several calls are under way in them.
	onTheWay = 600 * time.Millisecond
	// unseen is how long a node may not know that something was cancelled.
	unseen = 500 * time.Millisecond
)

// oracle is nodes with a caller each, which keeps its turn while it waits, and whose functions
// carry out plans. It knows at each moment which function waits for which calls, and so which of
// them never end.
type oracle struct {
	testing.TB
	nodes   []*actor.ActorSystem
	callers []*actors.Caller

	mu      sync.Mutex
	last    int
	calls   map[int]*seenCall
	running []*seenFunction // by the caller
	dead    map[*seenFunction]bool
	since   time.Time // when that has changed
	found   int
}

// seenCall is a call that is waited for.
type seenCall struct {
	by   *seenFunction
	on   int
	runs *seenFunction // nil while it is queued
}

// seenFunction is a function and what it waits for.
type seenFunction struct {
	any      bool
	open     map[int]*seenCall // nil if it does not wait
	lastDead time.Time
}

// plannedCall is the argument of a call.
type plannedCall struct {
	Call int
	Plan plan
}

func newOracle(t testing.TB, w *actorstest.World, size int) *oracle {
	o := &oracle{TB: t, calls: make(map[int]*seenCall), running: make([]*seenFunction, size), dead: make(map[*seenFunction]bool)}
	for i := range size {
		system := w.System(fmt.Sprint("node", i))
		require.NoError(t, rpc.Handle(system, "do", func(ctx context.Context, s plannedCall) (_ int, err error) {
			return 0, o.run(i, s.Call, func(f *seenFunction) error { return o.do(ctx, i, f, s.Plan) })
		}))
		o.nodes = append(o.nodes, system)
		o.callers = append(o.callers, actorstest.Start(t, system, props.Name(fmt.Sprint("caller", i)), props.NonReentrant()))
	}
	return o
}

// see notes a change. What was dead was so until now.
func (o *oracle) see(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for f := range o.dead {
		f.lastDead = time.Now()
	}
	if len(o.dead) > 0 {
		assert.Less(o, time.Since(o.since), foundWithin+onTheWay, "functions wait for each other")
	}
	change()
	if dead := o.deadNow(); !maps.Equal(dead, o.dead) {
		o.dead, o.since = dead, time.Now()
	}
}

// deadNow returns the functions that never go on. mu must be held.
func (o *oracle) deadNow() map[*seenFunction]bool {
	dead := make(map[*seenFunction]bool)
	for _, f := range o.running {
		if f != nil && f.open != nil {
			dead[f] = true
		}
	}
	for changed := true; changed; {
		changed = false
		for f := range dead {
			lost := 0
			for _, c := range f.open {
				if needs := o.needs(c); needs != nil && dead[needs] {
					lost++
				}
			}
			if lost == 0 || f.any && lost < len(f.open) {
				delete(dead, f)
				changed = true
			}
		}
	}
	return dead
}

// needs returns the function that a call needs: its own, or that before it; nil if it goes on.
func (o *oracle) needs(c *seenCall) *seenFunction {
	if c.runs != nil {
		return c.runs
	}
	return o.running[c.on]
}

// run carries out a function for a call, or for none if that is 0.
func (o *oracle) run(at, call int, do func(f *seenFunction) error) error {
	f := &seenFunction{}
	o.see(func() {
		o.running[at] = f
		if c := o.calls[call]; c != nil {
			c.runs = f
		}
	})
	err := do(f)
	o.see(func() {
		o.running[at] = nil
		o.answered(call, err)
	})
	return err
}

// answered notes that the answer to a call is under way. It may end the wait for it.
func (o *oracle) answered(call int, err error) {
	c := o.calls[call]
	if c == nil || c.by.open == nil {
		return
	}
	delete(c.by.open, call)
	if len(c.by.open) == 0 || c.by.any == (err == nil) {
		c.by.open = nil
	}
}

func (o *oracle) do(ctx context.Context, at int, f *seenFunction, p plan) error {
	if len(p.Calls) == 0 {
		return actors.Sleep(ctx, p.Takes)
	}
	if err := actors.Sleep(ctx, p.Late); err != nil {
		return err
	}
	planned := make([]plannedCall, len(p.Calls))
	o.see(func() {
		f.any, f.open = p.Any, make(map[int]*seenCall)
		for i, b := range p.Calls {
			o.last++
			planned[i] = plannedCall{o.last, b.Plan}
			o.calls[o.last] = &seenCall{by: f, on: b.On}
			f.open[o.last] = o.calls[o.last]
		}
	})
	var calls []*pending.Pending[int]
	for i, b := range p.Calls {
		target := rpc.At(o.nodes[b.On].Address(), o.callers[b.On].ID())
		calls = append(calls, rpc.Call[plannedCall, int](ctx, o.nodes[at], target, "do", planned[i]))
	}
	err := p.wait(ctx, calls)
	o.see(func() {
		if ownDeadlock(err) != nil {
			o.found++
			assert.Less(o, time.Since(f.lastDead), unseen, "a false alarm: %v", err)
		}
		f.open = nil
	})
	return err
}

// randomPlan returns a plan of a caller, whose calls are for others.
func randomPlan(r *rand.Rand, at, size, depth int) plan {
	if depth == 0 || r.IntN(6) == 0 {
		return takes(time.Duration(r.IntN(5)) * 150 * time.Millisecond)
	}
	p := plan{Any: r.IntN(2) == 0, Late: time.Duration(r.IntN(4)) * 100 * time.Millisecond}
	for range 1 + r.IntN(3) {
		to := (at + 1 + r.IntN(size-1)) % size
		p.Calls = append(p.Calls, on(to, randomPlan(r, to, size, depth-1)))
	}
	return p
}

// tangled has the callers of some nodes carry out random plans.
func tangled(program uint64) func(t testing.TB, w *actorstest.World) {
	return func(t testing.TB, w *actorstest.World) {
		r := rand.New(rand.NewPCG(program, 1)) //nolint:gosec // It is to be the same each time.
		size := 2 + r.IntN(3)
		o := newOracle(t, w, size)
		var all []*pending.Pending[int]
		for at := range size {
			p := randomPlan(r, at, size, 3)
			after := time.Duration(r.IntN(3)) * 200 * time.Millisecond
			all = append(all, actors.CallLater(t.Context(), o.callers[at], after, func(ctx context.Context) (int, error) {
				return 0, o.run(at, 0, func(f *seenFunction) error { return o.do(ctx, at, f, p) })
			}))
		}
		for _, p := range all {
			if _, err := p.Wait(t.Context()); err != nil {
				require.ErrorIs(t, err, pending.ErrDeadlock)
			}
		}
	}
}

// exploreRandomPrograms explores programs whose functions wait for one of several calls, or for all.
func exploreRandomPrograms(t *testing.T) {
	for program := range uint64(programs) {
		t.Run(fmt.Sprint(program), func(t *testing.T) {
			actorstest.Explore(t, tangled(program), actorstest.Schedules(max(1, explorations()/programs)),
				actorstest.Delay(0, 20*time.Millisecond), actorstest.Loss(0.02), actorstest.Reorder(), actorstest.Hurry(100*time.Millisecond))
		})
	}
}
