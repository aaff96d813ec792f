package actors

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/scheduled"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// work is what a task of ours runs: a call or a queue.
type work interface {
	pending.Handle
	sched.Work
	Abandon(cause error)
	Delay()
	Due()
	Limit(queued bool)
	Unlimit(queued bool)
	Fail(err error) bool
	schedulable() *sched.Task
	// entry returns the entry of the function, 0 if that is not known.
	entry() uintptr
	// heldUp says what waits until the function that runs has returned, besides calls.
	heldUp() []string
	// spanContext returns the context with the span of what runs.
	spanContext() context.Context
}

// workOf returns what a task runs.
func workOf(t *sched.Task) work { return t.Work().(work) }

// call is a pending, its function and its turn in one piece of memory.
type call[T any] struct {
	scheduled.Call[T]
	task sched.Task
}

func (c *call[T]) schedulable() *sched.Task { return &c.task }

func (c *call[T]) heldUp() []string { return nil }

func (c *call[T]) spanContext() context.Context { return c.Context() }

func (c *call[T]) entry() uintptr {
	_, pc := future.Origin(future.Of(c))
	return pc
}

// newCall makes a call of fn on c for the scheduler s: that of c, or that of the calls
// without a worker. A nil observer is none.
func newCall[T any](
	ctx context.Context, c *Caller, s *sched.Scheduler, fn func(context.Context) (T, error),
	o future.Observer, opts ...pending.Option,
) *call[T] {
	t := &call[T]{}
	t.task.Init(t, s)
	t.InitObserved(ctx, fn, &t.task, o, opts...)
	if c.config.ProfileLabels {
		t.Wrap(func(fn func(context.Context) (T, error)) func(context.Context) (T, error) {
			return labeled(&t.task, fn)
		})
	}
	return t
}
