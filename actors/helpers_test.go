package actors_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// newSystem returns an actor system that keeps quiet, and whose dead letters
// leave no goroutine behind.
func newSystem(testing.TB) *actor.ActorSystem { return actor.NewActorSystem(quiet) }

func quiet(config *actor.Config) {
	config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
	config.DeadLetterThrottleInterval = time.Millisecond
}

// start returns a running caller that is stopped when the test ends.
func start(tb testing.TB, system *actor.ActorSystem, opts ...props.Option) *actors.Caller {
	tb.Helper()
	c, err := actors.Start(system, on(tb, opts)...)
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
	c, err := actors.New(system, on(tb, opts)...)
	require.NoError(tb, err)
	return stopAtEnd(tb, c)
}

// runnable is unstarted for a caller that is to Run, which no host is needed for.
func runnable(tb testing.TB, system *actor.ActorSystem, opts ...props.Option) *actors.Caller {
	tb.Helper()
	if backend.name != "host" {
		return unstarted(tb, system, opts...)
	}
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

// asleep is a function that waits, without its turn.
func asleep(ctx context.Context) (string, error) { return "slept", actors.Sleep(ctx, time.Hour) }

// untilItsEnd is a function that keeps its turn until its context ends.
func untilItsEnd(ctx context.Context) (string, error) {
	<-ctx.Done()
	return "", context.Cause(ctx)
}

// exitGoroutine is what t.FailNow does.
func exitGoroutine() { runtime.Goexit() }

// puppet is an actor that does what the test asks: functions of its context are
// its messages.
func puppet(ctx actor.Context) {
	if act, ok := ctx.Message().(func(actor.Context)); ok {
		act(ctx)
	}
}

// adopted returns the caller made out of an actor of that name. It is a child
// of parent's actor, which must be a puppet, or of none if parent is nil. It is
// stopped when the test ends.
func adopted(
	tb testing.TB, system *actor.ActorSystem, parent *actors.Caller, name string, receive actor.ReceiveFunc,
	opts []props.Option, more ...actor.PropsOption,
) *actors.Caller {
	tb.Helper()
	asCaller, err := actors.AsCaller(on(tb, opts)...)
	require.NoError(tb, err)
	p := actor.PropsFromFunc(receive, append(more, asCaller)...)
	spawned := make(chan *actor.PID, 1)
	spawn := func(ctx actor.SpawnerContext) {
		pid, err := ctx.SpawnNamed(p, name)
		assert.NoError(tb, err)
		spawned <- pid
	}
	if parent == nil {
		spawn(system.Root)
	} else {
		system.Root.Send(parent.PID(), func(ctx actor.Context) { spawn(ctx) })
	}
	c, ok := actors.Lookup(system, (<-spawned).GetId())
	require.True(tb, ok)
	return stopAtEnd(tb, c)
}

// eventLog keeps what is published about the callers of a system, in order and
// in short.
type eventLog struct {
	system  *actor.ActorSystem
	flushed chan struct{}

	mu    sync.Mutex
	lines []string
	since time.Time // lines begin with the time since this, if it is set
}

// logEvents returns what is published from now on.
func logEvents(system *actor.ActorSystem) *eventLog {
	l := &eventLog{system: system, flushed: make(chan struct{})}
	system.EventStream.Subscribe(func(event any) {
		switch event := event.(type) {
		case supervision.Failed:
			l.add(event.Name, fmt.Sprintf("failed, %v in %v", event.Action, event.Delay), event.Err)
		case supervision.Restarted:
			l.add(event.Name, "restarted", event.Err)
		case supervision.Stopped:
			if event.Name == flushName {
				l.flushed <- struct{}{}
				return
			}
			l.add(event.Name, "stopped", event.Err)
		case *actor.DeadLetterEvent:
			l.add("dead letter", fmt.Sprintf("%T", event.Message), nil)
		}
	})
	return l
}

// flushName names a caller whose end comes after the events until now.
const flushName = "flush"

// flush waits for the events until now, which are published on a goroutine of their own.
func (l *eventLog) flush() {
	c, err := actors.Start(l.system, props.Name(flushName))
	if err != nil {
		panic(err)
	}
	c.Stop()
	<-l.flushed
}

func (l *eventLog) add(who, what string, err error) {
	if strings.HasPrefix(who, "$") {
		who = "worker"
	}
	line := who + " " + what
	switch {
	case errors.Is(err, errBoom):
		line += ": boom"
	case err != nil:
		line += ": " + err.Error()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.since.IsZero() {
		line = fmt.Sprint(time.Since(l.since), " ", line)
	}
	l.lines = append(l.lines, line)
}

// all returns the lines of the callers of these names, of all if there are none.
func (l *eventLog) all(names ...string) []string {
	l.flush()
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.lines), func(line string) bool {
		name, _, _ := strings.Cut(line, " ")
		return len(names) > 0 && !slices.Contains(names, name)
	})
}

// same checks that two callers are one. Assertions would look into them while
// they work.
func same(tb testing.TB, want *actors.Caller, got any) {
	tb.Helper()
	if any(want) != got {
		tb.Errorf("the caller is %v, not %v", got, want)
	}
}

// ids returns the sorted ids of callers, to compare them by.
func ids(callers ...*actors.Caller) []string {
	all := make([]string, 0, len(callers))
	for _, c := range callers {
		all = append(all, c.ID())
	}
	slices.Sort(all)
	return all
}

// begun are the tests, with their backends, that have been run.
var begun = make(map[string]bool)

// seeds returns those of a test of random programs: some that are always the same,
// and a new one; when the test is run again in the same process, a new one alone.
func seeds(t *testing.T) []uint64 {
	fresh := uint64(time.Now().UnixNano())
	if isRepeated(t) {
		return []uint64{fresh}
	}
	return []uint64{1, 2, 3, fresh}
}

// isRepeated reports that a test has been run before on this backend, as with
// -count.
func isRepeated(t *testing.T) bool {
	test := backend.name + t.Name()
	defer func() { begun[test] = true }()
	return begun[test]
}

// fewer returns n, or a tenth of it when the test is run again in the same process:
// what is repeated need not be long as well.
func fewer(t *testing.T, n int) int {
	if isRepeated(t) {
		return n / 10
	}
	return n
}

// again reports whether the test has been run on the first backend. It is for slow
// tests that make all their callers themselves: they do the same on each backend.
func again() bool { return backend.name != backends[0].name }
