package pending_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/scheduled"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

var (
	errBoom = errors.New("boom")
	errWhy  = errors.New("why")
	errElse = errors.New("something else")
)

// park is one call of Park.
type park struct {
	on   future.Sealed
	keep bool
}

// runner is a Runner with no caller behind it: a function runs on the
// goroutine that calls Run.
type runner struct {
	awake  chan struct{} // holds one Resume until the next Park
	refuse error         // what Park fails with

	waiting atomic.Bool

	mu    sync.Mutex
	parks []park
	log   bytes.Buffer

	left func(panicked bool) // if not nil, called by Left
}

func newRunner() *runner { return &runner{awake: make(chan struct{}, 1)} }

func (r *runner) Park(w future.Wait, keep bool) error {
	r.mu.Lock()
	var on future.Sealed
	if w.On != nil {
		on = future.Handle(w.On)
	}
	r.parks = append(r.parks, park{on, keep})
	r.mu.Unlock()
	r.waiting.Store(true)
	defer r.waiting.Store(false)
	if r.refuse != nil {
		return r.refuse
	}
	<-r.awake
	return nil
}

func (r *runner) IsWaiting() bool { return r.waiting.Load() }

func (r *runner) Recheck(future.Node) {}

func (r *runner) Resume() {
	select {
	case r.awake <- struct{}{}:
	default:
	}
}

// Write makes the runner the destination of its logger.
func (r *runner) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

func (r *runner) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(r, nil)) }

func (r *runner) Describe(m map[string]any) { m["caller"] = "fake" }

func (r *runner) Awaited() {}

func (r *runner) Dropped() {}

func (r *runner) Failed(bool, bool) {}

func (r *runner) Left(crash error) {
	if r.left != nil {
		r.left(crash != nil)
	}
}

func (r *runner) logged() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

func (r *runner) parked() []park {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.parks)
}

// queue makes a task that waits for somebody to call its Run.
func queue[T any](ctx context.Context, fn func(context.Context) (T, error), opts ...pending.Option) (*scheduled.Call[T], *runner) {
	r := newRunner()
	task := &scheduled.Call[T]{}
	task.Init(ctx, fn, r, opts...)
	return task, r
}

// call runs fn as a task on this goroutine.
func call[T any](ctx context.Context, fn func(context.Context) (T, error), opts ...pending.Option) *scheduled.Call[T] {
	task, _ := queue(ctx, fn, opts...)
	_ = task.Run() // whose outcome is that of the task
	return task
}

// spawn runs fn as a task on a goroutine of the bubble. It returns when that
// waits for something or is through.
func spawn[T any](ctx context.Context, fn func(context.Context) (T, error), opts ...pending.Option) (*scheduled.Call[T], *runner) {
	task, r := queue(ctx, fn, opts...)
	go func() { _ = task.Run() }()
	synctest.Wait()
	return task, r
}

// inside runs a test as the function of a task.
func inside(t *testing.T, test func(ctx context.Context)) {
	t.Helper()
	task := call(t.Context(), func(ctx context.Context) (bool, error) {
		test(ctx)
		return true, nil
	})
	ran, err := task.Result()
	require.NoError(t, err)
	require.True(t, ran)
}

// waitFunc is Wait or WaitSync.
type waitFunc func(*pending.Pending[string], context.Context, ...pending.WaitOption) (string, error)

var waits = map[string]waitFunc{
	"Wait":     (*pending.Pending[string]).Wait,
	"WaitSync": (*pending.Pending[string]).WaitSync,
}

// everywhere runs a test, in a bubble, with both waits, on a plain goroutine
// and inside a function.
func everywhere(t *testing.T, test func(ctx context.Context, t *testing.T, wait waitFunc)) {
	t.Helper()
	for name, wait := range waits {
		t.Run(name+" on a goroutine", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t.Context(), t, wait) })
		})
		t.Run(name+" in a function", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inside(t, func(ctx context.Context) { test(ctx, t, wait) })
			})
		})
	}
}

// completed collects what callbacks are given.
type completed struct {
	mu    sync.Mutex
	names []string
}

func (c *completed) add(name string) func(pending.Handle) {
	return func(pending.Handle) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.names = append(c.names, name)
	}
}
