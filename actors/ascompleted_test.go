package actors_test

import (
	"context"
	"iter"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

func TestAsCompletedGivesTheTurnAway(t *testing.T) {
	c := start(t, newSystem(t))
	calls := func(ctx context.Context) iter.Seq[*pending.Pending[int]] {
		return func(yield func(*pending.Pending[int]) bool) {
			for range 100 {
				if !yield(actors.CallSoon(ctx, c, one)) {
					return
				}
			}
		}
	}
	sum, err := actors.CallSoon(t.Context(), c, func(ctx context.Context) (sum int, err error) {
		for p, err := range pending.AsCompleted(ctx, calls(ctx)) {
			if err != nil {
				return 0, err
			}
			n, _ := p.Result()
			sum += n
		}
		return sum, nil
	}).Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 100, sum)
}
