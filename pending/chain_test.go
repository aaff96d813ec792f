package pending_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/scheduled"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// links is how long the chains are, and stack what they may use of it, in bytes.
const (
	links = 100_000
	stack = 256 << 10
)

// shallow runs a test in a process of its own, which ends when a stack gets deep.
func shallow(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	const child = "PENDING_TEST_SHALLOW"
	if os.Getenv(child) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), child+"=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%.2000s", out)
		require.Contains(t, string(out), "--- PASS")
		return
	}
	debug.SetMaxStack(stack)
	test(t)
}

// probe is a context at the bottom of others. It notes from how deep it is asked
// for a value.
type probe struct {
	context.Context
	asked  int
	frames int
}

func (p *probe) Value(key any) any {
	p.asked++
	p.frames = runtime.Callers(0, make([]uintptr, 1000))
	return p.Context.Value(key)
}

// requireFlat checks that there are few contexts between ctx and the probe.
func (p *probe) requireFlat(ctx context.Context, t *testing.T) {
	t.Helper()
	p.asked = 0
	ctx.Value(keyB)
	require.Equal(t, 1, p.asked)
	require.Less(t, p.frames, 30)
	require.Less(t, len(fmt.Sprint(ctx)), 1000, "those of package context name those below")
}

func chain(p *pending.Pending[int], n int) *pending.Pending[int] {
	for range n {
		p = pending.Then(p, func(i int) (int, error) { return i + 1, nil })
	}
	return p
}

func TestLongChainOfThenNeedsNoMoreStack(t *testing.T) {
	shallow(t, func(t *testing.T) {
		head := pending.New[int](t.Context())
		tail := chain(head, links)
		head.SetResult(0)
		value, err := tail.Result()
		require.NoError(t, err)
		assert.Equal(t, links, value)

		head = pending.New[int](t.Context())
		tail = chain(head, links)
		head.SetError(errBoom)
		assert.Equal(t, errBoom, tail.Err())

		value, err = chain(chain(head, 1), links).Result()
		assert.Zero(t, value)
		require.ErrorIs(t, err, errBoom)
	})
}

func TestLongChainOfThenIsCancelledFromItsEnd(t *testing.T) {
	shallow(t, func(t *testing.T) {
		head := pending.New[int](t.Context())
		asked := 0
		head.SetCanceller(func(error) { asked++ })
		tail := chain(head, links)
		assert.True(t, tail.Cancel(errWhy))
		assert.True(t, tail.Cancel(errElse))
		assert.Equal(t, 2, asked)
		assert.False(t, tail.IsDone(), "the head is not")
		for _, p := range []*pending.Pending[int]{head, tail} {
			requireErrors(t, p.Err(), errWhy, errElse, pending.ErrCancelled)
			require.EqualError(t, p.Err(), "pending: cancelled: why\nsomething else")
		}
		head.SetResult(1)
		assert.True(t, tail.IsDone())

		head = pending.New[int](t.Context())
		tail = chain(head, links)
		tail.Cancel(nil)
		assert.True(t, head.Cancelled())
		assert.True(t, tail.IsDone())
	})
}

func TestCallbacksOnAChainAreCalledInOrder(t *testing.T) {
	head := pending.New[int](t.Context())
	var called completed
	first := chain(head, 1)
	first.OnDone(called.add("first link"))
	second := chain(first, 1)
	second.OnDone(called.add("second link"))
	head.OnDone(called.add("head"))
	exits := pending.Then(head, func(int) (int, error) { runtime.Goexit(); return 0, nil })
	exits.OnDone(called.add("exited link"))
	head.OnDone(called.add("head again"))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		head.SetResult(1)
	}()
	<-ended
	assert.ElementsMatch(t, []string{"head", "head again", "first link", "exited link", "second link"}, called.names)
	assert.Less(t, slices.Index(called.names, "head"), slices.Index(called.names, "head again"))
	assert.Less(t, slices.Index(called.names, "first link"), slices.Index(called.names, "second link"))
	assert.True(t, exits.Cancelled())
}

