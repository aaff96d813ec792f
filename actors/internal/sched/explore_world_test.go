package sched

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/seed-7fcaac1b/protocaller/internal/explore"
	"github.com/seed-7fcaac1b/protocaller/internal/scheduled"
)

// world is a few schedulers and the goroutines around them, driven step by step on one
// goroutine. A goroutine is a process: a coroutine that stops before each of its steps. A
// step is one critical section or one action without a lock. The states are real. What is
// around them is the model in explore_shell_test.go.
type world struct {
	*explore.World
	scheds  []*model
	tasks   []*exTask
	threads []*exThread
	sources []*Source
	queues  []*exQueue
	vars    [4]int // of the script

	deadlocks Deadlocks
	waits     uint64 // numbers the waits
	graph     bool   // circles of waits are looked for
	searches  bool   // that is left to the search
	looks     []*exLook
	hooked    bool // there is a hook

	freeWaits []*waitState
	procs     map[*explore.Proc]*proc
	buf       []byte
}

// script builds a world.
type script struct {
	name  string
	build func(w *world)
}

// explored returns the script as package explore has it.
func (s script) explored() explore.Script {
	return explore.Script{Name: s.name, Build: func(of *explore.World) explore.Model {
		w := &world{World: of, procs: make(map[*explore.Proc]*proc)}
		of.Locates, of.Show = true, w.show
		s.build(w)
		return w
	}}
}

func explored(scripts []script) []explore.Script {
	of := make([]explore.Script, 0, len(scripts))
	for _, s := range scripts {
		of = append(of, s.explored())
	}
	return of
}

// proc is a goroutine.
type proc struct {
	*explore.Proc
	w *world

	loops    []*exLoop
	sleepsOn *waitState
	signaled bool
	co       *exCoroutine // that the process is, or nil
}

// role says where the right to run the loop of a scheduler is.
type role uint8

const (
	nobody   role = iota
	starting      // a start was returned and has not begun
	held          // by a process
	handed        // to a task that is about to wake
)

// model is a scheduler, with what its state should be: a second account, which only the
// model of the shell keeps.
type model struct {
	w    *world
	id   int
	name string
	*Scheduler
	sync bool // the dispatcher runs the loop on the goroutine that submits

	role   role
	holder *proc

	queue, ahead, control []any
	last                  *Source // submitted last to the queue
	urgent                []any
	inRow                 int // urgent items since the last other one
	taken                 uint64
	hook, gate            *exTask
	runnable, parked      []*exTask
	deferred              any
	deferredFinal         bool
	paused, notifying     bool
	awaiting              bool
	queueNext             bool
	closedIntake          bool
	holds                 int

	lentWork int  // values in the channel of the borrowed goroutine
	lentEnd  bool // the goroutine that called RunHere is to return
	host     *exHost

	parent             *model
	children           []*model
	claimed            bool // somebody else is about to open it
	stopping, finished bool
	restarting         bool
	messages           int     // that were handled
	dropping           int     // tasks that have ended unstarted, and were not noted
	finalHook          *exTask // that a stop runs; nil for none
	restarts           bool    // a panic pauses the scheduler, and a timer restarts it
	backoffs           int     // timers that are to fire
}

type exOwner struct {
	*fakeOwner
	m *model
}

func (o exOwner) Deadlocks() *Deadlocks { return &o.m.w.deadlocks }

// exTask is a call with its pending.
type exTask struct {
	scheduled.Call[int]
	task Task
	w    *world
	m    *model
	id   int
	name string
	fn   func(p *proc, t *exTask)

	submitted, isPromise  bool
	begun, done, canceled bool
	ended, ran            int
	abandoned             bool
	left                  bool // its function has returned
	shields               bool // it waits whatever its context says
	isHook                bool
	waiters               []*exTask
	waitsFor              *exTask
	circle                bool // a wait of it has failed with ErrDeadlock
	deep                  bool // a wait of it was left to the search
}

func (t *exTask) IsDone() bool                     { return t.done }
func (t *exTask) Run() error                       { panic("not used") }
func (t *exTask) Reject(error)                     {}
func (t *exTask) Release()                         {}
func (t *exTask) Interrupt(error)                  {}
func (t *exTask) FunctionContext() context.Context { return context.Background() }
func (t *exTask) Name() string                     { return t.name }
func (t *exTask) String() string                   { return t.name }

// noRunner is the runner of the pendings inside, which only the wait graph looks at.
type noRunner struct{ *Task }

func (noRunner) Left(error) {}
func (noRunner) Dropped()   {}

// exMessage is a message, or a function without a pending.
type exMessage struct {
	id   int
	name string
	do   func(p *proc) // the handler; nil does nothing
}

func (m *exMessage) String() string { return m.name }

// exThread is what the model knows of a pinned executor.
type exThread struct {
	*pinned
	m    *model
	id   int
	jobs []job
	cos  []*exCoroutine
	gone bool
}

// exHost is the loop of a host.
type exHost struct {
	th    *exThread
	posts int
	ended bool
}

