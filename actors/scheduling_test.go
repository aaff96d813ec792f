package actors_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// keyType is for values in contexts.
type keyType struct{}

// Item 20 of the seed's behavior.
func TestFunctionRunsAlthoughItsPendingIsDropped(t *testing.T) {
	c := start(t, newSystem(t))
	ran := make(chan struct{})
	release := occupy(t, c)
	do(t.Context(), c, func(context.Context) { close(ran) })
	runtime.GC()
	release()
	<-ran
}

// Item 21 of the seed's behavior.
func TestCallsAndDirectCallsRunInTheOrderTheyCame(t *testing.T) {
	c := start(t, newSystem(t))
	release := occupy(t, c)
	var order []int
	for i := range 1000 {
		note := func() { order = append(order, i) }
		if i%2 == 0 {
			require.NoError(t, c.CallDirect(note))
		} else {
			do(t.Context(), c, func(context.Context) { note() })
		}
	}
	release()

	assert.Equal(t, upTo(1000), result(t, actors.CallSoon(t.Context(), c, func(context.Context) ([]int, error) {
		return order, nil
	})))
}

// Item 21 of the seed's behavior.
func TestFunctionsThatWaitEquallyLongEndInTheOrderTheyCame(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		gate := pending.New[int](t.Context())
		var order []int
		for i := range 1000 {
			do(t.Context(), c, func(ctx context.Context) {
				_, _ = gate.Wait(ctx)
				order = append(order, i)
			})
		}
		last := do(t.Context(), c, func(ctx context.Context) { _, _ = gate.Wait(ctx) })
		time.Sleep(time.Second)
		assert.Empty(t, order)

		gate.SetResult(1)
		result(t, last)
		assert.Equal(t, upTo(1000), order)
	})
}

// Item 23 of the seed's behavior.
func TestFunctionsRunOneAtATime(t *testing.T) {
	c := start(t, newSystem(t))
	var inside atomic.Int32
	calls := 0
	var calling sync.WaitGroup
	for range 8 {
		calling.Go(func() {
			for range 100 {
				do(t.Context(), c, func(context.Context) {
					assert.EqualValues(t, 1, inside.Add(1))
					runtime.Gosched()
					inside.Add(-1)
					calls++
				})
			}
		})
	}
	calling.Wait()
	result(t, do(t.Context(), c, func(context.Context) {}))
	assert.Equal(t, 800, calls)
}

// Item 29 of the seed's behavior.
func TestOutcomes(t *testing.T) {
	errOwn := errors.New("own")
	for name, tt := range map[string]struct {
		fn        func(context.Context) (int, error)
		value     int
		is        []error
		cancelled bool
	}{
		"a value":              {fn: returns(42), value: 42},
		"an error":             {fn: func(context.Context) (int, error) { return 42, errOwn }, is: []error{errOwn}},
		"a cancellation":       {fn: func(context.Context) (int, error) { return 42, context.Canceled }, is: []error{pending.ErrCancelled}, cancelled: true},
		"a cancelled pending":  {fn: func(context.Context) (int, error) { return 0, pending.ErrStopped }, is: []error{pending.ErrStopped}, cancelled: true},
		"a deadline":           {fn: func(context.Context) (int, error) { return 0, context.DeadlineExceeded }, is: []error{context.DeadlineExceeded}},
		"a panic":              {fn: func(context.Context) (int, error) { panic("out of cheese") }},
		"a panic of an error":  {fn: func(context.Context) (int, error) { panic(errOwn) }, is: []error{errOwn}},
		"the end of goroutine": {fn: func(context.Context) (int, error) { runtime.Goexit(); return 0, nil }, is: []error{pending.ErrCancelled}, cancelled: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, newSystem(t))
			p := actors.CallSoon(t.Context(), c, tt.fn)
			value, err := p.Wait(t.Context())

			assert.Equal(t, tt.value, value)
			assert.Equal(t, tt.cancelled, p.Cancelled())
			for _, want := range tt.is {
				require.ErrorIs(t, err, want)
			}
			assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))), "the caller goes on")
			assert.Equal(t, actors.StateRunning, c.State())
		})
	}
}

func TestPanicIsAnErrorWithItsStack(t *testing.T) {
	c := start(t, newSystem(t))
	var crash *pending.PanicError
	require.ErrorAs(t, failure(do(t.Context(), c, func(context.Context) { panic("out of cheese") })), &crash)

	assert.Equal(t, "out of cheese", crash.Value)
	assert.Contains(t, string(crash.Stack), "TestPanicIsAnErrorWithItsStack")
}

// Item 22 of the seed's behavior.
func TestPendingThatAFunctionReturnsIsAValue(t *testing.T) {
	c := start(t, newSystem(t))
	inner := pending.New[int](t.Context())
	p := actors.CallSoon(t.Context(), c, returns(inner))

	assert.Equal(t, inner, result(t, p))
	assert.False(t, inner.IsDone())
}

