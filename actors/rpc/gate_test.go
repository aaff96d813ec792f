package rpc_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// controls are the messages of protobuf that control an actor.
func controls(who *actor.PID) []proto.Message {
	return []proto.Message{
		&actor.Stop{}, &actor.PoisonPill{}, &actor.Terminated{Who: who}, &actor.Terminated{},
		&actor.Watch{Watcher: who}, &actor.Watch{}, &actor.Unwatch{Watcher: who}, &actor.Unwatch{},
	}
}

// It stops the actor that protoactor asks for connections. Then protoactor panics on the
// goroutine of whoever sends something to an address that is new.
func TestOneMessageOfAStrangerDoesNotEndTheProcess(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		meet(t, system.Address(), freeAddress(t)).tell("EndpointSupervisor", &actor.Stop{}, nil)
		assert.NotPanics(t, func() { system.Root.Send(actor.NewPID(freeAddress(t), "x"), wrapperspb.String("x")) })
	})
}

func TestProtoactorsInternalsAreOutOfReach(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		s := meet(t, system.Address(), freeAddress(t))
		for _, id := range []string{"EndpointSupervisor", "activator", "eventstream", "deadletter", "guardian$1", "callers", "callers.rpc"} {
			for _, message := range controls(actor.NewPID(s.claims, "x")) {
				s.tell(id, message, nil)
			}
		}
		_, err := system.Root.RequestFuture(actor.NewPID(system.Address(), "activator"), &remote.Ping{}, -1).Result()
		require.NoError(t, err, "it lives")
		assert.EqualValues(t, 7*8, rpc.StatsOf(system).Denied)
	})
}

func TestCallersAreNotControlledFromOutside(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		clerk := actorstest.Start(t, system, props.Name("clerk"))
		child, err := clerk.Child(props.Name("child"))
		require.NoError(t, err)
		adopted := adopt(t, system, func(actor.Context) {})
		s := meet(t, system.Address(), freeAddress(t))
		for _, c := range []*actors.Caller{clerk, child, adopted} {
			for _, message := range controls(actor.NewPID(s.claims, "x")) {
				s.tell(c.ID(), message, nil)
			}
			_, err := actors.CallSoon(t.Context(), c, func(context.Context) (int, error) { return 1, nil }).Wait(t.Context())
			require.NoError(t, err)
			assert.Equal(t, actors.StateRunning, c.State())
		}
		assert.EqualValues(t, 3*8, rpc.StatsOf(system).Denied)
	})
}

// adopt spawns an actor that is a caller.
func adopt(t *testing.T, system *actor.ActorSystem, receive actor.ReceiveFunc) *actors.Caller {
	as, err := actors.AsCaller()
	require.NoError(t, err)
	pid := system.Root.Spawn(actor.PropsFromFunc(receive, as))
	t.Cleanup(func() { _ = system.Root.StopFuture(pid).Wait() })
	c, ok := actors.Lookup(system, pid.GetId())
	require.True(t, ok)
	return c
}

// Programs may have encodings of their own, which make any message of protoactor's.
func TestMessagesOfOtherEncodingsThatControlCallersAreDenied(t *testing.T) {
	alone(t, func(t *testing.T) {
		remote.RegisterSerializer(anything{})
		system := listen(t)
		clerk := actorstest.Start(t, system, props.Name("clerk"))
		s := meet(t, system.Address(), freeAddress(t))
		for name := range anythingElse {
			message := batchOf(t, clerk.PID(), wrapperspb.String(""), nil)
			message.GetMessageBatch().TypeNames[0] = name
			message.GetMessageBatch().GetEnvelopes()[0].SerializerId = 2
			require.NoError(t, s.send(message))
		}
		_, err := actors.CallSoon(t.Context(), clerk, func(context.Context) (int, error) { return 1, nil }).Wait(t.Context())
		require.NoError(t, err)
		assert.EqualValues(t, len(anythingElse), rpc.StatsOf(system).Denied)
	})
}

// anything is an encoding of the types that are named.
type anything struct{}

