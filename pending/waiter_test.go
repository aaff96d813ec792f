package pending_test

import (
	"bytes"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/scheduled"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Item 39 of the seed's behavior.
func TestRemovedCallbacksDoNotRun(t *testing.T) {
	tests := map[string]struct {
		remove []int
		want   []string
	}{
		"none":                 {nil, []string{"a", "b", "c", "d"}},
		"the first":            {[]int{0}, []string{"b", "c", "d"}},
		"one in between":       {[]int{2}, []string{"a", "b", "d"}},
		"the last":             {[]int{3}, []string{"a", "b", "c"}},
		"all in order":         {[]int{0, 1, 2, 3}, nil},
		"all in reverse":       {[]int{3, 2, 1, 0}, nil},
		"all but one, anyhow":  {[]int{2, 0, 3}, []string{"b"}},
		"neighbors of the end": {[]int{3, 0}, []string{"b", "c"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := pending.New[int](t.Context())
			var called completed
			var removers []func() bool
			for _, name := range []string{"a", "b", "c", "d"} {
				removers = append(removers, p.OnDone(called.add(name)))
			}
			for _, i := range tt.remove {
				assert.True(t, removers[i](), "in time")
				assert.False(t, removers[i](), "removed already")
			}
			p.SetResult(1)
			assert.Equal(t, tt.want, called.names)
			for _, remove := range removers {
				assert.False(t, remove(), "too late")
			}
		})
	}
}

func TestAnotherCallbackTakesTheFreePlace(t *testing.T) {
	p := pending.New[int](t.Context())
	var called completed
	removeA := p.OnDone(called.add("a"))
	assert.True(t, removeA())
	p.OnDone(called.add("b"))
	removeC := p.OnDone(called.add("c"))
	p.OnDone(called.add("d"))
	assert.True(t, removeC())
	p.OnDone(called.add("e"))
	p.SetResult(1)
	assert.Equal(t, []string{"b", "d", "e"}, called.names)
}

func TestLateCallbackCannotBeRemoved(t *testing.T) {
	p := pending.New[int](t.Context())
	p.SetResult(1)
	var called completed
	remove := p.OnDone(called.add("a"))
	assert.False(t, remove())
	assert.Equal(t, []string{"a"}, called.names)
}

func TestCallbackMayRemoveALaterOne(t *testing.T) {
	p := pending.New[int](t.Context())
	var called completed
	var remove func() bool
	var inTime bool
	p.OnDone(func(pending.Handle) { inTime = remove() })
	remove = p.OnDone(called.add("later"))
	p.SetResult(1)
	assert.Equal(t, !inTime, len(called.names) == 1, "removed, or called")
}

// Item 39 of the seed's behavior.
func TestPanicOfACallbackIsLoggedAndTheOthersRun(t *testing.T) {
	tests := map[string]func(task *scheduled.Call[int]){
		"fail":   func(task *scheduled.Call[int]) { task.Fail(errElse) },
		"cancel": func(task *scheduled.Call[int]) { task.Cancel(nil) },
		"run":    func(task *scheduled.Call[int]) { assert.NoError(t, task.Run()) },
	}
	for name, complete := range tests {
		t.Run(name, func(t *testing.T) {
			task, r := queue(t.Context(), one, pending.Named("fragile"))
			var called completed
			task.OnDone(called.add("before"))
			task.OnDone(func(pending.Handle) { panic(errBoom) })
			task.OnDone(called.add("between"))
			task.OnDone(func(pending.Handle) { panic("another") })
			task.OnDone(called.add("after"))
			assert.NotPanics(t, func() { complete(task) })
			assert.Equal(t, []string{"before", "between", "after"}, called.names)
			assert.True(t, task.IsDone())
			for _, text := range []string{"boom", "another", "fragile", "TestPanicOfACallback"} {
				assert.Contains(t, r.logged(), text)
			}
		})
	}
}

func TestPanicOfALateCallbackIsLogged(t *testing.T) {
	task, r := queue(t.Context(), one)
	require.NoError(t, task.Run())
	assert.NotPanics(t, func() { task.OnDone(func(pending.Handle) { panic(errBoom) }) })
	assert.Contains(t, r.logged(), "boom")
}

func TestCallbackThatIsNilIsRefusedWhereItIsGiven(t *testing.T) {
	p := pending.New[int](t.Context())
	assert.PanicsWithValue(t, "pending: OnDone of a nil function", func() { p.OnDone(nil) })
	assert.True(t, p.SetResult(1))
}

func TestCallbacksOfAPendingWithoutARunnerLogToTheDefault(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	p := pending.New[int](t.Context())
	p.OnDone(func(pending.Handle) { panic(errBoom) })
	p.SetResult(1)
	assert.Contains(t, log.String(), "boom")
}

func TestGoexitOfACallbackLeavesNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pending.New[int](t.Context())
		var called completed
		p.OnDone(func(pending.Handle) { runtime.Goexit() })
		p.OnDone(called.add("second"))
		p.OnDone(func(pending.Handle) { runtime.Goexit() })
		var all sync.WaitGroup
		all.Go(func() {
			value, err := p.Wait(t.Context())
			assert.Equal(t, outcome{1, nil}, outcome{value, err})
		})
		synctest.Wait()
		p.OnDone(called.add("fourth"))
		survived := false
		all.Go(func() {
			p.SetResult(1)
			survived = true
		})
		all.Wait()
		assert.Equal(t, []string{"second", "fourth"}, called.names)
		assert.False(t, survived, "the goroutine ends, as it was told to")
	})
}

func TestCallbackMayUseThePending(t *testing.T) {
	p := pending.New[int](t.Context(), pending.With("key", "value"))
	p.OnDone(func(h pending.Handle) {
		assert.Same(t, p, h)
		_, err := p.Wait(t.Context())
		assert.NoError(t, err)
		assert.NoError(t, h.CancelWait(t.Context(), errors.New("too late")))
		assert.False(t, p.SetResult(2))
		assert.Contains(t, h.String(), "key=value")
		assert.NotZero(t, h.ID())
	})
	p.SetResult(1)
	value, err := p.Result()
	require.NoError(t, err)
	assert.Equal(t, 1, value)
}
