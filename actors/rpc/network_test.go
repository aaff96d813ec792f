package rpc_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// network joins the nodes of a test.
type network interface {
	// node returns a new node.
	node(tb testing.TB, name string) *actor.ActorSystem
	// nowhere returns an address that no node has.
	nowhere(tb testing.TB) string
	// until waits until that is so which follows from what was done.
	until(tb testing.TB, so func() bool)
}

// inBubble is a network in memory, in a bubble of testing/synctest.
type inBubble struct{ *actorstest.Network }

func (b inBubble) node(_ testing.TB, name string) *actor.ActorSystem { return b.System(name) }

func (inBubble) nowhere(testing.TB) string { return "nowhere" }

func (inBubble) until(tb testing.TB, so func() bool) {
	tb.Helper()
	synctest.Wait()
	require.True(tb, so())
}

// onSockets is the network of this machine.
type onSockets struct{}

func (onSockets) node(tb testing.TB, _ string) *actor.ActorSystem {
	system := actorstest.NewSystem(tb)
	stop, err := rpc.Start(system, "127.0.0.1:0")
	require.NoError(tb, err)
	tb.Cleanup(stop)
	return system
}

func (onSockets) nowhere(tb testing.TB) string { return freeAddress(tb) }

func (onSockets) until(tb testing.TB, so func() bool) {
	tb.Helper()
	require.Eventually(tb, so, 30*time.Second, time.Millisecond)
}

// scene is two nodes of a network, and a caller of the second one.
type scene struct {
	network
	here, there *actor.ActorSystem
	clerk       *actors.Caller
	target      rpc.Target
}

func newScene(tb testing.TB, n network, opts ...props.Option) *scene {
	s := &scene{network: n, here: n.node(tb, "here")}
	require.NoError(tb, rpc.RegisterError(s.here, "shop.sold_out", errSoldOut))
	s.open(tb, opts...)
	return s
}

func (s *scene) both() []*actor.ActorSystem { return []*actor.ActorSystem{s.here, s.there} }

// open has the second node begin, or begin anew.
func (s *scene) open(tb testing.TB, opts ...props.Option) {
	s.there = s.node(tb, "there")
	require.NoError(tb, register(s.there))
	s.clerk = actorstest.Start(tb, s.there, append([]props.Option{props.Name("clerk")}, opts...)...)
	s.target = rpc.At(s.there.Address(), s.clerk.ID())
}

// served waits until the second node has so many calls of the first one.
func (s *scene) served(tb testing.TB, calls int) {
	tb.Helper()
	s.until(tb, func() bool { return rpc.StatsOf(s.there).Served == calls })
}

// ended waits until neither node has a call that is not done.
func (s *scene) ended(tb testing.TB) {
	tb.Helper()
	s.served(tb, 0)
	s.until(tb, func() bool { return rpc.StatsOf(s.here).Open == 0 && rpc.StatsOf(s.there).Open == 0 })
}

// inMemory runs a test in a bubble: one of what is done to a network, or by the
// clock.
func inMemory(t *testing.T, test func(t *testing.T, s *scene), opts ...props.Option) {
	synctest.Test(t, func(t *testing.T) { test(t, newScene(t, inBubble{actorstest.NewNetwork(t)}, opts...)) })
}

// onBothNetworks runs a test in a bubble, and on sockets in a process of its own.
func onBothNetworks(t *testing.T, test func(t *testing.T, s *scene), opts ...props.Option) {
	t.Parallel() // with the processes of others
	t.Run("memory", func(t *testing.T) { inMemory(t, test, opts...) })
	t.Run("sockets", func(t *testing.T) {
		alone(t, func(t *testing.T) { test(t, newScene(t, onSockets{}, opts...)) })
	})
}
