package actorstest_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// behavior is what this module promises, whatever the order.
type behavior struct {
	name string
	body func(t testing.TB, w *actorstest.World)
}

var behaviors = []behavior{
	{"a stop against calls", stopAgainstCalls},
	{"a restart against a wait", restartAgainstWait},
	{"a drain against calls", drainAgainstCalls},
	{"the close of a queue against its items", closeOfQueue},
	{"the cancel of a group", cancelOfGroup},
	{"the limit of a pool of workers", limitOfPool},
	{"periodic calls against a stop", periodicCalls},
	{"delayed calls and sleeps", delayedCalls},
	{"callers on threads and in alternation", threads},
}

// ended requires that all pendings are done, each with a value or for a reason that counts.
func ended(t testing.TB, reasons []error, all ...*pending.Pending[int]) (values int) {
	for _, p := range all {
		_, err := p.Wait(t.Context(), pending.Protect())
		require.True(t, p.IsDone())
		if err == nil {
			values++
			continue
		}
		known := false
		for _, reason := range reasons {
			known = known || errors.Is(err, reason)
		}
		require.True(t, known, "%v", err)
	}
	return values
}

func stopAgainstCalls(t testing.TB, w *actorstest.World) {
	system := w.System("node")
	c := actorstest.Start(t, system, props.Name("worker"))
	child, err := c.Child(props.Name("child"))
	require.NoError(t, err)
	ran, running := 0, 0
	work := func(ctx context.Context) (int, error) {
		running++
		assert.Equal(t, 1, running)
		running--
		err := actors.Do(ctx, child, func(context.Context) error { return nil })
		ran++
		return 0, err
	}
	all := []*pending.Pending[int]{
		actors.CallSoon(t.Context(), c, work), actors.CallSoon(t.Context(), c, work), actors.CallSoon(t.Context(), child, func(context.Context) (int, error) { return 0, nil }),
	}
	stopper := actorstest.Start(t, system, props.Name("stopper"))
	stop := actors.CallSoon(t.Context(), stopper, actors.NoResult(func(ctx context.Context) error { return c.StopWait(ctx) }))
	all = append(all, actors.CallSoon(t.Context(), c, work))
	wait(t, stop)
	assert.Equal(t, actors.StateStopped, c.State())
	assert.Equal(t, actors.StateStopped, child.State())
	ended(t, []error{pending.ErrStopped}, all...)
	_, err = actors.CallSoon(t.Context(), c, work).Wait(t.Context())
	require.ErrorIs(t, err, pending.ErrStopped)
}

func restartAgainstWait(t testing.TB, w *actorstest.World) {
	system := w.System("node")
	c := actorstest.Start(t, system, props.Name("worker"), props.Supervision(supervision.Restart()))
	other := actorstest.Start(t, system, props.Name("other"))
	waits := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
		return actors.Call(ctx, other, func(context.Context) (int, error) { return 1, nil })
	})
	fails := actors.CallSoon(t.Context(), c, func(context.Context) (int, error) { panic("boom") })
	queued := actors.CallSoon(t.Context(), c, func(context.Context) (int, error) { return 2, nil })
	_, err := fails.Wait(t.Context())
	crash := (*pending.PanicError)(nil)
	require.ErrorAs(t, err, &crash)
	if _, err := waits.Wait(t.Context(), pending.Protect()); err != nil {
		require.ErrorIs(t, err, pending.ErrCancelled)
	}
	n, err := queued.Wait(t.Context())
	require.NoError(t, err, "what is queued survives a restart")
	require.Equal(t, 2, n)
	n, err = actors.Call(t.Context(), c, func(context.Context) (int, error) { return 3, nil })
	require.NoError(t, err)
	require.Equal(t, 3, n)
}

