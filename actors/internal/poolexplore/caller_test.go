//go:build explored

package poolexplore

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/seed-7fcaac1b/protocaller/internal/explore/sim"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/scheduled"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// What follows is a model of the callers around the pool. It does with workers what
// stop.go, restart.go, grace.go, lifecycle.go and mailbox.go of package actors do. It also
// does what the scheduler of a worker does. Where these take a lock there is a step.

// State is that of package actors.
type State int32

// The states.
const (
	StateInitial State = iota
	StateStarting
	StateRunning
	StateStopping
	StateStopped
)

// ErrOverloaded is that of package actors.
var ErrOverloaded = errors.New("overloaded")

var errRestarted = errors.New("restarted")

// Caller is the caller that owns the pool, or one of its workers.
type Caller struct {
	w        *exWorld
	name     string
	sched    schedScheduler
	config   *props.Config
	worker   *worker
	parent   *Caller
	registry *registry
	state    sim.Int32
	draining bool

	mu         sim.Mutex
	coldState  *coldState
	children   []*Caller
	restarting bool // a restart was decided on, and has not ended
}

type coldState struct{ workers *pool }

type registry struct {
	watchdog *watchdog
	steps    *struct{} // always nil: this exploration has points of its own
	recorder *struct{} // as steps
}

func (c *Caller) step(_ string, fn func()) func() { return fn }

// watchdog counts how often it was woken.
type watchdog struct{ woken int }

func (d *watchdog) Wake() { d.woken++ }

type mailbox Caller

func (c *Caller) mailbox() *mailbox { return (*mailbox)(c) }

func (c *Caller) cold() *coldState {
	if c.coldState == nil {
		c.coldState = &coldState{}
	}
	return c.coldState
}

// State returns the state.
func (c *Caller) State() State { return State(c.state.Load()) }

func (c *Caller) path() string                  { return c.name }
func (c *Caller) withStopCause(err error) error { return err }

func (c *Caller) admit(context.Context) error {
	sim.Step("look whether the owner drains")
	c.w.Note()
	if c.draining {
		return pending.ErrStopped
	}
	return nil
}

func (c *Caller) noteAccepted() {}

func (c *Caller) observer(any, int) future.Observer { return nil }

func requireCall(context.Context, *Caller, bool, string) {}

// child is Caller.child, with the start of the child.
func (c *Caller) child(config *props.Config, w *worker) (*Caller, error) {
	c.mu.Lock()
	if c.State() >= StateStopping {
		c.mu.Unlock()
		return nil, pending.ErrStopped
	}
	child := c.w.caller("worker", config)
	child.parent, child.worker, w.caller = c, w, child
	child.state.Store(int32(StateStarting))
	child.sched.notStarted = true
	c.children = append(c.children, child)
	c.mu.Unlock()
	c.w.spawned++
	if c.w.spawned == c.w.failingSpawn {
		child.stop(errSpawn)
		child.sched.open()
		return child, errSpawn
	}
	child.sched.open()
	child.state.CompareAndSwap(int32(StateStarting), int32(StateRunning))
	return child, nil
}

var errSpawn = errors.New("the worker cannot be spawned")

// stop is Caller.stop, with beginStop.
func (c *Caller) stop(error) {
	c.mu.Lock()
	if c.State() >= StateStopping {
		c.mu.Unlock()
		return
	}
	c.state.Store(int32(StateStopping))
	children := slices.Clone(c.children)
	rejected, active := c.sched.close()
	c.mu.Unlock()

	err := pending.ErrStopped
	for _, t := range active {
		t.of.Reject(err)
		t.of.Interrupt(err)
	}
	for _, item := range rejected {
		if t, ok := item.(*schedTask); ok {
			t.of.Reject(err)
			c.releaseWorker(t)
		}
	}
	c.closePool(err)
	if c.worker != nil {
		c.worker.pool.stopWorker(c.worker)
	}
	for _, child := range children {
		child.stop(nil)
	}
	if len(active) > 0 {
		c.startGrace()
	}
	c.sched.submitControl(func() { c.sched.deferMessage(c.finalize, true) })
}

// finalize is Caller.finalize.
func (c *Caller) finalize() {
	if c.worker != nil {
		c.worker.pool.drop(c.worker)
	}
	c.state.Store(int32(StateStopped))
}

