package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

const (
	// inFlight is how many calls are under way at a time. callsOfEach is how many
	// calls each of those who call makes one after the other.
	inFlight, callsOfEach = 64, 16
	callsAcross           = inFlight * callsOfEach
)

// nodes are two of them: this process, and one that it has started. protoactor's
// remote may be started once in a process.
type nodes struct {
	system  *actor.ActorSystem
	address string           // of the other one
	plain   *grpc.ClientConn // to a service of gRPC's that it serves besides
}

var twoNodes = sync.OnceValue(func() nodes {
	n := nodes{system: newSystem()}
	stop := must(rpc.Start(n.system, "127.0.0.1:0"))
	cmd := exec.Command(must(os.Executable()), nodeFlag)
	input := must(cmd.StdinPipe()) // whose end, also with this process, is that of the other one
	output := must(cmd.StdoutPipe())
	check(cmd.Start())
	lines := bufio.NewReader(output)
	n.address = strings.TrimSpace(must(lines.ReadString('\n')))
	n.plain = must(grpc.NewClient("passthrough:///"+strings.TrimSpace(must(lines.ReadString('\n'))),
		grpc.WithTransportCredentials(insecure.NewCredentials())))
	endNodes = func() {
		_ = n.plain.Close()
		stop()
		_ = input.Close()
		_ = cmd.Wait()
	}
	return n
})

// nodeFlag has the program be the other node.
const nodeFlag = "-node"

// endNodes ends them, if there are any.
var endNodes = func() {}

// serve is the other node, until its standard input ends.
func serve(w io.Writer) error {
	system := newSystem()
	must(rpc.Start(system, "127.0.0.1:0"))
	check(rpc.Handle(system, "echo", func(_ context.Context, b *wrapperspb.BytesValue) (*wrapperspb.BytesValue, error) {
		return b, nil
	}))
	check(rpc.Handle(system, "hold", func(ctx context.Context, _ *wrapperspb.BytesValue) (*wrapperspb.BytesValue, error) {
		return nil, actors.Sleep(ctx, time.Hour)
	}))
	must(actors.Start(system, props.Name("clerk")))
	must(system.Root.SpawnNamed(actor.PropsFromFunc(func(ctx actor.Context) {
		if b, ok := ctx.Message().(*wrapperspb.BytesValue); ok {
			ctx.Respond(b)
		}
	}), "echo"))
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	plain := grpc.NewServer()
	plain.RegisterService(&echoService, struct{}{})
	go func() { _ = plain.Serve(listener) }()
	fmt.Fprintln(w, system.Address())
	fmt.Fprintln(w, listener.Addr())
	_, err := io.Copy(io.Discard, os.Stdin)
	plain.Stop()
	return err
}

// echoService is a unary method of gRPC's, as generated code would have it.
var echoService = grpc.ServiceDesc{
	ServiceName: "benchmarks.Echo", HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Echo", Handler: func(
		_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor,
	) (any, error) {
		b := new(wrapperspb.BytesValue)
		return b, decode(b)
	}}},
}

// way is one of those in which bytes go to the other node and back.
type way func(n nodes, b *wrapperspb.BytesValue)

func byCall(n nodes, b *wrapperspb.BytesValue) {
	ctx := context.Background()
	must(rpc.Call[*wrapperspb.BytesValue, *wrapperspb.BytesValue](ctx, n.system, rpc.At(n.address, "callers/clerk"), "echo", b).Wait(ctx))
}

func byRequest(n nodes, b *wrapperspb.BytesValue) {
	must(n.system.Root.RequestFuture(actor.NewPID(n.address, "echo"), b, time.Minute).Result())
}

func byGRPC(n nodes, b *wrapperspb.BytesValue) {
	check(n.plain.Invoke(context.Background(), "/benchmarks.Echo/Echo", b, new(wrapperspb.BytesValue)))
}

const (
	smallSize = 100
	largeSize = 1 << 20
)

// across makes small calls, inFlight of them at a time.
func (w way) across(b *testing.B) {
	n, small := twoNodes(), wrapperspb.Bytes(make([]byte, smallSize))
	for b.Loop() {
		var all sync.WaitGroup
		for range inFlight {
			all.Go(func() {
				for range callsOfEach {
					w(n, small)
				}
			})
		}
		all.Wait()
	}
}

