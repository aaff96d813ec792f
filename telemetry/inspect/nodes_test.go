package inspect_test

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry/inspect"
)

// nodes are systems that a network joins. Each has a caller "clerk" that keeps its turn while
// it waits, and functions that call those of others.
type nodes struct {
	*actorstest.Network
	ctx     context.Context
	systems []*actor.ActorSystem
	clerks  []*actors.Caller
}

// amongNodes runs a test with nodes of these names, in a bubble.
func amongNodes(t *testing.T, test func(t *testing.T, n *nodes), names ...string) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		n := &nodes{Network: actorstest.NewNetwork(t), ctx: ctx}
		for _, name := range names {
			n.add(t, name)
		}
		test(t, n)
		cancel()
		synctest.Wait()
	})
}

// add adds a node.
func (n *nodes) add(t testing.TB, name string) *actor.ActorSystem {
	t.Helper()
	system := n.System(name)
	n.systems = append(n.systems, system)
	n.clerks = append(n.clerks, actorstest.Start(t, system, props.Name("clerk"), props.NonReentrant()))
	require.NoError(t, rpc.Inspectable(system))
	require.NoError(t, rpc.Handle(system, "forward", func(ctx context.Context, path []string) (int, error) {
		return n.forward(ctx, system, path)
	}))
	require.NoError(t, rpc.HandleStream(system, "count", func(context.Context, int) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for i := 0; yield(i, nil); i++ { //nolint:revive // The condition does it.
			}
		}
	}))
	return system
}

// forward calls the first node of a path, which calls the second, and so on.
func (*nodes) forward(ctx context.Context, from *actor.ActorSystem, path []string) (int, error) {
	if len(path) == 0 {
		return 0, actors.Sleep(ctx, time.Hour)
	}
	target := rpc.At(path[0], "callers/clerk")
	return rpc.Call[[]string, int](ctx, from, target, "forward", path[1:]).Wait(ctx)
}

// meet has the first node call others, so that it knows them.
func (n *nodes) meet(t testing.TB, addresses ...string) {
	t.Helper()
	for _, address := range addresses {
		_, err := rpc.Call[int, int](n.ctx, n.systems[0], rpc.At(address, "callers/clerk"), "nothing", 1).Wait(n.ctx)
		require.ErrorIs(t, err, rpc.ErrUnknownFunction)
	}
}

// begin has the clerk of the first node begin a path. It returns when all has come to rest.
func (n *nodes) begin(path ...string) *pending.Pending[int] {
	p := actors.Schedule(n.ctx, n.clerks[0], func(ctx context.Context) (int, error) {
		return n.forward(ctx, n.systems[0], path)
	}, actors.Named("begin"))
	synctest.Wait()
	return p
}

func TestACircleAcrossNodesIsFound(t *testing.T) {
	for name, path := range map[string][]string{
		"two nodes":   {"b", "a"},
		"three nodes": {"b", "c", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			amongNodes(t, func(t *testing.T, n *nodes) {
				n.meet(t, "b", "c") // as in a cluster
				first := n.begin(path...)
				s := take(t, n.systems[0], inspect.Nodes())
				require.Len(t, s.Across, 1, s.String())
				var names []string
				for _, step := range s.Across[0] {
					names = append(names, step.String())
				}
				want := []string{"begin on callers/clerk of a", "forward on callers/clerk of a"}
				for _, node := range path[:len(path)-1] {
					want = append(want, "forward on callers/clerk of "+node)
				}
				assert.ElementsMatch(t, want, names)
				assert.Contains(t, s.String(), "circle across nodes: ")

				page := get(inspect.Handler(n.systems[0]), "/nodes").Body.String()
				assert.Contains(t, page, "Circles across nodes")
				assert.Contains(t, page, `<a href="nodes/b/call?id=`)
				assert.Contains(t, page, `class="circle"`)
				first.Cancel(nil)
			}, "a", "b", "c")
		})
	}
}

// A wait for several calls to other nodes needs each of them.
func TestWaitsForSeveralCallsCrossNodes(t *testing.T) {
	for name, wait := range map[string]func(ctx context.Context, b, c *pending.Pending[int]) error{
		"all": func(ctx context.Context, b, c *pending.Pending[int]) error {
			_, _, err := pending.WaitAll(ctx, []*pending.Pending[int]{b, c}, pending.AllCompleted())
			return err
		},
		"as completed": func(ctx context.Context, b, c *pending.Pending[int]) error {
			for _, err := range pending.AsCompletedOf(ctx, []*pending.Pending[int]{b, c}) {
				if err != nil {
					return err
				}
			}
			return nil
		},
		"then": func(ctx context.Context, b, c *pending.Pending[int]) error {
			_, err := pending.Then(b, func(n int) (int, error) { return n, nil }).Wait(ctx)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			amongNodes(t, func(t *testing.T, n *nodes) {
				n.meet(t, "b", "c")
				first := actors.Schedule(n.ctx, n.clerks[0], actors.NoResult(func(ctx context.Context) error {
					call := func(node string) *pending.Pending[int] {
						return rpc.Call[[]string, int](ctx, n.systems[0], rpc.At(node, "callers/clerk"), "forward", []string{"a"})
					}
					return wait(ctx, call("b"), call("c"))
				}), actors.Named("begin"))
				synctest.Wait()
				s := take(t, n.systems[0], inspect.Nodes())
				require.NotEmpty(t, s.Across, s.String())
				assert.Contains(t, s.String(), "forward on callers/clerk of b")
				first.Cancel(nil)
			}, "a", "b", "c")
		})
	}
}

