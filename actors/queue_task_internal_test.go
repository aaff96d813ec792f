package actors

import (
	"context"
	"log/slog"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Section 5, 6, of the seed's behavior.
func TestNothingIsKeptOfQueuesThatAreDone(t *testing.T) {
	c, err := Start(actor.NewActorSystem(func(config *actor.Config) {
		config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
	}))
	require.NoError(t, err)
	kept := func() (n int) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.coldState.queues) + len(c.coldState.keyed)
	}
	fn := func(context.Context, int) error { return nil }
	for key := range 10 {
		q := QueueFor(c, key, fn)
		require.NoError(t, q.Put(1))
		assert.Equal(t, 2, kept())
		require.NoError(t, q.CloseWait(t.Context()))
		assert.Zero(t, kept())
	}
	QueueFor(c, "open", fn)
	require.NoError(t, c.StopWait(t.Context()))
	assert.Zero(t, kept())
	QueueFor(c, "late", fn)
	assert.Zero(t, kept())
}

// A stop may come after an item is taken and before its function is called.
func TestQueueEndsWhenAStopComesBeforeAnItemThatWasTaken(t *testing.T) {
	for name, begun := range map[string]bool{"the first": false, "a later one": true} {
		t.Run(name, func(t *testing.T) {
			c, err := Start(actor.NewActorSystem(func(config *actor.Config) {
				config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
			}))
			require.NoError(t, err)
			calls := make(chan int, 2)
			l := newQueueTask(c, func(_ context.Context, i int) error {
				calls <- i
				return nil
			}, nil)
			if begun {
				_, err := l.put(context.Background(), 1)
				require.NoError(t, err)
				<-calls
				_, err = CallSoon(t.Context(), c, func(context.Context) (int, error) { return 0, nil }).Wait(t.Context())
				require.NoError(t, err)
			}
			free := make(chan struct{})
			require.NoError(t, c.CallDirect(func() { <-free }))
			_, err = l.put(context.Background(), 2)
			require.NoError(t, err)
			task, more := l.next()
			require.NotNil(t, task)
			require.False(t, more)
			c.Stop()
			assert.False(t, l.IsDone(), "the item may be on its way")
			l.Reject(c.stopError())
			assert.True(t, l.IsDone())
			close(free)
			require.NoError(t, c.StopWait(t.Context()))
			assert.Empty(t, calls)
		})
	}
}
