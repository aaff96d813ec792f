package sched

import (
	"context"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/sentinel"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/watchdog"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// Lender is an [Owner] that may be the worker of a pool.
type Lender interface {
	// LendWorker lets the pool use the worker of a task, which is about to wait without
	// its turn. The task calls takeBack, on its turn, when the wait is over.
	LendWorker(t *Task) (takeBack func())
}

// Explored is an [Owner] in a test that chooses the order of steps.
type Explored interface{ steps.Source }

// Recorded is an [Owner] in a test that records what tasks do.
type Recorded interface{ steps.Recorded }

// Owner is whom a [Scheduler] schedules for. No method is called with a lock of the
// scheduler held. Those in the second group are called on the turn, by the run loop.
type Owner interface {
	// Name names the scheduler in errors and logs.
	Name() string
	// Logger returns where to report failures that have no other place.
	Logger() *slog.Logger
	// Describe adds to the metadata of a task's pending.
	Describe(map[string]any)
	// WorkerID returns the id of the worker that the owner is, or "".
	WorkerID() string
	// Parent returns the scheduler that decides on escalated failures, or nil.
	Parent() *Scheduler
	// Deadlocks returns what looks for circles of waits in the actor system.
	Deadlocks() *Deadlocks
	// NeedsWorker adds what a call needs that waits for a worker.
	NeedsWorker(n *future.Needs)
	// StopError returns the error of a task that a stop rejects.
	StopError() error
	// Rejected gets the items that a stop has removed from the run queue.
	Rejected(items []any)
	// PanicError makes the error of a panic, with its stack.
	PanicError(value any, stack []byte) error
	// ExecutorLost reports that the goroutine that called RunThread has ended. With an
	// error it reports that a host has lost a function.
	ExecutorLost(err error)
	// TurnLimit returns how long a turn may last while something waits for it, 0 for no
	// limit. It never changes.
	TurnLimit() time.Duration
	// Watchdog returns who watches the turns.
	Watchdog() *watchdog.Watchdog
	// SlowTurn returns what reports a turn that has lasted for TurnLimit, or nil if nothing
	// waits for it.
	SlowTurn(t SlowTurn) (report func())

	// Control handles a message of the control lane.
	Control(message any)
	// Message handles an item of the run queue that is no function.
	Message(message any)
	// Call runs a [Func].
	Call(fn Func)
	// Quiesced handles a deferred message: no task is left that it had to wait for.
	Quiesced(deferred any)
	// Failed reports that the pending of a task has ended with an error. started says
	// whether its function was called. It is called on any goroutine.
	Failed(started, cancelled bool)
	// Left reports that the function of a task has returned, or has panicked if crash is not
	// nil. It is called just before the pending is done.
	Left(t *Task, crash error)
	// Panicked reports the panic of a task that was not abandoned. crash is the error of its
	// pending.
	Panicked(t *Task, crash error)
	// Finished reports that a task has run, or never will.
	Finished(t *Task)
	// Goexit reports that the handler of an item has ended its goroutine.
	Goexit(item any)
}

// Work is the function behind a [Task], without its types. It is implemented by the
// calls and the queues of package actors.
type Work interface {
	future.Sealed
	// ID returns the number of the pending.
	ID() uint64
	// Name names the function.
	Name() string
	// Context returns the context that the pending was made with.
	Context() context.Context
	// IsDone reports whether the pending is done.
	IsDone() bool
	// Cancel cancels the pending.
	Cancel(cause error) bool
	// Run calls the function, and returns its panic if there was one.
	Run() error
	// Reject ends the pending, unless its function has started.
	Reject(cause error)
	// Interrupt ends the context of the function, if it runs.
	Interrupt(cause error)
	// Release lets go of the function, which will not be called.
	Release()
}

// Recurring is implemented by the Work of a task that runs more than once. It is called
// from any goroutine.
type Recurring interface {
	// HasWork reports whether the task has anything to do or does it.
	HasWork() bool
}

// Source is an item of the run queue that decides late which tasks are to run. It may be
// submitted any number of times, to one lane.
type Source struct {
	// Next returns the task to run, or nil for none, and whether more of them belong to
	// this item. It is called on the turn.
	Next func() (t *Task, more bool)
	// Stays says that the item keeps its place in the run queue while it has more tasks.
	// Without it Next says that there is no more. It is set before the first submission,
	// which is by [Scheduler.SubmitSource].
	Stays bool
	// Ended reports that Next has nothing to run any more.
	Ended func() bool

	// isLast is written with the scheduler's mu held.
	isLast atomic.Bool
}

// IsLast reports whether the source is what was last submitted to the run queue, by
// [Scheduler.SubmitSource]. It is false if the scheduler is closed. If it is true, more
// tasks of the source are in order with all other items.
func (s *Source) IsLast() bool { return s.isLast.Load() }

// Func is a function that needs no pending and never waits.
type Func func()

// Dispatcher runs the run loop on a goroutine of its choice. That of protoactor is one.
type Dispatcher interface {
	// Schedule has fn called. It may call fn itself, before it returns.
	Schedule(fn func())
	// Throughput is how many items the loop handles before it yields the processor.
	Throughput() int
}

// Host is a loop that belongs to somebody else.
type Host interface {
	// Post has fn called on the loop, soon. It may block.
	Post(fn func())
	// Name names the loop in errors and logs.
	Name() string
}

// Options are constant over the life of a [Scheduler].
type Options struct {
	// NonReentrant makes every wait keep the turn.
	NonReentrant bool
	// Anchored handles messages, control messages included, on the main executor. They
	// run user code there.
	Anchored bool
	// Thread says that the main executor is a thread, so that the alternate one is none.
	Thread bool
	// CheckTurns panics where a goroutine waits with the turn of another one.
	CheckTurns bool
	// DeepStack makes the loop's stack large before the first task that is observed.
	DeepStack bool
	// Explored says that the owner is an [Explored].
	Explored bool
	// Recorded says that the owner is a [Recorded].
	Recorded bool
	// MaxSuspended bounds how many tasks may have given their turn away; 0 is unbounded.
	MaxSuspended int
}

// SlowTurn is a turn that lasts long.
type SlowTurn struct {
	watchdog.Turn
	Task  *Task       // that has the turn; nil for the handler of a message or a [Func]
	Lasts func() bool // reports whether the turn lasts still

	// What waits in the scheduler.
	Queued   int   // items of the run queue
	Runnable int   // tasks that want their turn back
	Control  []any // messages of the control lane
	Deferred any   // message that waits until the scheduler is quiesced; nil for none
	Closed   bool  // the scheduler stops

	// Elsewhere returns what waits for the turn outside of the scheduler. Some tasks wait for
	// its task itself, others for what the task holds: the same one may be there several
	// times. They may wait through something that is no task, as a group. onLoop is how many
	// other schedulers need the loop of the host that the turn is on.
	Elsewhere func() (itself, held []Waiter, onLoop int)
}

// Waiter is a task that waits for another one.
type Waiter struct {
	Task *Task
	For  string // what the other one holds, and this one waits for; "" if that has no name
}

// ErrOverloaded is matched by the errors of limits.
var ErrOverloaded = sentinel.New("overloaded", "actors: overloaded")

// options are Options in little memory.
type options struct {
	nonReentrant, anchored, thread, checkTurns, deepStack, explored bool

	recorded     bool
	async        bool  // the dispatcher never runs a function on the goroutine that asks
	maxSuspended int32 // 0 is no limit
}

func (o Options) compact() options {
	return options{
		nonReentrant: o.NonReentrant, anchored: o.Anchored, thread: o.Thread, checkTurns: o.CheckTurns, deepStack: o.DeepStack,
		explored:     o.Explored,
		recorded:     o.Recorded,
		maxSuspended: int32(min(o.MaxSuspended, math.MaxInt32)), //nolint:gosec // It is not negative.
	}
}
