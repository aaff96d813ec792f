package sched

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// fakeOwner notes what its scheduler reports.
type fakeOwner struct {
	name   string
	parent *Scheduler

	deadlocks Deadlocks

	mu       sync.Mutex
	handled  []any
	rejected []any
	panics   []*pending.PanicError
	finished int
	exits    []any
	slow     []string
	quiesced []any

	onControl func(message any)
	onMessage func(message any)
}

var _ Owner = (*fakeOwner)(nil)

func (o *fakeOwner) note(do func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	do()
}

func (o *fakeOwner) Name() string                    { return o.name }
func (o *fakeOwner) Logger() *slog.Logger            { return slog.New(slog.DiscardHandler) }
func (o *fakeOwner) Describe(m pending.Metadata)     { m["owner"] = o.name }
func (o *fakeOwner) WorkerID() string                { return "" }
func (o *fakeOwner) Parent() *Scheduler              { return o.parent }
func (o *fakeOwner) Deadlocks() *Deadlocks           { return &o.deadlocks }
func (o *fakeOwner) NeedsWorker(n *pending.Needs)    { n.Live = true }
func (o *fakeOwner) StopError() error                { return pending.ErrStopped }
func (o *fakeOwner) ExecutorLost(error)              {}
func (o *fakeOwner) Left(*Task, *pending.PanicError) {}
func (o *fakeOwner) Call(fn Func)                    { fn() }
func (o *fakeOwner) Dropped()                        {}

func (o *fakeOwner) Finished(*Task) { o.note(func() { o.finished++ }) }

func (o *fakeOwner) Rejected(items []any) {
	o.note(func() { o.rejected = append(o.rejected, items...) })
}

func (o *fakeOwner) SlowTurn(t *Task, _ time.Duration, stack []byte) {
	o.note(func() { o.slow = append(o.slow, t.work.Name()+"\n"+string(stack)) })
}

func (o *fakeOwner) Control(message any) {
	o.note(func() { o.handled = append(o.handled, message) })
	if o.onControl != nil {
		o.onControl(message)
	}
}

func (o *fakeOwner) Message(message any) {
	o.note(func() { o.handled = append(o.handled, message) })
	if o.onMessage != nil {
		o.onMessage(message)
	}
}

func (o *fakeOwner) Quiesced(message any) {
	o.note(func() { o.quiesced = append(o.quiesced, message) })
}

func (o *fakeOwner) Panicked(_ *Task, p *pending.PanicError) {
	o.note(func() { o.panics = append(o.panics, p) })
}

func (o *fakeOwner) Goexit(item any) {
	o.note(func() { o.exits = append(o.exits, item) })
}

// fakeCall is a call as package actors makes it.
type fakeCall struct {
	pending.Task[int]
	task Task
}

func newCall(ctx context.Context, s *Scheduler, fn func(context.Context) (int, error), opts ...pending.Option) *fakeCall {
	c := &fakeCall{}
	c.task.Init(c, s)
	c.Init(ctx, fn, &c.task, opts...)
	return c
}

// newScheduler returns a scheduler that is not started.
func newScheduler(name string, options Options) (*Scheduler, *fakeOwner) {
	owner := &fakeOwner{name: name}
	s := &Scheduler{}
	s.Init(owner, options)
	s.Attach(actor.NewDefaultDispatcher(300), true)
	return s, owner
}

// startScheduler returns a scheduler that runs, and is idle at the end of the test.
func startScheduler(t *testing.T, name string, options Options) (*Scheduler, *fakeOwner) {
	s, owner := newScheduler(name, options)
	s.Ungate()
	t.Cleanup(func() { waitIdle(t, s) })
	return s, owner
}

func waitIdle(t *testing.T, s *Scheduler) {
	idle := s.IdleNotify()
	for !s.Idle() {
		select {
		case <-idle:
		case <-t.Context().Done():
		case <-time.After(time.Minute):
			require.Fail(t, "the scheduler is not idle")
		}
	}
}

func submit(t *testing.T, s *Scheduler, fn func(context.Context) (int, error)) *fakeCall {
	c := newCall(context.Background(), s, fn)
	require.NoError(t, s.Submit(&c.task, 0))
	return c
}
