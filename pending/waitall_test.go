package pending_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// untils are the conditions of WaitAll.
var untils = map[string]pending.WaitOption{
	"all":   pending.AllCompleted(),
	"first": pending.FirstCompleted(),
	"error": pending.FirstError(),
}

// item is one that ends after some seconds, with an error if it has one.
type item struct {
	after time.Duration
	err   error
}

func (i item) start(t *testing.T) *promise {
	p := pending.New[int](t.Context())
	if i.after == 0 {
		p.SetError(i.err)
		return p
	}
	time.AfterFunc(i.after, func() { p.SetError(i.err) })
	return p
}

// Item 63 of the seed's behavior.
func TestWaitAllReturnsWhenEnoughAreDone(t *testing.T) {
	good, fails, cancelled := func(d int) item { return item{time.Duration(d) * time.Second, nil} },
		func(d int) item { return item{time.Duration(d) * time.Second, errBoom} },
		func(d int) item { return item{time.Duration(d) * time.Second, context.Canceled} }
	tests := []struct {
		name  string
		until string
		items []item
		took  int
		done  string // + for those that are
	}{
		{"nothing", "all", nil, 0, ""},
		{"nothing", "first", nil, 0, ""},
		{"nothing", "error", nil, 0, ""},
		{"all", "all", []item{good(2), fails(1), cancelled(3)}, 3, "+++"},
		{"the first", "first", []item{good(2), fails(1), cancelled(3)}, 1, "-+-"},
		{"exactly one of two at the same time", "first", []item{good(9), good(2), good(5)}, 2, "-+-"},
		{"all that are done from the start", "first", []item{good(0), good(1), fails(0), cancelled(0)}, 0, "+-++"},
		{"a failure", "error", []item{good(1), fails(2), good(3)}, 2, "++-"},
		{"a cancellation", "error", []item{good(1), cancelled(2), good(3)}, 2, "++-"},
		{"a failure from the start", "error", []item{fails(0), good(0), good(3)}, 0, "++-"},
		{"no failure", "error", []item{good(3), good(0), good(2)}, 3, "+++"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s, until %s", tt.name, tt.until), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				defer time.Sleep(time.Minute)
				var items, wantDone, wantNotDone []*promise
				for i, item := range tt.items {
					p := item.start(t)
					items = append(items, p)
					if tt.done[i] == '+' {
						wantDone = append(wantDone, p)
					} else {
						wantNotDone = append(wantNotDone, p)
					}
				}
				begin := time.Now()
				done, notDone, err := pending.WaitAll(t.Context(), items, untils[tt.until])
				require.NoError(t, err)
				assert.Equal(t, time.Duration(tt.took)*time.Second, time.Since(begin))
				assert.Equal(t, wantDone, done)
				assert.Equal(t, wantNotDone, notDone)
			})
		})
	}
}

// Item 63 of the seed's behavior.
func TestWaitAllThatEndsEarlyLeavesThePendingsAlone(t *testing.T) {
	ends := map[string]struct {
		opt    pending.WaitOption
		outer  time.Duration
		is     error
		takes  time.Duration
		undone int
	}{
		"by its timeout":          {pending.Timeout(2 * time.Second), time.Hour, nil, 2 * time.Second, 1},
		"by a timeout of nothing": {pending.Timeout(0), time.Hour, nil, 0, 2},
		"by its context":          {pending.AllCompleted(), 2 * time.Second, context.DeadlineExceeded, 2 * time.Second, 1},
		"not, as it is shielded":  {pending.Shield(), 2 * time.Second, nil, 3 * time.Second, 0},
	}
	for name, tt := range ends {
		t.Run(name, func(t *testing.T) {
			everyPlace(t, func(ctx context.Context, t *testing.T) {
				defer time.Sleep(time.Minute)
				outer, cancel := context.WithTimeout(ctx, tt.outer)
				defer cancel()
				items := []*promise{item{time.Second, nil}.start(t), item{3 * time.Second, nil}.start(t)}
				begin := time.Now()
				done, notDone, err := pending.WaitAll(outer, items, tt.opt)
				require.ErrorIs(t, err, tt.is)
				assert.Equal(t, tt.takes, time.Since(begin))
				assert.Len(t, done, 2-tt.undone)
				assert.Len(t, notDone, tt.undone)
				for _, p := range items {
					assert.False(t, p.Cancelled())
				}
			})
		})
	}
}

// everyPlace runs a test, in a bubble, on a plain goroutine and inside a
// function.
func everyPlace(t *testing.T, test func(ctx context.Context, t *testing.T)) {
	t.Run("on a goroutine", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t.Context(), t) })
	})
	t.Run("in a function", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { inside(t, func(ctx context.Context) { test(ctx, t) }) })
	})
}

func TestWaitAllThatWouldWaitForItselfFails(t *testing.T) {
	call(t.Context(), func(ctx context.Context) (int, error) {
		own, _ := pending.Current(ctx)
		items := []*promise{open(t, 1)[0], own.(*promise)}
		done, notDone, err := pending.WaitAll(ctx, items)
		require.ErrorIs(t, err, pending.ErrDeadlock)
		assert.Empty(t, done)
		assert.Equal(t, items, notDone)
		assert.False(t, items[0].Cancelled())
		return 0, nil
	})
}