func drainAgainstCalls(t testing.TB, w *actorstest.World) {
	system := w.System("node")
	c := actorstest.Start(t, system, props.Name("worker"))
	other := actorstest.Start(t, system, props.Name("other"))
	ran := 0
	work := func(ctx context.Context) (int, error) {
		_, err := actors.Call(ctx, other, func(context.Context) (int, error) { return 0, nil })
		ran++
		return 0, err
	}
	before := []*pending.Pending[int]{actors.CallSoon(t.Context(), c, work), actors.CallSoon(t.Context(), c, work)}
	later := actors.CallLater(t.Context(), c, 10*time.Millisecond, work)
	drain := actors.CallSoon(t.Context(), other, actors.NoResult(c.Drain))
	during := actors.CallSoon(t.Context(), c, work)
	wait(t, drain)
	require.Equal(t, actors.StateStopped, c.State())
	for _, p := range append(before, later) {
		require.NoError(t, p.Err(), "what was accepted finishes")
	}
	accepted := ended(t, []error{pending.ErrStopped}, during)
	require.Equal(t, 3+accepted, ran)
}

func closeOfQueue(t testing.TB, w *actorstest.World) {
	system := w.System("node")
	c := actorstest.Start(t, system, props.Name("worker"))
	other := actorstest.Start(t, system, props.Name("other"))
	var got []int
	busy := 0
	q := actors.NewQueue(c, func(ctx context.Context, n int) error {
		busy++
		assert.Equal(t, 1, busy, "one item at a time")
		err := actors.Do(ctx, other, func(context.Context) error { return nil })
		got = append(got, n)
		busy--
		return err
	}, actors.QueueCapacity(2))
	var put []int
	putting := actors.CallSoon(t.Context(), other, actors.NoResult(func(ctx context.Context) error {
		for n := range 4 {
			if err := q.PutWait(ctx, n); err != nil {
				assert.ErrorIs(t, err, actors.ErrQueueClosed)
				return nil
			}
			put = append(put, n)
		}
		return nil
	}))
	closer := actorstest.Start(t, system, props.Name("closer"))
	closing := actors.CallSoon(t.Context(), closer, actors.NoResult(q.CloseWait))
	wait(t, putting, closing)
	require.Equal(t, put, got, "what was taken is worked on, in order")
	require.ErrorIs(t, q.Put(9), actors.ErrQueueClosed)
}

func cancelOfGroup(t testing.TB, w *actorstest.World) {
	system := w.System("node")
	a := actorstest.Start(t, system, props.Name("a"))
	b := actorstest.Start(t, system, props.Name("b"))
	errNo := errors.New("no")
	g, ctx := pending.NewGroup(t.Context())
	slow := actors.CallSoon(ctx, a, func(ctx context.Context) (int, error) { return 0, actors.Sleep(ctx, time.Hour) })
	nested := actors.CallSoon(ctx, b, func(ctx context.Context) (int, error) {
		return actors.Call(ctx, a, func(ctx context.Context) (int, error) { return 1, nil })
	})
	fails := actors.CallSoon(ctx, b, func(context.Context) (int, error) { return 0, errNo })
	require.ErrorIs(t, g.Wait(), errNo)
	for _, p := range []*pending.Pending[int]{slow, nested, fails} {
		require.True(t, p.IsDone(), "no member is left")
	}
	require.ErrorIs(t, slow.Err(), pending.ErrCancelled)
	require.Error(t, ctx.Err())
}

func limitOfPool(t testing.TB, w *actorstest.World) {
	system := w.System("node")
	c := actorstest.Start(t, system, props.Name("boss"), props.MaxWorkers(2), props.MaxIdleWorkers(1), props.IdleTimeout(time.Second))
	other := actorstest.Start(t, system, props.Name("other"))
	var busy atomic.Int32
	var all []*pending.Pending[int]
	for range 4 {
		all = append(all, actors.ToThread(t.Context(), c, func(ctx context.Context) (int, error) {
			assert.LessOrEqual(t, busy.Add(1), int32(2))
			defer busy.Add(-1)
			return actors.Call(ctx, other, func(context.Context) (int, error) { return 0, nil })
		}))
	}
	all[3].Cancel(nil)
	n := ended(t, []error{pending.ErrCancelled}, all...)
	require.GreaterOrEqual(t, n, 3)
}