// exCoroutine is a coroutine of a pinned executor.
type exCoroutine struct {
	*coroutine
	id     int
	active bool // the goroutine is in it
	ended  bool
	exited bool // by Goexit, which ends the goroutine as well
}

func (w *world) failf(format string, args ...any) { w.Failf(format, args...) }

// scheduler adds a scheduler that is started.
func (w *world) scheduler(name string, options Options) *model {
	m := w.unstarted(name, options)
	m.state.notStarted = false
	return m
}

func (w *world) unstarted(name string, options Options) *model {
	m := &model{w: w, id: len(w.scheds), name: name, Scheduler: &Scheduler{}}
	m.Init(exOwner{&fakeOwner{name: name}, m}, options)
	m.dispatcher = exDispatcher{}
	m.state.options.async = true
	w.scheds = append(w.scheds, m)
	return m
}

type exDispatcher struct{}

func (exDispatcher) Schedule(func()) {}
func (exDispatcher) Throughput() int { return 300 }

func (m *model) String() string { return m.name }

// task makes a task that is not submitted.
func (m *model) task(name string, fn func(p *proc, t *exTask)) *exTask {
	t := &exTask{w: m.w, m: m, id: len(m.w.tasks), name: name, fn: fn}
	t.task.Init(t, m.Scheduler)
	if m.w.graph {
		t.Init(context.Background(), nil, noRunner{&t.task})
	}
	m.w.tasks = append(m.w.tasks, t)
	return t
}

func (w *world) message(name string, do func(p *proc)) *exMessage {
	return &exMessage{w.NewID(), name, do}
}

// spawn starts a process, which runs to its first step.
func (w *world) spawn(name string, fn func(p *proc)) {
	p := &proc{w: w}
	w.Spawn(name, func(of *explore.Proc) {
		p.Proc = of
		w.procs[of] = p
	}, func(*explore.Proc) { fn(p) })
}

// step ends the step before, and names the next one.
func (p *proc) step(label string, args ...any) { p.Step(label, args...) }

// await is step for a step that can be made when ready reports true.
func (p *proc) await(ready func() bool, label string, args ...any) { p.Await(ready, label, args...) }

func (p *proc) goexit() { p.Goexit() }

// running returns the processes that have not ended.
func (w *world) running() []*proc {
	var of []*proc
	for _, p := range w.Procs() {
		of = append(of, w.procs[p])
	}
	return of
}

func (w *world) show(arg any) string {
	switch arg := arg.(type) {
	case nil:
		return "-"
	case *Task:
		return arg.work.(*exTask).name
	case *waitState:
		if t := w.waiter(arg); t != nil {
			return "the goroutine of " + t.name
		}
		return "a goroutine that does not wait any more"
	case *goroutines:
		return "a goroutine"
	case *borrowed:
		return "the borrowed goroutine"
	case *pinned:
		return "the pinned goroutine"
	case *coroutine:
		return "a coroutine"
	case controlMessage:
		return "control " + w.show(arg.message)
	case deferredMessage:
		return "deferred " + w.show(arg.message)
	}
	return fmt.Sprint(arg)
}

// waiter returns the task that uses w.
func (w *world) waiter(s *waitState) *exTask {
	for _, t := range w.tasks {
		if t.task.wait == s {
			return t
		}
	}
	return nil
}

// Check implements [explore.Model].
func (w *world) Check() {
	for _, m := range w.scheds {
		m.check()
	}
	if w.graph {
		w.checkGraph()
	}
}

var hashSeed = maphash.MakeSeed()

// Hash implements [explore.Model].
func (w *world) Hash() uint64 {
	b := w.buf[:0]
	for _, v := range w.vars {
		b = w.encode(b, v)
	}
	for _, m := range w.scheds {
		b = m.encode(b)
	}
	for _, t := range w.tasks {
		b = t.encode(b)
	}
	for _, q := range w.queues {
		b = q.encode(b)
	}
	for _, th := range w.threads {
		b = w.encode(b, th.woken, th.closed, th.suspended, th.current, th.first, len(th.wakeup), th.gone, len(th.jobs))
		for _, j := range th.jobs {
			b = w.encode(b, j.resume)
		}
		for _, c := range th.cos {
			b = w.encode(b, c.active, c.ended, c.exited)
		}
	}
	for _, s := range w.deadlocks.suspects {
		b = w.encode(b, s.task, s.task.waitNumber() == s.number)
	}
	for _, l := range w.looks {
		b = l.encode(w, append(b, 'l'))
	}
	var ps []uint64
	for _, p := range w.running() {
		at := len(b)
		b = binary.LittleEndian.AppendUint64(b, p.Where)
		b = w.encode(b, p.Args...)
		for _, l := range p.loops {
			b = w.encode(b, l.m, l.on, l.item, l.returned, l.onMain, l.messages, min(l.left, 50))
		}
		b = w.encode(b, p.sleepsOn, p.signaled)
		if p.co != nil {
			b = w.encode(b, p.co.id)
		}
		ps = append(ps, maphash.Bytes(hashSeed, b[at:]))
		b = b[:at]
	}
	slices.Sort(ps) // processes have no names that matter
	for _, h := range ps {
		b = binary.LittleEndian.AppendUint64(b, h)
	}
	w.buf = b
	return maphash.Bytes(hashSeed, b)
}

