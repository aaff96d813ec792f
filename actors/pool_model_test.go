package actors_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// Random programs of calls for the workers of one caller. Whatever they do, there are
// never more functions than workers allowed. No call waits although it could run. All
// calls end, and nothing is left.
func TestRandomProgramsOfAPool(t *testing.T) {
	programs, base := 2000/len(backends), uint64(1)
	if isRepeated(t) {
		programs, base = 20, uint64(time.Now().UnixNano())
	}
	for i := range programs {
		seed := base + uint64(i)
		bubble(t, func(t *testing.T, system *actor.ActorSystem) {
			defer func() {
				if t.Failed() {
					t.Logf("the program is that of seed %d", seed)
				}
			}()
			newPoolProgram(t, system, seed).run()
		})
		if t.Failed() {
			return
		}
	}
}

// poolProgram is a random program, and what is known of its calls.
type poolProgram struct {
	*testing.T
	choose     seeded
	system     *actor.ActorSystem
	boss       *actors.Caller
	maxWorkers int
	maxQueued  int
	calls      []*poolCall // those of the program itself, not of its functions

	mu        sync.Mutex
	all       []*poolCall
	running   map[pending.Handle]bool // calls whose functions have not returned, and that have their worker
	shared    map[pending.Handle]bool // those whose functions were away, and may share it
	starting  int                     // workers whose publications are being opened
	callbacks int                     // that are being called; a worker may wait for one
	opens     int
	fails     []int // what becomes of them
}

// poolCall is a call for a worker.
type poolCall struct {
	*pending.Pending[int]
	started bool // guarded by the program's mu
	refused bool
}

func newPoolProgram(t *testing.T, system *actor.ActorSystem, seed uint64) *poolProgram {
	p := &poolProgram{T: t, choose: newSeeded(seed, 0), system: system, running: make(map[pending.Handle]bool), shared: make(map[pending.Handle]bool)}
	n := p.choose.below
	p.maxWorkers, p.maxQueued = 1+n(3), []int{0, 0, 1, 3}[n(4)]
	opts := []props.Option{
		props.MaxWorkers(p.maxWorkers), props.MaxQueued(p.maxQueued), props.MaxIdleWorkers(n(3)),
		props.IdleTimeout([]time.Duration{1, time.Millisecond, time.Second}[n(3)]),
		props.StopTimeout([]time.Duration{0, 5 * time.Millisecond}[n(2)]),
		props.Supervision([]supervision.Policy{
			supervision.Capture(), supervision.Stop(), supervision.Restart(),
			supervision.Restart(supervision.Backoff(20*time.Millisecond, time.Second)),
		}[n(4)]),
	}
	if n(2) == 0 {
		for range 20 {
			p.fails = append(p.fails, n(8))
		}
		opts = append(opts, props.Publisher(p.open))
	}
	p.boss = start(t, system, opts...)
	return p
}

// open opens the publication of a worker, or fails to, in one of the ways there are.
func (p *poolProgram) open(string) (props.Publication, error) {
	p.mu.Lock()
	p.opens++
	if p.opens == 1 { // that of the boss
		p.mu.Unlock()
		return silence{}, nil
	}
	how := p.fails[p.opens%len(p.fails)]
	p.mu.Unlock()
	p.note(&p.starting, 1)
	defer p.note(&p.starting, -1)
	switch how {
	case 0:
		return nil, errBoom
	case 1:
		panic(errBoom)
	case 2:
		exitGoroutine()
	case 3:
		time.Sleep(7 * time.Millisecond)
	}
	return silence{}, nil
}

// note adds to a count that mu guards.
func (p *poolProgram) note(n *int, more int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*n += more
}

