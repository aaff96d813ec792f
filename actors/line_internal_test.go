package actors

import (
	"context"
	"log/slog"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Section 5, 6, of the seed's behaviour.
func TestNothingIsKeptOfQueuesThatAreDone(t *testing.T) {
	c, err := Start(actor.NewActorSystem(func(config *actor.Config) {
		config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
	}))
	require.NoError(t, err)
	kept := func() (n int) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.rare.queues) + len(c.rare.keyed)
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

func TestRingKeepsItsOrderAndLetsGo(t *testing.T) {
	var r ring[*int]
	pushed, taken := 0, 0
	for round := range 50 {
		for range round {
			n := pushed
			r.push(&n)
			pushed++
		}
		for range round / 2 {
			require.Equal(t, taken, *r.peek())
			require.Equal(t, taken, *r.shift())
			taken++
		}
		require.Equal(t, pushed-taken, r.n)
	}
	for r.n > 0 {
		require.Equal(t, taken, *r.shift())
		taken++
	}
	assert.Equal(t, pushed, taken)
	for _, item := range r.items {
		assert.Nil(t, item)
	}
}
