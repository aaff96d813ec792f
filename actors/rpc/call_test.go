package rpc_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

func TestFunctionRunsOnTheTargetCaller(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		for _, target := range []rpc.Target{s.target, rpc.OnPID(actor.NewPID(s.there.Address(), s.clerk.ID()))} {
			got, err := rpc.Call[order, receipt](t.Context(), s.here, target, "buy", order{"tea"}).Wait(t.Context())
			require.NoError(t, err)
			assert.Equal(t, receipt{"tea", s.clerk.ID()}, got)
		}
		s.ended(t)
		assert.Zero(t, rpc.StatsOf(s.here))
		assert.Zero(t, rpc.StatsOf(s.there))
	})
}

func TestMessagesOfProtobufTravelAsProtobuf(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		got, err := rpc.Call[*durationpb.Duration, *durationpb.Duration](
			t.Context(), s.here, s.target, "double", durationpb.New(time.Minute)).Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 2*time.Minute, got.AsDuration())

		err = failure[*durationpb.Duration](t, s.here, s.target, "double", "a minute")
		require.ErrorIs(t, err, rpc.ErrEncoding)
		assert.ErrorContains(t, err, `it is encoded as "json" , not as the message google.protobuf.Duration`)
	})
}

func TestWhyCallsFail(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		none := struct{}{}
		tests := []struct {
			name   string
			err    error
			target error
			text   string
		}{
			{"unknown function", failure[int](t, s.here, s.target, "steal", none), rpc.ErrUnknownFunction, `"steal"`},
			{"unknown caller", failure[int](t, s.here, rpc.At(s.there.Address(), "callers/nobody"), "fail", none), rpc.ErrNoCaller, "nobody"},
			{"registered error", failure[int](t, s.here, s.target, "fail", none), errSoldOut, "rpc: node " + s.there.Address() + ": no tea"},
			{"argument of another type", failure[string](t, s.here, s.target, "echo", 7), rpc.ErrEncoding, "string"},
			{"result of another type", failure[int](t, s.here, s.target, "echo", "x"), rpc.ErrEncoding, "int"},
			{"argument that cannot be encoded", failure[int](t, s.here, s.target, "echo", func() {}), rpc.ErrEncoding, "func()"},
			{"function that is no UTF-8", failure[int](t, s.here, s.target, "\xff", none), rpc.ErrEncoding, `the function "\xff"`},
			{"caller that is no UTF-8", failure[int](t, s.here, rpc.At(s.there.Address(), "\xff"), "echo", none), rpc.ErrEncoding, `\xff" is not`},
		}
		for _, test := range tests {
			require.ErrorIs(t, test.err, test.target, test.name)
			require.ErrorContains(t, test.err, test.text, test.name)
		}
		assert.Zero(t, rpc.StatsOf(s.here))
	})
}

func TestNodeThatIsNotThere(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		nobody := rpc.At(s.nowhere(t), "callers/clerk")
		for range 3 {
			require.ErrorIs(t, failure[string](t, s.here, nobody, "echo", "x"), rpc.ErrNodeDown)
		}
		assert.Zero(t, rpc.StatsOf(s.here))
	})
}

func TestPanicArrivesWithItsStackAndNode(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		err := failure[int](t, s.here, s.target, "panic", struct{}{})
		var remote *rpc.RemoteError
		require.ErrorAs(t, err, &remote)
		assert.Equal(t, s.there.Address(), remote.Node)
		assert.Equal(t, "boom", remote.Text)
		var crash *pending.PanicError
		require.ErrorAs(t, err, &crash)
		assert.Equal(t, "boom", crash.Value)
		assert.Contains(t, string(crash.Stack), "scene_test.go")
		assert.EqualError(t, err, "rpc: node "+s.there.Address()+": panic: boom")
	})
}

func TestDeadlineTravels(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		left, err := rpc.Call[struct{}, time.Duration](ctx, s.here, s.target, "deadline", struct{}{}).Wait(ctx)
		require.NoError(t, err)
		assert.LessOrEqual(t, left, time.Minute)
		deadline, _ := ctx.Deadline()
		assert.GreaterOrEqual(t, left, time.Until(deadline), "what was left a moment ago")

		left, err = rpc.Call[struct{}, time.Duration](t.Context(), s.here, s.target, "deadline", struct{}{}).Wait(t.Context())
		require.NoError(t, err)
		assert.Zero(t, left)
	})
}

func TestCallEndsAtItsDeadline(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err := rpc.Call[struct{}, int](ctx, s.here, s.target, "wait", struct{}{}).Wait(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		s.ended(t) // the function as well
	})
}