func (p *poolProgram) run() {
	n := p.choose.below
	stopAt := n(60)
	for step := range 30 {
		p.step()
		if n(3) == 0 {
			synctest.Wait()
			p.check()
		}
		if step == stopAt {
			away(func() { p.boss.Stop() })
		}
	}
	time.Sleep(time.Hour)
	synctest.Wait()
	p.check()
	p.mu.Lock()
	for _, c := range p.all {
		if !c.IsDone() {
			p.Errorf("%v is not done", c)
		}
	}
	p.mu.Unlock()
	p.checkNothingIsLeft()
	if p.Failed() {
		p.FailNow() // the boss might not stop
	}
	p.boss.Stop()
	<-p.boss.Stopped()
	p.checkNothingIsLeft()
}

func (p *poolProgram) checkNothingIsLeft() {
	workers, idle, queued := actors.PoolSize(p.boss)
	assert.Equal(p, []int{0, 0, 0}, []int{workers, idle, queued}, "of the pool's workers, idle ones and queued calls")
	assert.Empty(p, p.boss.Children())
	assert.True(p, p.boss.Idle() || p.boss.State() == actors.StateStopped)
}

// away does something on a goroutine, which callbacks may end, and waits for that.
func away(do func()) {
	var ended sync.WaitGroup
	ended.Go(do)
	ended.Wait()
}

func (p *poolProgram) step() {
	n := p.choose.below
	switch n(12) {
	case 0:
		if len(p.calls) > 0 {
			c := p.calls[n(len(p.calls))]
			away(func() { c.Cancel(errBoom) })
		}
	case 1:
		if w := p.aWorker(); w != nil {
			away(func() { w.Stop() })
		}
	case 2:
		if w := p.aWorker(); w != nil {
			away(func() { p.system.Root.Stop(w.PID()) })
		}
	case 3:
		if w := p.aWorker(); w != nil {
			p.system.Root.Poison(w.PID())
		}
	case 4:
		if w := p.aWorker(); w != nil {
			do(p.Context(), w, func(context.Context) { panic(errBoom) })
		}
	case 5:
		if w := p.aWorker(); w != nil {
			later := actors.CallLater(p.Context(), w, time.Hour, returns(1))
			away(func() { later.OnDone(func(pending.Handle) { exitGoroutine() }) })
		}
	case 6:
		time.Sleep(time.Duration(n(4)) * time.Millisecond)
	default:
		p.call()
	}
}

// aWorker returns one of the workers, or nil.
func (p *poolProgram) aWorker() *actors.Caller {
	workers := p.boss.Children()
	if len(workers) == 0 {
		return nil
	}
	slices.SortFunc(workers, func(a, b *actors.Caller) int { return len(a.ID()) - len(b.ID()) })
	return workers[p.choose.below(len(workers))]
}

// call makes a call. The program does not wait meanwhile, so that what it sees is exact.
func (p *poolProgram) call() {
	synctest.Wait()
	_, waiting := p.count()
	c := p.add(p.Context(), p.behavior(0))
	p.calls = append(p.calls, c)
	switch next := p.behavior(1); p.choose.below(6) {
	case 0:
		away(func() { c.OnDone(func(pending.Handle) { exitGoroutine() }) })
	case 1:
		c.OnDone(func(pending.Handle) {
			p.note(&p.callbacks, 1)
			defer p.note(&p.callbacks, -1)
			p.add(p.Context(), next)
		})
	}
	if c.refused {
		assert.Positive(p, p.maxQueued)
		assert.GreaterOrEqual(p, waiting, p.maxQueued, "calls waited when one was refused")
	}
}

// add has a function called on a worker, and knows of it from then on.
func (p *poolProgram) add(ctx context.Context, fn func(context.Context) error) *poolCall {
	c := &poolCall{}
	wrapped := func(ctx context.Context) (int, error) {
		self, _ := pending.Current(ctx)
		p.begin(c, self)
		defer p.end(self)
		return 1, fn(ctx)
	}
	c.Pending = actors.ToThread(ctx, p.boss, wrapped)
	c.refused = c.IsDone() && errors.Is(c.Err(), actors.ErrOverloaded)
	p.mu.Lock()
	p.all = append(p.all, c)
	p.mu.Unlock()
	c.OnDone(func(pending.Handle) {
		if errors.Is(c.Err(), actors.ErrOverloaded) && !c.refused {
			p.Errorf("%v was accepted, and refused after that", c)
		}
	})
	return c
}