func TestAChainAcrossNodesIsNoCircle(t *testing.T) {
	amongNodes(t, func(t *testing.T, n *nodes) {
		first := n.begin("b", "c")
		s := take(t, n.systems[0], inspect.Nodes())
		assert.Empty(t, s.Across)
		require.Len(t, s.Nodes, 1, "a does not call c")
		require.Len(t, s.Node.Calls, 1)
		call := s.Node.Calls[0]
		assert.Equal(t, inspect.NodeCall{
			Out: true, Peer: "b", Incarnation: call.Incarnation, Number: 1, Function: "forward", Target: "callers/clerk",
			Call: call.Call, Maker: first.ID(), State: "open",
		}, call)
		b := s.Nodes[0].Snapshot
		require.NotNil(t, b, s.String())
		assert.Equal(t, &inspect.Maker{Node: "a"}, b.Caller("callers/clerk").Running.MadeBy)
		require.Len(t, b.Node.Calls, 2)
		assert.Equal(t, []uint64{call.Call}, s.Caller("callers/clerk").Running.WaitsFor.Promises)
		page := get(inspect.Handler(n.systems[0]), "/nodes").Body.String()
		assert.NotContains(t, page, `class="circle"`)
		assert.Contains(t, page, "forward on callers/clerk on c", "what c runs is known by its name")
		first.Cancel(nil)
	}, "a", "b", "c")
}

// A loop that waits for a stream needs its function, which may wait for the loop.
func TestWaitsOfStreamsCrossNodes(t *testing.T) {
	amongNodes(t, func(t *testing.T, n *nodes) {
		gate := pending.New[int](n.ctx, pending.Named("gate"))
		p := actors.Schedule(n.ctx, n.clerks[0], actors.NoResult(func(ctx context.Context) error {
			for _, err := range rpc.Stream[int, int](ctx, n.systems[0], rpc.At("b", "callers/clerk"), "count", 0, rpc.Window(4)) {
				if err != nil {
					return err
				}
				if _, err := gate.Wait(ctx); err != nil {
					return err
				}
			}
			return nil
		}), actors.Named("loop"))
		synctest.Wait()
		s := take(t, n.systems[0], inspect.Nodes())
		require.Len(t, s.Node.Calls, 1)
		assert.Equal(t, &inspect.Stream{Items: 4, Granted: 4}, s.Node.Calls[0].Stream)
		there := s.Nodes[0].Snapshot.Node.Calls
		require.Len(t, there, 1)
		assert.NotZero(t, there[0].Stream.Promise)
		assert.Equal(t, uint64(4), there[0].Stream.Items)
		assert.Equal(t, p.ID(), s.Node.Calls[0].Maker)
		page := get(inspect.Handler(n.systems[0]), "/nodes").Body.String()
		assert.Contains(t, page, "loop on callers/clerk on a", "the function waits for the loop")
		p.Cancel(nil)
	}, "a", "b")
}

func TestNodesThatDoNotAnswerAreShownAsWhatTheyAre(t *testing.T) {
	amongNodes(t, func(t *testing.T, n *nodes) {
		a := n.systems[0]
		hidden := n.System("hidden")
		actorstest.Start(t, hidden, props.Name("clerk"))
		require.NoError(t, rpc.Configure(hidden))
		denies := n.add(t, "denies")
		require.NoError(t, rpc.Configure(denies, rpc.Authorize(func(in rpc.Incoming) bool {
			if in.Function == "rpc.Inspectable" {
				assert.Equal(t, rpc.Incoming{Peer: "a", Function: "rpc.Inspectable"}, in)
			}
			return in.Function != "rpc.Inspectable"
		})))
		n.meet(t, "b", "hidden", "denies", "silent")
		n.Partition("a", "silent")
		begin := time.Now()
		s := take(t, a, inspect.Nodes())
		assert.Equal(t, time.Second, time.Since(begin))
		states := make(map[string]string)
		for _, one := range s.Nodes {
			states[one.Address] = one.State
			assert.Equal(t, one.State == "answers", one.Snapshot != nil)
			assert.Equal(t, one.State != "answers", one.Error != "")
		}
		assert.Equal(t, map[string]string{"b": "answers", "hidden": "hidden", "denies": "denied", "silent": "silent"}, states)

		h := inspect.Handler(a)
		assert.Equal(t, http.StatusOK, get(h, "/nodes").Code)
		assert.Equal(t, http.StatusOK, get(h, "/nodes/b/").Code)
		assert.Equal(t, http.StatusServiceUnavailable, get(h, "/nodes/silent/").Code)
		assert.Equal(t, http.StatusNotFound, get(h, "/nodes/10.0.0.1:22/").Code, "it is no node that the system knows")
		n.Heal("a", "silent")
	}, "a", "b", "silent")
}

