package rpc

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/cluster"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// refusing is a target that is nowhere, and tells of which failures it is asked.
type refusing struct{ failures chan int }

func (refusing) String() string   { return "refusing" }
func (refusing) moves(error) bool { return true }

func (r refusing) find(ctx context.Context, _ *node, failed []failure) (endpoint, error) {
	select {
	case r.failures <- len(failed):
	case <-ctx.Done():
	}
	return endpoint{}, ErrNodeDown
}

// inTurns is a target at two nodes that have no such caller: the one that has not
// failed, or the first.
type inTurns struct{ asked chan<- time.Time }

func (inTurns) String() string   { return "in turns" }
func (inTurns) moves(error) bool { return true }

func (i inTurns) find(_ context.Context, _ *node, failed []failure) (endpoint, error) {
	i.asked <- time.Now()
	if len(failed) == 1 {
		return At("b", "nobody").(endpoint), nil
	}
	return At("a", "nobody").(endpoint), nil
}

func TestCallWithAKeyThatIsAlwaysRefusedPausesEverLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := actorstest.NewNetwork(t)
		here := network.System("here")
		for _, name := range []string{"a", "b"} {
			require.NoError(t, Handle(network.System(name), "echo", func(_ context.Context, s string) (string, error) { return s, nil }))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		asked := make(chan time.Time, 10_000)
		p := Call[string, string](ctx, here, inTurns{asked}, "echo", "x", Idempotent(""))
		<-p.Done()
		require.ErrorIs(t, p.Err(), context.DeadlineExceeded)
		synctest.Wait()
		assert.Greater(t, len(asked), 400)
		last := <-asked
		for attempt := 2; len(asked) > 0; attempt++ {
			at := <-asked
			if attempt > 10 {
				assert.GreaterOrEqual(t, at.Sub(last), longestBackoff/2)
			}
			assert.LessOrEqual(t, at.Sub(last), longestBackoff*3/2)
			last = at
		}
	})
}

func TestCallWithAKeyTriesAllPlacesAnewWhenEachHasFailed(t *testing.T) {
	r := newReceiver(t)
	target := refusing{make(chan int)}
	p := Call[string, string](t.Context(), r.system, target, "echo", "x", Idempotent(""))
	for _, want := range []int{0, 1, 0, 1, 0} {
		assert.Equal(t, want, <-target.failures)
	}
	p.Cancel(nil)
}

func TestAttemptThatTakesTooLongIsMadeWhereTheIdentityIsByThen(t *testing.T) {
	r := newReceiver(t)
	identity := Identity(&cluster.Cluster{ActorSystem: r.system}, "cart", "alice")
	r.located.note("cart/alice", endpoint{address: "a", caller: "x"})
	p := Call[string, string](t.Context(), r.system, identity, "echo", "x", Idempotent("k"), AttemptTimeout(time.Millisecond))
	first := r.serve(t)
	assert.Equal(t, "k", first.next().Request.Key)
	assert.False(t, p.IsDone(), "it waits, as the identity is where it was")
	r.located.note("cart/alice", endpoint{address: "b", caller: "y"})
	assert.Equal(t, wire.KindCancel, first.next().Kind)
	second := r.serve(t)
	f := second.next()
	assert.Equal(t, "y", f.Request.Caller)
	assert.Equal(t, "k", f.Request.Key)
	second.send(wire.AppendResponse(nil, f.Number, &wire.Response{Result: wire.Payload{Encoding: "json", Data: []byte(`"x"`)}}, false))
	_, err := p.Wait(t.Context())
	require.NoError(t, err)
	r.untilIdle(t)
}
