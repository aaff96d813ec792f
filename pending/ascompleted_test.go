package pending_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// doneWith returns pendings that are done with the values.
func doneWith(t *testing.T, values ...int) (done []*pending.Pending[int]) {
	for _, v := range values {
		p := pending.New[int](t.Context())
		p.SetResult(v)
		done = append(done, p)
	}
	return done
}

func TestAsCompletedHandsOutInTheOrderOfCompletion(t *testing.T) {
	ps := append(doneWith(t, 1), pending.New[int](t.Context()), pending.New[int](t.Context()))
	var got []int
	for p, err := range pending.AsCompletedOf(t.Context(), append(ps, ps[0])) {
		require.NoError(t, err)
		v, _ := p.Result()
		got = append(got, v)
		switch len(got) {
		case 2:
			ps[2].SetResult(3)
		case 3:
			ps[1].SetResult(2)
		}
	}
	assert.Equal(t, []int{1, 1, 3, 2}, got)
}

func TestAsCompletedPullsNoFurtherAheadThanItMay(t *testing.T) {
	pulled, taken := 0, 0
	seq := func(yield func(*pending.Pending[int]) bool) {
		for {
			pulled++
			if !yield(doneWith(t, pulled)[0]) {
				return
			}
		}
	}
	for _, err := range pending.AsCompleted(t.Context(), seq, pending.MaxConcurrent(3)) {
		require.NoError(t, err)
		taken++
		assert.LessOrEqual(t, pulled-taken, 3)
		if taken == 100 {
			break
		}
	}
}

func TestLeavingTheLoopCancelsWhatIsNotDone(t *testing.T) {
	for name, opts := range map[string][]pending.CompletedOption{"": nil, "unless kept": {pending.KeepUnfinished()}} {
		t.Run(name, func(t *testing.T) {
			open := pending.New[int](t.Context())
			for _, err := range pending.AsCompletedOf(t.Context(), append(doneWith(t, 1), open), opts...) {
				require.NoError(t, err)
				break
			}
			assert.Equal(t, len(opts) == 0, open.Cancelled())
			open.SetResult(1)
		})
	}
}

func TestFailuresOfAnIterationComeLast(t *testing.T) {
	errSeq := errors.New("sequence")
	seq := func(yield func(*pending.Pending[int], error) bool) {
		if yield(doneWith(t, 1)[0], nil) {
			yield(nil, errSeq)
		}
	}
	var errs []error
	for _, err := range pending.AsCompleted2(t.Context(), seq) {
		errs = append(errs, err)
	}
	assert.Equal(t, []error{nil, errSeq}, errs)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for p, err := range pending.AsCompletedOf(ctx, []*pending.Pending[int]{pending.New[int](t.Context())}) {
		assert.Nil(t, p)
		require.ErrorIs(t, err, context.Canceled)
	}
	for p, err := range pending.AsCompletedOf[*pending.Pending[int]](t.Context(), nil) {
		t.Fatal("there is nothing", p, err)
	}
}

func TestWaitAllSplitsItems(t *testing.T) {
	failed := pending.New[int](t.Context())
	failed.SetError(errBoom)
	open := pending.New[int](t.Context())
	good := doneWith(t, 1, 2)
	items := []*pending.Pending[int]{good[0], open, good[1], failed}
	for name, opt := range map[string]pending.WaitOption{
		"first": pending.FirstCompleted(), "error": pending.FirstError(), "all": pending.Timeout(0),
	} {
		t.Run(name, func(t *testing.T) {
			done, notDone, err := pending.WaitAll(t.Context(), items, opt)
			require.NoError(t, err)
			assert.Equal(t, []*pending.Pending[int]{good[0], good[1], failed}, done)
			assert.Equal(t, []*pending.Pending[int]{open}, notDone)
			assert.False(t, open.Cancelled())
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := pending.WaitAll(ctx, items)
	require.ErrorIs(t, err, context.Canceled)
}

func TestAllAnyAndThen(t *testing.T) {
	values, err := pending.All(t.Context(), doneWith(t, 1, 2)...)
	require.NoError(t, err)
	assert.Equal(t, []int{1, 2}, values)

	failed := pending.New[int](t.Context())
	failed.SetError(errBoom)
	open := pending.New[int](t.Context())
	_, err = pending.All(t.Context(), open, failed)
	require.ErrorIs(t, err, errBoom)
	assert.True(t, open.Cancelled())

	value, err := pending.Any(t.Context(), append(doneWith(t, 3), failed)...)
	require.NoError(t, err)
	assert.Equal(t, 3, value)
	_, err = pending.Any(t.Context(), failed)
	require.ErrorIs(t, err, errBoom)

	tests := map[string]struct {
		from *pending.Pending[int]
		fn   func(int) (string, error)
		err  any
	}{
		"an error": {doneWith(t, 1)[0], func(int) (string, error) { return "", errBoom }, &errBoom},
		"a panic":  {doneWith(t, 1)[0], func(int) (string, error) { panic("no") }, new(*pending.PanicError)},
		"before":   {failed, func(int) (string, error) { return "", nil }, &errBoom},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.ErrorAs(t, pending.Then(tt.from, tt.fn).Err(), tt.err) })
	}
	source := pending.New[int](t.Context())
	pending.Then(source, func(int) (int, error) { return 0, nil }).Cancel(errBoom)
	require.ErrorIs(t, source.Err(), errBoom)
}

func TestManagerKnowsWhatIsNotDone(t *testing.T) {
	m := pending.NewManager()
	ctx := pending.WithTracker(t.Context(), m)
	p := pending.New[int](ctx, pending.Tracked())
	pending.New[int](ctx, pending.Untracked())
	assert.Equal(t, []pending.Handle{p}, m.Pending())
	p.Cancel(nil)
	assert.Empty(t, m.Pending())
	assert.False(t, m.Remove(p))
}
