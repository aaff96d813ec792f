package actors_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// The programs of a seed are always the same; how they interleave is not.
func TestRandomOperationsLeaveNothingUndone(t *testing.T) {
	const goroutines, steps = 64, 50
	for _, seed := range seeds(t) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Logf("seed %d", seed)
			w := newWorld(t)
			var all sync.WaitGroup
			for i := range goroutines {
				all.Go(func() {
					p := w.program(fmt.Sprint("goroutine ", i), newSeeded(seed, uint64(i)))
					for range steps {
						p.step()
					}
				})
			}
			w.within("the programs", all.Wait)
			w.finish(seed%2 == 1)
		})
	}
}

// maxDepth is how deep functions are nested.
const maxDepth = 3

// program is a walk through random operations: that of a goroutine, or that of
// a function.
type program struct {
	*world
	choose choices
	name   string
	ctx    context.Context
	depth  int
	site   *site // whose turn it has, nil for nobody's
	calls  []*call
	undo   []func() // removes the callbacks it has added
}

// program returns that of a goroutine.
func (w *world) program(name string, choose choices) *program {
	return &program{world: w, choose: choose, name: name, ctx: context.Background()}
}

// operation is what a step of a program does, one time in a hundred for each
// unit of its weight.
type operation struct {
	weight int
	name   string
	do     func(p *program)
}

func operations() []operation {
	return []operation{
		{12, "CallSoon", (*program).callSoon},
		{8, "Schedule", (*program).schedule},
		{6, "ToThread", (*program).toThread},
		{3, "CallDirect", (*program).callDirect},
		{4, "promise", (*program).promise},
		{3, "Request", (*program).request},
		{4, "Invoke", (*program).invoke},
		{4, "Send", (*program).send},
		{12, "Wait", func(p *program) { p.wait(p.anyCall()) }},
		{5, "Cancel", (*program).cancel},
		{3, "CancelWait", (*program).cancelWait},
		{5, "OnDone", (*program).onDone},
		{2, "remove callback", (*program).removeCallback},
		{4, "Sleep", (*program).sleep},
		{3, "keep the turn", func(p *program) { time.Sleep(p.moment()) }},
		{3, "Detach", (*program).detach},
		{4, "Child", (*program).child},
		{2, "Start", (*program).start},
		{2, "adopt", (*program).adopt},
		{2, "stop", (*program).stop},
		{2, "restart", (*program).restart},
		{1, "wait for the end", (*program).waitEnd},
		{2, "look", (*program).look},
	}
}

// step does something.
func (p *program) step() {
	part := *p
	part.choose = p.choose.fork()
	if part.choose.below(5) == 4 {
		ctx, cancel := context.WithTimeoutCause(p.ctx, part.moment(), errBoom)
		defer cancel()
		part.ctx = ctx
	}
	n := part.choose.below(100)
	for _, operation := range p.operations {
		if n -= operation.weight; n < 0 {
			part.name += "/" + operation.name
			operation.do(&part)
			break
		}
	}
	p.calls, p.undo = part.calls, part.undo
}

// moment returns a short time, or none.
func (p *program) moment() time.Duration {
	return time.Duration(p.choose.below(4)) * 300 * time.Microsecond
}

// away runs something that gives the turn away.
func (p *program) away(do func()) {
	if p.site != nil && !p.site.keeps {
		p.site.leave()
		defer p.site.enter()
	}
	do()
}

// caller returns that of the program, a relative of it, or any.
func (p *program) caller() *actors.Caller {
	relation := p.choose.below(6)
	if p.site != nil {
		c := p.site.caller
		switch relation {
		case 0:
			return c
		case 1:
			if parent := c.Parent(); parent != nil {
				return parent
			}
		case 2:
			for _, child := range c.Children() {
				if _, known := p.sites.Load(child); known {
					return child
				}
			}
		}
	}
	return p.any(&p.callers, p.low)
}

// low returns a number below n, a low one rather than a high one: the callers
// that were made first have most of the work.
func (p *program) low(n int) int { return p.choose.below(1 + p.choose.below(n)) }

// high is used for what is stopped.
func (p *program) high(n int) int { return n - 1 - p.low(n) }

// anyCall returns one of the program's own calls, or one of somebody else's.
func (p *program) anyCall() *call {
	if n := len(p.calls); n > 0 && p.choose.below(3) < 2 {
		return p.calls[p.choose.below(n)]
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.world.calls); n > 0 {
		return p.world.calls[p.choose.below(n)]
	}
	return nil
}

func (p *program) newCall() *call {
	return &call{name: p.name, id: int(p.lastID.Add(1))}
}

// handOut makes a pending known.
func (p *program) handOut(c *call, result *pending.Pending[int]) {
	c.result = result
	result.OnDone(func(h pending.Handle) {
		assert.True(p, h.IsDone())
		c.completed.Add(1)
	})
	p.calls = append(p.calls, c)
	p.mu.Lock()
	p.world.calls = append(p.world.calls, c)
	p.mu.Unlock()
	if p.choose.below(2) == 1 {
		p.wait(c)
	}
}

// function returns a function with a program of its own.
func (p *program) function(c *call) func(context.Context) (int, error) {
	c.function = true
	choose := p.choose.fork()
	return func(ctx context.Context) (int, error) {
		p.begin()
		defer p.end()
		c.runs.Add(1)
		caller, _ := actors.Current(ctx)
		f := &program{world: p.world, choose: choose, name: c.name, ctx: ctx, depth: p.depth + 1, site: p.siteOf(caller)}
		f.site.enter()
		defer f.site.leave()
		for range choose.below(2 * (maxDepth + 1 - p.depth)) {
			f.step()
		}
		return f.finish(c)
	}
}

// finish ends a function in one of the ways there are.
func (p *program) finish(c *call) (int, error) {
	switch p.choose.below(24) {
	case 1, 6:
		panic(errBoom)
	case 2:
		runtime.Goexit()
	case 3:
		return 0, errBoom
	case 4:
		if err := p.ctx.Err(); err != nil {
			return 0, err
		}
	case 5:
		self, _ := pending.Current(p.ctx)
		self.Cancel(errBoom)
	}
	return c.id, nil
}