func (p *poolProgram) begin(c *poolCall, self pending.Handle) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.started = true
	p.running[self] = true
	n := 0
	for h := range p.running {
		if !h.IsDone() { // else it was abandoned
			n++
		}
	}
	assert.LessOrEqual(p, n, p.maxWorkers, "functions at once")
}

func (p *poolProgram) end(self pending.Handle) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, self)
	delete(p.shared, self)
}

// waitAway waits while others may use the worker.
func (p *poolProgram) waitAway(ctx context.Context, d time.Duration) error {
	self, _ := pending.Current(ctx)
	takeBack := future.TurnOf(ctx).(*sched.Task).LendWorker()
	p.end(self)
	defer func() {
		takeBack()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.shared[self] = true
	}()
	return actors.Sleep(ctx, d)
}

// behavior returns a function.
func (p *poolProgram) behavior(depth int) func(context.Context) error {
	n := p.choose.below
	d := time.Duration(n(10)) * time.Millisecond
	switch n(16) {
	case 14:
		return func(ctx context.Context) error { return p.waitAway(ctx, d) }
	case 15:
		return func(ctx context.Context) error {
			err := errors.Join(p.waitAway(ctx, d), actors.Sleep(ctx, d), p.waitAway(context.WithoutCancel(ctx), d))
			time.Sleep(d)
			return err
		}
	case 0:
		return func(context.Context) error { panic(errBoom) }
	case 1:
		return func(context.Context) error { exitGoroutine(); return nil }
	case 2:
		return func(context.Context) error { return errBoom }
	case 3:
		return func(context.Context) error { time.Sleep(d); return nil }
	case 4, 5:
		return func(ctx context.Context) error { return actors.Sleep(ctx, d) }
	case 6:
		return func(ctx context.Context) error { return actors.Sleep(context.WithoutCancel(ctx), 3*d) }
	case 7: // is abandoned
		return func(ctx context.Context) error {
			err := actors.Sleep(context.WithoutCancel(ctx), d)
			time.Sleep(3 * d)
			return err
		}
	case 8, 9:
		return func(ctx context.Context) error {
			w, _ := actors.Current(ctx)
			w.Stop()
			time.Sleep(d)
			return nil
		}
	case 10:
		return func(ctx context.Context) error {
			w, _ := actors.Current(ctx)
			do(ctx, w, func(context.Context) { panic(errBoom) })
			return actors.Sleep(ctx, d)
		}
	case 11:
		if depth > 1 {
			break
		}
		next := p.behavior(depth + 1)
		return func(ctx context.Context) error {
			p.add(context.WithoutCancel(ctx), next)
			return nil
		}
	}
	return func(context.Context) error { return nil }
}

// count returns how many calls run, and how many wait.
func (p *poolProgram) count() (running, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, handles := range []map[pending.Handle]bool{p.running, p.shared} {
		for h := range handles {
			if !h.IsDone() {
				running++
			}
		}
	}
	for _, c := range p.all {
		if !c.started && !c.IsDone() {
			waiting++
		}
	}
	return running, waiting
}

// check is called when nothing can go on before some time has passed.
func (p *poolProgram) check() {
	busy, waiting := p.count()
	for _, w := range p.boss.Children() {
		if w.State() == actors.StateStarting { // again
			busy++
		}
	}
	p.mu.Lock()
	busy += p.starting + p.callbacks
	waiting -= p.starting // each for a call
	p.mu.Unlock()
	if waiting > 0 {
		assert.GreaterOrEqual(p, busy, p.maxWorkers, "workers are busy while %d calls wait", waiting)
	}
}