func TestCancelledCallThatIsQueuedDoesNotRun(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		release := make(chan struct{})
		actors.CallSoon(t.Context(), s.clerk, func(context.Context) (int, error) {
			<-release
			return 0, nil
		})
		var ran atomic.Bool
		require.NoError(t, rpc.Handle(s.there, "run", func(context.Context, int) (int, error) {
			ran.Store(true)
			return 0, nil
		}))
		p := rpc.Call[int, int](t.Context(), s.here, s.target, "run", 1)
		s.served(t, 1)
		p.Cancel(errSoldOut)
		assert.True(t, p.IsDone())
		s.ended(t) // while the caller is busy still
		close(release)
		_, err := rpc.Call[string, string](t.Context(), s.here, s.target, "echo", "after it").Wait(t.Context())
		require.NoError(t, err)
		assert.False(t, ran.Load())
	})
}

func TestCancelledCallThatRunsSeesTheCause(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		running, causes := make(chan struct{}), make(chan error, 1)
		require.NoError(t, rpc.Handle(s.there, "run", func(ctx context.Context, _ int) (int, error) {
			close(running)
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return 0, nil
		}))
		p := rpc.Call[int, int](t.Context(), s.here, s.target, "run", 1)
		<-running
		p.Cancel(errSoldOut)
		cause := <-causes
		require.ErrorIs(t, cause, pending.ErrCancelled)
		require.ErrorIs(t, cause, errSoldOut)
		s.ended(t)
		assert.Zero(t, rpc.StatsOf(s.here))
	})
}

func TestStoppedCallerEndsItsCalls(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		p := rpc.Call[struct{}, int](t.Context(), s.here, s.target, "wait", struct{}{})
		s.served(t, 1)
		s.clerk.Stop()
		_, err := p.Wait(t.Context())
		require.ErrorIs(t, err, pending.ErrStopped)
		assert.True(t, p.Cancelled())
	})
}

func TestOverloadedCallerRefuses(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		running := make(chan struct{})
		actors.CallSoon(t.Context(), s.clerk, func(ctx context.Context) (int, error) {
			close(running)
			<-ctx.Done()
			return 0, nil
		})
		<-running
		rpc.Call[struct{}, int](t.Context(), s.here, s.target, "wait", struct{}{})
		s.served(t, 1)
		require.ErrorIs(t, failure[string](t, s.here, s.target, "echo", "x"), actors.ErrOverloaded)
		s.clerk.Stop()
	}, props.MaxQueued(1))
}

func TestCallsBeyondTheLimitAreRefusedHere(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		require.NoError(t, rpc.Configure(s.here, rpc.MaxOpen(1)))
		p := rpc.Call[struct{}, int](t.Context(), s.here, s.target, "wait", struct{}{})
		require.ErrorIs(t, failure[string](t, s.here, s.target, "echo", "x"), actors.ErrOverloaded)
		p.Cancel(nil)
	})
}

func TestNodeThatIsLostFailsItsCallsAtOnce(t *testing.T) {
	inMemory(t, func(t *testing.T, s *scene) {
		p := rpc.Call[struct{}, int](t.Context(), s.here, s.target, "wait", struct{}{})
		synctest.Wait()
		s.network.(inBubble).Reset("here", "there")
		synctest.Wait()
		_, err := p.Result()
		require.ErrorIs(t, err, rpc.ErrNodeDown)
		got, err := rpc.Call[int, string](t.Context(), s.here, rpc.At("there", actors.Main(s.there).ID()), "repeat", 2).Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "xx", got, "another session is there at once")
		require.NoError(t, actors.Shutdown(t.Context(), s.there))
	})
}

func TestNodeThatIsLostHasItsCallsCancelledThere(t *testing.T) {
	inMemory(t, func(t *testing.T, s *scene) {
		p := rpc.Call[struct{}, int](t.Context(), s.here, s.target, "wait", struct{}{})
		s.served(t, 1)
		s.network.(inBubble).Reset("here", "there")
		_, err := p.Wait(t.Context())
		require.ErrorIs(t, err, rpc.ErrNodeDown)
		s.ended(t)
	})
}

func TestSizesAreBounded(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		big := strings.Repeat("x", 2000)
		require.NoError(t, rpc.Configure(s.here, rpc.MaxSize(1000)))
		err := failure[string](t, s.here, s.target, "echo", big)
		require.ErrorIs(t, err, rpc.ErrTooLarge)
		require.ErrorContains(t, err, "may be sent")
		err = failure[string](t, s.here, s.target, "repeat", 2000)
		require.ErrorIs(t, err, rpc.ErrTooLarge)
		require.ErrorContains(t, err, "may be received")

		require.NoError(t, rpc.Configure(s.here, rpc.MaxSize(1<<20)))
		require.NoError(t, rpc.Configure(s.there, rpc.MaxSize(1000)))
		err = failure[string](t, s.here, s.target, "echo", big)
		require.ErrorIs(t, err, rpc.ErrTooLarge)
		// Which of the two nodes refuses depends on when the new limit gets here.
		require.ErrorContains(t, err, s.there.Address())
		require.ErrorContains(t, err, "may be received")
		err = failure[string](t, s.here, s.target, "repeat", 2000)
		require.ErrorIs(t, err, rpc.ErrTooLarge)
		require.ErrorContains(t, err, "may be sent")
	})
}

