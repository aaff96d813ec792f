package actors_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
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

// newSystem returns an actor system that keeps quiet, and whose dead letters
// leave no goroutine behind.
func newSystem(testing.TB) *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond),
	)
}

// start returns a running caller that is stopped when the test ends.
func start(tb testing.TB, system *actor.ActorSystem, opts ...props.Option) *actors.Caller {
	tb.Helper()
	c, err := actors.Start(system, opts...)
	require.NoError(tb, err)
	return stopAtEnd(tb, c)
}

var errBoom = errors.New("boom")

// bubble runs a test, with an actor system, in a bubble of testing/synctest.
func bubble(t *testing.T, test func(t *testing.T, system *actor.ActorSystem)) {
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(time.Second) }) // for the throttle of the dead letters
		test(t, newSystem(t))
	})
}

// unstarted returns a caller that is stopped when the test ends.
func unstarted(tb testing.TB, system *actor.ActorSystem, opts ...props.Option) *actors.Caller {
	tb.Helper()
	c, err := actors.New(system, opts...)
	require.NoError(tb, err)
	return stopAtEnd(tb, c)
}

// stopAtEnd has a caller stopped when the test ends.
func stopAtEnd(tb testing.TB, c *actors.Caller) *actors.Caller {
	tb.Cleanup(func() { require.NoError(tb, c.StopWait(context.Background(), actors.Force())) })
	return c
}

// child returns a child of c.
func child(tb testing.TB, c *actors.Caller, opts ...props.Option) *actors.Caller {
	tb.Helper()
	child, err := c.Child(opts...)
	require.NoError(tb, err)
	return child
}

// returns makes a function for a caller.
func returns[T any](value T) func(context.Context) (T, error) {
	return func(context.Context) (T, error) { return value, nil }
}

// do schedules a function that has no result.
func do(ctx context.Context, c *actors.Caller, fn func(context.Context)) *pending.Pending[any] {
	return actors.CallSoon(ctx, c, func(ctx context.Context) (any, error) {
		fn(ctx)
		return nil, nil
	})
}

// result returns what a pending ends with, which must not be an error.
func result[T any](tb testing.TB, p *pending.Pending[T]) T {
	tb.Helper()
	value, err := p.Wait(context.Background())
	require.NoError(tb, err)
	return value
}

// failure returns the error that a pending ends with.
func failure[T any](p *pending.Pending[T]) error {
	_, err := p.Wait(context.Background())
	return err
}

// occupy keeps the turn of a caller until release is called.
func occupy(tb testing.TB, c *actors.Caller) (release func()) {
	started, free := make(chan struct{}), make(chan struct{})
	p := do(context.Background(), c, func(context.Context) {
		close(started)
		<-free
	})
	<-started
	release = sync.OnceFunc(func() {
		close(free)
		<-p.Done()
	})
	tb.Cleanup(release)
	return release
}

// logBuffer keeps what is logged.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// logged returns an option that has a caller log to the buffer.
func logged() (*logBuffer, props.Option) {
	l := &logBuffer{}
	return l, props.Logger(slog.New(slog.NewTextHandler(l, nil)))
}

// upTo returns the numbers from 0 to n-1.
func upTo(n int) []int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	return numbers
}
