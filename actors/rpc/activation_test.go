package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

func TestCallsThatComeWhileTheStateIsMadeRunAfterItInOrder(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		require.NoError(t, handleCarts(system))
		making, made := make(chan struct{}), make(chan struct{})
		c, _ := join(t, system, kindOf(t, system, "cart", func(_ context.Context, id string) (*cart, error) {
			close(making)
			<-made
			return &cart{id: id}, nil
		}))
		target := rpc.Identity(c, "cart", "alice")
		first := rpc.Call[string, []string](t.Context(), system, target, "add", "0")
		<-making
		id := callerOf(t, system, "alice")
		var all []*pending.Pending[[]string]
		for i := 1; i < 50; i++ {
			all = append(all, rpc.Call[string, []string](t.Context(), system, rpc.At("", id), "add", fmt.Sprint(i)))
		}
		assert.False(t, first.IsDone())
		close(made)
		_, err := first.Wait(t.Context())
		require.NoError(t, err)
		for i, p := range all {
			items, err := p.Wait(t.Context())
			require.NoError(t, err)
			assert.Equal(t, fmt.Sprint(i+1), items[len(items)-1])
		}
	})
}

// callerOf returns the id of the caller of an identity that is alive.
func callerOf(t testing.TB, system *actor.ActorSystem, identity string) string {
	for c := range actors.All(system) {
		if len(c.Name()) > len(identity) && c.Name()[:len(identity)] == identity {
			return c.ID()
		}
	}
	require.Fail(t, "no caller of "+identity)
	return ""
}

func TestAStateThatCannotBeMadeFailsTheCallsAndIsTriedAgain(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		require.NoError(t, handleCarts(system))
		errNoDisk := errors.New("no disk")
		var tries atomic.Int32
		c, _ := join(t, system, kindOf(t, system, "cart", func(_ context.Context, id string) (*cart, error) {
			switch tries.Add(1) {
			case 1:
				return nil, errNoDisk
			case 2:
				panic("boom")
			default:
				return &cart{id: id}, nil
			}
		}))
		_, err := add(t, c, "alice", "tea")
		require.ErrorIs(t, err, rpc.ErrActivation)
		require.ErrorIs(t, err, errNoDisk)
		_, err = add(t, c, "alice", "tea")
		require.ErrorIs(t, err, rpc.ErrActivation)
		var crash *pending.PanicError
		require.ErrorAs(t, err, &crash)
		items, err := add(t, c, "alice", "tea")
		require.NoError(t, err)
		assert.Equal(t, []string{"tea"}, items)
		assert.EqualValues(t, 3, tries.Load())
	})
}

func TestAnIdleIdentityIsPassivatedAndNoCallIsLost(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		require.NoError(t, handleCarts(system))
		saved := make(chan []string, 1000)
		var made atomic.Int32
		c, _ := join(t, system, kindOf(t, system, "cart",
			func(ctx context.Context, id string) (*cart, error) { made.Add(1); return newCart(ctx, id) },
			rpc.Idle(time.Millisecond),
			rpc.Passivated(func(_ context.Context, _ string, c *cart) error { saved <- c.items; return nil })))
		for range 10 {
			_, err := add(t, c, "alice", "tea")
			require.NoError(t, err)
			items := <-saved
			for len(items) == 0 { // it had ended before the call came
				items = <-saved
			}
			assert.Equal(t, []string{"tea"}, items)
		}
		assert.GreaterOrEqual(t, made.Load(), int32(10), "a new one each time")

		for range 100 { // as others end, or not
			_, err := add(t, c, "alice", "tea")
			require.NoError(t, err)
		}
		for total := 0; total < 100; {
			total += len(<-saved)
		}
	})
}

