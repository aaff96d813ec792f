package rpc_test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// detection is how long it may take until a node finds another one silent: 15 seconds, and
// some for a machine that is busy.
const detection = 20 * time.Second

const (
	// openVariable is the MaxOpen of a node, unless it is the default.
	openVariable = "RPC_TEST_OPEN"
	// callVariable is the address of a node that a node calls, how often, and what, if it
	// is not "hold": "address,number,what". See [callsOf].
	callVariable = "RPC_TEST_CALL"
)

// maxOpen returns what the environment says about the calls of a node.
func maxOpen() int {
	if n, err := strconv.Atoi(os.Getenv(openVariable)); err == nil {
		return n
	}
	return rpc.DefaultMaxOpen
}

// callOthers makes the calls that the environment asks for.
func callOthers(system *actor.ActorSystem) {
	parts := strings.Split(os.Getenv(callVariable), ",")
	if len(parts) < 2 {
		return
	}
	what := "hold"
	if len(parts) > 2 {
		what = parts[2]
	}
	n, _ := strconv.Atoi(parts[1])
	for range n {
		callsOf[what](system, rpc.At(parts[0], "callers/clerk"))
	}
}

// callsOf are calls that a node makes of another one, and does not wait for.
var callsOf = map[string]func(system *actor.ActorSystem, at rpc.Target){
	"hold": func(system *actor.ActorSystem, at rpc.Target) {
		rpc.Call[string, int](context.Background(), system, at, "hold", "x")
	},
	"large argument": func(system *actor.ActorSystem, at rpc.Target) {
		rpc.Call[string, string](context.Background(), system, at, "echo", strings.Repeat("x", 2*megabyte))
	},
	"large result": func(system *actor.ActorSystem, at rpc.Target) {
		rpc.Call[int, string](context.Background(), system, at, "repeat", 2*megabyte)
	},
	"stream": func(system *actor.ActorSystem, at rpc.Target) {
		go func() {
			_, _ = collect(rpc.Stream[int, int](context.Background(), system, at, "flow", 0))
		}()
	},
	"stream that is not read": func(system *actor.ActorSystem, at rpc.Target) {
		go func() {
			rpc.Stream[int, int](context.Background(), system, at, "flow", 0, rpc.Window(2))(func(int, error) bool { select {} })
		}()
	},
}

// held counts the functions that run and wait for the end of their context.
type held struct {
	running atomic.Int64
	causes  chan error
}

// holdCalls starts a caller whose function "hold" waits without its turn.
func holdCalls(t *testing.T, system *actor.ActorSystem) *held {
	h := &held{causes: make(chan error, 10_000)}
	require.NoError(t, rpc.Handle(system, "hold", func(ctx context.Context, _ string) (int, error) {
		h.running.Add(1)
		defer h.running.Add(-1)
		err := actors.Sleep(ctx, time.Hour)
		h.causes <- err
		return 0, err
	}))
	actorstest.Start(t, system, props.Name("clerk"))
	return h
}

func (h *held) await(t *testing.T, n int64, within time.Duration) {
	t.Helper()
	require.Eventually(t, func() bool { return h.running.Load() == n }, within, time.Millisecond)
}

// within returns a context that ends when a silent node must have been found.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func echoAt(ctx context.Context, system *actor.ActorSystem, address string) error {
	_, err := rpc.Call[string, string](ctx, system, rpc.At(address, "callers/clerk"), "echo", "x").Wait(ctx)
	return err
}

func TestSlotsAreFreeAgainAfterConnectionsWereReset(t *testing.T) {
	alone(t, func(t *testing.T) {
		const slots = 100
		node := startNode(t, "127.0.0.1:0", openVariable+"="+strconv.Itoa(slots))
		through := newProxy(t, node.address)
		system := listen(t)
		target := rpc.At(through.address(), "callers/clerk")
		for range 3 {
			var calls []*pending.Pending[int]
			sleep := func() {
				calls = append(calls, rpc.Call[struct{}, int](t.Context(), system, target, "sleep", struct{}{}))
			}
			for range slots {
				sleep()
			}
			for { // until all slots are taken: those of the calls before are free one after the other
				err := echoAt(within(t, detection), system, through.address())
				if err != nil {
					require.ErrorIs(t, err, actors.ErrOverloaded)
					break
				}
				sleep()
			}
			through.reset()
			for _, p := range calls {
				_, err := p.Wait(within(t, detection))
				require.Error(t, err)
				require.NotErrorIs(t, err, context.DeadlineExceeded)
			}
			ctx := within(t, detection)
			for echoAt(ctx, system, through.address()) != nil {
				require.NoError(t, ctx.Err(), "everybody is refused")
				pause(t)
			}
		}
	})
}

