package actorstest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

// nodes are two systems that a network joins.
type nodes struct {
	near, far *actor.ActorSystem
	nowhere   string // an address without a system
	end       func() // of the far one, as by a crash
}

func (n *nodes) at(pid *actor.PID) *actor.PID { return actor.NewPID(n.far.Address(), pid.Id) }

// first waits for what a probe gets. What does not come is "nothing".
func first(t *testing.T, p *actorstest.Probe, limit time.Duration) string {
	t.Helper()
	got := "nothing"
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if all := p.Unread(); len(all) > 0 {
			got = show(all[0])
			break
		}
	}
	return got
}

func show(message any) string {
	switch m := message.(type) {
	case *wrapperspb.StringValue:
		if len(m.GetValue()) > 100 {
			return fmt.Sprintf("%d bytes", len(m.GetValue()))
		}
		return m.GetValue()
	case *actor.Terminated:
		return "ended: " + m.Why.String()
	default:
		return fmt.Sprintf("%T", message)
	}
}

// The limits of what is waited for: what is to come comes, and what is not has had its time.
const (
	patience   = 20 * time.Second
	impatience = 300 * time.Millisecond
)

// scenarios are what an actor can see of a network. Where the one of protoactor and that in
// memory differ, README.md says so.
var scenarios = []struct {
	name           string
	run            func(t *testing.T, n *nodes) string
	remote, memory string
}{
	{"a message", func(t *testing.T, n *nodes) string {
		p := actorstest.NewProbe(t, n.far)
		n.near.Root.Send(n.at(p.PID()), wrapperspb.String("news"))
		return first(t, p, patience)
	}, "news", "news"},
	{"the order of messages", func(t *testing.T, n *nodes) string {
		p := actorstest.NewProbe(t, n.far)
		for i := range 100 {
			n.near.Root.Send(n.at(p.PID()), wrapperspb.String(fmt.Sprint(i)))
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for i := range 100 {
			if got := show(actorstest.Expect[*wrapperspb.StringValue](ctx, p)); got != fmt.Sprint(i) {
				return "other"
			}
		}
		return "kept"
	}, "kept", "kept"},
	{"headers and the sender", func(t *testing.T, n *nodes) string {
		got := make(chan string, 1)
		pid := n.far.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*wrapperspb.StringValue); ok {
				got <- ctx.MessageHeader().Get("k") + " from " + ctx.Sender().GetId()
			}
		}))
		n.near.Root.Send(n.at(pid), &actor.MessageEnvelope{
			Header: map[string]string{"k": "v"}, Message: wrapperspb.String("x"), Sender: actor.NewPID(n.near.Address(), "me"),
		})
		return <-got
	}, "v from me", "v from me"},
	{"a request", func(t *testing.T, n *nodes) string {
		pid := n.far.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*wrapperspb.StringValue); ok {
				ctx.Respond(wrapperspb.String("answer"))
			}
		}))
		return request(t, n, n.at(pid))
	}, "answer", "answer"},
	{"a request to an unknown actor", func(t *testing.T, n *nodes) string {
		return request(t, n, actor.NewPID(n.far.Address(), "nobody"))
	}, "dead letter", "dead letter"},
	{"the watch of an unknown actor", func(t *testing.T, n *nodes) string {
		p := actorstest.NewProbe(t, n.near)
		p.Watch(actor.NewPID(n.far.Address(), "nobody"))
		return first(t, p, patience)
	}, "ended: Stopped", "ended: NotFound"},
	{"the watch of an actor that stops", func(t *testing.T, n *nodes) string {
		watched := n.far.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*wrapperspb.StringValue); ok {
				ctx.Stop(ctx.Self())
			}
		}))
		p := actorstest.NewProbe(t, n.near)
		n.near.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			switch m := ctx.Message().(type) {
			case *actor.Started: // in this order on the way
				ctx.Watch(n.at(watched))
				ctx.Send(n.at(watched), wrapperspb.String("stop"))
			case *actor.Terminated:
				ctx.Send(p.PID(), m)
			}
		}))
		return first(t, p, patience)
	}, "ended: Stopped", "ended: Stopped"},
	{"a string that is not UTF-8", func(t *testing.T, n *nodes) string {
		p := actorstest.NewProbe(t, n.far)
		n.near.Root.Send(n.at(p.PID()), wrapperspb.String("\xff"))
		return first(t, p, impatience)
	}, "nothing", "nothing"},
	{"a message that is not of protobuf", func(t *testing.T, n *nodes) string {
		p := actorstest.NewProbe(t, n.far)
		n.near.Root.Send(n.at(p.PID()), "text")
		return first(t, p, impatience)
	}, "nothing", "string"},
	{"a large message", func(t *testing.T, n *nodes) string {
		p := actorstest.NewProbe(t, n.far)
		n.near.Root.Send(n.at(p.PID()), wrapperspb.String(strings.Repeat("x", 5<<20)))
		return first(t, p, 2*time.Second)
	}, "nothing", "5242880 bytes"},
	{"the watch of an actor whose system ends", func(t *testing.T, n *nodes) string {
		watched := actorstest.NewProbe(t, n.far)
		p := actorstest.NewProbe(t, n.near)
		p.Watch(n.at(watched.PID()))
		n.near.Root.Send(n.at(watched.PID()), wrapperspb.String("x"))
		first(t, watched, patience)
		n.end()
		return first(t, p, patience)
	}, "ended: AddressTerminated", "ended: AddressTerminated"},
	{"a request to a system that has ended", func(t *testing.T, n *nodes) string {
		return request(t, n, actor.NewPID(n.far.Address(), "nobody"))
	}, "dead letter", "dead letter"},
	{"the watch at an address without a system", func(t *testing.T, n *nodes) string {
		p := actorstest.NewProbe(t, n.near)
		p.Watch(actor.NewPID(n.nowhere, "nobody"))
		return first(t, p, patience)
	}, "ended: NotFound or ended: AddressTerminated", "ended: AddressTerminated"},
}

func request(t *testing.T, n *nodes, to *actor.PID) string {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	answer, err := actors.Request[*wrapperspb.StringValue](ctx, n.near, to, wrapperspb.String("question")).Wait(ctx)
	switch {
	case errors.Is(err, actor.ErrDeadLetter):
		return "dead letter"
	case err != nil:
		return err.Error()
	default:
		return show(answer)
	}
}

func TestTheNetworkDoesAsTheRemoteOfProtoactor(t *testing.T) {
	network := actorstest.NewNetwork(t)
	n := &nodes{near: network.System("near"), far: network.System("far"), nowhere: "nowhere", end: func() { network.Crash("far") }}
	for _, s := range scenarios {
		assert.Equal(t, s.memory, s.run(t, n), s.name)
	}
}

func TestTheRemoteOfProtoactorDoesAsDescribed(t *testing.T) {
	inProcess(t, func(t *testing.T) {
		near, far := actorstest.NewSystem(t), actorstest.NewSystem(t)
		stopFar, err := rpc.Start(far, "127.0.0.1:0")
		require.NoError(t, err)
		stopNear, err := rpc.Start(near, "127.0.0.1:0")
		require.NoError(t, err)
		n := &nodes{near: near, far: far, nowhere: "127.0.0.1:1", end: stopFar}
		for _, s := range scenarios {
			assert.Contains(t, strings.Split(s.remote, " or "), s.run(t, n), s.name)
		}
		stopNear()
	})
}
