package actors_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// programsVariable says how many programs a test of random programs is to run.
const programsVariable = "ACTORS_TEST_PROGRAMS"

// Random programs of functions that wait for each other in every way. After each step a
// model says which functions wait, and which waits have failed: those that a naive search
// over the whole world finds.
func TestRandomProgramsOfWaits(t *testing.T) {
	programs, base := 600/len(backends), uint64(1)
	if n, err := strconv.Atoi(os.Getenv(programsVariable)); err == nil {
		programs, base = n, uint64(time.Now().UnixNano())
	} else if isRepeated(t) {
		programs, base = 20, uint64(time.Now().UnixNano())
	}
	steps, deadlocks := 0, 0
	defer func() { t.Logf("%d steps, %d deadlocks", steps, deadlocks) }()
	for i := range programs {
		seed := base + uint64(i)
		bubble(t, func(t *testing.T, system *actor.ActorSystem) {
			w := &waitProgram{T: t, choose: newSeeded(seed, 0)}
			defer func() {
				if t.Failed() {
					t.Logf("the program is that of seed %d:\n%s", seed, strings.Join(w.log, "\n"))
				}
			}()
			w.run(system)
			steps, deadlocks = steps+w.steps, deadlocks+w.deadlocks
		})
		if t.Failed() {
			return
		}
	}
}

// waitState is what a function of the model does.
type waitState int

const (
	waitQueued waitState = iota // has not started
	waitIdle                    // waits for a command
	waitBusy                    // does what it was told
	waitWants                   // has done it, and needs its turn
	waitDone
)

func (s waitState) String() string {
	return [...]string{"queued", "idle", "busy", "busy", "done"}[s]
}

// waitFunction is a function, as it is and as the model sees it.
type waitFunction struct {
	number  int
	on      *waitCaller // nil for a job of the pool
	isItem  bool
	p       *pending.Pending[int]
	command *pending.Pending[func(context.Context) error]

	// As it is. Written by the function, read when all is settled.
	is    waitState
	fails int

	// In the model.
	state waitState
	op    *waitOperation
	began int
	told  int
}

// keeps reports whether the function keeps the turn, in the model.
func (f *waitFunction) keeps() bool {
	return f.on != nil && (f.state == waitIdle && f.on.keeps || f.state == waitBusy && (f.on.keeps || f.op.sync))
}

type waitCaller struct {
	number int
	c      *actors.Caller
	keeps  bool
	queue  []any // of *waitFunction and *waitOperation
}

type waitLock struct {
	mutex   *pending.Mutex
	sem     *pending.Semaphore
	size    int
	holders []*waitFunction
	queue   []*waitFunction
}

// waitOperation is a wait.
type waitOperation struct {
	name    string
	do      func(ctx context.Context) error
	sync    bool
	any     bool
	live    bool
	targets []*waitFunction
	caller  *waitCaller // of a call
	job     bool        // for the pool
	lock    *waitLock
	done    bool // the call, or the job, has run, or the lock is held
}

// waitProgram is a random program.
type waitProgram struct {
	*testing.T
	choose    seeded
	log       []string
	callers   []*waitCaller
	functions []*waitFunction
	locks     []*waitLock
	queue     *actors.Queue[int]
	item      *waitFunction // the function of the queue
	ending    *waitCaller   // that may be drained or stopped
	pool      *actors.Caller
	workers   int
	jobs      []any // that wait for a worker
	steps     int
	deadlocks int

	mu   sync.Mutex
	ends []context.CancelFunc
}

func (w *waitProgram) run(system *actor.ActorSystem) {
	defer func() {
		synctest.Wait()
		for _, end := range w.ends {
			end()
		}
		synctest.Wait()
	}()
	for i := range 1 + w.choose.below(3) {
		c := &waitCaller{number: i, keeps: w.choose.below(3) == 0}
		var opts []props.Option
		if c.keeps {
			opts = append(opts, props.NonReentrant())
		}
		c.c = start(w, system, opts...)
		w.callers = append(w.callers, c)
	}
	w.workers = 1 + w.choose.below(2)
	w.pool = start(w, system, props.MaxWorkers(w.workers))
	for i := range 2 {
		w.locks = append(w.locks, &waitLock{mutex: pending.NewMutex(pending.Named(fmt.Sprint("m", i))), size: 1},
			&waitLock{sem: pending.NewSemaphore(2, pending.Named(fmt.Sprint("s", i))), size: 2})
	}
	w.makeItem(system)
	w.ending = &waitCaller{number: len(w.callers) + 1, c: start(w, system, props.StopTimeout(24*time.Hour))}
	for range w.choose.below(3) {
		w.makeCall(w.ending)
	}
	for range 2 + w.choose.below(5) {
		w.makeFunction()
	}
	w.settle()
	w.check("begins")
	for range 5 + w.choose.below(25) {
		if w.step(); w.Failed() {
			return
		}
	}
}

