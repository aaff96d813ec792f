package actors

import (
	"context"
	"runtime/pprof"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
)

// labeled returns fn with labels on the goroutine that runs it: the caller of the task, and
// the name of the call.
func labeled[T any](t *sched.Task, fn func(context.Context) (T, error)) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) {
		defer setLabels(ctx, t)()
		return fn(ctx)
	}
}

// setLabels labels the goroutine for a task, until the returned function is called.
func setLabels(ctx context.Context, t *sched.Task) (restore func()) {
	labels := pprof.Labels("caller", callerOf(t).ID(), "call", t.Work().Name())
	pprof.SetGoroutineLabels(pprof.WithLabels(ctx, labels))
	return func() { pprof.SetGoroutineLabels(ctx) }
}
