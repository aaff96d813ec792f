package main

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// workers is how many of them a caller has at most.
const workers = 2

// chat starts the callers and waits until they have done their tasks.
func chat(ctx context.Context, system *actor.ActorSystem, o options, p publisher) error {
	return pending.Run(ctx, func(ctx context.Context) error {
		for i := range o.callers {
			c, err := actors.Start(system, props.Name(fmt.Sprintf("caller%d", i+1)),
				props.Publisher(p.open), props.MaxWorkers(workers))
			if err != nil {
				return err
			}
			actors.CallSoon(ctx, c, o.haveTasksDone)
		}
		return nil
	})
}

// haveTasksDone is a function of a caller.
func (o options) haveTasksDone(ctx context.Context) (any, error) {
	if err := say(ctx, "I have %d tasks", o.tasks); err != nil {
		return nil, err
	}
	for task, err := range pending.AsCompleted(ctx, o.all(ctx), pending.MaxConcurrent(workers)) {
		if err != nil {
			return nil, err
		}
		i, _ := task.Result()
		if err := say(ctx, "task %d is done", i); err != nil {
			return nil, err
		}
	}
	return nil, say(ctx, "all is done")
}

// all yields the calls of the tasks, on workers.
func (o options) all(ctx context.Context) iter.Seq[*pending.Pending[int]] {
	return func(yield func(*pending.Pending[int]) bool) {
		c, _ := actors.Current(ctx)
		for i := range o.tasks {
			if !yield(actors.ToThread(ctx, c, func(ctx context.Context) (int, error) { return i + 1, o.do(ctx, i+1) })) {
				return
			}
		}
	}
}

// do does a task, as a function of a worker.
func (o options) do(ctx context.Context, i int) error {
	if err := say(ctx, "I begin with task %d", i); err != nil {
		return err
	}
	if err := actors.Sleep(ctx, o.pause/2+rand.N(o.pause+1)); err != nil {
		return err
	}
	return say(ctx, "I have done task %d", i)
}

// say prints a line, from wherever it is called.
func say(ctx context.Context, format string, args ...any) error {
	c, _ := actors.Current(ctx)
	return c.Publish("stdout", fmt.Appendf(nil, format, args...))
}