func TestAuthorisationDeniesUnlessItPermits(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		var asked rpc.Incoming
		require.NoError(t, rpc.Configure(s.there, rpc.Authorize(func(call rpc.Incoming) bool {
			asked = call
			if call.Function == "panic" {
				panic("not permitted")
			}
			return call.Function == "echo"
		})))
		got, err := rpc.Call[string, string](t.Context(), s.here, s.target, "echo", "x").Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "x", got)
		assert.Equal(t, rpc.Incoming{Peer: s.here.Address(), Function: "echo", Caller: s.clerk.ID()}, asked)
		require.ErrorIs(t, failure[string](t, s.here, s.target, "repeat", 1), rpc.ErrDenied)
		require.ErrorIs(t, failure[string](t, s.here, s.target, "panic", 1), rpc.ErrDenied)
	})
}

func TestCallOfOnesOwnCallerTakesNoWire(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		type state struct{ n int } // nothing that could be encoded
		require.NoError(t, rpc.Handle(s.there, "state", func(_ context.Context, x *state) (*state, error) { return x, nil }))
		for _, target := range []rpc.Target{s.target, rpc.At("", s.clerk.ID()), rpc.OnPID(s.clerk.PID())} {
			x := &state{7}
			got, err := rpc.Call[*state, *state](t.Context(), s.there, target, "state", x, rpc.PendingOptions(pending.With("k", 1))).Wait(t.Context())
			require.NoError(t, err)
			assert.Same(t, x, got)
		}
		got, err := rpc.Call[map[string]string, receipt](t.Context(), s.there, s.target, "buy", map[string]string{"Item": "tea"}).Wait(t.Context())
		require.NoError(t, err, "of other types than the function's")
		assert.Equal(t, "tea", got.Item)
		require.ErrorIs(t, failure[int](t, s.there, s.target, "steal", 1), rpc.ErrUnknownFunction)
		require.ErrorIs(t, failure[int](t, s.there, rpc.At("", "x"), "buy", 1), rpc.ErrNoCaller)
	})
}

func TestGroupsHoldCallsOfOtherNodes(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		var waiting *pending.Pending[int]
		err := pending.Run(t.Context(), func(ctx context.Context) error {
			waiting = rpc.Call[struct{}, int](ctx, s.here, s.target, "wait", struct{}{})
			return errSoldOut
		})
		require.ErrorIs(t, err, errSoldOut)
		assert.True(t, waiting.Cancelled())
		s.ended(t)
	})
}

func TestCallOfASystemThatIsNotStarted(t *testing.T) {
	system := actorstest.NewSystem(t)
	err := failure[int](t, system, rpc.At("127.0.0.1:1", "callers/x"), "f", 1)
	require.ErrorIs(t, err, rpc.ErrNodeDown)
	assert.ErrorContains(t, err, "not started")
}

func TestMistakesInSettingUp(t *testing.T) {
	system := actorstest.NewSystem(t)
	require.NoError(t, register(system))
	echo := func(_ context.Context, s string) (string, error) { return s, nil }
	_, noHost := rpc.Start(system, "nonsense")
	_, noPort := rpc.Start(system, "127.0.0.1:http2")
	_, noAddress := rpc.Start(system, "203.0.113.1:1")
	for text, err := range map[string]error{
		"the name is taken":    rpc.Handle(system, "echo", echo),
		"there is no name":     rpc.Handle(system, "", echo),
		"no name or no func":   rpc.HandleStream[int, int](system, "stream", nil),
		"it is nil":            rpc.RegisterError(system, "x", nil),
		"empty or begins":      rpc.RegisterError(system, "rpc.x", errSoldOut),
		"the code":             rpc.RegisterError(system, "shop.sold_out", errors.New("other")),
		"MaxSize: 0":           rpc.Configure(system, rpc.MaxSize(0)),
		"MaxOpen: 0":           rpc.Configure(system, rpc.MaxOpen(0)),
		"DedupWindow: 0s is":   rpc.Configure(system, rpc.DedupWindow(0, 1<<20)),
		"4095 bytes are less":  rpc.Configure(system, rpc.DedupWindow(time.Minute, 4095)),
		"Encoding: must":       rpc.Configure(system, rpc.Encoding(nil)),
		"Authorize: must":      rpc.Configure(system, rpc.Authorize(nil)),
		"Advertised: missing":  rpc.Configure(system, rpc.Advertised("")),
		"Advertised: port":     rpc.Configure(system, rpc.Advertised("10.0.0.7:0")),
		"Advertised: other":    rpc.Configure(system, rpc.Advertised("0.0.0.0:4242")),
		"Advertised: other n":  rpc.Configure(system, rpc.Advertised(":4242")),
		"TLS: must":            rpc.Configure(system, rpc.TLS(nil, nil)),
		"MutualTLS: there are": rpc.Configure(system, rpc.MutualTLS(noCertificate, nil)),
		"missing port":         noHost,
		"port of":              noPort,
		"failed to listen":     noAddress,
	} {
		require.ErrorContains(t, err, text)
		assert.ErrorContains(t, err, "rpc: ")
	}
}