// What a link costs does not depend on how many there were before it.
func TestLinkOfAChainIsLikeTheFirst(t *testing.T) {
	bottom := &probe{Context: t.Context()}
	ctx, cancel := context.WithCancel(context.WithValue(bottom, keyA, "a"))
	defer cancel()
	head := pending.New[int](ctx, pending.Named("head"))
	tail := chain(head, 1000)
	assert.Equal(t, "then head", tail.Name())
	assert.Equal(t, "a", tail.Context().Value(keyA))
	bottom.requireFlat(tail.Context(), t)
	cancel()
	require.NoError(t, tail.Context().Err())
}

func TestDoneLinksOfAChainAreCollected(t *testing.T) {
	head := pending.New[int](t.Context())
	links := []weak.Pointer[pending.Pending[int]]{}
	p := head
	for range 100 {
		p = chain(p, 1)
		links = append(links, weak.Make(p))
	}
	head.SetResult(0)
	for range 100 { // on a pending that is done
		p = chain(p, 1)
		links = append(links, weak.Make(p))
	}
	runtime.GC()
	for i, link := range links[:len(links)-1] {
		require.Nil(t, link.Value(), i)
	}
	value, err := p.Result()
	require.NoError(t, err)
	assert.Equal(t, 200, value)
	runtime.KeepAlive(head)
}

// again runs a function that schedules itself, n times, and returns the last one
// and those before it.
func again(
	ctx context.Context, t *testing.T, n int, derive func(context.Context) context.Context, opts ...pending.Option,
) (last *scheduled.Call[int], before []weak.Pointer[scheduled.Call[int]]) {
	t.Helper()
	self := func(own context.Context) (int, error) {
		ctx = derive(own)
		return 1, nil
	}
	for range n {
		if last != nil {
			before = append(before, weak.Make(last))
		}
		last = call(ctx, self, opts...)
		require.NoError(t, last.Err())
	}
	return last, before
}

func TestFunctionThatSchedulesItselfDoesNotNestContexts(t *testing.T) {
	manager := pending.NewManager()
	group, _ := pending.NewGroup(t.Context())
	defer func() { require.NoError(t, group.Wait()) }()
	plain := func(ctx context.Context) context.Context { return ctx }
	tests := map[string]struct {
		derive func(ctx context.Context) context.Context
		opts   []pending.Option
	}{
		"as it is":       {plain, nil},
		"without a turn": {func(ctx context.Context) context.Context { return future.WithTurn(ctx, nil) }, nil},
		"without a turn, many times": {func(ctx context.Context) context.Context {
			for range 3 {
				ctx = future.WithTurn(ctx, nil)
			}
			return ctx
		}, nil},
		"with a tracker": {func(ctx context.Context) context.Context { return pending.WithTracker(ctx, manager) }, nil},
		"with a tracker, without a turn": {func(ctx context.Context) context.Context {
			return pending.WithTracker(future.WithTurn(ctx, nil), manager)
		}, nil},
		"without a turn, with a tracker": {func(ctx context.Context) context.Context {
			return future.WithTurn(pending.WithTracker(ctx, manager), nil)
		}, nil},
		"not tracked": {plain, []pending.Option{pending.TrackedBy(nobody)}},
		"tracked in part": {plain, []pending.Option{pending.TrackedBy(func(t pending.Tracker) bool {
			_, ok := t.(*pending.Manager)
			return ok
		})}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bottom := &probe{Context: t.Context()}
			ctx := context.WithValue(bottom, keyA, "a")
			ctx = pending.WithTracker(pending.WithTracker(ctx, manager), group)
			last, before := again(ctx, t, 1000, tt.derive, tt.opts...)
			assert.Equal(t, "a", last.Context().Value(keyA))
			runtime.GC()
			for i, link := range before[:len(before)-1] {
				require.Nil(t, link.Value(), i)
			}
			bottom.requireFlat(last.Context(), t)
		})
	}
}
