package pending_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// The inner group cancels its other members because of the failure. The outer one,
// whose members they are too, knows of the failure before it hears of that.
func TestAllGroupsOfAMemberHearOfItsFailureBeforeOneOfThemActs(t *testing.T) {
	for _, mode := range modes {
		outer, ctx := pending.NewGroup(t.Context(), pending.WithMode(mode))
		inner, inside := pending.NewGroup(ctx, pending.WithMode(mode))
		sibling := member(inside)
		member(inside).SetError(errBoom)
		assert.True(t, sibling.Cancelled())
		require.EqualError(t, inner.Wait(), "pending: group: boom")
		require.EqualError(t, outer.Wait(), "pending: group: boom")
	}
}

// What an inner group reports is an error of the body. That it has ended because
// the outer one did is none, whatever the reason was.
func TestEndOfAnInnerGroupBecauseOfTheOuterOneIsNoErrorOfTheBody(t *testing.T) {
	err := pending.Run(t.Context(), func(ctx context.Context) error {
		report := pending.Run(ctx, func(ctx context.Context) error {
			member(ctx).Cancel(errWhy)
			return nil
		}, pending.WithMode(pending.CancelAndReport))
		require.ErrorIs(t, report, errWhy)

		g, _ := pending.CurrentTracker[*pending.Group](ctx)
		g.Cancel(report)
		return pending.Run(ctx, func(ctx context.Context) error {
			member(ctx)
			return nil
		})
	}, pending.WithMode(pending.CancelQuietly))
	require.NoError(t, err)
}

func TestGroupDoesNotWaitForTheFunctionThatWaitsForIt(t *testing.T) {
	task := call(t.Context(), func(ctx context.Context) (any, error) {
		own, _ := pending.Current(ctx)
		g, inside := pending.NewGroup(ctx)
		other := member(inside)
		g.Add(own)
		err := g.Wait()
		assert.True(t, other.Cancelled())
		assert.ErrorIs(t, g.Wait(), pending.ErrGroupOver)
		return nil, err
	})
	require.ErrorIs(t, task.Err(), pending.ErrDeadlock)
}