// makeItem makes a queue that is full, and whose function is one of the functions.
func (w *waitProgram) makeItem(system *actor.ActorSystem) {
	c := &waitCaller{number: len(w.callers), c: start(w, system)}
	w.item = w.newFunction(c)
	w.item.isItem = true
	w.queue = actors.NewQueue(c.c, func(ctx context.Context, item int) error {
		if item == 0 {
			_ = w.body(ctx, w.item)
			w.item.p.SetResult(1)
		}
		return nil
	}, actors.QueueCapacity(1))
	w.item.p = pending.New[int](w.Context(), pending.CompletedBy(w.queue.Pending()))
	require.NoError(w, w.queue.Put(0))
	synctest.Wait()
	require.NoError(w, w.queue.Put(1))
	w.item.state = waitIdle
}

func (w *waitProgram) newFunction(on *waitCaller) *waitFunction {
	f := &waitFunction{number: len(w.functions), on: on, command: pending.New[func(context.Context) error](w.Context())}
	w.functions = append(w.functions, f)
	return f
}

func (w *waitProgram) makeFunction() {
	if w.choose.below(4) == 0 {
		f := w.newFunction(nil)
		f.p = actors.ToThread(w.Context(), w.pool, func(ctx context.Context) (int, error) { return 1, w.body(ctx, f) })
		w.jobs = append(w.jobs, f)
	} else {
		w.makeCall(w.callers[w.choose.below(len(w.callers))])
	}
	synctest.Wait() // jobs get their workers in order
}

func (w *waitProgram) makeCall(c *waitCaller) {
	f := w.newFunction(c)
	f.p = actors.CallSoon(w.Context(), c.c, func(ctx context.Context) (int, error) { return 1, w.body(ctx, f) })
	c.queue = append(c.queue, f)
}

// errEnds has a function return.
var errEnds = errors.New("ends")

// body does what the function is told.
func (w *waitProgram) body(ctx context.Context, f *waitFunction) error {
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	w.mu.Lock()
	w.ends = append(w.ends, end)
	w.mu.Unlock()
	for {
		f.is = waitIdle
		do, err := f.command.Wait(ctx)
		if err != nil {
			return err
		}
		f.is = waitBusy
		f.command = pending.New[func(context.Context) error](w.Context())
		switch err = do(ctx); {
		case errors.Is(err, errEnds):
			f.is = waitDone
			return nil
		case errors.Is(err, pending.ErrDeadlock):
			f.fails++
		}
	}
}

// step has a function do something.
func (w *waitProgram) step() {
	var able []*waitFunction
	for _, f := range w.functions {
		if f.state == waitIdle && (f.on == nil || w.blocker(f.on) == nil || f.keeps()) {
			able = append(able, f)
		}
	}
	if len(able) == 0 {
		return
	}
	f := able[w.choose.below(len(able))]
	w.steps++
	what := ""
	switch w.choose.below(8) {
	case 0:
		what = "ends"
		release := w.release(f)
		f.state = waitDone
		f.command.SetResult(func(context.Context) error {
			release()
			return errEnds
		})
	case 1:
		what = "releases"
		release := w.release(f)
		f.command.SetResult(func(context.Context) error {
			release()
			return nil
		})
	default:
		op := w.operation(f)
		what = op.name
		f.state, f.op, f.began = waitBusy, op, w.steps
		w.begin(f)
		f.command.SetResult(op.do)
	}
	w.settle()
	w.check(fmt.Sprintf("%d: function %d %s", w.steps, f.number, what))
}

// others returns some functions other than f.
func (w *waitProgram) others(f *waitFunction) (others []*waitFunction, ps []*pending.Pending[int]) {
	for _, i := range w.choose.Perm(len(w.functions))[:1+w.choose.below(3)%len(w.functions)] {
		if other := w.functions[i]; other != f {
			others = append(others, other)
			ps = append(ps, other.p)
		}
	}
	return others, ps
}

