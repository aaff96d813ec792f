package rpc

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

func TestWorkersOfAPoolAloneRunCallsOfOthers(t *testing.T) {
	r := newReceiver(t)
	e := request(wire.Version, 7, 1)
	e.GetRequest().Worker = true
	r.get(e)
	answer := <-r.answers
	assert.Contains(t, answer.GetResponse().GetError().GetCodes(), "rpc.denied")
}

// The id of a caller may be that of another identity, on another node at its address.
func TestCallOfAnIdentityThatTheCallerIsNot(t *testing.T) {
	for name, key := range map[string]string{"without a key": "", "with a key": "k"} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			var asked Incoming
			require.NoError(t, Configure(r.system, Authorize(func(call Incoming) bool {
				asked = call
				return true
			})))
			e := request(wire.Version, 7, 1)
			e.GetRequest().Identity, e.GetRequest().Key = "cart/alice", key
			r.get(e)
			answer := (<-r.answers).GetResponse().GetError()
			require.ErrorIs(t, r.decodeError(answer), ErrNoCaller)
			assert.True(t, answer.GetNotRun())
			assert.Equal(t, "cart/alice", asked.Identity)
			assert.Zero(t, StatsOf(r.system))
		})
	}
}

func TestCallThatComesTwiceRunsOnce(t *testing.T) {
	r := newReceiver(t)
	r.get(request(wire.Version, 7, 1))
	assert.NotNil(t, (<-r.answers).GetResponse().GetResult())
	r.get(request(wire.Version, 7, 1))
	r.get(&wire.Envelope{
		Version: wire.Version, Generation: 7, Call: 3, Cancel: &wire.Cancel{},
	})
	r.get(request(wire.Version, 7, 3)) // was cancelled before it came
	r.get(request(wire.Version, 7, 4))
	assert.Equal(t, uint64(4), (<-r.answers).GetCall())
	assert.Empty(t, r.answers)
	assert.Zero(t, r.served.stats())
}

// A call that cannot be told from a repetition does not run, but is answered.
func TestCallThatIsOvertakenIsAnswered(t *testing.T) {
	r := newReceiver(t)
	r.cancelLater()
	r.get(request(wire.Version, 1, 1))
	r.uncertain(t, 1, "came after 4096 later ones")
	assert.Zero(t, r.served.stats())
}

func TestRepetitionOfACallThatRunsIsNotAnswered(t *testing.T) {
	r := newReceiver(t)
	begun, end := make(chan struct{}), make(chan struct{})
	require.NoError(t, Handle(r.system, "block", func(context.Context, string) (int, error) {
		close(begun)
		<-end
		return 7, nil
	}))
	long := request(wire.Version, 1, 1)
	long.GetRequest().Function = "block"
	r.get(long)
	<-begun
	r.cancelLater()
	r.get(long)
	close(end)
	assert.NotNil(t, (<-r.answers).GetResponse().GetResult())
	assert.Empty(t, r.answers)
}

// cancelLater has more calls than are remembered cancelled before they come. The first has
// the number 2.
func (r *receiver) cancelLater() {
	for number := range uint64(remembered + 1) {
		r.get(&wire.Envelope{Version: wire.Version, Generation: 1, Call: number + 2, Cancel: &wire.Cancel{}})
	}
}

// A node whose clock was put back seems to be an earlier one.
func TestCallOfAnEarlierNodeIsAnswered(t *testing.T) {
	for name, key := range map[string]string{"without a key": "", "with a key": "k"} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			r.get(request(wire.Version, 7, 1))
			<-r.answers
			earlier := request(wire.Version, 6, 2)
			earlier.GetRequest().Key = key
			r.get(earlier)
			r.uncertain(t, 2, "clock was put back")
		})
	}
}

// uncertain waits for the answer to a call of which nobody knows whether it has run.
func (r *receiver) uncertain(t *testing.T, number uint64, text string) {
	t.Helper()
	r.lines.senders.Wait()
	require.NotEmpty(t, r.answers, "the call vanished")
	answer := <-r.answers
	assert.Equal(t, number, answer.GetCall())
	err := r.decodeError(answer.GetResponse().GetError())
	require.ErrorIs(t, err, ErrUncertain)
	require.ErrorContains(t, err, text)
	assert.False(t, hasNotRun(err))
	assert.False(t, r.mayRepeat(err))
}

func TestNumberThatIsUsedTwiceCountsOnce(t *testing.T) {
	for name, keys := range map[string][2]string{"key first": {"k", ""}, "key last": {"", "k"}, "two keys": {"k", "l"}} {
		t.Run(name, func(t *testing.T) {
			r := newTarget(t)
			for _, key := range keys {
				e := request(wire.Version, 1, 1)
				e.GetRequest().Function, e.GetRequest().Key = "sleep", key
				r.get(e)
			}
			assert.LessOrEqual(t, r.served.stats(), 1)
			r.settle(t)
		})
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	r := newReceiver(t)
	for number := range uint64(remembered + 10) {
		r.get(request(wire.Version, 1, number+1))
		<-r.answers
	}
	c := r.served.peers["here"]
	assert.Len(t, c.seen, remembered)
	assert.Len(t, c.order, remembered)
	assert.Equal(t, uint64(10), c.floor)
	for number := range uint64(2 * mostPeers) {
		r.served.forget(incoming{address: string(rune('a' + number)), generation: 1, number: number})
	}
	assert.Len(t, r.served.peers, mostPeers)
}

func TestOtherVersionsAreToldSo(t *testing.T) {
	r := newReceiver(t)
	newer := request(wire.Version+1, 1, 1)
	unknown := &wire.Envelope{Version: wire.Version + 1, Generation: 1, Call: 2}
	for _, e := range []*wire.Envelope{newer, unknown, request(0, 1, 3)} {
		r.get(e)
		err := r.decodeError((<-r.answers).GetResponse().GetError())
		require.ErrorIs(t, err, ErrVersion)
		require.ErrorContains(t, err, "this node understands 1")
	}
}

func TestAnswersOfOtherVersionsAndGenerations(t *testing.T) {
	r := newReceiver(t)
	p := Call[string, string](t.Context(), r.system, At("here", "callers/clerk"), "echo", "x")
	call := <-r.answers
	answer := &wire.Envelope{
		Version: wire.Version + 1, Generation: call.GetGeneration() + 1, Call: call.GetCall(),
		Response: &wire.Response{},
	}
	r.get(answer)
	assert.False(t, p.IsDone(), "it is for another node that had the address")
	answer.Generation--
	r.get(answer)
	require.ErrorIs(t, p.Err(), ErrVersion)
	assert.Equal(t, uint64(1), StatsOf(r.system).Late)
}
