package sched

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/watchdog"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/scheduled"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// fakeOwner notes what its scheduler reports.
type fakeOwner struct {
	name   string
	parent *Scheduler
	limit  time.Duration // for turns
	dog    watchdog.Watchdog

	deadlocks Deadlocks

	mu       sync.Mutex
	handled  []any
	rejected []any
	panics   []error
	finished int
	exits    []any
	slow     []SlowTurn
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

func (o *fakeOwner) Name() string                { return o.name }
func (o *fakeOwner) Logger() *slog.Logger        { return slog.New(slog.DiscardHandler) }
func (o *fakeOwner) Describe(m map[string]any)   { m["owner"] = o.name }
func (o *fakeOwner) WorkerID() string            { return "" }
func (o *fakeOwner) Parent() *Scheduler          { return o.parent }
func (o *fakeOwner) Deadlocks() *Deadlocks       { return &o.deadlocks }
func (o *fakeOwner) NeedsWorker(n *future.Needs) { n.Live = true }
func (o *fakeOwner) StopError() error            { return future.ErrStopped }
func (o *fakeOwner) ExecutorLost(error)          {}
func (o *fakeOwner) Left(*Task, error)           {}

func (o *fakeOwner) PanicError(value any, stack []byte) error {
	return &pending.PanicError{Value: value, Stack: stack}
}
func (o *fakeOwner) Call(fn Func)                 { fn() }
func (o *fakeOwner) Dropped()                     {}
func (o *fakeOwner) TurnLimit() time.Duration     { return o.limit }
func (o *fakeOwner) Watchdog() *watchdog.Watchdog { return &o.dog }

func (o *fakeOwner) Failed(bool, bool) {}

func (o *fakeOwner) Finished(*Task) { o.note(func() { o.finished++ }) }

func (o *fakeOwner) Rejected(items []any) {
	o.note(func() { o.rejected = append(o.rejected, items...) })
}

func (o *fakeOwner) SlowTurn(t SlowTurn) (report func()) {
	if t.Queued == 0 {
		return nil
	}
	return func() { o.note(func() { o.slow = append(o.slow, t) }) }
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

func (o *fakeOwner) Panicked(_ *Task, p error) {
	o.note(func() { o.panics = append(o.panics, p) })
}

func (o *fakeOwner) Goexit(item any) {
	o.note(func() { o.exits = append(o.exits, item) })
}

// fakeCall is a call as package actors makes it.
type fakeCall struct {
	scheduled.Call[int]
	task Task
}

func newCall(ctx context.Context, s *Scheduler, fn func(context.Context) (int, error)) *fakeCall {
	c := &fakeCall{}
	c.task.Init(c, s)
	c.Init(ctx, fn, &c.task)
	return c
}

// newScheduler returns a scheduler that is not started.
func newScheduler(name string, options Options) (*Scheduler, *fakeOwner) {
	return newWatched(name, 0, options)
}

// newWatched is newScheduler with a limit for turns.
func newWatched(name string, limit time.Duration, options Options) (*Scheduler, *fakeOwner) {
	owner := &fakeOwner{name: name, limit: limit}
	s := &Scheduler{}
	s.Init(owner, options)
	s.Attach(actor.NewDefaultDispatcher(300), true)
	return s, owner
}

// startWatched returns a scheduler that runs, with a limit for turns. It is idle at the end
// of the test.
func startWatched(t *testing.T, limit time.Duration) (*Scheduler, *fakeOwner) {
	s, owner := newWatched("s", limit, Options{})
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