// operation makes a wait for f.
func (w *waitProgram) operation(f *waitFunction) *waitOperation {
	other := w.functions[w.choose.below(len(w.functions))]
	others, ps := w.others(f)
	lock := w.locks[w.choose.below(len(w.locks))]
	called := w.callers[w.choose.below(len(w.callers))]
	live := pending.New[int](w.Context())
	op := &waitOperation{targets: []*waitFunction{other}, sync: w.choose.below(3) == 0}
	wait := func(ctx context.Context, p *pending.Pending[int]) error {
		if op.sync {
			return errorOf(p.WaitSync(ctx))
		}
		return errorOf(p.Wait(ctx, []pending.WaitOption{pending.Protect(), pending.Shield()}[w.choose.below(2)]))
	}
	kind := w.choose.below(16)
	if kind > 5 {
		op.sync = op.sync && (kind == 13 || kind == 15)
	}
	switch kind {
	case 0, 1, 2:
		op.name = fmt.Sprintf("waits for %d", other.number)
		op.do = func(ctx context.Context) error { return wait(ctx, other.p) }
	case 3:
		op.name = fmt.Sprintf("waits for what is made of %d", other.number)
		op.do = func(ctx context.Context) error {
			return wait(ctx, pending.Then(other.p, func(i int) (int, error) { return i, nil }))
		}
	case 4:
		op.name = fmt.Sprintf("waits for a promise of %d", other.number)
		op.do = func(ctx context.Context) error { return wait(ctx, w.promise(other)) }
	case 5:
		op.name, op.live = fmt.Sprintf("waits for %d or an hour", other.number), true
		op.do = func(ctx context.Context) error {
			return errorOf(other.p.Wait(ctx, pending.Timeout(time.Hour), pending.Protect()))
		}
		op.sync = false
	case 6:
		op.name, op.targets = "waits for all of", others
		op.do = func(ctx context.Context) error {
			_, _, err := pending.WaitAll(ctx, ps)
			return err
		}
	case 7:
		op.name, op.targets = "waits by All for all of", others
		op.do = func(ctx context.Context) error {
			var promises []*pending.Pending[int]
			for _, other := range others {
				promises = append(promises, w.promise(other))
			}
			return errorOf(pending.All(ctx, promises...))
		}
	case 8:
		op.name, op.targets = "waits for a group of", others
		op.do = func(ctx context.Context) error {
			g, _ := pending.NewGroup(ctx, pending.WithCancelTimeout(0))
			for _, other := range others {
				g.Add(w.promise(other))
			}
			return g.Wait()
		}
	case 9, 10:
		op.name, op.targets, op.any = "waits for one of", others, len(others) > 0
		if op.any && w.choose.below(4) == 0 {
			op.name += " a live one and"
			op.live = true
			ps = append(ps, live)
		}
		op.do = func(ctx context.Context) error {
			if kind == 9 {
				_, _, err := pending.WaitAll(ctx, ps, pending.FirstCompleted())
				return err
			}
			for p, err := range pending.AsCompletedOf(ctx, ps, pending.KeepUnfinished()) {
				if p == nil {
					return err
				}
				break
			}
			return nil
		}
	case 11:
		op.name, op.targets, op.lock = fmt.Sprintf("locks %v", lock.name()), nil, lock
		op.do = func(ctx context.Context) error {
			if lock.mutex != nil {
				return lock.mutex.Lock(ctx)
			}
			return lock.sem.Acquire(ctx, 1)
		}
	case 12:
		op.name, op.targets = "waits for room", []*waitFunction{w.item}
		op.do = func(ctx context.Context) error { return w.queue.PutWait(ctx, 2) }
	case 13:
		op.name, op.targets, op.caller = fmt.Sprintf("calls caller %d", called.number), nil, called
		op.do = func(ctx context.Context) error { return wait(ctx, actors.CallSoon(ctx, called.c, one)) }
	case 14:
		op.name, op.targets = "waits for the end of", nil
		for _, f := range w.functions {
			if f.on == w.ending {
				op.targets = append(op.targets, f)
			}
		}
		op.do = func(ctx context.Context) error { return w.ending.c.Drain(ctx) }
		if w.choose.below(3) == 0 && !slices.Contains(op.targets, f) {
			op.do = func(ctx context.Context) error { return w.ending.c.StopWait(ctx) }
		}
	default:
		op.name, op.targets, op.job = "calls a worker", nil, true
		op.do = func(ctx context.Context) error { return wait(ctx, actors.ToThread(ctx, w.pool, one)) }
	}
	if len(op.targets) > 1 || kind >= 6 && kind <= 10 || kind == 14 {
		for _, target := range op.targets {
			op.name += fmt.Sprint(" ", target.number)
		}
	}
	if op.sync {
		op.name += " with its turn"
	}
	return op
}