// latency measures what share of the calls takes no longer: calls of that size, so many at
// a time.
func (w way) latency(share float64, size, atOnce int) func() measurement {
	return func() measurement {
		n, data := twoNodes(), wrapperspb.Bytes(make([]byte, size))
		w(n, data)
		all := make([][]float64, atOnce)
		var calls sync.WaitGroup
		end := time.Now().Add(latencyTime)
		for i := range all {
			calls.Go(func() {
				for time.Now().Before(end) {
					begin := time.Now()
					w(n, data)
					all[i] = append(all[i], float64(time.Since(begin)))
				}
			})
		}
		calls.Wait()
		return measurement{nanoseconds: quantile(slices.Concat(all...), share)}
	}
}

// besideLarge measures what share of small calls takes no longer, while large ones run
// between the same nodes.
func (w way) besideLarge(share float64) func() measurement {
	return func() measurement {
		n, large := twoNodes(), wrapperspb.Bytes(make([]byte, largeSize))
		w(n, large)
		var done atomic.Bool
		var all sync.WaitGroup
		for range largeBeside {
			all.Go(func() {
				for !done.Load() {
					w(n, large)
				}
			})
		}
		m := w.latency(share, smallSize, 1)()
		done.Store(true)
		all.Wait()
		return m
	}
}

const (
	// latencyTime is for how long calls are made one after the other.
	latencyTime = 300 * time.Millisecond
	// largeBeside is how many large calls are under way beside small ones.
	largeBeside = 2
)

// quantile returns the value that so large a share is no larger than.
func quantile(values []float64, share float64) float64 {
	slices.Sort(values)
	return values[min(int(share*float64(len(values))), len(values)-1)]
}

// openCalls measures what a call needs on this side that the other node has not answered.
func openCalls(n int) func(b *testing.B) {
	return func(b *testing.B) {
		nodes, small := twoNodes(), wrapperspb.Bytes(make([]byte, smallSize))
		byCall(nodes, small)
		target := rpc.At(nodes.address, "callers/clerk")
		var grown float64
		for b.Loop() {
			ctx := context.Background()
			calls := make([]*pending.Pending[*wrapperspb.BytesValue], n)
			before := heap()
			for i := range calls {
				calls[i] = rpc.Call[*wrapperspb.BytesValue, *wrapperspb.BytesValue](ctx, nodes.system, target, "hold", small)
			}
			byCall(nodes, small) // comes after them
			grown += heap() - before
			for _, p := range calls {
				p.Cancel(nil)
			}
		}
		b.ReportMetric(grown/float64(b.N*n), heapUnit)
	}
}

// acrossFigures compares calls of another process with protoactor's, and with plain gRPC.
func acrossFigures() []figure {
	ofCalls := func(name string, w way) side { return side{name: name, per: callsAcross, run: w.across} }
	p50 := func(name string, w way, size, atOnce int) side {
		return side{name: name, per: 1, run: w.across, measured: w.latency(0.5, size, atOnce)}
	}
	p99 := func(name string, w way) side {
		return side{name: name, per: 1, run: w.across, measured: w.besideLarge(0.99)}
	}
	ours := ofCalls("`rpc.Call` of another process, 100 B, 64 in flight", byCall)
	figures := []figure{{
		number: 25, ours: ours, theirs: ofCalls("protoactor remote `RequestFuture`", byRequest), bar: bar{faster: 1.4},
		note: "allocations are those of the process that calls.",
	}, {
		number: 25, ours: ours, theirs: ofCalls("grpc-go, unary", byGRPC), bar: bar{faster: 3},
	}, {
		number: 26, ours: p50("`rpc.Call`, 100 B, 1 in flight, p50", byCall, smallSize, 1),
		theirs: p50("`RequestFuture`", byRequest, smallSize, 1), bar: bar{atMost: 0.8},
	}}
	for _, atOnce := range []int{1, 8} {
		ours := p50(fmt.Sprintf("`rpc.Call`, 1 MB, %d in flight, p50", atOnce), byCall, largeSize, atOnce)
		figures = append(figures,
			figure{number: 27, ours: ours, theirs: p50("`RequestFuture`", byRequest, largeSize, atOnce), bar: bar{atMost: 1}},
			figure{number: 27, ours: ours, theirs: p50("grpc-go, unary", byGRPC, largeSize, atOnce), bar: bar{atMost: 1.2}})
	}
	return append(figures, figure{
		number: 28, ours: side{name: "heap of an open `rpc.Call`, 100 B", per: openAcross, run: openCalls(openAcross)}, bar: bar{bytes: 700},
	}, figure{
		number: 30, ours: p99(fmt.Sprintf("`rpc.Call`, 100 B, p99, while %d of 1 MB run", largeBeside), byCall),
		theirs: p99("grpc-go, unary, on one connection", byGRPC), bar: bar{atMost: 1},
	})
}

// openAcross is how many calls are open at a time.
const openAcross = 5000
