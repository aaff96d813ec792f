package inspect_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry/inspect"
)

// TestSnapshotsOfABusySystemAreSound takes snapshots and draws pages while callers start,
// call, wait, fail, restart and stop.
func TestSnapshotsOfABusySystemAreSound(t *testing.T) {
	const workers, rounds = 4, 40
	system := newSystem()
	ctx := context.Background()
	start(t, system, props.Name("first"))
	h := inspect.Handler(system, inspect.AllowActions())
	var work, look sync.WaitGroup
	over := make(chan struct{})
	for range 2 {
		look.Go(func() {
			last := uint64(0)
			for i := 0; ; i++ {
				select {
				case <-over:
					return
				default:
				}
				s, err := inspect.Take(ctx, system, inspect.Ages(), inspect.Limit(1+i%7))
				if err != nil {
					t.Error(err)
					return
				}
				assert.Greater(t, s.Sequence, last)
				last = s.Sequence
				for _, c := range s.Callers {
					assert.Less(t, c.Counters.Calls, uint64(1e6), c.ID)
					assert.LessOrEqual(t, len(c.Suspended), c.SuspendedN)
				}
				for _, page := range []string{"/", "/tree", "/waits", "/slow", "/snapshot.txt"} {
					w := httptest.NewRecorder()
					h.ServeHTTP(w, local(http.MethodGet, page))
					assert.Equal(t, http.StatusOK, w.Code, page)
				}
			}
		})
	}
	for worker := range workers {
		work.Go(func() {
			for round := range rounds {
				busy(ctx, t, func(opts ...props.Option) (*actors.Caller, error) {
					return actors.Start(system, append(opts, props.Name(fmt.Sprintf("c%d-%d", worker, round)))...)
				})
			}
		})
	}
	work.Wait()
	close(over)
	look.Wait()
	require.Eventually(t, func() bool { return len(take(t, system).Callers) == 1 }, time.Minute, time.Millisecond)
}

// busy has a new caller do all kinds of things until it has stopped.
func busy(ctx context.Context, t *testing.T, begin func(...props.Option) (*actors.Caller, error)) {
	c, err := begin(props.MaxQueued(8), props.MaxWorkers(2))
	if err != nil {
		t.Error(err)
		return
	}
	child, err := c.Child(props.Name("child"))
	if err != nil {
		t.Error(err)
		return
	}
	gate := pending.New[int](ctx)
	waits := func(ctx context.Context) (int, error) {
		actors.Progress(ctx, 1, 2, "half")
		return gate.Wait(ctx)
	}
	q := actors.NewQueue(child, func(ctx context.Context, n int) error { return nil })
	for i := range 4 {
		actors.CallSoon(ctx, c, waits)
		actors.CallSoon(ctx, child, func(ctx context.Context) (int, error) { return actors.CallSoon(ctx, c, waits).Wait(ctx) })
		_ = q.Put(i) // it may have stopped
	}
	actors.Schedule(ctx, c, waits, actors.OnWorker())
	actors.CallLater(ctx, child, time.Hour, waits)
	failing := actors.CallSoon(ctx, child, func(context.Context) (int, error) { panic(errors.New("boom")) })
	_, _ = failing.Wait(ctx) // it has failed, or the limit has refused it
	gate.SetResult(1)
	assert.NoError(t, c.StopWait(ctx))
}
