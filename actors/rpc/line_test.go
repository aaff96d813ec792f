package rpc

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// mail is a system that keeps the messages to other nodes.
type mail struct {
	actor.Process
	node     *node
	broken   bool // panics, as a remote that was shut down
	messages [][]*wire.Envelope
}

func newMail() *mail {
	system := actor.NewActorSystem(func(config *actor.Config) {
		config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
	})
	m := &mail{}
	system.ProcessRegistry.Address = "here"
	system.ProcessRegistry.RegisterAddressResolver(func(*actor.PID) (actor.Process, bool) { return m, true })
	m.node = nodeOf(system)
	return m
}

// SendUserMessage implements [actor.Process] for whatever is sent to other nodes.
func (m *mail) SendUserMessage(_ *actor.PID, message any) {
	if m.broken {
		panic("broken")
	}
	m.messages = append(m.messages, unpacked(message))
}

// post puts envelopes with items of some bytes at once, and returns how many went with
// each message.
func (m *mail) post(t *testing.T, sizes ...int) (together []int) {
	m.messages = nil
	m.node.lines.mu.Lock() // so that the first one does not go before the last one is there
	for i, size := range sizes {
		e := wire.NewItem(uint64(i), &wire.Payload{Data: make([]byte, size)})
		m.node.lines.add(m.node, "there", e)
	}
	m.node.lines.mu.Unlock()
	m.node.lines.senders.Wait()
	var order []uint64
	for _, bundle := range m.messages {
		for _, e := range bundle {
			order = append(order, e.GetItem().GetPosition())
		}
		together = append(together, len(bundle))
	}
	assert.True(t, slices.IsSorted(order))
	assert.Len(t, order, len(sizes))
	return together
}

func TestWhatComesTogetherGoesTogether(t *testing.T) {
	m := newMail()
	assert.Equal(t, []int{1}, m.post(t, 1))
	assert.Equal(t, []int{3}, m.post(t, 1, 2, 3))
	assert.Equal(t, []int{wire.MostInBundle, wire.MostInBundle, 3}, m.post(t, make([]int, 2*wire.MostInBundle+3)...))
	assert.Equal(t, []int{2, 1}, m.post(t, wire.LargestBundle/2, wire.LargestBundle/2-100, 1000))
	assert.Equal(t, []int{1, 1, 2}, m.post(t, 1, 2*wire.LargestBundle, 1, 1))
	assert.Empty(t, m.node.lines.busy)
}

func TestClosedLinesHaveSentWhatWasPut(t *testing.T) {
	m := newMail()
	for range 10 {
		m.node.lines.put(m.node, "there", &wire.Envelope{Cancel: &wire.Cancel{}})
	}
	m.node.lines.close()
	sent := 0
	for _, bundle := range m.messages {
		sent += len(bundle)
	}
	assert.Equal(t, 10, sent)
	m.messages = nil
	m.node.lines.put(m.node, "there", &wire.Envelope{Cancel: &wire.Cancel{}})
	m.node.lines.senders.Wait()
	assert.Empty(t, m.messages)
}

// The dead letter of a bundle fails those calls that were in it.
func TestCallsOfABundleThatWasNotDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMail()
		call := func() *pending.Pending[string] {
			return Call[string, string](t.Context(), m.node.system, At("there", "callers/clerk"), "echo", strings.Repeat("x", 10))
		}
		lost := []*pending.Pending[string]{call(), call(), call()}
		synctest.Wait()
		last := m.node.lines.last
		kept := call()
		synctest.Wait()
		number := m.node.calls.last + 1
		_, err := m.node.calls.add(lonely{}, "there", 100) // and not sent
		require.NoError(t, err)
		for bundle := range last + 1 {
			pid := m.node.system.NewLocalPID(processID)
			pid.RequestId = bundle
			m.node.SendUserMessage(pid, &actor.DeadLetterResponse{})
		}
		synctest.Wait()
		assert.NotNil(t, m.node.calls.take(number))
		for _, p := range lost {
			require.ErrorIs(t, p.Err(), ErrNodeDown)
		}
		assert.False(t, kept.IsDone())
		kept.Cancel(nil)
		synctest.Wait()
	})
}

// A node takes a call for a repetition that comes after many with higher numbers.
func TestNumbersOfCallsAreInTheOrderOfTheLine(t *testing.T) {
	m := newMail()
	const callers, each = 100, 300
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range each {
				Call[string, string](t.Context(), m.node.system, At("there", "callers/clerk"), "echo", "x").Cancel(nil)
			}
		})
	}
	all.Wait()
	m.node.lines.senders.Wait()
	var numbers []uint64
	cancelled := make(map[uint64]bool)
	for _, bundle := range m.messages {
		for _, e := range bundle {
			if e.Cancel != nil {
				cancelled[e.GetCall()] = true
				continue
			}
			numbers = append(numbers, e.GetCall())
			assert.False(t, cancelled[e.GetCall()], "the cancellation comes after the call")
		}
	}
	assert.Len(t, numbers, callers*each)
	assert.Len(t, cancelled, callers*each)
	assert.True(t, slices.IsSorted(numbers))
}

// lonely is a call that nobody hears of.
type lonely struct{ openCall }

func TestCallsOfABundleThatCannotBeSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMail()
		m.broken = true
		p := Call[string, string](t.Context(), m.node.system, At("there", "callers/clerk"), "echo", "x")
		synctest.Wait()
		require.ErrorIs(t, p.Err(), ErrNodeDown)
		assert.False(t, hasNotRun(p.Err()), "nobody knows")
	})
}

// A bundle is refused that no node of ours would make.
func TestBundleThatHasTooMuch(t *testing.T) {
	r := newReceiver(t)
	r.getBundle("here", &wire.Bundle{Envelopes: make([]byte, 1<<20)}) // a million that are empty
	r.lines.senders.Wait()
	assert.LessOrEqual(t, r.lines.last, uint32(wire.MostInBundle), "answers")
	for len(r.answers) > 0 {
		<-r.answers
	}
	large := request(wire.Version, 1, 1)
	large.GetRequest().Argument.Data = []byte(`"` + strings.Repeat("x", wire.LargestBundle) + `"`)
	r.getBundle("here", packed(large, request(wire.Version, 1, 2)))
	assert.Equal(t, uint64(1), (<-r.answers).GetCall())
	r.getBundle("here", packed(request(wire.Version, 1, 3)))
	assert.Equal(t, uint64(3), (<-r.answers).GetCall())
}

func TestBundleThatIsCutIsReadAsFarAsItGoes(t *testing.T) {
	r := newReceiver(t)
	bundle := packed(request(wire.Version, 1, 1), request(wire.Version, 1, 2), request(wire.Version, 1, 3))
	bundle.Envelopes = bundle.Envelopes[:len(bundle.Envelopes)-1]
	r.getBundle("here", bundle)
	for number := range uint64(2) {
		assert.Equal(t, number+1, (<-r.answers).GetCall())
	}
	assert.Empty(t, r.answers)
}
