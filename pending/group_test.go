package pending_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

var errMember = errors.New("member")

// Items 45 and 46 of the seed's behaviour.
func TestOutcomeOfAGroup(t *testing.T) {
	quiet := func(t *testing.T, err error) { require.NoError(t, err) }
	cancelled := func(t *testing.T, err error) { require.ErrorIs(t, err, pending.ErrCancelled) }
	failed := func(t *testing.T, err error) { require.ErrorIs(t, err, errMember) }
	type outcome struct {
		err             func(*testing.T, error)
		othersCancelled bool
	}
	modes := []pending.Mode{
		pending.IgnoreCancelled, pending.CancelAndReport, pending.CancelQuietly, pending.ReportCancelled,
	}
	tests := map[string]struct {
		happens func(*pending.Group, *pending.Pending[int])
		want    [4]outcome
	}{
		"all go well": {
			func(_ *pending.Group, p *pending.Pending[int]) { p.SetResult(1) },
			[4]outcome{{quiet, false}, {quiet, false}, {quiet, false}, {quiet, false}},
		},
		"a member is cancelled": {
			func(_ *pending.Group, p *pending.Pending[int]) { p.Cancel(nil) },
			[4]outcome{{quiet, false}, {cancelled, true}, {quiet, true}, {cancelled, false}},
		},
		"a member fails": {
			func(_ *pending.Group, p *pending.Pending[int]) { p.SetError(errMember) },
			[4]outcome{{failed, true}, {failed, true}, {failed, true}, {failed, true}},
		},
		"the group is cancelled": {
			func(g *pending.Group, _ *pending.Pending[int]) { g.Cancel(errMember) },
			[4]outcome{{quiet, true}, {cancelled, true}, {quiet, true}, {cancelled, true}},
		},
	}
	for name, tt := range tests {
		for i, mode := range modes {
			t.Run(name, func(t *testing.T) {
				g, ctx := pending.NewGroup(t.Context(), pending.WithMode(mode))
				p := pending.New[int](ctx, pending.Tracked())
				other := pending.New[int](ctx, pending.Tracked())
				assert.ElementsMatch(t, []pending.Handle{p, other}, g.Pending())
				tt.happens(g, p)
				assert.Equal(t, tt.want[i].othersCancelled, other.Cancelled())
				assert.Equal(t, tt.want[i].othersCancelled, ctx.Err() != nil)
				other.SetResult(1)
				tt.want[i].err(t, g.Wait())
				assert.Empty(t, g.Pending())
				require.ErrorIs(t, g.Wait(), pending.ErrGroupOver)
			})
		}
	}
}

func TestErrorOfTheBodyCancelsTheGroupAndIsReturnedAsItIs(t *testing.T) {
	var p *pending.Pending[int]
	errBody := errors.New("body")
	err := pending.Run(t.Context(), func(ctx context.Context) error {
		p = pending.New[int](ctx, pending.Tracked())
		return errBody
	})
	assert.Same(t, errBody, err)
	require.ErrorIs(t, p.Err(), errBody)
	require.ErrorIs(t, p.Err(), pending.ErrCancelled)
}

func TestPanicOfTheBodyGoesOnWhenTheGroupHasEnded(t *testing.T) {
	var p *pending.Pending[int]
	assert.PanicsWithValue(t, "no", func() {
		_ = pending.Run(t.Context(), func(ctx context.Context) error {
			p = pending.New[int](ctx, pending.Tracked())
			panic("no")
		})
	})
	assert.True(t, p.Cancelled())
}

func TestOuterContextEndsAGroupUnlessItIsShielded(t *testing.T) {
	outer, cancel := context.WithCancelCause(t.Context())
	g, ctx := pending.NewGroup(outer)
	shielded, inside := pending.NewGroup(outer, pending.WithShield())
	p := pending.New[int](ctx, pending.Tracked())
	q := pending.New[int](inside, pending.Tracked())
	cancel(errMember)
	require.ErrorIs(t, g.Wait(), errMember)
	assert.True(t, p.Cancelled())
	q.SetResult(1)
	require.NoError(t, shielded.Wait())
}

func TestMembersOfAnInnerGroupAreMembersOfTheOuterOne(t *testing.T) {
	outer, ctx := pending.NewGroup(t.Context())
	inner, inside := pending.NewGroup(ctx)
	p := pending.New[int](inside, pending.Tracked())
	assert.Len(t, outer.Pending(), 1)
	p.SetError(errMember)
	require.ErrorIs(t, inner.Wait(), errMember)
	require.ErrorIs(t, outer.Wait(), errMember)
}
