package rpc_test

import (
	"context"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

// oneWay are the ways in which a link breaks for one of the nodes alone, or in one
// direction.
var oneWay = map[string]func(p *proxy){
	"requests are lost":    func(p *proxy) { p.stall(forward) },
	"answers are lost":     func(p *proxy) { p.stall(backward) },
	"the caller is reset":  func(p *proxy) { p.resetOne(backward) },
	"the serving is reset": func(p *proxy) { p.resetOne(forward) },
	"nothing passes":       func(p *proxy) { p.stall(forward, backward) },
}

// user has something open in a session when the link breaks.
type user struct {
	*actor.ActorSystem
	at     rpc.Target
	served *held
	begun  func() // is called when the function runs
}

// uses return when what is open has failed.
var uses = map[string]func(ctx context.Context, u user) error{
	"a call": func(ctx context.Context, u user) error {
		p := rpc.Call[string, int](ctx, u.ActorSystem, u.at, "hold", "x")
		u.begun()
		_, err := p.Wait(ctx)
		return err
	},
	"a stream that flows":               func(ctx context.Context, u user) error { return u.consume(ctx, "flow") },
	"a stream that has nothing to send": func(ctx context.Context, u user) error { return u.consume(ctx, "rest") },
	"a stream whose window is full": func(ctx context.Context, u user) error {
		next, stop := iter.Pull2(rpc.Stream[int, int](ctx, u.ActorSystem, u.at, "flow", 0, rpc.Window(1)))
		defer stop()
		_, err, _ := next()
		u.begun()
		for err == nil && u.served.running.Load() > 0 {
			time.Sleep(time.Millisecond)
		}
		for err == nil {
			_, err, _ = next()
		}
		return err
	},
}

func (u user) consume(ctx context.Context, function string) error {
	for i, err := range rpc.Stream[int, int](ctx, u.ActorSystem, u.at, function, 0) {
		if err != nil {
			return err
		}
		if i == 0 {
			u.begun()
		}
	}
	return nil
}

// holdStreams registers functions that stream until their context ends.
func (h *held) holdStreams(t *testing.T, system *actor.ActorSystem) {
	for name, pause := range map[string]time.Duration{"flow": 10 * time.Millisecond, "rest": time.Hour} {
		require.NoError(t, rpc.HandleStream(system, name, func(ctx context.Context, _ int) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) {
				h.running.Add(1)
				defer h.running.Add(-1)
				for i := 0; yield(i, nil) && actors.Sleep(ctx, pause) == nil; {
					i++
				}
				h.causes <- context.Cause(ctx)
			}
		}))
	}
}

// Both nodes find out in time, whichever of them is cut off. All cases run at the same time.
func TestALinkThatBreaksInOneDirection(t *testing.T) {
	alone(t, func(t *testing.T) {
		for way, breaks := range oneWay {
			for use, open := range uses {
				t.Run(way+", "+use, func(t *testing.T) {
					t.Parallel()
					breakOneWay(t, breaks, open)
				})
			}
		}
	})
}

func breakOneWay(t *testing.T, breaks func(*proxy), open func(context.Context, user) error) {
	here, there := listen(t), listen(t)
	calls := holdCalls(t, there)
	calls.holdStreams(t, there)
	through := newProxy(t, there.Address())
	begun, failed := make(chan struct{}), make(chan error, 1)
	u := user{here, rpc.At(through.address(), "callers/clerk"), calls, sync.OnceFunc(func() { close(begun) })}
	go func() { failed <- open(t.Context(), u) }()
	<-begun
	calls.await(t, 1, detection)
	breaks(through)
	began, limit := time.Now(), time.After(detection)
	for range 2 {
		select {
		case err := <-failed:
			require.ErrorIs(t, err, rpc.ErrNodeDown)
			require.ErrorIs(t, err, rpc.ErrUncertain)
			t.Logf("the caller: %.1f s: %v", time.Since(began).Seconds(), err)
		case cause := <-calls.causes:
			require.Error(t, cause)
			t.Logf("the function: %.1f s: %v", time.Since(began).Seconds(), cause)
		case <-limit:
			require.Fail(t, "a node has not learned of it")
		}
	}
	through.goOn()
	require.NoError(t, echoAt(within(t, detection), here, through.address()))
}
