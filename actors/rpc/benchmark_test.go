package rpc_test

import (
	"context"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/etcdtest"
)

// BenchmarkAcrossNodes compares a call with a request of protoactor's, to another
// process on this machine, 64 of them in flight.
func BenchmarkAcrossNodes(b *testing.B) {
	ctx := context.Background()
	system := listen(b)
	node := startNode(b, "127.0.0.1:0")
	message := wrapperspb.String("hello")

	b.Run("Call", func(b *testing.B) {
		inFlight(b, func() error {
			_, err := rpc.Call[*wrapperspb.StringValue, *wrapperspb.StringValue](
				ctx, system, node.target, "echo message", message).Wait(ctx)
			return err
		})
	})
	b.Run("RequestFuture", func(b *testing.B) {
		inFlight(b, func() error {
			_, err := system.Root.RequestFuture(actor.NewPID(node.address, "echo"), message, time.Minute).Result()
			return err
		})
	})
}

// BenchmarkItemsAcrossNodes measures an item of a stream from another process on
// this machine.
func BenchmarkItemsAcrossNodes(b *testing.B) {
	system := listen(b)
	node := startNode(b, "127.0.0.1:0")
	for _, window := range []int{1, rpc.DefaultWindow, 256} {
		b.Run("Window="+strconv.Itoa(window), func(b *testing.B) {
			b.ReportAllocs()
			for _, err := range rpc.Stream[int, int](b.Context(), system, node.target, "count", b.N, rpc.Window(window)) {
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPool has functions that take a millisecond called on pools, 64 at a
// time. The clusters have one to three members, each with 4 workers.
func BenchmarkPool(b *testing.B) {
	address := etcdtest.Start(b).Address
	c := driver(b, address)
	ctx, pool := context.Background(), rpc.Pool(c, "worker")
	for n := 1; n <= 3; n++ {
		launch(b, nodeVariable+"=member", etcdNodeVariable+"="+address).listens(b)
		for rpc.Members(c, "worker") < n {
			runtime.Gosched()
		}
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			inFlight(b, func() error {
				_, err := rpc.Call[time.Duration, visit](ctx, c.ActorSystem, pool, "nap", time.Millisecond).Wait(ctx)
				return err
			})
		})
	}
}

// inFlight has 64 goroutines do the same again and again.
func inFlight(b *testing.B, do func() error) {
	b.ReportAllocs()
	b.SetParallelism(max(1, 64/runtime.GOMAXPROCS(0)))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := do(); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