var anythingElse = map[string]any{
	"stop": &actor.Stop{}, "restart": &actor.Restart{}, "poison": &actor.PoisonPill{}, "suspend": &actor.SuspendMailbox{},
	"failure":  &actor.Failure{Who: actor.NewPID("nonhost", "callers/clerk"), Reason: "none", RestartStats: actor.NewRestartStatistics()},
	"stopping": &actor.Stopping{}, "envelope": &actor.MessageEnvelope{Message: &actor.PoisonPill{}},
	"batch": parts{&actor.PoisonPill{}}, "connected": &remote.EndpointConnectedEvent{Address: "127.0.0.1:1"}, "nothing": nil,
}

func (anything) Serialize(any) ([]byte, error)                  { return nil, nil }
func (anything) Deserialize(name string, _ []byte) (any, error) { return anythingElse[name], nil }
func (anything) GetTypeName(any) (string, error)                { return "", nil }

type parts []any

func (p parts) GetMessages() []any { return p }

// Between nodes all that protoactor's users are used to works with their own actors.
func TestActorsOfTheProgramAreReachedAsEver(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		node := startNode(t, "127.0.0.1:0")
		echo := actor.NewPID(node.address, "echo")
		answer, err := system.Root.RequestFuture(echo, wrapperspb.String("x"), -1).Result()
		require.NoError(t, err)
		assert.Equal(t, "x", answer.(*wrapperspb.StringValue).GetValue())
		p := actors.Request[*wrapperspb.StringValue](t.Context(), system, echo, wrapperspb.String("y"))
		got, err := p.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "y", got.GetValue())

		ended, adopted := make(chan struct{}), make(chan struct{})
		watch := func(ended chan struct{}) actor.ReceiveFunc {
			return func(ctx actor.Context) {
				switch message := ctx.Message().(type) {
				case *actor.Started:
					ctx.Watch(echo)
				case *wrapperspb.StringValue:
					ctx.Request(echo, message)
				case *actor.Terminated:
					assert.Equal(t, actor.TerminatedReason_Stopped, message.GetWhy())
					close(ended)
				}
			}
		}
		watcher := system.Root.Spawn(actor.PropsFromFunc(watch(ended)))
		defer func() { _ = system.Root.StopFuture(watcher).Wait() }()
		adopt(t, system, watch(adopted))
		require.NoError(t, system.Root.PoisonFuture(echo).Wait())
		<-ended
		<-adopted
		assert.Zero(t, rpc.StatsOf(system).Denied)
	})
}

func TestOnlyWhatIsExposedIsReached(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t, rpc.Expose("open", "open/*", "eventstream"))
		reached := make(chan string, 10)
		spawn := func(name string) {
			pid, err := system.Root.SpawnNamed(actor.PropsFromFunc(func(ctx actor.Context) {
				if _, ok := ctx.Message().(*wrapperspb.StringValue); ok {
					reached <- name
				}
			}), name)
			require.NoError(t, err)
			t.Cleanup(func() { _ = system.Root.StopFuture(pid).Wait() })
		}
		spawn("open")
		spawn("closed")
		events := make(chan any, 10)
		system.EventStream.Subscribe(func(event any) {
			if _, ok := event.(*wrapperspb.StringValue); ok {
				events <- event
			}
		})
		s := meet(t, system.Address(), freeAddress(t))
		s.tell("closed", wrapperspb.String("x"), nil)
		s.tell("closed", &actor.Stop{}, nil)
		s.tell("closed", &actor.PoisonPill{}, nil)
		s.tell("opener", wrapperspb.String("x"), nil)
		assert.EqualValues(t, 4, rpc.StatsOf(system).Denied)
		s.tell("open", wrapperspb.String("x"), nil)
		s.tell("eventstream", wrapperspb.String("x"), nil)
		<-events
		assert.Equal(t, "open", <-reached)
		assert.Empty(t, reached)

		node := startNode(t, "127.0.0.1:0")
		answer, err := system.Root.RequestFuture(actor.NewPID(node.address, "echo"), wrapperspb.String("x"), -1).Result()
		require.NoError(t, err, "answers are no requests")
		assert.Equal(t, "x", answer.(*wrapperspb.StringValue).GetValue())
	})
}