func (m *model) encode(b []byte) []byte {
	s := &m.state
	b = m.w.encode(b, s.slowPath.Load(), s.closed.Load(), s.looping, s.notStarted, s.paused, s.awaitingParent,
		s.notifyingStop, s.deferredFinal, s.queueNext, s.deferred, int(s.holds), int(s.drops), s.current.Load(),
		s.main.load(), s.alternate.load(), s.loopOn.Load(), s.borrowed, s.starting, s.batch != nil, s.queue.Len(),
		byte(m.role), m.lentWork, m.lentEnd, m.stopping, m.finished, m.restarting, m.messages, len(s.idleCh()), m.backoffs)
	if s.batch != nil {
		b = m.w.encode(b, int(s.cursor.Load()), s.batch.Len())
	}
	if s.borrowed != nil {
		b = m.w.encode(b, s.borrowed.busy, s.borrowed.asked-s.borrowed.taken)
	}
	if m.host != nil {
		b = m.w.encode(b, m.host.posts, m.host.ended)
	}
	b = m.w.encode(b, m.hook, m.gate, m.inRow)
	for _, lane := range [][]any{m.control, m.urgent, m.ahead, m.queue} {
		b = m.w.encode(append(b, 'l'), lane...)
	}
	for _, lane := range [][]*exTask{m.runnable, m.parked} {
		b = append(b, 'l')
		for _, t := range lane {
			b = append(b, byte(t.id))
		}
	}
	return b
}

func (t *exTask) encode(b []byte) []byte {
	b = t.w.encode(b, t.begun, t.done, t.canceled, t.abandoned, t.left, t.circle, t.waitsFor, len(t.waiters))
	for _, w := range t.waiters {
		b = append(b, byte(w.id))
	}
	b = append(b, byte(t.task.state))
	b = t.w.encode(b, t.task.woken, t.task.abandoned, t.task.panicked, t.task.wait != nil)
	if w := t.task.wait; w != nil {
		b = t.w.encode(b, w.over, w.err != nil, w.borrowed, w.coroutine)
	}
	return b
}

func (w *world) encode(b []byte, vs ...any) []byte {
	for _, v := range vs {
		switch v := v.(type) {
		case nil:
			b = append(b, 0)
		case bool:
			if v {
				b = append(b, 1)
			} else {
				b = append(b, 2)
			}
		case byte:
			b = append(b, v)
		case int:
			b = binary.LittleEndian.AppendUint16(append(b, 'i'), uint16(v)) //nolint:gosec // Small.
		case string:
			b = append(append(b, '"'), v...)
		case error:
			b = append(append(b, 'e'), v.Error()...)
		case *exTask:
			if v == nil {
				b = append(b, 0)
			} else {
				b = append(b, 't', byte(v.id))
			}
		case *Task:
			if v == nil {
				b = append(b, 0)
			} else {
				b = append(b, 't', byte(v.work.(*exTask).id))
			}
		case []*exTask:
			b = append(b, '[')
			for _, t := range v {
				b = append(b, byte(t.id))
			}
		case *model:
			b = append(b, 'm', byte(v.id))
		case *exMessage:
			b = binary.LittleEndian.AppendUint16(append(b, 'M'), uint16(v.id)) //nolint:gosec // Small.
		case *Source:
			b = append(b, 'S', byte(slices.Index(w.sources, v)))
		case controlMessage:
			b = w.encode(append(b, 'C'), v.message)
		case deferredMessage:
			b = w.encode(append(b, 'D'), v.message)
		case *waitState:
			if v == nil {
				b = append(b, 0)
			} else if t := w.waiter(v); t != nil {
				b = append(b, 'w', byte(t.id))
			} else {
				b = append(b, 'W')
			}
		case *goroutines:
			b = w.encode(append(b, 'g'), v.dispatched, v.item)
		case *borrowed:
			if v == nil {
				b = append(b, 0)
			} else {
				b = append(b, 'b')
			}
		case *submitter:
			b = w.encode(append(b, 's'), v.returned.Load())
		case *pinned:
			if v == nil {
				b = append(b, 0)
			} else {
				b = append(b, 'p', byte(w.thread(v).id))
			}
		case *exThread:
			b = append(b, 'p', byte(v.id))
		case *coroutine:
			if v == nil {
				b = append(b, 0)
			} else {
				b = append(b, 'c', byte(w.coroutine(v).id))
			}
		case []any:
			b = w.encode(append(b, '['), v...)
		case []waker:
			b = append(b, '[')
			for _, k := range v {
				b = w.encode(b, k)
			}
		default:
			panic(fmt.Sprintf("encode %T", v))
		}
	}
	return b
}