// promise returns a pending that is done when a function is.
func (w *waitProgram) promise(f *waitFunction) *pending.Pending[int] {
	p := pending.New[int](w.Context(), pending.CompletedBy(f.p))
	f.p.OnDone(func(pending.Handle) { p.SetResult(1) })
	return p
}

func (l *waitLock) name() string {
	if l.mutex != nil {
		return fmt.Sprintf("mutex %p", l)
	}
	return fmt.Sprintf("semaphore %p", l)
}

// The model: what happens, without a search for deadlocks.

// begin does what a function does at once when it begins to wait.
func (w *waitProgram) begin(f *waitFunction) {
	switch op := f.op; {
	case op.lock != nil:
		op.lock.queue = append(op.lock.queue, f)
		op.lock.grant()
	case op.caller != nil:
		op.caller.queue = append(op.caller.queue, op)
	case op.job:
		w.jobs = append(w.jobs, op)
	}
}

func (l *waitLock) grant() {
	for len(l.queue) > 0 && len(l.holders) < l.size {
		f := l.queue[0]
		l.queue = l.queue[1:]
		l.holders = append(l.holders, f)
		f.op.done = true
	}
}

// release has a function let go of all that it holds. It returns what does so.
func (w *waitProgram) release(f *waitFunction) func() {
	var do []func()
	for _, l := range w.locks {
		for i := slices.Index(l.holders, f); i >= 0; i = slices.Index(l.holders, f) {
			l.holders = slices.Delete(l.holders, i, i+1)
			if l.mutex != nil {
				do = append(do, l.mutex.Unlock)
			} else {
				do = append(do, func() { l.sem.Release(1) })
			}
		}
		l.grant()
	}
	return func() {
		for _, do := range do {
			do()
		}
	}
}

// blocker returns the function that keeps the turn of a caller, or nil.
func (w *waitProgram) blocker(c *waitCaller) *waitFunction {
	for _, f := range w.functions {
		if f.on == c && f.keeps() {
			return f
		}
	}
	return nil
}

// busyWorkers are the functions at work for the pool.
func (w *waitProgram) busyWorkers() (busy []*waitFunction) {
	for _, f := range w.functions {
		if f.on == nil && f.state != waitQueued && f.state != waitDone {
			busy = append(busy, f)
		}
	}
	return busy
}

// isOver reports whether what a function waits for has come.
func (w *waitProgram) isOver(op *waitOperation) bool {
	isDone := func(f *waitFunction) bool { return f.state == waitDone }
	switch {
	case op.lock != nil, op.caller != nil, op.job:
		return op.done
	case op.any:
		return slices.ContainsFunc(op.targets, isDone)
	default:
		return !slices.ContainsFunc(op.targets, func(f *waitFunction) bool { return !isDone(f) })
	}
}

// finish ends the wait of a function.
func (w *waitProgram) finish(f *waitFunction) {
	if f.keeps() || f.on == nil {
		f.state = waitIdle
	} else {
		f.state = waitWants
	}
	f.op = nil
}

// advance does one thing that happens by itself, if there is one.
func (w *waitProgram) advance() bool {
	for _, f := range w.functions {
		switch {
		case f.state == waitBusy && w.isOver(f.op):
			w.finish(f)
			return true
		case f.state == waitWants && w.blocker(f.on) == nil:
			f.state = waitIdle
			return true
		}
	}
	for _, c := range append([]*waitCaller{w.ending}, w.callers...) {
		if len(c.queue) > 0 && w.blocker(c) == nil {
			switch item := c.queue[0].(type) {
			case *waitFunction:
				item.state = waitIdle
			case *waitOperation:
				item.done = true
			}
			c.queue = c.queue[1:]
			return true
		}
	}
	if len(w.jobs) > 0 && len(w.busyWorkers()) < w.workers {
		switch job := w.jobs[0].(type) {
		case *waitFunction:
			job.state = waitIdle
		case *waitOperation:
			job.done = true
		}
		w.jobs = w.jobs[1:]
		return true
	}
	return false
}