// Item 24 of the seed's behavior.
func TestFunctionHasTheValuesOfTheContextOfItsCall(t *testing.T) {
	system := newSystem(t)
	ctx := context.WithValue(t.Context(), keyType{}, "mine")
	value := func(ctx context.Context) (any, error) { return ctx.Value(keyType{}), nil }
	forEachWayToCall(t, system, func(t *testing.T, call callFunc) {
		assert.Equal(t, "mine", result(t, call(ctx, value)))
		assert.Nil(t, result(t, call(t.Context(), value)))
		assert.Equal(t, "mine", result(t, call(ctx, func(ctx context.Context) (any, error) {
			return call(ctx, value).Wait(ctx)
		})), "values go on to the calls that a function makes")
	})
}

func TestContextOfAFunctionEndsWithThatOfItsCall(t *testing.T) {
	system := newSystem(t)
	forEachWayToCall(t, system, func(t *testing.T, call callFunc) {
		ctx, cancel := context.WithCancelCause(t.Context())
		p := call(ctx, func(ctx context.Context) (any, error) {
			cancel(errBoom)
			<-ctx.Done()
			return nil, context.Cause(ctx)
		})
		require.ErrorIs(t, failure(p), errBoom)
		assert.True(t, p.Cancelled())

		late := call(ctx, func(context.Context) (any, error) { return nil, errors.New("the function has run") })
		require.ErrorIs(t, failure(late), errBoom)
		assert.True(t, late.Cancelled())
	})
}

func TestCallOutlivesTheFunctionThatMadeIt(t *testing.T) {
	c := start(t, newSystem(t))
	outer := actors.CallSoon(t.Context(), c, func(ctx context.Context) (*pending.Pending[int], error) {
		return actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) { return 1, ctx.Err() }), nil
	})
	assert.Equal(t, 1, result(t, result(t, outer)))
}

// Item 25 of the seed's behavior.
func TestFunctionKnowsItsPendingAndItsCaller(t *testing.T) {
	system := newSystem(t)
	forEachWayToCall(t, system, func(t *testing.T, call callFunc) {
		p := call(t.Context(), func(ctx context.Context) (any, error) {
			current, ok := pending.Current(ctx)
			assert.True(t, ok)
			return current, nil
		})
		assert.Equal(t, p, result(t, p))

		c, ok := result(t, call(t.Context(), func(ctx context.Context) (any, error) {
			current, ok := actors.Current(ctx)
			assert.True(t, ok)
			return current, nil
		})).(*actors.Caller)
		assert.True(t, ok)
		assert.Equal(t, system, c.System())
	})
}

// Item 25 of the seed's behavior.
func TestFunctionThatIsCalledFromAnotherCallerRunsOnItsOwn(t *testing.T) {
	system := newSystem(t)
	a, b := start(t, system), start(t, system)
	who := func(ctx context.Context) (*actors.Caller, error) {
		c, _ := actors.Current(ctx)
		return c, nil
	}
	same(t, b, result(t, actors.CallSoon(t.Context(), a, func(ctx context.Context) (*actors.Caller, error) {
		c, err := actors.CallSoon(ctx, b, who).Wait(ctx)
		current, _ := actors.Current(ctx)
		same(t, a, current)
		return c, err
	})))
}

// Item 28 of the seed's behavior.
func TestMetadataOfACall(t *testing.T) {
	c := start(t, newSystem(t))
	p := actors.Schedule(t.Context(), c, returns(1), actors.With("color", "blue"), actors.With("size", 7))
	result(t, p)

	metadata := p.Metadata()
	assert.Equal(t, "blue", metadata["color"])
	assert.Equal(t, 7, metadata["size"])
	same(t, c, metadata["caller"])
	assert.Contains(t, metadata["func"], "returns")

	metadata["mood"] = "good"
	assert.Equal(t, "good", p.Metadata()["mood"])
}

// Item 28 of the seed's behavior.
func TestMetadataOfAWorkersCallNamesTheWorker(t *testing.T) {
	c := start(t, newSystem(t))
	p := actors.ToThread(t.Context(), c, func(ctx context.Context) (*actors.Caller, error) {
		worker, _ := actors.Current(ctx)
		return worker, nil
	})
	worker := result(t, p)

	assert.NotEqual(t, c.ID(), worker.ID())
	same(t, worker, p.Metadata()["caller"])
}

// callFunc is a way to call a function on a caller.
type callFunc func(context.Context, func(context.Context) (any, error)) *pending.Pending[any]

// forEachWayToCall runs a test for each way to call a function that returns a
// pending.
func forEachWayToCall(t *testing.T, system *actor.ActorSystem, test func(*testing.T, callFunc)) {
	c := start(t, system)
	type function = func(context.Context) (any, error)
	for name, call := range map[string]callFunc{
		"CallSoon":  func(ctx context.Context, fn function) *pending.Pending[any] { return actors.CallSoon(ctx, c, fn) },
		"CallLater": func(ctx context.Context, fn function) *pending.Pending[any] { return actors.CallLater(ctx, c, 1, fn) },
		"ToThread":  func(ctx context.Context, fn function) *pending.Pending[any] { return actors.ToThread(ctx, c, fn) },
		"Schedule": func(ctx context.Context, fn function) *pending.Pending[any] {
			return actors.Schedule(ctx, c, fn, actors.Named("scheduled"))
		},
	} {
		t.Run(name, func(t *testing.T) { test(t, call) })
	}
}