func TestANodeThatIsKilledDuringItsFirstCallIsNoticed(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		calls := holdCalls(t, system)
		node := startNode(t, "127.0.0.1:0", callVariable+"="+system.Address()+",3")
		calls.await(t, 3, time.Minute)
		node.kill(t)
		calls.await(t, 0, detection)
		require.ErrorIs(t, <-calls.causes, pending.ErrCancelled)
		require.Eventually(t, func() bool { return rpc.StatsOf(system).Served == 0 }, detection, time.Millisecond)
	})
}

// The node that calls need not be reached by the one that serves.
func TestAnswersNeedNoConnectionOfTheirOwn(t *testing.T) {
	alone(t, func(t *testing.T) {
		node := startNode(t, "127.0.0.1:0")
		system := listen(t, rpc.Advertised(freeAddress(t))) // where nobody listens
		require.NoError(t, echoAt(within(t, detection), system, node.address))
		got, err := collect(rpc.Stream[int, int](within(t, time.Minute), system, node.target, "count", 1000))
		require.NoError(t, err)
		assert.Len(t, got, 1000)
	})
}

func TestAStreamEndsWhenItsConnectionIsReset(t *testing.T) {
	alone(t, func(t *testing.T) {
		node := startNode(t, "127.0.0.1:0")
		through := newProxy(t, node.address)
		system := listen(t)
		ctx := within(t, detection)
		var failed error
		for i, err := range rpc.Stream[int, int](ctx, system, rpc.At(through.address(), "callers/clerk"), "count", 1<<60) {
			if failed = err; i == 1000 {
				through.reset()
			}
		}
		require.ErrorIs(t, failed, rpc.ErrNodeDown)
		require.NoError(t, echoAt(ctx, system, through.address()), "another session is there at once")
	})
}

func TestANodeThatSaysNothingIsFoundOut(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		err := echoAt(within(t, detection), system, silentNode(t))
		require.ErrorIs(t, err, rpc.ErrNodeDown)
		require.NotErrorIs(t, err, rpc.ErrUncertain)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestANodeThatIsFrozenBeforeTheFirstConnectionIsFoundOut(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		node := startNode(t, "127.0.0.1:0")
		require.NoError(t, node.Process.Signal(syscall.SIGSTOP))
		begin := time.Now()
		err := echoAt(t.Context(), system, node.address)
		require.ErrorIs(t, err, rpc.ErrNodeDown)
		require.NotErrorIs(t, err, rpc.ErrUncertain)
		assert.Less(t, time.Since(begin), 17*time.Second)
		require.NoError(t, node.Process.Signal(syscall.SIGCONT))
		require.NoError(t, echoAt(within(t, detection), system, node.address))
	})
}

func TestANodeThatIsBackAtItsAddressIsReachedAtOnce(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		node := startNode(t, "127.0.0.1:0")
		require.NoError(t, echoAt(t.Context(), system, node.address))
		for range 3 {
			node.kill(t)
			for echoAt(t.Context(), system, node.address) == nil {
				pause(t)
			}
			require.ErrorIs(t, echoAt(t.Context(), system, node.address), rpc.ErrNodeDown)
			node = startNode(t, node.address)
			require.NoError(t, echoAt(t.Context(), system, node.address), "the first call after it is back")
		}
	})
}