func TestEachPageOfAnotherNodeOnlyReads(t *testing.T) {
	amongNodes(t, func(t *testing.T, n *nodes) {
		first := n.begin("b")
		h := inspect.Handler(n.systems[0], inspect.AllowActions())
		s := take(t, n.systems[0], inspect.Nodes()).Nodes[0].Snapshot
		for _, page := range []string{
			"", "tree", "waits", "slow", "node", "caller?id=callers/clerk", "call?id=" + itoa(s.Caller("callers/clerk").Running.ID),
			"snapshot.json", "snapshot.txt", "waits.svg", "style.css", "live.js", "icon.svg",
		} {
			w := get(h, "/nodes/b/"+page)
			assert.Equal(t, http.StatusOK, w.Code, page+w.Body.String())
			assert.NotContains(t, w.Body.String(), "<button class=\"danger\">", page)
		}
		for _, page := range []string{"stacks", "nodes", "nodes/a/", "cancel", "stop", "x"} {
			assert.Equal(t, http.StatusNotFound, get(h, "/nodes/b/"+page).Code, page)
		}
		for _, page := range []string{"cancel", "stop", ""} {
			w := post(h, "/nodes/b/"+page)
			assert.GreaterOrEqual(t, w.Code, http.StatusBadRequest, page)
		}
		assert.False(t, first.IsDone())
		first.Cancel(nil)
	}, "a", "b")
}

func TestFiltersAreThoseOfTheOtherNode(t *testing.T) {
	amongNodes(t, func(t *testing.T, n *nodes) {
		for range 20 {
			_, err := actors.Start(n.systems[1])
			require.NoError(t, err)
		}
		first := n.begin("b")
		s := take(t, n.systems[0], inspect.Nodes(), inspect.Names("cl*"))
		require.Len(t, s.Nodes[0].Snapshot.Callers, 1)
		s = take(t, n.systems[0], inspect.Nodes(), inspect.Limit(3))
		other := s.Nodes[0].Snapshot
		assert.Len(t, other.Callers, 3)
		assert.Equal(t, 18, other.Omitted)
		assert.NotNil(t, other.Caller("callers/clerk"), "it does something")
		first.Cancel(nil)
		require.NoError(t, actors.Shutdown(n.ctx, n.systems[1]))
	}, "a", "b")
}

func TestANodeWithoutCallersIsInspectable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := actorstest.NewNetwork(t)
		a, b := network.System("a"), network.System("b")
		require.NoError(t, rpc.Inspectable(b))
		require.Error(t, rpc.Inspectable(b), "the name is taken")
		_, err := rpc.Call[int, int](t.Context(), a, rpc.At("b", "x"), "f", 1).Wait(t.Context())
		require.Error(t, err)
		s := take(t, a, inspect.Nodes())
		require.Len(t, s.Nodes, 1)
		require.Equal(t, "answers", s.Nodes[0].State, s.Nodes[0].Error)
		assert.Empty(t, s.Nodes[0].Snapshot.Callers)
		for _, caller := range []string{"", "x"} { // the function is for no caller, and not for programs
			_, err := rpc.Call[int, int](t.Context(), b, rpc.At("", caller), "rpc.Inspectable", 1).Wait(t.Context())
			require.ErrorIs(t, err, rpc.ErrUnknownFunction)
			_, err = rpc.Call[int, int](t.Context(), a, rpc.At("b", caller), "rpc.Inspectable", 1).Wait(t.Context())
			require.Error(t, err)
		}
		assert.Nil(t, take(t, newSystem(), inspect.Nodes()).Node, "a system without other nodes")
		assert.Equal(t, http.StatusNotFound, get(inspect.Handler(newSystem()), "/nodes").Code)
		assert.Equal(t, http.StatusNotFound, get(inspect.Handler(newSystem()), "/node").Code)
	})
}

func TestTakeOfNodesEndsWithItsContext(t *testing.T) {
	amongNodes(t, func(t *testing.T, n *nodes) {
		first := n.begin("b")
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(errors.New("enough"))
		_, err := inspect.Take(ctx, n.systems[0], inspect.Nodes())
		require.ErrorContains(t, err, "enough")
		first.Cancel(nil)
	}, "a", "b")
}
