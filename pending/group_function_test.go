package pending_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/scheduled"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

func TestWaitForAGroupGivesTheTurnAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p *pending.Pending[int]
		task, r := spawn(t.Context(), func(ctx context.Context) (any, error) {
			return nil, pending.Run(ctx, func(ctx context.Context) error {
				p = member(ctx)
				return nil
			})
		})
		require.Len(t, r.parked(), 1)
		assert.False(t, r.parked()[0].keep)
		p.SetResult(1)
		<-task.Done()
		require.NoError(t, task.Err())
	})
}

func TestWaitForAGroupWithoutOpenMembersKeepsTheTurn(t *testing.T) {
	task, r := queue(t.Context(), func(ctx context.Context) (any, error) {
		return nil, pending.Run(ctx, func(ctx context.Context) error {
			member(ctx).SetResult(1)
			return nil
		})
	})
	_ = task.Run()
	require.NoError(t, task.Err())
	assert.Empty(t, r.parked())
}

// The end of a function comes to its group as the end of the outer context.
func TestGroupInAFunctionThatIsToEnd(t *testing.T) {
	tests := map[string]struct {
		end       func(*scheduled.Call[string])
		cancelled bool
	}{
		"cancelled": {func(task *scheduled.Call[string]) { task.Cancel(errWhy) }, true},
		"stopped":   {func(task *scheduled.Call[string]) { task.Interrupt(errWhy) }, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var slow *pending.Pending[int]
				var err error
				task, _ := spawn(t.Context(), func(ctx context.Context) (string, error) {
					err = pending.Run(ctx, func(ctx context.Context) error {
						slow = stubborn(ctx, time.Second)
						memberFor(ctx, time.Hour)
						return nil
					})
					return "tidied up", nil
				})
				begin := time.Now()
				tt.end(task)
				<-task.Done()
				assert.Equal(t, time.Second, time.Since(begin), "the members are waited for")
				requireErrors(t, err, errWhy, context.Canceled)
				requireErrors(t, slow.Err(), errWhy, pending.ErrCancelled)
				assert.Equal(t, tt.cancelled, task.Cancelled())
			})
		})
	}
}

func TestGroupWhoseWaitIsRefusedIsCancelled(t *testing.T) {
	var p *pending.Pending[int]
	task, r := queue(t.Context(), func(ctx context.Context) (any, error) {
		return nil, pending.Run(ctx, func(ctx context.Context) error {
			p = member(ctx)
			return nil
		})
	})
	r.refuse = pending.ErrDeadlock
	_ = task.Run()
	require.ErrorIs(t, task.Err(), pending.ErrDeadlock)
	requireErrors(t, p.Err(), pending.ErrCancelled, pending.ErrDeadlock)
}

// Item 45 of the seed's behavior.
func TestMembersAddedByMembersDuringTheWaitAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var grow func(ctx context.Context, depth int)
		grow = func(ctx context.Context, depth int) {
			task, _ := queue(ctx, func(ctx context.Context) (any, error) {
				time.Sleep(time.Second)
				if depth > 1 {
					grow(ctx, depth-1)
				}
				return nil, nil
			})
			go func() { _ = task.Run() }()
		}
		g, ctx := pending.NewGroup(t.Context())
		grow(ctx, 5)
		require.NoError(t, g.Wait())
		assert.Equal(t, 5*time.Second, time.Since(begin))
	})
}

func TestMemberSeesItsGroupAndMayCancelIt(t *testing.T) {
	g, ctx := pending.NewGroup(t.Context(), pending.WithMode(pending.CancelAndReport))
	var seen *pending.Group
	call(ctx, func(ctx context.Context) (any, error) {
		seen, _ = pending.CurrentTracker[*pending.Group](ctx)
		seen.Cancel(errWhy)
		return nil, ctx.Err()
	})
	assert.Same(t, g, seen)
	require.ErrorIs(t, g.Wait(), errWhy)
}