func TestAPatternThatCannotBeUnderstoodIsAnError(t *testing.T) {
	_, err := rpc.Start(actorstest.NewSystem(t), "127.0.0.1:0", rpc.Expose("a", "[b"))
	require.EqualError(t, err, `rpc: Expose: "[b": syntax error in pattern`)
}

// What the stranger sends comes back from an actor that answers, as from inside.
func TestAnswersDoNotGoToInternals(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if m, ok := ctx.Message().(proto.Message); ok && ctx.Sender() != nil {
				ctx.Respond(m)
			}
		}))
		defer func() { _ = system.Root.StopFuture(pid).Wait() }()
		var topologies atomic.Int32
		system.EventStream.Subscribe(func(event any) {
			if _, ok := event.(*cluster.ClusterTopology); ok {
				topologies.Add(1)
			}
		})
		s := meet(t, system.Address(), freeAddress(t))
		for _, own := range []string{"nonhost", system.Address()} {
			for _, id := range []string{"eventstream", "EndpointSupervisor", "activator", "gossip", "deadletter", "guardian$1", ""} {
				s.tell(pid.GetId(), &cluster.ClusterTopology{}, actor.NewPID(own, id))
			}
		}
		s.tell("eventstream", &cluster.ClusterTopology{}, nil)
		_, err := system.Root.RequestFuture(pid, wrapperspb.String("x"), -1).Result()
		require.NoError(t, err)
		assert.Zero(t, topologies.Load())
		assert.EqualValues(t, 15, rpc.StatsOf(system).Denied)
	})
}

// protoactor connects to each address that it is to send something to.
func TestInventedAddressesAreNotConnectedTo(t *testing.T) {
	const invented = 1000
	for name, say := range map[string]func(s *stranger, n int){
		"senders": func(s *stranger, n int) {
			s.tell("answering", wrapperspb.String("x"), actor.NewPID(fmt.Sprintf("127.1.%d.%d:1", n/250, n%250), "x"))
		},
		"senders of dead letters": func(s *stranger, n int) {
			s.tell("nobody", wrapperspb.String("x"), actor.NewPID(fmt.Sprintf("127.1.%d.%d:1", n/250, n%250), "x"))
		},
		"watchers": func(s *stranger, n int) {
			s.claims = fmt.Sprintf("127.1.%d.%d:1", n/250, n%250)
			s.tell("nobody", &actor.Watch{Watcher: actor.NewPID(s.claims, "x")}, nil)
		},
		"watched": func(s *stranger, n int) {
			s.claims = fmt.Sprintf("127.1.%d.%d:1", n/250, n%250)
			s.tell("answering", &actor.Terminated{Who: actor.NewPID(s.claims, "x")}, nil)
		},
		"others' watchers": func(s *stranger, n int) {
			s.tell("nobody", &actor.Watch{Watcher: actor.NewPID(fmt.Sprintf("127.1.%d.%d:1", n/250, n%250), "x")}, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			alone(t, func(t *testing.T) {
				system := listen(t)
				_, err := system.Root.SpawnNamed(actor.PropsFromFunc(echo), "answering")
				require.NoError(t, err)
				defer func() { _ = system.Root.StopFuture(system.NewLocalPID("answering")).Wait() }()
				s := meet(t, system.Address(), freeAddress(t))
				for n := range invented {
					say(s, n)
				}
				assert.NotZero(t, rpc.StatsOf(system).Denied)
				assert.LessOrEqual(t, endpoints(system), 2*256, "two actors for each address that it connects to")
			})
		})
	}
}

// endpoints returns how many actors protoactor has for addresses.
func endpoints(system *actor.ActorSystem) (n int) {
	for _, bucket := range system.ProcessRegistry.LocalPIDs.LocalPIDs {
		for _, id := range bucket.Keys() {
			if strings.HasPrefix(id, "EndpointSupervisor/") {
				n++
			}
		}
	}
	return n
}

