package actors_test

import (
	"context"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// A promise is completed by whoever made it, a call by its function.
func TestPendingOfACallIsCompletedByItsFunctionAlone(t *testing.T) {
	c := start(t, newSystem(t))
	release := occupy(t, c)
	calls := map[string]*pending.Pending[int]{
		"CallSoon": actors.CallSoon(t.Context(), c, returns(1)),
		"Schedule": actors.Schedule(t.Context(), c, returns(1), actors.Named("scheduled")),
		"later":    actors.CallLater(t.Context(), c, time.Millisecond, returns(1)),
		"worker": actors.ToThread(t.Context(), c, func(ctx context.Context) (int, error) {
			return actors.CallSoon(ctx, c, returns(1)).Wait(ctx)
		}),
	}
	for name, p := range calls {
		assert.False(t, p.SetResult(2), name)
		assert.False(t, p.SetError(errBoom), name)
		assert.False(t, p.IsDone(), name)
	}
	release()
	for name, p := range calls {
		assert.Equal(t, 1, result(t, p), name)
		assert.False(t, p.SetResult(2), name)
	}
}

func TestPendingOfAQueueIsCompletedByItsEndAlone(t *testing.T) {
	c := start(t, newSystem(t))
	var got []int
	q := actors.NewQueue(c, func(_ context.Context, i int) error {
		got = append(got, i)
		return nil
	})
	require.NoError(t, q.Put(1))
	assert.False(t, q.Pending().SetResult(struct{}{}))
	assert.False(t, q.Pending().SetError(errBoom))
	require.NoError(t, q.Put(2))
	require.NoError(t, q.CloseWait(t.Context()))
	assert.Equal(t, []int{1, 2}, got)
	require.NoError(t, q.Pending().Err())
}

func TestNoWaitCancelsACallThatIsProtected(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p := actors.Schedule(t.Context(), c, func(ctx context.Context) (int, error) {
			return 1, actors.Sleep(ctx, time.Minute)
		}, actors.Protected())
		_, err := p.Wait(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.False(t, p.Cancelled())
		assert.Equal(t, 1, result(t, p))
	})
}
