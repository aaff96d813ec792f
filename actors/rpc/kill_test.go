package rpc_test

import (
	"context"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// halfSent is how much of a large payload passes before a node is killed.
const halfSent = 300_000

// victim is a node that is killed while another one calls it, or is called by it, through a
// link.
type victim struct {
	*testing.T
	system  *actor.ActorSystem // of the other node
	through *proxy
	at      rpc.Target // the victim
	calls   *held      // those of the victim
}

func (v *victim) echo() { require.NoError(v, echoAt(v.Context(), v.system, v.through.address())) }

func callOf[Resp, Req any](v *victim, function string, req Req) (wait func() error) {
	p := rpc.Call[Req, Resp](v.Context(), v.system, v.at, function, req)
	return func() error {
		_, err := p.Wait(within(v.T, detection))
		return err
	}
}

// stagesOfServing are the stages of a call at which the node that serves is killed. Each
// returns how to wait for the end of the call.
var stagesOfServing = map[string]struct {
	reach  func(v *victim) (wait func() error)
	notRun bool // and it says so
}{
	"before the handshake": {func(v *victim) func() error {
		v.through.stall(forward)
		defer v.through.awaitsConn(v.T)
		return callOf[string](v, "echo", "x")
	}, true},
	"the request is half sent": {func(v *victim) func() error {
		v.echo()
		v.through.slow(16<<10, 10*time.Millisecond)
		defer v.through.awaitsHalf(v.T, forward)
		return callOf[string](v, "echo", strings.Repeat("x", 2*megabyte))
	}, false},
	"the function runs": {func(v *victim) func() error {
		defer v.echo()
		return callOf[int](v, "sleep", struct{}{})
	}, false},
	"the answer is half sent": {func(v *victim) func() error {
		v.echo()
		v.through.slow(16<<10, 10*time.Millisecond)
		defer v.through.awaitsHalf(v.T, backward)
		return callOf[string](v, "repeat", 2*megabyte)
	}, false},
	"a stream flows": {func(v *victim) func() error { return v.stream(rpc.DefaultWindow) }, false},
	"a stream waits": {func(v *victim) func() error { return v.stream(1) }, false},
}

func (v *victim) stream(window int) (wait func() error) {
	next, stop := iter.Pull2(rpc.Stream[int, int](v.Context(), v.system, v.at, "count", 1<<60, rpc.Window(window)))
	for range 100 {
		_, err, _ := next()
		require.NoError(v, err)
	}
	return func() (err error) {
		defer stop()
		for err == nil {
			_, err, _ = next()
		}
		return err
	}
}

func TestTheServingNodeIsKilledAtAnyStage(t *testing.T) {
	alone(t, func(t *testing.T) {
		for name, stage := range stagesOfServing {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				system, node := listen(t), startNode(t, "127.0.0.1:0")
				through := newProxy(t, node.address)
				v := &victim{T: t, system: system, through: through, at: rpc.At(through.address(), "callers/clerk")}
				wait := stage.reach(v)
				node.kill(t)
				through.goOn()
				err := wait()
				require.ErrorIs(t, err, rpc.ErrNodeDown)
				require.NotErrorIs(t, err, context.DeadlineExceeded)
				if stage.notRun {
					require.NotErrorIs(t, err, rpc.ErrUncertain)
				} else {
					require.ErrorIs(t, err, rpc.ErrUncertain)
				}
				assert.Zero(t, rpc.StatsOf(system))
				through.slow(64<<10, 0)
				startNode(t, node.address)
				v.echo()
			})
		}
	})
}

// stagesOfCalling are those at which the node that calls is killed.
var stagesOfCalling = map[string]struct {
	what  string
	reach func(v *victim)
}{
	"before the handshake":     {"hold", func(v *victim) { v.through.awaitsConn(v.T) }},
	"the request is half sent": {"large argument", func(v *victim) { v.through.awaitsHalf(v.T, forward) }},
	"the function runs":        {"hold", func(v *victim) { v.calls.await(v.T, 1, time.Minute) }},
	"the answer is half sent":  {"large result", func(v *victim) { v.through.awaitsHalf(v.T, backward) }},
	"a stream flows":           {"stream", func(v *victim) { v.calls.await(v.T, 1, time.Minute) }},
	"a stream waits":           {"stream that is not read", func(v *victim) { v.calls.await(v.T, 1, time.Minute) }},
}

func TestTheCallingNodeIsKilledAtAnyStage(t *testing.T) {
	alone(t, func(t *testing.T) {
		for name, stage := range stagesOfCalling {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				system := listen(t)
				v := &victim{T: t, system: system, through: newProxy(t, system.Address()), calls: holdCalls(t, system)}
				v.calls.holdStreams(t, system)
				v.through.slow(16<<10, 10*time.Millisecond)
				if name == "before the handshake" {
					v.through.stall(forward)
				}
				node := startNode(t, "127.0.0.1:0", callVariable+"="+v.through.address()+",1,"+stage.what)
				stage.reach(v)
				node.kill(t)
				v.through.goOn()
				v.calls.await(t, 0, detection)
				require.Eventually(t, func() bool {
					s := rpc.StatsOf(system)
					return s.Served == 0 && s.ServedBytes == 0
				}, detection, time.Millisecond)
				if len(v.calls.causes) > 0 {
					require.ErrorIs(t, <-v.calls.causes, pending.ErrCancelled)
				}
			})
		}
	})
}

// Nodes are stopped and started anew, one after the other, while others call them.
func TestRollingRestart(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		var nodes []*other
		for range 3 {
			nodes = append(nodes, startNode(t, "127.0.0.1:0"))
		}
		over := make(chan struct{})
		type outcome struct{ succeeded, failed int }
		outcomes := make(chan outcome, 2*len(nodes))
		for _, node := range nodes {
			for _, opts := range [][]rpc.CallOption{{rpc.Idempotent("")}, nil} {
				go func() {
					var o outcome
					for {
						select {
						case <-over:
							outcomes <- o
							return
						default:
						}
						_, err := rpc.Call[string, string](t.Context(), system, node.target, "echo", "x", opts...).Wait(t.Context())
						if err == nil {
							o.succeeded++
							continue
						}
						o.failed++
						assert.Nil(t, opts, "no call with a key fails: %v", err)
						assert.ErrorIs(t, err, rpc.ErrNodeDown)
					}
				}()
			}
		}
		for range 2 {
			for i, node := range nodes {
				address := node.address
				node.leave(t)
				nodes[i] = startNode(t, address)
				for echoAt(t.Context(), system, address) != nil { // it may be in the session of a call before
					require.NoError(t, t.Context().Err())
				}
			}
		}
		close(over)
		for range cap(outcomes) {
			o := <-outcomes
			assert.Positive(t, o.succeeded)
			t.Log(o.succeeded, "calls have succeeded,", o.failed, "have failed")
		}
		assert.Zero(t, rpc.StatsOf(system).Open)
	})
}