func TestAKeyHoldsForAnIdentityThatHasBeenPassivated(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		require.NoError(t, handleCarts(system))
		saved := make(chan []string, 100)
		c, _ := join(t, system, kindOf(t, system, "cart", newCart, rpc.Idle(time.Millisecond),
			rpc.Passivated(func(_ context.Context, _ string, c *cart) error { saved <- c.items; return nil })))
		alice := rpc.Identity(c, "cart", "alice")
		add := func(item string, opts ...rpc.CallOption) []string {
			items, err := rpc.Call[string, []string](t.Context(), system, alice, "add", item, opts...).Wait(t.Context())
			require.NoError(t, err)
			return items
		}
		assert.Equal(t, []string{"tea"}, add("tea", rpc.Idempotent("order 1")))
		for range 3 {
			items := <-saved
			for len(items) == 0 { // a caller that had ended before the call came
				items = <-saved
			}
			assert.Equal(t, []string{"milk"}, add("milk"), "a new caller")
			assert.Equal(t, []string{"tea"}, add("tea", rpc.Idempotent("order 1")), "which does not do it again")
		}
	})
}

func TestARestartOfTheCallerMakesANewState(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		require.NoError(t, handleCarts(system))
		running, crash := make(chan struct{}), make(chan struct{})
		require.NoError(t, rpc.Handle(system, "crash", func(context.Context, struct{}) (int, error) {
			close(running)
			<-crash
			panic("boom")
		}))
		var made atomic.Int32
		saved := make(chan []string, 10)
		c, leave := join(t, system, kindOf(t, system, "cart",
			func(ctx context.Context, id string) (*cart, error) { made.Add(1); return newCart(ctx, id) },
			rpc.CallerOptions(props.Supervision(supervision.Restart())),
			rpc.Passivated(func(_ context.Context, _ string, c *cart) error { saved <- c.items; return nil })))
		_, err := add(t, c, "alice", "tea")
		require.NoError(t, err)
		alice := rpc.Identity(c, "cart", "alice")
		crashes := rpc.Call[struct{}, int](t.Context(), system, alice, "crash", struct{}{})
		<-running
		queued := rpc.Call[string, []string](t.Context(), system, rpc.At("", callerOf(t, system, "alice")), "add", "milk")
		close(crash)
		_, err = crashes.Wait(t.Context())
		var panicked *pending.PanicError
		require.ErrorAs(t, err, &panicked)
		items, err := queued.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{"milk"}, items, "what was queued finds the new state")
		items, err = add(t, c, "alice", "rice")
		require.NoError(t, err)
		assert.Equal(t, []string{"milk", "rice"}, items)
		assert.EqualValues(t, 2, made.Load())
		assert.Empty(t, saved, "the state of a crash is not saved")
		require.NoError(t, leave(context.Background()))
		assert.Equal(t, []string{"milk", "rice"}, <-saved)
	})
}

func TestAPanicInTheSaveHookIsLoggedAndTheIdentityEnds(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		require.NoError(t, handleCarts(system))
		logged, saved := make(chan string, 100), make(chan int, 100)
		c, leave := join(t, system, kindOf(t, system, "cart", newCart, rpc.Idle(time.Millisecond),
			rpc.CallerOptions(props.Logger(slog.New(slog.NewTextHandler(lines(logged), nil)))),
			rpc.Passivated(func(_ context.Context, _ string, c *cart) error {
				saved <- len(c.items)
				panic("no disk")
			})))
		for range 3 {
			items, err := add(t, c, "alice", "tea")
			require.NoError(t, err)
			assert.Equal(t, []string{"tea"}, items, "a new state")
			for had := 0; had == 0; { // one may have been idle before the call has come
				had = <-saved
				line := <-logged
				assert.Contains(t, line, "rpc: state was not saved")
				assert.Contains(t, line, "identity=cart/alice")
				assert.Contains(t, line, "no disk")
			}
		}
		require.NoError(t, leave(context.Background()))
	})
}

// lines is a writer to which each log record is one line.
type lines chan<- string

func (l lines) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}