// records keeps what is logged.
type records struct {
	slog.Handler
	mu  sync.Mutex
	all []slog.Record
}

func (r *records) Enabled(context.Context, slog.Level) bool { return true }

func (r *records) Handle(_ context.Context, record slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, record)
	return nil
}

// forget drops them.
func (r *records) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = nil
}

// of returns those with a message, as they are.
func (r *records) of(message string) (all []slog.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, record := range r.all {
		if record.Message == message {
			all = append(all, record)
		}
	}
	return all
}

// listenWithRecords is listen with a logger that is read.
func listenWithRecords(t *testing.T, opts ...rpc.Option) (*actor.ActorSystem, *records) {
	r := &records{Handler: slog.DiscardHandler}
	system := actor.NewActorSystem(func(config *actor.Config) {
		config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(r) }
	})
	stop, err := rpc.Start(system, "127.0.0.1:0", opts...)
	require.NoError(t, err)
	t.Cleanup(stop)
	return system, r
}

func TestMalformedBatchesEndTheirStreamWithoutAPanic(t *testing.T) {
	envelope := func(change func(*remote.MessageBatch, *remote.MessageEnvelope)) func(*testing.T) *remote.RemoteMessage {
		return func(t *testing.T) *remote.RemoteMessage {
			message := batchOf(t, actor.NewPID("any", "nobody"), wrapperspb.String("x"), nil)
			change(message.GetMessageBatch(), message.GetMessageBatch().GetEnvelopes()[0])
			return message
		}
	}
	for name, message := range map[string]func(*testing.T) *remote.RemoteMessage{
		"a target too far":      envelope(func(_ *remote.MessageBatch, e *remote.MessageEnvelope) { e.Target = 1 }),
		"a target before all":   envelope(func(_ *remote.MessageBatch, e *remote.MessageEnvelope) { e.Target = -1 }),
		"a type too far":        envelope(func(_ *remote.MessageBatch, e *remote.MessageEnvelope) { e.TypeId = 1 << 30 }),
		"a type before all":     envelope(func(_ *remote.MessageBatch, e *remote.MessageEnvelope) { e.TypeId = -1 << 31 }),
		"a sender too far":      envelope(func(_ *remote.MessageBatch, e *remote.MessageEnvelope) { e.Sender = 1 }),
		"a sender before all":   envelope(func(_ *remote.MessageBatch, e *remote.MessageEnvelope) { e.Sender = -1 << 31 }),
		"no targets":            envelope(func(b *remote.MessageBatch, _ *remote.MessageEnvelope) { b.Targets = nil }),
		"no types":              envelope(func(b *remote.MessageBatch, _ *remote.MessageEnvelope) { b.TypeNames = nil }),
		"nothing":               func(*testing.T) *remote.RemoteMessage { return &remote.RemoteMessage{} },
		"a second introduction": func(*testing.T) *remote.RemoteMessage { return says("127.0.0.1:1") },
		"the answer of the other": func(*testing.T) *remote.RemoteMessage {
			return &remote.RemoteMessage{MessageType: &remote.RemoteMessage_ConnectResponse{}}
		},
		"a million messages": func(*testing.T) *remote.RemoteMessage {
			batch := &remote.MessageBatch{TypeNames: []string{"actor.Touch"}, Targets: []*actor.PID{{Id: "nobody"}}}
			for range 1_000_000 {
				batch.Envelopes = append(batch.Envelopes, &remote.MessageEnvelope{})
			}
			return inBatch(batch)
		},
	} {
		t.Run(name, func(t *testing.T) {
			alone(t, func(t *testing.T) {
				system, logged := listenWithRecords(t)
				err := meet(t, system.Address(), freeAddress(t)).send(message(t))
				assert.Equal(t, codes.InvalidArgument, status.Code(err), err)
				assert.Empty(t, logged.of("rpc: connection cut"), "nothing has panicked")
				assert.EqualValues(t, 1, rpc.StatsOf(system).Denied)
			})
		})
	}
}

