package pending_test

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

func TestAllReturnsTheValuesInOrder(t *testing.T) {
	everyPlace(t, func(ctx context.Context, t *testing.T) {
		slow, quick := pending.New[int](t.Context()), pending.New[int](t.Context())
		time.AfterFunc(2*time.Second, func() { slow.SetResult(1) })
		time.AfterFunc(time.Second, func() { quick.SetResult(2) })
		values, err := pending.All(ctx, slow, quick, doneWith(t, 3)[0])
		require.NoError(t, err)
		assert.Equal(t, []int{1, 2, 3}, values)
	})
	values, err := pending.All[int](t.Context())
	require.NoError(t, err)
	assert.Empty(t, values)
}

func TestAllCancelsTheOthersAtTheFirstError(t *testing.T) {
	everyPlace(t, func(ctx context.Context, t *testing.T) {
		begin := time.Now()
		slow, fails := open(t, 1)[0], pending.New[int](t.Context())
		time.AfterFunc(time.Second, func() { fails.SetError(errBoom) })
		values, err := pending.All(ctx, slow, fails)
		require.ErrorIs(t, err, errBoom)
		assert.Nil(t, values)
		assert.True(t, slow.Cancelled())
		assert.Equal(t, time.Second, time.Since(begin))
	})
}

func TestAnyReturnsTheFirstSuccess(t *testing.T) {
	everyPlace(t, func(ctx context.Context, t *testing.T) {
		slow, quick, fails := open(t, 1)[0], pending.New[int](t.Context()), pending.New[int](t.Context())
		fails.SetError(errBoom)
		time.AfterFunc(time.Second, func() { quick.SetResult(2) })
		value, err := pending.Any(ctx, slow, fails, quick)
		require.NoError(t, err)
		assert.Equal(t, 2, value)
		assert.True(t, slow.Cancelled())
	})
}

func TestAnyWithoutSuccessJoinsTheErrors(t *testing.T) {
	first, second := open(t, 1)[0], open(t, 1)[0]
	second.SetError(errElse)
	first.SetError(errBoom)
	_, err := pending.Any(t.Context(), first, second)
	requireErrors(t, err, errBoom, errElse)
	_, err = pending.Any[int](t.Context())
	require.EqualError(t, err, "pending: none of the pendings has succeeded")
}

func TestCombinationThatIsGivenUpCancelsThePendings(t *testing.T) {
	for name, wait := range map[string]func(context.Context, ...*promise) error{
		"All": func(ctx context.Context, ps ...*promise) error { _, err := pending.All(ctx, ps...); return err },
		"Any": func(ctx context.Context, ps ...*promise) error { _, err := pending.Any(ctx, ps...); return err },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(errWhy)
			p := open(t, 1)[0]
			requireErrors(t, wait(ctx, p), errWhy, context.Canceled)
			assert.True(t, p.Cancelled())
		})
	}
}

func TestThenMapsTheOutcome(t *testing.T) {
	failed, cancelled := open(t, 1)[0], open(t, 1)[0]
	failed.SetError(errBoom)
	cancelled.Cancel(errWhy)
	unused := func(int) (string, error) { return "", errElse }
	tests := map[string]struct {
		from *promise
		fn   func(int) (string, error)
		want string
		errs []error
	}{
		"a value":               {doneWith(t, 7)[0], func(i int) (string, error) { return strconv.Itoa(i), nil }, "7", nil},
		"an error":              {doneWith(t, 7)[0], func(int) (string, error) { return "", errBoom }, "", []error{errBoom}},
		"a panic":               {doneWith(t, 7)[0], func(int) (string, error) { panic(errBoom) }, "", []error{errBoom}},
		"a failure before":      {failed, unused, "", []error{errBoom}},
		"a cancellation before": {cancelled, unused, "", []error{errWhy, pending.ErrCancelled}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := pending.Then(tt.from, tt.fn)
			value, err := p.Result()
			requireErrors(t, err, tt.errs...)
			assert.Equal(t, tt.want, value)
			assert.Equal(t, errors.Is(err, pending.ErrCancelled), p.Cancelled())
			var crash *pending.PanicError
			assert.Equal(t, name == "a panic", errors.As(err, &crash))
		})
	}
}

func TestThenWhoseFunctionEndsItsGoroutineIsCancelled(t *testing.T) {
	source := open(t, 1)[0]
	next := pending.Then(source, func(int) (int, error) {
		runtime.Goexit()
		return 0, nil
	})
	var outside sync.WaitGroup
	outside.Go(func() { source.SetResult(1) })
	outside.Wait()
	assert.True(t, next.Cancelled())
	assert.True(t, next.IsDone())
}

func TestCancellingWhatThenReturnsCancelsTheSource(t *testing.T) {
	source := open(t, 1)[0]
	next := pending.Then(source, func(int) (int, error) { return 0, nil })
	next.Cancel(errWhy)
	requireErrors(t, source.Err(), errWhy)
	assert.True(t, next.IsDone())
}