func periodicCalls(t testing.TB, w *actorstest.World) {
	system := w.System("node")
	c := actorstest.Start(t, system, props.Name("clock"))
	stopper := actorstest.Start(t, system, props.Name("stopper"))
	ticks, inside := 0, false
	every := actors.Every(t.Context(), c, 10*time.Millisecond, func(ctx context.Context) error {
		assert.False(t, inside, "never two at a time")
		inside = true
		err := actors.Do(ctx, stopper, func(context.Context) error { return nil })
		inside = false
		ticks++
		return err
	}, actors.Immediately())
	stop := actors.CallLater(t.Context(), stopper, 25*time.Millisecond, actors.NoResult(func(ctx context.Context) error { return c.StopWait(ctx) }))
	wait(t, stop)
	_, err := every.Wait(t.Context())
	require.ErrorIs(t, err, pending.ErrStopped)
	before := ticks
	w.Settle()
	require.Equal(t, before, ticks)
}

func delayedCalls(t testing.TB, w *actorstest.World) {
	system := w.System("node")
	c := actorstest.Start(t, system, props.Name("clock"))
	var order []int
	began := time.Now()
	note := func(n int) func(context.Context) (int, error) {
		return func(ctx context.Context) (int, error) {
			if err := actors.Sleep(ctx, time.Duration(n)*time.Millisecond); err != nil {
				return 0, err
			}
			assert.GreaterOrEqual(t, time.Since(began), time.Duration(2*n)*time.Millisecond)
			order = append(order, n)
			return n, nil
		}
	}
	a := actors.CallLater(t.Context(), c, 2*time.Millisecond, note(2))
	b := actors.CallLater(t.Context(), c, time.Millisecond, note(1))
	gone := actors.CallLater(t.Context(), c, time.Hour, note(3))
	gone.Cancel(nil)
	limited := actors.Schedule(t.Context(), c, func(ctx context.Context) (int, error) { return 0, actors.Sleep(ctx, time.Minute) }, actors.Timeout(time.Second))
	require.Equal(t, 2, ended(t, nil, a, b))
	require.Len(t, order, 2)
	_, err := limited.Wait(t.Context())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, gone.Err(), pending.ErrCancelled)
}

func threads(t testing.TB, w *actorstest.World) {
	system := w.System("node")
	c := actorstest.Start(t, system, props.Name("thread"), props.Backend(props.Thread))
	other := actorstest.Start(t, system, props.Name("other"))
	n := 0
	work := func(ctx context.Context) (int, error) {
		n++
		return actors.Call(ctx, other, func(context.Context) (int, error) { return 0, nil })
	}
	a, b := actors.CallSoon(t.Context(), c, work), actors.CallUsing(t.Context(), c, props.Goroutine, work)
	d := actors.CallUsing(t.Context(), other, props.Thread, func(ctx context.Context) (int, error) {
		return actors.Call(ctx, c, func(context.Context) (int, error) { return 0, nil })
	})
	require.Equal(t, 3, ended(t, nil, a, b, d))
	require.Equal(t, 2, n)
}

func TestWhatWeUseItOn(t *testing.T) {
	for _, b := range behaviors {
		t.Run(b.name, func(t *testing.T) { actorstest.Explore(t, b.body, actorstest.Schedules(*schedules)) })
	}
}

func TestTheOrderOfASeedIsTheSameEachTime(t *testing.T) {
	for _, b := range behaviors {
		t.Run(b.name, func(t *testing.T) {
			for seed := range uint64(scaled(50)) { //nolint:gosec // It is positive.
				first := actorstest.Order(t, seed, b.body)
				require.Equal(t, first, actorstest.Order(t, seed, b.body), "seed %d", seed)
			}
		})
	}
}