// settle lets everything happen that does, and has the waits fail that can never end.
func (w *waitProgram) settle() {
	for {
		if w.advance() {
			continue
		}
		f := w.deadlock()
		if f == nil {
			return
		}
		f.told++
		w.deadlocks++
		if l := f.op.lock; l != nil {
			l.queue = slices.DeleteFunc(l.queue, func(other *waitFunction) bool { return other == f })
			l.grant()
		}
		w.finish(f)
	}
}

// check compares the model with what is.
func (w *waitProgram) check(what string) {
	time.Sleep(200 * time.Millisecond)
	synctest.Wait()
	var is, want []string
	for _, f := range w.functions {
		is = append(is, fmt.Sprintf("%d %v %d", f.number, f.is, f.fails))
		want = append(want, fmt.Sprintf("%d %v %d", f.number, f.state, f.told))
	}
	w.log = append(w.log, what+"\n\t"+strings.Join(want, ", "))
	require.Equal(w, want, is, "%s", what)
}

// The naive search.

// modelNode is a node of the whole world: what it needs, and whether one is enough.
type modelNode struct {
	needs []string
	any   bool
	live  bool
}

// deadlock returns the function whose wait has to fail, or nil.
func (w *waitProgram) deadlock() *waitFunction {
	nodes := w.nodes()
	live := make(map[string]bool)
	for changed := true; changed; {
		changed = false
		for name, n := range nodes {
			isLive := func(name string) bool { return live[name] }
			all := !slices.ContainsFunc(n.needs, func(name string) bool { return !live[name] })
			if !live[name] && (n.live || n.any && slices.ContainsFunc(n.needs, isLive) || !n.any && all) {
				live[name], changed = true, true
			}
		}
	}
	var dead []string
	reaches := make(map[string]map[string]bool)
	for name, n := range nodes {
		if live[name] {
			continue
		}
		dead = append(dead, name)
		reaches[name] = make(map[string]bool)
		for _, other := range n.needs {
			if !live[other] {
				reaches[name][other] = true
			}
		}
	}
	for _, through := range dead {
		for _, from := range dead {
			for _, to := range dead {
				if reaches[from][through] && reaches[through][to] {
					reaches[from][to] = true
				}
			}
		}
	}
	// A circle that needs no other one: what it reaches leads back.
	var last *waitFunction
	for _, f := range w.functions {
		name, wait := fmt.Sprint("function ", f.number), fmt.Sprint("wait ", f.number)
		if live[name] || !reaches[name][wait] || !reaches[wait][name] {
			continue
		}
		first := true
		for other := range reaches[name] {
			first = first && reaches[other][name]
		}
		if !first || last != nil && !reaches[name][fmt.Sprint("function ", last.number)] {
			continue
		}
		if last == nil || f.began > last.began {
			last = f
		}
	}
	return last
}

func (w *waitProgram) nodes() map[string]modelNode {
	nodes := make(map[string]modelNode)
	function := func(f *waitFunction) string { return fmt.Sprint("function ", f.number) }
	turn := func(c *waitCaller) string { return fmt.Sprint("turn ", c.number) }
	for _, c := range append([]*waitCaller{w.item.on, w.ending}, w.callers...) {
		n := modelNode{}
		if b := w.blocker(c); b != nil {
			n.needs = []string{function(b)}
		}
		nodes[turn(c)] = n
	}
	pool := modelNode{any: true}
	busy := w.busyWorkers()
	for _, f := range busy {
		pool.needs = append(pool.needs, function(f))
	}
	pool.live = len(busy) < w.workers
	nodes["pool"] = pool
	for _, f := range w.functions {
		n := modelNode{}
		if f.on != nil && !f.keeps() && f.state != waitDone {
			n.needs = append(n.needs, turn(f.on))
		}
		if f.on == nil && f.state == waitQueued {
			n.needs = append(n.needs, "pool")
		}
		if f.state == waitBusy {
			name := fmt.Sprint("wait ", f.number)
			wait := modelNode{any: f.op.any, live: f.op.live}
			for _, target := range f.op.targets {
				wait.needs = append(wait.needs, function(target))
			}
			switch {
			case f.op.lock != nil:
				wait.any = true
				for _, holder := range f.op.lock.holders {
					wait.needs = append(wait.needs, function(holder))
				}
			case f.op.caller != nil:
				wait.needs = append(wait.needs, turn(f.op.caller))
			case f.op.job:
				wait.needs = append(wait.needs, "pool")
			}
			nodes[name] = wait
			n.needs = append(n.needs, name)
		}
		nodes[function(f)] = n
	}
	return nodes
}