// startGrace begins a grace period, which may end at any time.
func (c *Caller) startGrace() {
	if c.w.isPatient {
		return
	}
	c.w.Go("end of the grace of "+c.name, func() {
		sim.Step("the grace period ends")
		late := c.sched.active()
		var cause error
		if c.State() >= StateStopping {
			cause = pending.ErrStopped
		}
		for _, t := range late {
			c.w.Note()
			t.given = true
			t.of.Abandon(cause)
		}
		c.sched.abandon(late)
		for _, t := range late {
			c.releaseAbandoned(t)
		}
	})
}

// failed is Caller.failed: what a panic does.
func (c *Caller) failed() {
	if c.State() >= StateStopping || c.isRestarting() {
		return
	}
	switch c.w.policy {
	case supervision.ActionRestart:
		c.restartAfter()
	case supervision.ActionStop:
		c.stop(nil)
	case supervision.ActionEscalate:
		c.mu.Lock()
		if c.worker != nil {
			c.worker.hasEscalated.Store(true)
		}
		c.mu.Unlock()
		c.sched.pause(true)
		c.w.Go("decision on "+c.name, func() {
			sim.Step("the parent decides")
			c.sched.submitControl(c.resumed)
		})
	}
}

func (c *Caller) isRestarting() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.restarting
}

func (c *Caller) restartAfter() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.State() >= StateStopping {
		return
	}
	c.state.Store(int32(StateStarting))
	c.sched.pause(true)
	c.restarting = true
	c.w.Go("backoff of "+c.name, func() {
		c.w.await(c.w.backoffEnds, "the backoff ends")
		c.sched.submitControl(c.prepareRestart)
	})
}

func (c *Caller) prepareRestart() {
	if c.State() >= StateStopping {
		return
	}
	c.sched.deferMessage(c.beginRestart, false)
	active := c.sched.active()
	for _, t := range active {
		t.of.Cancel(errRestarted)
	}
	if len(active) > 0 {
		c.startGrace()
	}
}

func (c *Caller) beginRestart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.State() < StateStopping {
		c.state.Store(int32(StateStarting))
	}
	c.sched.submitControl(c.resumed)
}

func (c *Caller) resumed() {
	c.mu.Lock()
	c.restarting = false
	if c.worker != nil {
		c.worker.hasEscalated.Store(false)
	}
	c.state.CompareAndSwap(int32(StateStarting), int32(StateRunning))
	c.mu.Unlock()
	c.sched.pause(false)
	if c.worker != nil {
		c.worker.pool.ready(c.worker)
	}
}

// call is that of package actors.
type call[T any] struct {
	scheduled.Call[T]
	task schedTask
}

func newCall[T any](
	ctx context.Context, _ *Caller, s *schedScheduler, fn func(context.Context) (T, error), _ ...future.Observer,
) *call[T] {
	c := &call[T]{}
	c.task.of, c.task.sched = c, s
	c.Init(ctx, fn, &c.task)
	return c
}

func (c *call[T]) schedulable() *schedTask { return &c.task }

type work interface {
	pending.Handle
	Run() error
	Fail(err error) bool
	Reject(err error)
	Interrupt(err error)
	Abandon(err error)
	schedulable() *schedTask
}

// schedTask is the runner of a call.
type schedTask struct {
	Tag   uint8
	of    work
	sched *schedScheduler

	interrupted bool
	given       bool // up, as it has not returned in time
	abandoned   bool // guarded by the mu of the scheduler
}

func workOf(t *schedTask) work { return t.of }

func (t *schedTask) Assign(s *schedScheduler) { t.sched = s }

// Left implements [future.Runner].
func (t *schedTask) Left(crash error) {
	c := t.sched.c
	if crash == nil || c.w.policy == supervision.ActionCapture {
		c.releaseWorker(t)
	}
}

// Dropped implements [future.Runner].
func (t *schedTask) Dropped() {}

// Logger implements [future.Runner].
func (t *schedTask) Logger() *slog.Logger { return slog.New(slog.DiscardHandler) }

// Describe implements [future.Runner].
func (t *schedTask) Describe(map[string]any) {}

// IsWaiting implements [future.Runner].
func (t *schedTask) IsWaiting() bool { return false }

// Awaited implements [future.Runner].
func (t *schedTask) Awaited() {}

// Failed implements [future.Runner].
func (t *schedTask) Failed(bool, bool) {}

// Park implements [future.Turn].
func (t *schedTask) Park(future.Wait, bool) error { panic("not used") }

// Resume implements [future.Turn].
func (t *schedTask) Resume() {
	t.sched.c.w.Note()
	t.interrupted = true
}

// Recheck implements [future.Turn].
func (t *schedTask) Recheck(future.Node) {}
