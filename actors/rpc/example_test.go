package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/props"
)

func ExampleHandle() {
	ctx := context.Background()
	system := actor.NewActorSystem(quiet)
	shop, _ := actors.Start(system, props.Name("shop"))
	defer shop.Stop()

	stock := map[string]int{"tea": 1} // touched by the shop's functions alone
	_ = rpc.Handle(system, "take", func(_ context.Context, item string) (int, error) {
		if stock[item] == 0 {
			return 0, errSoldOut
		}
		stock[item]--
		return stock[item], nil
	})

	target := rpc.At(system.Address(), shop.ID()) // in the same process: no wire
	for range 2 {
		fmt.Println(rpc.Call[string, int](ctx, system, target, "take", "tea").Wait(ctx))
	}
	// Output:
	// 0 <nil>
	// 0 sold out
}

// The function runs no further ahead than the loop lets it, and ends when that is
// left.
func ExampleStream() {
	ctx := context.Background()
	system := actor.NewActorSystem(quiet)
	shop, _ := actors.Start(system, props.Name("shop"))
	defer shop.Stop()

	_ = rpc.HandleStream(system, "multiples", func(_ context.Context, of int) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for n := of; yield(n, nil); {
				n += of
			}
		}
	})

	target := rpc.At(system.Address(), shop.ID())
	for n, err := range rpc.Stream[int, int](ctx, system, target, "multiples", 7, rpc.Window(4)) {
		if err != nil || n > 30 {
			break
		}
		fmt.Println(n)
	}
	// Output:
	// 7
	// 14
	// 21
	// 28
}

// A call that crosses the wire is written like any other. Errors that both nodes
// have registered keep their identity.
func ExampleStart() {
	ctx := context.Background()
	system := actor.NewActorSystem(quiet)
	stop, err := rpc.Start(system, "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()
	shop, _ := actors.Start(system, props.Name("shop"))
	defer shop.Stop()
	_ = rpc.RegisterError(system, "shop.sold_out", errSoldOut)
	_ = rpc.Handle(system, "take", func(_ context.Context, item string) (string, error) {
		return "", fmt.Errorf("%s: %w", item, errSoldOut)
	})

	// By another name the node is another one, as far as it can see.
	_, port, _ := net.SplitHostPort(system.Address())
	_, err = rpc.Call[string, string](ctx, system, rpc.At("localhost:"+port, "callers/shop"), "take", "tea").Wait(ctx)
	fmt.Println(errors.Is(err, errSoldOut), strings.HasSuffix(err.Error(), ": tea: sold out"))
	// Output: true true
}

// The order is sold once, however often it is sent: by the attempts of one call, or
// by somebody who does not know what has become of the first one.
func ExampleIdempotent() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	system := actor.NewActorSystem(quiet)
	shop, _ := actors.Start(system, props.Name("shop"))
	defer shop.Stop()

	stock := 5
	_ = rpc.Handle(system, "sell", func(ctx context.Context, n int) (string, error) {
		stock -= n
		key, _ := rpc.Key(ctx)
		return fmt.Sprintf("%s: %d left", key, stock), nil
	})

	target := rpc.At(system.Address(), shop.ID())
	for range 2 {
		p := rpc.Call[int, string](ctx, system, target, "sell", 2, rpc.Idempotent("order 7"))
		fmt.Println(p.Wait(ctx))
	}
	// Output:
	// order 7: 3 left <nil>
	// order 7: 3 left <nil>
}

func quiet(config *actor.Config) {
	config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
}
