package actors

import (
	"bytes"
	"log/slog"
	"runtime"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

func quietSystem() *actor.ActorSystem {
	return actor.NewActorSystem(func(config *actor.Config) {
		config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
	})
}

func TestEventsOfASlowHandlerAreBounded(t *testing.T) {
	const surplus = 10
	system := quietSystem()
	var log bytes.Buffer
	c, err := Start(system, props.Logger(slog.New(slog.NewTextHandler(&log, nil))))
	require.NoError(t, err)
	free, busy, seen := make(chan struct{}), make(chan struct{}), make(chan int, maxEvents+surplus)
	system.EventStream.Subscribe(func(event any) {
		switch event := event.(type) {
		case string:
			close(busy)
			<-free
		case int:
			seen <- event
		case supervision.Stopped:
			close(seen)
		}
	})
	c.publish("first")
	<-busy
	for i := range maxEvents + surplus {
		c.publish(i)
	}
	assert.Contains(t, log.String(), "events are dropped")
	close(free)
	for i := range maxEvents {
		if got := <-seen; got != i {
			require.Equal(t, i, got)
		}
	}
	require.NoError(t, c.StopWait(t.Context()))
	_, more := <-seen
	assert.False(t, more, "what came too late was dropped")
	assert.Contains(t, log.String(), "count=10")
}

func TestHandlerThatEndsItsGoroutineHidesNoLaterEvent(t *testing.T) {
	system := quietSystem()
	c, err := Start(system)
	require.NoError(t, err)
	seen := make(chan int, 10)
	system.EventStream.Subscribe(func(event any) {
		if i, ok := event.(int); ok {
			seen <- i
			runtime.Goexit()
		}
	})
	for i := range cap(seen) {
		c.publish(i)
	}
	for i := range cap(seen) {
		assert.Equal(t, i, <-seen)
	}
	require.NoError(t, c.StopWait(t.Context()))
}
