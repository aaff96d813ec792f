package rpc_test

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// target is a live node that strangers send anything to.
type target struct {
	*actor.ActorSystem
	logged *records
	clerk  *actors.Caller
	conn   *grpc.ClientConn
	claims string
}

// newTarget starts a node, by whatever start does.
func newTarget(tb testing.TB, start func(*actor.ActorSystem)) *target {
	n := &target{logged: &records{Handler: slog.DiscardHandler}, claims: freeAddress(tb)}
	n.ActorSystem = actor.NewActorSystem(func(config *actor.Config) {
		config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(n.logged) }
	})
	require.NoError(tb, register(n.ActorSystem))
	start(n.ActorSystem)
	var err error
	n.clerk, err = actors.Start(n.ActorSystem, props.Name("clerk"))
	require.NoError(tb, err)
	n.conn, err = grpc.NewClient(n.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(tb, err)
	tb.Cleanup(func() {
		assert.NoError(tb, n.conn.Close())
		assert.NoError(tb, n.clerk.StopWait(context.Background()))
	})
	return n
}

// get has the node receive data as one message of protoactor's remote, and returns when it
// has dealt with it.
func (n *target) get(tb testing.TB, data []byte) {
	stream, err := receive(tb.Context(), n.conn)
	require.NoError(tb, err)
	_ = stream.Send(says(n.claims))
	var message emptypb.Empty
	message.ProtoReflect().SetUnknown(data)
	_ = stream.SendMsg(&message)
	_ = stream.CloseSend()
	for err == nil {
		_, err = stream.Recv()
	}
	require.Contains(tb, []codes.Code{codes.OK, codes.InvalidArgument, codes.Internal, codes.Unknown}, status.Code(ended(err)), err)
}

// ended returns the error of a stream, nil for its ordinary end.
func ended(err error) error {
	if err == io.EOF { //nolint:errorlint // It is not wrapped.
		return nil
	}
	return err
}

// lives checks that the node is as before.
func (n *target) lives(tb testing.TB) {
	tb.Helper()
	require.Empty(tb, n.logged.of("rpc: connection cut"), "nothing has panicked")
	_, err := actors.CallSoon(tb.Context(), n.clerk, func(context.Context) (int, error) { return 0, nil }).Wait(tb.Context())
	require.NoError(tb, err)
	_, err = n.Root.RequestFuture(actor.NewPID(n.Address(), "activator"), &remote.Ping{}, -1).Result()
	require.NoError(tb, err)
	require.NotPanics(tb, func() { n.Root.Send(actor.NewPID("127.0.0.1:1", "x"), wrapperspb.String("x")) })
	require.LessOrEqual(tb, endpoints(n.ActorSystem), 2*256)
	n.logged.forget()
}

// batches are what the inputs are made of.
func batches(tb testing.TB) (all [][]byte) {
	peer := actor.NewPID("127.0.0.1:1", "x")
	for _, id := range []string{
		"callers.rpc", "callers/clerk", "callers", "activator", "eventstream", "EndpointSupervisor", "gossip",
		"partition-activator", "$pubsub-delivery", "future$1", "guardian$1", "nobody",
	} {
		for _, m := range append(controls(peer),
			&remote.ActorPidRequest{Name: "x", Kind: "y"}, &cluster.GossipRequest{}, &cluster.ActivationRequest{},
			&cluster.ClusterTopology{Members: []*cluster.Member{{Host: "127.0.0.1", Port: 1, Id: "x"}}},
			&cluster.PubSubAutoRespondBatchTransport{TypeNames: []string{"actor.PoisonPill"}, Envelopes: []*cluster.PubSubEnvelope{{}}},
			&cluster.DeliverBatchRequestTransport{}, &actor.Touch{}, &actor.DeadLetterResponse{}, wrapperspb.String("x"),
		) {
			for _, sender := range []*actor.PID{nil, peer} {
				message := batchOf(tb, &actor.PID{Id: id, RequestId: 1}, m, sender)
				data, err := proto.Marshal(message)
				require.NoError(tb, err)
				all = append(all, data)
			}
		}
	}
	return all
}

// FuzzBatches has a live node receive what may be a batch.
func FuzzBatches(f *testing.F) {
	for _, data := range batches(f) {
		f.Add(data)
	}
	n := newTarget(f, func(system *actor.ActorSystem) {
		stop, err := rpc.Start(system, "127.0.0.1:0")
		require.NoError(f, err)
		f.Cleanup(stop)
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		n.get(t, data)
		n.lives(t)
	})
}

func TestRandomBatchesDoNoHarm(t *testing.T) {
	for name, test := range map[string]struct {
		inputs int // fewer where the gate waits for the cluster to name the peer
		start  func(*testing.T, *actor.ActorSystem)
	}{
		"a node": {4000, func(t *testing.T, system *actor.ActorSystem) {
			stop, err := rpc.Start(system, "127.0.0.1:0")
			require.NoError(t, err)
			t.Cleanup(stop)
		}},
		"a member": {700, func(t *testing.T, system *actor.ActorSystem) {
			join(t, system, kindOf(t, system, "cart", newCart))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			alone(t, func(t *testing.T) {
				seed := rand.Uint64()
				t.Logf("seed %d", seed)
				random := rand.New(rand.NewPCG(seed, 0))
				n := newTarget(t, func(system *actor.ActorSystem) { test.start(t, system) })
				valid := batches(t)
				for i := range test.inputs {
					data := slices.Clone(valid[i%len(valid)])
					for range random.IntN(4) {
						at, b := random.IntN(len(data)), byte(random.IntN(256)) //nolint:gosec // It fits.
						switch random.IntN(4) {
						case 0:
							data = slices.Delete(data, at, at+1)
						case 1:
							data = slices.Insert(data, at, b)
						default:
							data[at] = b
						}
					}
					n.get(t, data)
					if i%100 == 0 {
						n.lives(t)
					}
				}
				n.lives(t)
				assert.Greater(t, rpc.StatsOf(n.ActorSystem).Denied, uint64(test.inputs/4))
			})
		})
	}
}