// protoactor panics on a message that it cannot decode. Others on its stream are good.
func TestMessagesThatCannotBeDecodedAreLeftOut(t *testing.T) {
	alone(t, func(t *testing.T) {
		system, logged := listenWithRecords(t)
		got := make(chan string, 1)
		pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if s, ok := ctx.Message().(*wrapperspb.StringValue); ok {
				got <- s.GetValue()
			}
		}))
		s := meet(t, system.Address(), freeAddress(t))
		message := batchOf(t, pid, wrapperspb.String("good"), nil)
		batch := message.GetMessageBatch()
		good := batch.GetEnvelopes()[0]
		batch.TypeNames = append(batch.GetTypeNames(), "Unknown", "", "actor.Watch")
		batch.Envelopes = []*remote.MessageEnvelope{
			{TypeId: 1}, {TypeId: 2}, {TypeId: 3, MessageData: []byte{1}}, {SerializerId: 7}, {SerializerId: -1}, good,
		}
		require.NoError(t, s.send(message))
		assert.Equal(t, "good", <-got)
		assert.Empty(t, logged.of("rpc: connection cut"))
		assert.EqualValues(t, 5, rpc.StatsOf(system).Denied)
	})
}

func TestAStreamBeginsWithWhoThePeerIs(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		s := meet(t, system.Address(), freeAddress(t))
		for name, first := range map[string]*remote.RemoteMessage{
			"a batch":    batchOf(t, actor.NewPID("any", "nobody"), wrapperspb.String("x"), nil),
			"no address": says(""),
			"a book":     says(strings.Repeat("x", 1000)),
			"a client": {MessageType: &remote.RemoteMessage_ConnectRequest{ConnectRequest: &remote.ConnectRequest{
				ConnectionType: &remote.ConnectRequest_ClientConnection{ClientConnection: &remote.ClientConnection{SystemId: "x"}},
			}}},
		} {
			stream := s.open()
			require.NoError(t, stream.Send(first))
			_, err := stream.Recv()
			assert.Equal(t, codes.InvalidArgument, status.Code(err), "%s: %v", name, err)
		}
	})
}

func TestDenialsAreLoggedAndCountedWithThePeer(t *testing.T) {
	alone(t, func(t *testing.T) {
		reader := metric.NewManualReader()
		system, logged := listenWithRecords(t, rpc.Telemetry(telemetry.New(
			telemetry.MeterProvider(metric.NewMeterProvider(metric.WithReader(reader))))))
		s := meet(t, system.Address(), freeAddress(t))
		for range 3 {
			s.tell("activator", &actor.Stop{}, nil)
		}
		s.tell("nobody", &actor.Watch{}, nil)

		all := logged.of("rpc: denied")
		require.NotEmpty(t, all)
		attrs := map[string]string{}
		all[0].Attrs(func(a slog.Attr) bool {
			attrs[a.Key] = a.Value.String()
			return true
		})
		assert.Contains(t, attrs["from"], "127.0.0.1:")
		delete(attrs, "from")
		assert.Equal(t, map[string]string{
			"reason": "internal", "detail": "it may not be sent from outside", "peer": s.claims,
			"unlogged": "0", "target": "activator", "message": "actor.Stop",
		}, attrs)

		var collected metricdata.ResourceMetrics
		require.NoError(t, reader.Collect(t.Context(), &collected))
		require.Len(t, collected.ScopeMetrics, 1)
		require.Len(t, collected.ScopeMetrics[0].Metrics, 1)
		assert.Equal(t, "protocaller.rpc.denied", collected.ScopeMetrics[0].Metrics[0].Name)
		counts := map[string]int64{}
		for _, point := range collected.ScopeMetrics[0].Metrics[0].Data.(metricdata.Sum[int64]).DataPoints {
			reason, _ := point.Attributes.Value(telemetry.ReasonKey)
			counts[reason.AsString()] = point.Value
		}
		assert.Equal(t, map[string]int64{"internal": 3, "address": 1}, counts)
	})
}