// A node that is frozen for a moment loses nothing. One that is frozen for longer is found
// out by those who call it, and by those whom it calls.
func TestFrozenNodes(t *testing.T) {
	type frozen struct {
		frozen time.Duration
		lives  bool
	}
	tests := map[string]frozen{"for 5 s": {5 * time.Second, true}, "for 20 s": {detection, false}}
	if *soak > 0 {
		tests["for 60 s"] = frozen{time.Minute, false}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			alone(t, func(t *testing.T) {
				system := listen(t)
				calls := holdCalls(t, system)
				node := startNode(t, "127.0.0.1:0", callVariable+"="+system.Address()+",3")
				calls.await(t, 3, time.Minute)
				mine := rpc.Call[struct{}, int](t.Context(), system, node.target, "sleep", struct{}{})
				require.NoError(t, echoAt(t.Context(), system, node.address))
				require.NoError(t, node.Process.Signal(syscall.SIGSTOP))
				frozen := time.After(test.frozen)
				select {
				case <-mine.Done():
				case <-frozen:
				}
				if test.lives {
					require.NoError(t, node.Process.Signal(syscall.SIGCONT))
					require.NoError(t, echoAt(t.Context(), system, node.address))
					assert.False(t, mine.IsDone())
					assert.EqualValues(t, 3, calls.running.Load())
					mine.Cancel(nil)
					return
				}
				_, err := mine.Result()
				require.ErrorIs(t, err, rpc.ErrNodeDown)
				require.ErrorIs(t, err, rpc.ErrUncertain)
				calls.await(t, 0, detection)
				if test.frozen > detection {
					<-frozen
				}
				require.NoError(t, node.Process.Signal(syscall.SIGCONT))
				require.NoError(t, echoAt(within(t, detection), system, node.address))
			})
		})
	}
}

// A link between two processes that stands still is found out by both sides. See also
// TestALinkThatBreaksInOneDirection.
func TestALinkThatStandsStill(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		calls := holdCalls(t, system)
		through := newProxy(t, system.Address())
		node := startNode(t, "127.0.0.1:0", callVariable+"="+through.address()+",3")
		calls.await(t, 3, time.Minute)
		back := newProxy(t, node.address)
		mine := rpc.Call[struct{}, int](t.Context(), system, rpc.At(back.address(), "callers/clerk"), "sleep", struct{}{})
		require.NoError(t, echoAt(t.Context(), system, back.address()))
		through.stall(forward, backward)
		back.stall(forward, backward)
		calls.await(t, 0, detection)
		_, err := mine.Wait(within(t, detection))
		require.ErrorIs(t, err, rpc.ErrNodeDown)
		back.goOn()
		require.NoError(t, echoAt(within(t, detection), system, back.address()))
	})
}

// A link that is slow or late loses nothing.
func TestALinkThatIsSlow(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		node := startNode(t, "127.0.0.1:0")
		through := newProxy(t, node.address)
		require.NoError(t, echoAt(t.Context(), system, through.address()))
		through.slow(16<<10, 10*time.Millisecond) // 1.6 MB a second
		other := *node
		other.target = rpc.At(through.address(), "callers/clerk")
		large := echoBytes(t.Context(), system, &other, make([]byte, 2*megabyte))
		small := 0
		for !large.IsDone() {
			require.NoError(t, echoAt(t.Context(), system, through.address()))
			small++
		}
		got, err := large.Wait(t.Context())
		require.NoError(t, err)
		assert.Len(t, got.GetValue(), 2*megabyte)
		assert.Greater(t, small, 3, "small calls pass between the pieces of a large one")
	})
}

// Whoever calls, and whenever its connection breaks, every call ends. It has run once if it
// was answered, at most once if not, and never if it says so.
func TestCallsWhileConnectionsAreReset(t *testing.T) {
	alone(t, func(t *testing.T) {
		system, there := listen(t), listen(t)
		var ran ledger
		require.NoError(t, rpc.Handle(there, "note", func(_ context.Context, n int) (int, error) {
			return ran.note(strconv.Itoa(n)), nil
		}))
		actorstest.Start(t, there, props.Name("clerk"))
		through := newProxy(t, there.Address())
		target := rpc.At(through.address(), "callers/clerk")
		failed, uncertain := 0, 0
		const rounds, each = 30, 100
		for round := range rounds {
			var calls []*pending.Pending[int]
			for n := range each {
				if n == each/2 {
					through.reset()
				}
				calls = append(calls, rpc.Call[int, int](t.Context(), system, target, "note", round*each+n))
			}
			for n, p := range calls {
				_, err := p.Wait(within(t, detection))
				runs := ran.of(strconv.Itoa(round*each + n))
				switch {
				case err == nil:
					assert.Equal(t, 1, runs)
				case strings.Contains(err.Error(), rpc.ErrUncertain.Error()):
					uncertain++
					assert.LessOrEqual(t, runs, 1)
				default:
					failed++
					require.ErrorIs(t, err, rpc.ErrNodeDown)
					assert.Zero(t, runs)
				}
			}
		}
		t.Log(rounds*each, "calls:", failed, "have not run,", uncertain, "may have run")
		require.Eventually(t, func() bool { return rpc.StatsOf(there).Served == 0 }, detection, time.Millisecond)
		assert.Zero(t, rpc.StatsOf(system).Open)
	})
}
